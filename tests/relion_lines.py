"""RELION's own command lines: what `relion_pipeliner` makes of a job.star, and lines compared by their flags."""

import os
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TypeAlias

from cryoloom.api.relion_command import commands_of
from cryoloom.runner.programs import RELION_ENVIRONMENT

PIPELINE = "\n# version 30001\n\ndata_pipeline_general\n\n_rlnPipeLineJobCounter                       1\n \n"
NOTED = re.compile(r"^(?:mpirun -n \d+ )?(?:`which (\S+)`|(relion_import)) (.*)$", re.MULTILINE)


def new_pipeline(root: Path, files: Iterable[str]) -> None:
    """Make a folder one in which relion_pipeliner works, with empty files of these names."""
    (root / "default_pipeline.star").write_text(PIPELINE)
    (root / ".gui_projectdir").touch()
    for name in files:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


Line: TypeAlias = tuple[str, dict[str, tuple[str, ...]]]


def both_lines(
    root: Path, job: str, job_star: str, *, continues: bool = False
) -> tuple[list[Line], list[Line]]:
    """All programs of a job with their words by flag, as we make them of a job.star and as RELION does.

    Args:
        root: of `new_pipeline`.
        job: the first job of its kind, `Class2D/job001`.
        job_star: the file's text.
        continues: whether the job goes on from another.
    """
    (root / "job.star").write_text(job_star)
    said = _relion(root, "--addJobFromStar", "job.star")
    assert (root / job / "job.star").exists(), said
    if continues:
        # Adding a job, the pipeliner makes a new one of it; running it, it looks again.
        (root / job / "job.star").write_text(job_star)
    noted = _noted(root, job)
    ours = "\n".join(commands_of(root / job / "job.star"))
    return lines_of(ours), lines_of(noted)


def lines_of(text: str) -> list[Line]:
    """The programs that a note names, with their words by flag."""
    return [(which or program, by_flag(words)) for which, program, words in NOTED.findall(text)]


def _noted(root: Path, job: str) -> str:
    """What RELION notes when it runs a job. Its inputs are no images, so nothing comes of it; some programs never end then."""
    running = subprocess.Popen(
        ["relion_pipeliner", "--RunJobs", f"{job}/", "--schedule", "s1", "--sec_wait_after", "0"],
        cwd=root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        env={**os.environ, **RELION_ENVIRONMENT},
    )  # fmt: skip
    note, end = root / job / "note.txt", time.monotonic() + 60
    try:
        while time.monotonic() < end:
            text = note.read_text() if note.exists() else ""
            if text.rstrip().endswith("++++") and text.count("++++") > 2:
                return text
            time.sleep(0.01)
    finally:
        os.killpg(running.pid, signal.SIGTERM)
        running.wait(10)
    raise AssertionError(f"{job}: RELION noted nothing")


def _relion(root: Path, *args: str) -> str:
    done = subprocess.run(
        ["relion_pipeliner", *args], cwd=root, capture_output=True, text=True, timeout=60,
        env={**os.environ, **RELION_ENVIRONMENT},
    )  # fmt: skip
    return done.stdout + done.stderr


def difference(ours: list[Line], noted: list[Line]) -> list[str]:
    """Where two jobs' lines differ, in words; nothing where they are alike."""
    found = [] if len(ours) == len(noted) else [f"{len(ours)} lines and {len(noted)}"]
    for (program, words), (other, others) in zip(ours, noted, strict=False):
        found += [f"{program} and {other}"] if program != other else []
        flags = [flag for flag in {**words, **others} if words.get(flag) != others.get(flag)]
        found += [f"{flag}: {words.get(flag)} and {others.get(flag)}" for flag in flags]
    return found


def by_flag(text: str) -> dict[str, tuple[str, ...]]:
    """A command line's values by their flag: the order of flags means nothing."""
    found: dict[str, list[str]] = {"": []}
    flag = ""
    for word in shlex.split(text):
        if word.startswith("--"):
            flag = word
            assert flag not in found, f"{flag} is said twice: {text}"
            found[flag] = []
        else:
            found[flag].append(word)
    return {name: tuple(values) for name, values in found.items()}
