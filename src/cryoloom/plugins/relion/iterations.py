"""RELION's iterative jobs: how far they are, and how they go on from their last whole iteration."""

import re
from collections.abc import Sequence
from typing import Any

from cryoloom.plugins.relion.options.compute import disc_args, gpu_args
from cryoloom.plugins.relion.options.running import call
from cryoloom.protocol import Command, JobFolder, Progress

_MODEL = re.compile(r"run(?:_ct\d+)?_it(\d{3})_(?:half1_)?model\.star$")
_RESOLUTION = re.compile(r"Auto-refine: Resolution= ([\d.]+)")


def progress(job: JobFolder, of: int | None = None) -> Progress | None:
    """The newest iteration, and for an auto-refinement the resolution so far."""
    numbers = [
        int(match.group(1))
        for path in job.path.glob("run*_model.star")
        if (match := _MODEL.search(path.name))
    ]
    if not numbers:
        return None
    newest = max(numbers)
    return Progress(done=newest, of=of, iteration=newest, text=_resolution_text(job) if of is None else "")


def resumed(
    protocol: Any,
    job: JobFolder,
    found: Sequence[int],
    more: Sequence[str],
    *,
    program: str = "relion_refine",
) -> Command | None:
    """`--continue` from the last whole iteration, with only the options that RELION reads again."""
    if not found:
        return None
    optimiser = job.file(f"run_it{max(found):03d}_optimiser.star")
    args = ["--continue", optimiser, "--o", job.file("run"), *disc_args(protocol), *more]
    args += ["--j", str(protocol.values.get("nr_threads", 1)), *gpu_args(protocol)]
    return call(protocol, program, args, job)


def _resolution_text(job: JobFolder) -> str:
    try:
        with (job.path / "run.out").open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - 65536))
            found = _RESOLUTION.findall(file.read().decode(errors="replace"))
    except OSError:
        return ""
    return f"{float(found[-1]):.1f} Å" if found else ""
