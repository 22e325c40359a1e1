"""The files of a job's folder, and one of them to be read."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cryoloom.errors import ParameterError

if TYPE_CHECKING:
    from cryoloom.api.job import Job


@dataclass(frozen=True, slots=True)
class JobFile:
    """A file by its name relative to the job's folder."""

    name: str
    bytes: int
    changed: float  # seconds of the epoch


def files_of(job: "Job") -> list[JobFile]:
    """All files of a job by name; what is ours to keep (`.cryoloom`) is left out. Links are told and not followed."""
    return sorted(_found(job.folder), key=lambda file: file.name)


def file_of(job: "Job", name: str) -> Path:
    """The file of this name.

    Raises:
        ParameterError: there is none, or it leads out of the job's folder.
    """
    folder = job.folder.resolve()
    with contextlib.suppress(OSError, ValueError):  # no name that a file could have
        path = (folder / name).resolve()
        if path.is_relative_to(folder) and path.is_file():
            return path
    raise ParameterError(f"{job.name}: file {name}", found="not there", expected="a file of the job's folder")


def _found(folder: Path) -> Iterator[JobFile]:
    for path, below, names in os.walk(folder):
        below[:] = [one for one in below if one != ".cryoloom"]
        for name in names:
            try:
                stat = os.lstat(f"{path}/{name}")
            except FileNotFoundError:
                continue  # gone meanwhile
            yield JobFile(os.path.relpath(f"{path}/{name}", folder), stat.st_size, stat.st_mtime)
