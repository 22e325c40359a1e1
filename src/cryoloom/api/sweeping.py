"""One job with several values of its parameters: a branch for each, compared in one table and one figure, the best kept."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryoloom.api.class_table import COUNT, RESOLUTION, classes_of
from cryoloom.api.given import taken_apart
from cryoloom.api.lifecycle import copy as copied
from cryoloom.api.lifecycle import delete
from cryoloom.api.summary import NOT_STARTED
from cryoloom.engine.calling import call_scheduler
from cryoloom.errors import CryoloomError, ParameterError, ProjectError
from cryoloom.project.copying import plan_copies
from cryoloom.project.foreign import protocol_of
from cryoloom.project.sweeps import Sweep, SweepRun, find_sweep, next_number, write_sweep
from cryoloom.protocol.datasets import Model
from cryoloom.protocol.declare import near, parse, relion_text

if TYPE_CHECKING:
    from cryoloom.api.job import Job
    from cryoloom.api.project import Project

MOST_RUNS, MOST_PARAMETERS = 100, 2
WHY = "why"  # a branch failed, or is doubtful
_TELLING = ("failed", "aborted", "running", "scheduled", NOT_STARTED)  # of a branch, before all else
SMALL_SHARE = 0.01  # of the particles: a class with fewer is as good as empty


@dataclass(frozen=True, slots=True)
class SweepRow:
    """One branch: its values, its jobs, how far it is, and figures of its last job and, of classifications, of the first."""

    values: Mapping[str, str]
    jobs: tuple[str, ...]
    state: str
    figures: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SweepTable:
    """All branches of a sweep side by side, in the order in which they were asked for."""

    number: int
    job: str
    rows: tuple[SweepRow, ...]
    kept: str

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def make_sweep(
    project: "Project",
    job: "Job | str",
    values: Mapping[str, Sequence[Any]],
    *,
    branch: bool = False,
    start: bool = True,
) -> Sweep:
    """Make a copy of a job for each value, or pair of values; the job itself where these are its own.

    All are checked before the first is made.

    Args:
        project: whose job.
        job: which.
        values: one or two parameters, each with its values.
        branch: copy the jobs that need it too.
        start: false leaves the copies unscheduled until `resume`.
    Raises:
        ParameterError: an unknown parameter, a value that it cannot have, one that stands there twice, too many of them.
    """
    original = project.job(job if isinstance(job, str) else job.name)
    protocol = protocol_of(original.entry, whole=True)
    where = f"sweep of {original.name}"
    if not 1 <= len(values) <= MOST_PARAMETERS:
        raise ParameterError(where, found=f"{len(values)} parameters", expected="one or two")
    texts: dict[str, list[str]] = {}
    for name, several in values.items():
        if name not in protocol.params:
            raise ParameterError(
                f"{where}: {name}", found="unknown", expected=f"a parameter of {protocol.name}",
                hint=near(name, list(protocol.params)),
            )  # fmt: skip
        texts[name] = [relion_text(parse(protocol.params[name], value, protocol.name)) for value in several]
        twice = {text for text in texts[name] if texts[name].count(text) > 1}
        if twice or len(several) < 2:
            found = f"{', '.join(sorted(twice))} twice" if twice else f"{len(several)} value"
            raise ParameterError(f"{where}: {name}", found=found, expected="two different values, or more")
    runs = [dict(zip(texts, pair, strict=True)) for pair in itertools.product(*texts.values())]
    if len(runs) > MOST_RUNS:
        raise ParameterError(where, found=f"{len(runs)} branches", expected=f"at most {MOST_RUNS}")
    own = {name: relion_text(value) for name, value in original.params.items() if name in texts}
    has_own = original.entry.spec is not None and not branch
    for run in runs:
        plan_copies(
            project.folder, original.name, *taken_apart(project.folder, type(protocol), run), branch=branch
        )
    sweep = Sweep(next_number(project.path), original.name, ())
    for run in runs:
        if has_own and run == own:
            made: tuple[str, ...] = (original.name,)
        else:
            label = " ".join(f"{name}={text}" for name, text in run.items())
            made = tuple(
                one.name
                for one in copied(project, original, run, branch=branch, start=False, label=label).jobs
            )
        # After each, so that a command that is killed leaves a sweep of what it made.
        sweep = replace(sweep, runs=(*sweep.runs, SweepRun(run, made)))
        write_sweep(project.path, sweep)
    if start:
        for name in [name for run in sweep.runs for name in run.jobs if name != original.name]:
            if not project.job(name).asks():
                project.job(name).resume()
        call_scheduler(project.path)
    return sweep


def sweep_table(project: "Project", number: int | None = None) -> SweepTable:
    """A sweep's branches side by side; the newest sweep without a number.

    Raises:
        ProjectError: there is none.
    """
    sweep = find_sweep(project.path, number)
    known = {summary.name: summary for summary in project.summaries()}
    rows = []
    for run in sweep.runs:
        there = [name for name in run.jobs if name in known]
        states = [known[name].state if known[name].started else NOT_STARTED for name in there]
        state = next((one for one in _TELLING if one in states), "succeeded")
        rows.append(
            SweepRow(run.values, tuple(there), state if there else "deleted", _figures(project, there, known))
        )
    return SweepTable(sweep.number, sweep.job, tuple(rows), sweep.kept)


def keep_of_sweep(project: "Project", job: "Job | str") -> dict[str, str]:
    """Keep the branch that begins with a job; all others of its sweep go to `Trash/`, whence `undelete` brings them back.

    The job that the sweep was made of is never deleted.

    Returns:
        What was deleted, and where it lies now.
    Raises:
        ProjectError: the job is in no sweep, or another job needs one of those that would go.
    """
    name = project.job(job if isinstance(job, str) else job.name).name
    from cryoloom.project.sweeps import read_sweeps

    sweep = next(
        (one for one in reversed(read_sweeps(project.path)) if any(name in run.jobs for run in one.runs)),
        None,
    )
    if sweep is None:
        raise ProjectError(
            f"{name}",
            found="in no sweep",
            expected="a job of one",
            hint="`cryoloom sweeps show` prints the newest.",
        )
    there = {entry.name for entry in project.folder.entries()}
    kept = {one for run in sweep.runs if name in run.jobs for one in run.jobs} | {sweep.job}
    gone = [one for run in sweep.runs for one in run.jobs if one not in kept and one in there]
    done = delete(project, gone, dependents=False) if gone else {}
    write_sweep(project.path, replace(sweep, kept=name))
    return done


def sweep_figure(project: "Project", number: int | None = None) -> bytes:
    """A PNG of all branches: the picture of each one's last job under its values.

    Raises:
        ProjectError: there is no such sweep, or none of its jobs has a picture yet.
    """
    from cryoloom.views.sweep_figure import Cell, drawn_cells

    table = sweep_table(project, number)
    cells = []
    for row in table.rows:
        pictures = [project.job(name).face().png() for name in reversed(row.jobs)]
        picture = next((one for one in pictures if one is not None), None)
        values = tuple(f"{name} {text}" for name, text in row.values.items())
        figures = [f"{name}: {text}" for name, text in row.figures.items() if name != WHY]
        cells.append(Cell(values, picture, tuple(figures) or (row.state,)))
    if all(cell.picture is None for cell in cells):
        raise ProjectError(
            f"sweep {table.number}", found="no picture of any branch yet", expected="a job that has made something",
            hint=f"cryoloom sweeps show {table.number}",
        )  # fmt: skip
    first = next(iter(table.rows[0].values.values()))
    across = [next(iter(row.values.values())) for row in table.rows].count(first)
    return drawn_cells(cells, across if len(table.rows[0].values) > 1 else len(cells))


def save_figure(project: "Project", out: Path, number: int | None = None) -> Path:
    """Write `sweep_figure` into a file.

    Raises:
        ParameterError: a name that does not end in .png.
        ProjectError: as of `sweep_figure`.
    """
    if out.suffix.lower() != ".png":
        raise ParameterError(f"{out}", found=f"a name with ending {out.suffix!r}", expected=".png")
    out.write_bytes(sweep_figure(project, number))
    return out


def _figures(project: "Project", jobs: Sequence[str], known: Mapping[str, Any]) -> dict[str, str]:
    """What one compares: of a classification its classes, of all what the last job made, and the time of all."""
    found: dict[str, str] = {}
    for name in jobs:
        if known[name].state == "succeeded":
            found |= _of_classes(project.job(name))
    if jobs and known[jobs[-1]].made:
        found["made"] = known[jobs[-1]].made
    seconds = [known[name].seconds for name in jobs if known[name].seconds]
    if seconds:
        found["time"] = f"{sum(seconds):.0f} s"
    told = [f"{name}: {known[name].why}" for name in jobs if known[name].started and known[name].why]
    if told:
        found[WHY] = " ".join(told[0].split())
    return found


def _of_classes(job: "Job") -> dict[str, str]:
    for name, dataset in job.entry.outputs().items():
        if not isinstance(dataset, Model):
            continue
        try:
            table = classes_of(job.dataset(name))
        except (CryoloomError, OSError):
            return {}
        if COUNT not in table.columns or table.height < 2:
            return {}
        total = int(table[COUNT].sum())
        filled = table.filter(table[COUNT] > SMALL_SHARE * total)
        found = {
            "classes": f"{filled.height} of {table.height} with more than {SMALL_SHARE:.0%}",
            "largest": f"{float(str(table[COUNT].max())) / max(total, 1):.0%}",
        }
        # Of classes that are as good as empty the resolution is that of noise.
        best = filled[RESOLUTION].cast(float, strict=False).min() if RESOLUTION in filled.columns else None
        return found | ({"best": f"{float(str(best)):.1f} Å"} if best is not None else {})
    return {}
