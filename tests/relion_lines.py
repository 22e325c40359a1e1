"""RELION's own command lines: what `relion_pipeliner` makes of a job.star, and lines compared by their flags."""

import os
import re
import shlex
import subprocess
from collections.abc import Iterable
from pathlib import Path

from cryoloom.api.relion_command import commands_of
from cryoloom.runner.programs import RELION_ENVIRONMENT

PIPELINE = "\n# version 30001\n\ndata_pipeline_general\n\n_rlnPipeLineJobCounter                       1\n \n"
NOTED = re.compile(r"^`which (\S+)` (.*)$", re.MULTILINE)


def new_pipeline(root: Path, files: Iterable[str]) -> None:
    """Make a folder one in which relion_pipeliner works, with empty files of these names."""
    (root / "default_pipeline.star").write_text(PIPELINE)
    (root / ".gui_projectdir").touch()
    for name in files:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def both_lines(
    root: Path, job: str, job_star: str, *, continues: bool = False
) -> tuple[tuple[str, str], tuple[str, str]]:
    """The program and its words, as we make them of a job.star and as RELION does.

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
    # The inputs are empty files, so RELION's program fails at once; what counts is what it was called with.
    _relion(root, "--RunJobs", f"{job}/", "--schedule", "s1", "--sec_wait_after", "0")
    noted = NOTED.search((root / job / "note.txt").read_text())
    ours = NOTED.search(commands_of(root / job / "job.star")[0])
    assert noted is not None and ours is not None
    return (ours.group(1), ours.group(2)), (noted.group(1), noted.group(2))


def _relion(root: Path, *args: str) -> str:
    done = subprocess.run(
        ["relion_pipeliner", *args], cwd=root, capture_output=True, text=True, timeout=60,
        env={**os.environ, **RELION_ENVIRONMENT},
    )  # fmt: skip
    return done.stdout + done.stderr


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
