"""Sweeps: one job, and what needs it, with several values of one or two parameters; `.cryoloom/sweeps/0001.json` each."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from cryoloom.errors import ProjectError
from cryoloom.project.jsonfile import read_json, write_json

FORMAT = 1
_FOLDER = ".cryoloom/sweeps"


@dataclass(frozen=True, slots=True)
class SweepRun:
    """One of a sweep's branches: its values by parameter, and its jobs, that with these values first."""

    values: Mapping[str, str]
    jobs: Sequence[str]


@dataclass(frozen=True, slots=True)
class Sweep:
    """`job`: whose copies the first jobs are; `kept`: the first job of the branch that was kept, "" before that."""

    number: int
    job: str
    runs: Sequence[SweepRun]
    kept: str = ""


def write_sweep(root: Path, sweep: Sweep) -> None:
    """Write it down, or anew."""
    folder = root / _FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / f"{sweep.number:04d}.json", {"format": FORMAT, **asdict(sweep)})


def next_number(root: Path) -> int:
    """That no sweep has."""
    return max((sweep.number for sweep in read_sweeps(root)), default=0) + 1


def read_sweeps(root: Path) -> list[Sweep]:
    """All of a project, the oldest first."""
    found = []
    for path in sorted((root / _FOLDER).glob("[0-9]*.json")):
        content = read_json(path, FORMAT)
        runs = tuple(SweepRun(run["values"], tuple(run["jobs"])) for run in content["runs"])
        found.append(Sweep(content["number"], content["job"], runs, content["kept"]))
    return found


def find_sweep(root: Path, number: int | None) -> Sweep:
    """By its number; the newest without one.

    Raises:
        ProjectError: there is none.
    """
    sweeps = read_sweeps(root)
    found = [sweep for sweep in sweeps if number in (None, sweep.number)]
    if not found:
        known = ", ".join(str(sweep.number) for sweep in sweeps)
        raise ProjectError(
            f"sweep {number or ''}".strip(), found="unknown", expected=f"one of {known}" if known else "a sweep",
            hint="" if known else "Make one: cryoloom sweep JOB nr_classes=20,50,100",
        )  # fmt: skip
    return found[-1]
