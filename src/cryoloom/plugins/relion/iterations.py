"""RELION's iterative jobs: how far they are, and how a new job continues an old one.

A job that continues another has that one's optimiser file in `fn_cont`. Its files then begin with
`run_ct12` instead of `run`, 12 being the iteration that it goes on from: so RELION names them.
"""

import re
from typing import Any

from cryoloom.errors import ParameterError
from cryoloom.project.iterations import course
from cryoloom.protocol import JobFolder, Progress

_CONTINUED = re.compile(r"_it(\d{3})_optimiser\.star$")
_RESOLUTION = re.compile(r"Auto-refine: Resolution= ([\d.]+)")


def continued(protocol: Any) -> int | None:
    """The iteration that a job goes on from; None of a job that begins anew."""
    match = _CONTINUED.search(protocol.given["fn_cont"].path)
    return int(match.group(1)) if match else None


def root(protocol: Any) -> str:
    """What the names of a job's files begin with."""
    number = continued(protocol)
    return "run" if number is None else f"run_ct{number}"


def check_continued(protocol: Any, last: int | None, *, told_by: str = "") -> None:
    """That there is something to go on from, and somewhere to go.

    Args:
        protocol: the job.
        last: its last iteration, where that is known beforehand.
        told_by: the parameter that says so.
    Raises:
        ParameterError: `fn_cont` is no optimiser file, or all iterations are done.
    """
    path = protocol.given["fn_cont"].path
    number = continued(protocol)
    if path and number is None:
        raise ParameterError(
            f"{protocol.name}: input fn_cont", found=path, expected="a file run_itNNN_optimiser.star"
        )
    if number is not None and last is not None and last <= number:
        raise ParameterError(
            f"{protocol.name}: parameter {told_by}", found=f"{last} iterations in all",
            expected=f"more than {number}, the iteration to go on from",
            hint=f"For instance {told_by}={protocol.values[told_by] + number + 1 - last}.",
        )  # fmt: skip


def progress(job: JobFolder, of: int | None = None) -> Progress | None:
    """The newest iteration, and for an auto-refinement the resolution so far."""
    files = course(job.path, "model.star", "half1_model.star")
    if not files:
        return None
    number = max(files)
    return Progress(done=number, of=of, iteration=number, text=_resolution_text(job) if of is None else "")


def _resolution_text(job: JobFolder) -> str:
    try:
        with (job.path / "run.out").open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - 65536))
            found = _RESOLUTION.findall(file.read().decode(errors="replace"))
    except OSError:
        return ""
    return f"{float(found[-1]):.1f} Å" if found else ""
