"""A shadow of the project for one batch: links to everything, but an own, empty job folder.

RELION's programs rewrite their output STAR with the rows of one call, leave exit marks and PDF
files. In the shadow they do so without touching what the job has already; every name in their
files is right all the same, since arguments and layout are the usual ones.
"""

import fnmatch
import os
import shutil
from collections.abc import Collection
from pathlib import Path

from cryoloom.errors import ProjectError

MAX_PATH = 180  # relion_run_ctffind fails silently in a longer working directory


def make_shadow(root: Path, job: str, folder: Path) -> Path:
    """Make `folder` a shadow of `root` in which `job` ("MotionCorr/job002/") is empty.

    Raises:
        ProjectError: the project's path is too long for RELION.
    """
    if len(str(folder)) > MAX_PATH:
        raise ProjectError(
            f"{root}", found=f"a path of {len(str(root))} characters",
            expected=f"at most {MAX_PATH - (len(str(folder)) - len(str(root)))}, since RELION's buffers end there",
            hint="Move the project to a shorter path.",
        )  # fmt: skip
    kind, number = job.strip("/").split("/")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for entry in os.scandir(root):
        if entry.name not in (kind, ".relion_lock", ".cryoloom"):
            (folder / entry.name).symlink_to(entry.path)
    (folder / kind).mkdir()
    for entry in os.scandir(root / kind):
        if entry.name != number:
            (folder / kind / entry.name).symlink_to(entry.path)
    (folder / kind / number).mkdir()
    return folder


def move_files(source: Path, target: Path, skip: Collection[str]) -> None:
    """Rename a batch's files into the job folder; what matches `skip` at its top level stay behind."""
    for path, _, names in os.walk(source):
        below = Path(path).relative_to(source)
        for name in names:
            if below == Path() and any(fnmatch.fnmatch(name, pattern) for pattern in skip):
                continue
            (target / below).mkdir(parents=True, exist_ok=True)
            (Path(path) / name).replace(target / below / name)


def clear_shadows(attempt: Path) -> int:
    """Remove what batches of an attempt left behind that was broken off; how many bytes they held."""
    freed = 0
    for shadow in [path for path in attempt.iterdir() if path.is_dir()]:
        for path, _, names in os.walk(shadow):
            freed += sum((Path(path) / name).lstat().st_size for name in names)
        remove_shadow(shadow)
    return freed


def remove_shadow(folder: Path) -> None:
    """Remove the links and what RELION left; what mattered has been moved."""
    shutil.rmtree(folder, ignore_errors=True)
