"""`Trash/`, laid out as RELION's: `Trash/Class2D/job008/run_it003_data.star`. Nothing is ever erased.

What lies there already keeps its place; the newer comes beside it, in `job008.2`, `job008.3`, ...
"""

from collections.abc import Iterable, Sequence
from itertools import count
from pathlib import Path

FOLDER = "Trash"


def job_to_trash(root: Path, job: str) -> str:
    """Move a whole job folder; returns where it lies now."""
    target = next(place for place in _places(job) if not (root / place).exists())
    (root / target).parent.mkdir(parents=True, exist_ok=True)
    (root / job).rename(root / target)
    return target


def files_to_trash(root: Path, job: str, files: Sequence[str]) -> str:
    """Move files (or folders) of a job, named relative to it; returns the folder that they lie in now."""
    target = next(
        place for place in _places(job) if not any((root / place / file).exists() for file in files)
    )
    for file in files:
        goal = root / target / file
        goal.parent.mkdir(parents=True, exist_ok=True)
        (root / job / file).rename(goal)
    return target


def _places(job: str) -> Iterable[str]:
    yield f"{FOLDER}/{job}"
    yield from (f"{FOLDER}/{job}.{number}" for number in count(2))
