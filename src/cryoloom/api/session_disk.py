"""What a movie leaves on the project's disk, and for how long there is room at the pace at which they come."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from cryoloom import star
from cryoloom.api.following import FollowedJob
from cryoloom.api.stream_chain import Chain, Step
from cryoloom.errors import StarError
from cryoloom.project.disk import free_bytes
from cryoloom.project.history import OutputState

TAIL_BYTES = 16_384  # of a table: its last rows, whose files are measured
MOST_FILES = 5  # of each column


@dataclass(frozen=True, slots=True)
class Disk:
    """The project's disk.

    Attributes:
        free_gb: what this user may still write there.
        gb_per_movie: what a movie leaves there: itself, where it is on the same disk, and what the steps make of it.
        rate: movies an hour; None where none come.
    """

    free_gb: float
    gb_per_movie: float
    rate: float | None = None

    @property
    def gb_per_hour(self) -> float | None:
        return None if self.rate is None else self.gb_per_movie * self.rate

    @property
    def hours_left(self) -> float | None:
        """Until it is full; None where nothing is written."""
        pace = self.gb_per_hour
        return self.free_gb / pace if pace else None


def disk_of(root: Path, chain: Chain, jobs: Mapping[str, FollowedJob]) -> Disk:
    """Measure what the newest items have left, by the files that the tables name."""
    found = sum(_bytes_each(root, step, jobs[step.name]) for step in chain.steps)
    return Disk(free_bytes(root) / 1e9, found / 1e9)


def _bytes_each(root: Path, step: Step, job: FollowedJob) -> float:
    state = job.history.outputs.get(step.output)
    if state is None or not state.labels or state.end <= state.start:
        return 0.0
    rows = _last_rows(job.entry.folder / state.file, state)
    device = root.stat().st_dev
    found = 0.0
    for label in rows.columns:
        if rows[label].dtype != pl.String:
            continue
        named = {_file(str(value)) for value in rows[label].to_list()}
        sizes = [_size(root, name, step, device) for name in sorted(named)[-MOST_FILES:]]
        there = [size for size in sizes if size is not None]
        found += sum(there) / len(there) if there else 0.0
    return found


def _last_rows(path: Path, state: OutputState) -> pl.DataFrame:
    start = max(state.start, state.end - TAIL_BYTES)
    try:
        with path.open("rb") as file:
            file.seek(start)
            if start > state.start:
                start += len(file.readline())
        return star.follow(path, start, labels=state.labels, end=state.end)[0]
    except (OSError, StarError):
        return pl.DataFrame()


def _file(value: str) -> str:
    """`000001@Extract/x.mrcs` and `x.ctf:mrc` name files."""
    return value.rpartition("@")[2].removesuffix(":mrc")


def _size(root: Path, name: str, step: Step, device: int) -> int | None:
    """Bytes of a file that a step has made or linked; None of any other word."""
    is_link = not step.inputs and "/" in name
    if not is_link and not name.startswith(f"{step.name}/"):
        return None
    try:
        stat = (root / name).stat()
    except OSError:
        return None
    return stat.st_size if stat.st_dev == device else 0
