"""A project in Python, with the names of the command line.

```python
from cryoloom import Project

project = Project.create("MyProject")
movies = project.run("import.movies", fn_in_raw="/data/*.tiff", angpix=0.885)
aligned = project.run("relion.motioncorr", input_star_mics=movies, patch_x=5, patch_y=5)
aligned.wait().dataset("micrographs").table()
```
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryoloom.api.summary import JobSummary, summarise
from cryoloom.engine.scheduler import call_scheduler, ensure_scheduler, read_waits
from cryoloom.errors import ParameterError, ProjectError
from cryoloom.project import attempts
from cryoloom.project.coordinate_files import table_beside
from cryoloom.project.folder import JobEntry, ProjectFolder
from cryoloom.project.references import resolve_input
from cryoloom.project.registry import find_protocol
from cryoloom.project.workflow import add_to_project, read_workflow
from cryoloom.protocol import datasets as kinds
from cryoloom.protocol.declare import InputSpec, near, numbered

if TYPE_CHECKING:
    import polars as pl

    from cryoloom.protocol.blocks import Block, Chart

LIVE = ("scheduled", "running")


class Project:
    """A project of RELION and Cryoloom."""

    def __init__(self, path: str | Path = ".") -> None:
        """Open a project; nothing in it is changed by that.

        Raises:
            ProjectError: the folder is no project.
        """
        self.folder = ProjectFolder(Path(path))

    @classmethod
    def create(cls, path: str | Path, *, seed: int | None = None) -> "Project":
        """Make a project; an existing one is opened."""
        ProjectFolder.create(Path(path), seed=seed)
        return cls(path)

    @property
    def path(self) -> Path:
        return self.folder.root

    def jobs(self) -> list["Job"]:
        """All jobs in the order of their numbers."""
        return [Job(self, entry) for entry in self.folder.entries()]

    def job(self, name: str) -> "Job":
        """A job by name, number or alias."""
        return Job(self, self.folder.entry(name))

    def run(
        self,
        protocol: str,
        *,
        wait_for: Sequence["str | Job"] = (),
        label: str = "",
        alias: str = "",
        start: bool = True,
        **given: Any,
    ) -> "Job":
        """Make a job and hand it to the scheduler; returns at once.

        Args:
            protocol: its name, such as "relion.class2d".
            wait_for: jobs that must succeed first, besides those whose outputs are used.
            label, alias: names of your own.
            start: false leaves it unscheduled until `resume`.
            given: parameters and inputs by name; an input is a Job, a Dataset, or text as on the
                command line, and a list of these where it takes several.
        Raises:
            ParameterError: an unknown name, a value or an input that does not fit.
        """
        kind = find_protocol(protocol)
        values: dict[str, Any] = {}
        inputs: dict[str, kinds.Dataset] = {}
        for name, value in given.items():
            if name in kind.inputs:
                inputs |= self._inputs(kind.inputs[name], value, protocol)
            elif name in kind.params:
                values[name] = value
            else:
                known = [*kind.params, *kind.inputs]
                raise ParameterError(
                    f"{protocol}: parameter {name}", found="unknown",
                    expected=f"one of those that `cryoloom help {protocol}` lists", hint=near(name, known),
                )  # fmt: skip
        waits = [item.name if isinstance(item, Job) else self.folder.entry(item).name for item in wait_for]
        entry = self.folder.create_job(protocol, values, inputs, wait_for=waits, label=label, alias=alias)
        if not start:
            attempts.write_control(entry.folder, wanted="stop")
        else:
            ensure_scheduler(self.path)
        return Job(self, entry)

    def run_workflow(self, path: str | Path, **placeholders: Any) -> list["Job"]:
        """Make all jobs of a JSON workflow and hand them to the scheduler."""
        workflow = read_workflow(Path(path), {name: str(value) for name, value in placeholders.items()})
        if workflow.seed is not None:
            ProjectFolder.create(self.path, seed=workflow.seed)
        entries = add_to_project(self.folder, workflow)
        ensure_scheduler(self.path)
        return [Job(self, entry) for entry in entries]

    def wait(
        self,
        jobs: "Sequence[Job] | None" = None,
        *,
        timeout_s: float | None = None,
        tell: "Callable[[list[JobSummary]], None] | None" = None,
    ) -> list["JobSummary"]:
        """Stay until the jobs (all, by default) have ended, or nothing can go on without you.

        Args:
            jobs: which; None for all.
            timeout_s: give up waiting after so many seconds; the jobs go on.
            tell: called with the state of all every half second or so.
        """
        names = None if jobs is None else {job.name for job in jobs}
        began = time.monotonic()
        while True:
            shown = [summary for summary in self.summaries() if names is None or summary.name in names]
            if tell is not None:
                tell(shown)
            waiting = [summary for summary in shown if summary.state in LIVE and summary.ours]
            if not waiting or all(summary.stuck for summary in waiting):
                return shown
            if timeout_s is not None and time.monotonic() - began > timeout_s:
                return shown
            ensure_scheduler(self.path)
            time.sleep(0.4)

    def summaries(self) -> list["JobSummary"]:
        """The state of every job: what `cryoloom ls` prints."""
        entries = self.folder.entries()
        return summarise(entries, read_waits(self.path))

    def resume(self, jobs: "Sequence[Job | str] | None" = None) -> list["Job"]:
        """Take up what was interrupted: failed, stopped and lost jobs go on where they were."""
        wanted = (
            self.jobs() if jobs is None else [job if isinstance(job, Job) else self.job(job) for job in jobs]
        )
        taken = []
        for job in wanted:
            if job.entry.spec is None:
                continue
            status = job.entry.status()
            if status.state in ("failed", "aborted"):
                number = status.attempt.number if status.attempt else 0
                attempts.write_control(job.entry.folder, wanted="run", fresh=number)
                taken.append(job)
            elif status.state == "scheduled":
                # Whoever asks does not want to wait for the next attempt's turn.
                ended = status.attempt.number if status.attempt and status.attempt.ended else 0
                attempts.write_control(job.entry.folder, wanted="run", fresh=ended)
                taken.append(job)
            elif status.attempt is not None and status.attempt.vanished():
                taken.append(job)
        call_scheduler(self.path)
        return taken

    def delete(self, job: "Job | str") -> list[str]:
        """Move a job, and those that need it, to `Trash/`."""
        return self.folder.delete_job(job.name if isinstance(job, Job) else job)

    def _inputs(self, spec: InputSpec, value: Any, owner: str) -> dict[str, kinds.Dataset]:
        """The datasets of one input; several as a list, or in text with commas between them."""
        if value is None or (isinstance(value, str) and not value):
            return {}
        if spec.several and isinstance(value, str):
            value = value.split(",")
        values = list(value) if isinstance(value, list | tuple) else [value]
        if len(values) > 1 and not spec.several:
            raise ParameterError(
                f"{owner}: input {spec.name}", found=f"{len(values)} datasets", expected="one",
                hint="sets.join makes one of several.",
            )  # fmt: skip
        return numbered(spec.name, [self._input(spec, one, owner) for one in values])

    def _input(self, spec: InputSpec, value: Any, owner: str) -> kinds.Dataset:
        if isinstance(value, Dataset):
            value = f"{value.job}:{value.output}" if value.job else value.path
        elif isinstance(value, Job):
            value = value.name
        elif isinstance(value, Path):
            value = str(value)
        return resolve_input(self.folder, spec, str(value), owner)


@dataclass(frozen=True)
class Job:
    """One execution of a protocol in a project."""

    project: Project
    entry: JobEntry

    @property
    def name(self) -> str:
        return self.entry.name

    @property
    def folder(self) -> Path:
        return self.entry.folder

    @property
    def params(self) -> Mapping[str, Any]:
        """Parameters, complete; for a job of RELION's the options of its `job.star`."""
        if self.entry.spec is not None:
            return self.entry.make_protocol().values | dict(self.entry.status().history.values)
        from cryoloom.project.jobstar import read_job_star

        return read_job_star(self.folder / "job.star")[1]

    @property
    def state(self) -> str:
        return self.entry.status().state

    @property
    def why(self) -> str:
        """Why it waits or failed."""
        return self.summary().why

    def summary(self) -> "JobSummary":
        return next(summary for summary in self.project.summaries() if summary.name == self.name)

    def outputs(self) -> dict[str, "Dataset"]:
        """The outputs by name; they may still be growing."""
        return {name: Dataset(self.project.path, dataset) for name, dataset in self.entry.outputs().items()}

    def dataset(self, output: str = "") -> "Dataset":
        """One output; the first without a name.

        Raises:
            ProjectError: it has no such output.
        """
        outputs = self.outputs()
        name = output or next(iter(outputs), "")
        if name not in outputs:
            raise ProjectError(
                f"{self.name}: output {name}", found="unknown", expected=f"one of {', '.join(outputs)}"
            )
        return outputs[name]

    def wait(self, timeout_s: float | None = None) -> "Job":
        """Stay until it has ended."""
        self.project.wait([self], timeout_s=timeout_s)
        return self

    def stop(self) -> None:
        """End it; what is done is kept, and `resume` goes on."""
        if self.entry.spec is None:
            raise ProjectError(
                f"{self.name}", found="a job of RELION's", expected="one that Cryoloom started"
            )
        attempts.write_control(self.folder, wanted="stop")
        call_scheduler(self.project.path)

    def stop_stream(self) -> None:
        """Close an import's stream: what has come is processed to the end."""
        attempts.write_control(self.folder, stream="stop")

    def resume(self) -> "Job":
        """Go on after it stopped or failed."""
        self.project.resume([self])
        return self

    def views(self) -> "list[Block]":
        """Something to look at."""
        from cryoloom.api.foreign_views import views_of

        return views_of(self.entry)

    def view(self, name: str) -> "Block":
        """One view by its name.

        Raises:
            ProjectError: it has no such view.
        """
        found = self.views()
        for block in found:
            if block.name == name:
                return block
        raise ProjectError(
            f"{self.name}: view {name}", found="unknown",
            expected=f"one of {', '.join(block.name for block in found) or 'none: it has nothing to show yet'}",
            hint=near(name, [block.name for block in found]),
        )  # fmt: skip

    def __repr__(self) -> str:
        return f"<Job {self.name} {self.entry.protocol} {self.state}>"


@dataclass(frozen=True)
class Dataset:
    """An output of a job, or a file of the project."""

    root: Path
    ref: kinds.Dataset

    @property
    def path(self) -> str:
        return self.ref.path

    @property
    def job(self) -> str:
        return self.ref.job

    @property
    def output(self) -> str:
        return self.ref.output

    @property
    def kind(self) -> str:
        return self.ref.kind

    @property
    def file(self) -> Path:
        """The file to be read: for coordinates our table beside RELION's suffix file."""
        path = self.root / self.ref.path
        return path.with_name(table_beside(path)) if isinstance(self.ref, kinds.Coordinates) else path

    def table(self) -> "pl.DataFrame":
        """The items as a polars frame; `.to_pandas()` gives the other kind.

        Raises:
            ProjectError: a map has no items.
        """
        import polars as pl

        from cryoloom import star

        if self.file.suffix != ".star":
            raise ProjectError(
                f"{self.path}", found=f"a {self.kind}", expected="a table", hint="Use image() for maps."
            )
        tables = {
            n: b for n, b in star.read(self.file).items() if isinstance(b, pl.DataFrame) and n != "optics"
        }
        own = tables.get(self.ref.block)
        return own if own is not None else next(iter(tables.values()), pl.DataFrame())

    def picks(self) -> "pl.DataFrame":
        """Of coordinates: all picks in one table, each with its micrograph.

        Raises:
            ProjectError: these are no coordinates.
        """
        from cryoloom.runner.picks import PickReader

        if not isinstance(self.ref, kinds.Coordinates):
            raise ProjectError(f"{self.path}", found=f"a set of {self.kind}", expected="coordinates")
        return PickReader(self.root, self.ref).picks(self.table())

    def plot(self, x: str, y: str = "", kind: str = "", *, where: str = "") -> "Chart":
        """A histogram of one column, or one over another; shows itself in a notebook.

        Args:
            x, y: labels.
            kind: histogram, scatter or line; by default what suits the number of labels.
            where: only the items for which this holds, `rlnCtfMaxResolution < 4`.
        Raises:
            ParameterError: a label that is missing or no number.
            StarError: a condition that cannot be judged.
        """
        from cryoloom.star.expressions import rows_that_hold
        from cryoloom.views.columns import column_chart

        table = self.table()
        return column_chart(table.filter(rows_that_hold(table, where)) if where else table, x, y, kind)

    def optics(self) -> "pl.DataFrame | None":
        """The optics table, where the dataset has one."""
        from cryoloom import star

        block = star.read(self.file).get("optics")
        return None if isinstance(block, dict) else block

    def image(self) -> Any:
        """A map as an array (z, y, x)."""
        from cryoloom.images.mrc import read_mrc

        return read_mrc(self.file)

    def __len__(self) -> int:
        return self.table().height
