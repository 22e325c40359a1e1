"""A project in Python, with the names of the command line.

```python
from cryoloom import Project

project = Project.create("MyProject")
movies = project.run("import.movies", fn_in_raw="/data/*.tiff", angpix=0.885)
aligned = project.run("relion.motioncorr", input_star_mics=movies, patch_x=5, patch_y=5)
aligned.wait().dataset("micrographs").table()
```
"""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from cryoloom.api import lifecycle, steering
from cryoloom.api.dataset import Dataset
from cryoloom.api.frames import is_frame
from cryoloom.api.given import taken_apart
from cryoloom.api.job import Job
from cryoloom.api.sending import check_sending
from cryoloom.api.summary import JobSummary, summarise
from cryoloom.engine.calling import ensure_scheduler, read_waits
from cryoloom.errors import ParameterError, ProjectError
from cryoloom.project.folder import ProjectFolder
from cryoloom.project.registry import find_protocol
from cryoloom.project.retrying import Retry

if TYPE_CHECKING:
    from cryoloom.api.comparing_projects import ProjectComparison
    from cryoloom.api.external import External
    from cryoloom.api.methods import Methods
    from cryoloom.api.protocol_calls import ProtocolCalls
    from cryoloom.api.scripting import Script
    from cryoloom.api.sweeping import SweepTable
    from cryoloom.api.verifying import Verified
    from cryoloom.project.cleaning import Cleaning
    from cryoloom.project.sweeps import Sweep
else:
    ProtocolCalls = object


class Project(ProtocolCalls):
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
        """Its folder."""
        return self.folder.root

    @property
    def form(self) -> str:
        """Of which RELION its files are: "3.1", or "4 or 5", which we read and do not write."""
        return self.folder.form

    def jobs(self) -> list["Job"]:
        """All jobs in the order of their numbers."""
        return [Job(self, entry) for entry in self.folder.entries()]

    def job(self, name: str | int) -> "Job":
        """A job by name, number, alias, or the label that no other has; `project["LoG"]` is the same.

        Raises:
            ProjectError: there is no such job, or several.
        """
        return Job(self, self.folder.entry(str(name)))

    def __getitem__(self, name: str | int) -> "Job":
        return self.job(name)

    def __iter__(self) -> Iterator["Job"]:
        return iter(self.jobs())  # without it a loop would count up from 0, as job numbers

    if not TYPE_CHECKING:
        # Checkers see an overload for each protocol instead (`ProtocolCalls`): names and types of its parameters.
        def run(
            self,
            protocol: str,
            /,
            *,
            wait_for: Sequence["str | Job"] = (),
            label: str = "",
            alias: str = "",
            start: bool = True,
            priority: int = 0,
            alone: bool = False,
            memory_gb: float = 0,
            launcher: str = "",
            batch: Mapping[str, Any] | None = None,
            **given: Any,
        ) -> "Job":
            """Make a job and hand it to the scheduler; returns at once.

            A type checker knows the parameters of Cryoloom's own protocols; those of other packages it lets through `make`.

            Args:
                protocol: its name, such as "relion.class2d".
                wait_for: jobs that must succeed first, besides those whose outputs are used.
                label: a remark.
                alias: a name of your own.
                start: false leaves it unscheduled until `resume`.
                priority: the higher the sooner it gets its slots.
                alone: with nothing else on the machine.
                memory_gb: what it takes; 0 for the protocol's own estimate.
                launcher: where it goes; as the settings say without.
                batch: what it asks there: `queue`, `walltime`, and what the site's template asks besides.
                given: parameters and inputs by name; an input is a Job, a Dataset, text, a polars or pandas frame (or two:
                    optics groups and items), which becomes a job of its own; or a list of these.
            Raises:
                ParameterError: an unknown name, a value or an input that does not fit.
            """
            return self._make(
                protocol, given, sys._getframe(1), wait_for=wait_for, label=label, alias=alias, start=start,
                priority=priority, alone=alone, memory_gb=memory_gb, launcher=launcher, batch=batch,
            )  # fmt: skip

    def make(
        self,
        protocol: str,
        given: Mapping[str, Any],
        *,
        wait_for: Sequence["str | Job"] = (),
        label: str = "",
        alias: str = "",
        start: bool = True,
        priority: int = 0,
        alone: bool = False,
        memory_gb: float = 0,
        launcher: str = "",
        batch: Mapping[str, Any] | None = None,
        name: str = "",
    ) -> "Job":
        """As `run`, with parameters and inputs in a mapping: whatever they are called, and whoever's protocol it is.

        Args:
            name: that the job is to have, such as "Select/job005"; the next number without.
        """
        return self._make(
            protocol, given, sys._getframe(1), wait_for=wait_for, label=label, alias=alias, start=start,
            priority=priority, alone=alone, memory_gb=memory_gb, launcher=launcher, batch=batch, name=name,
        )  # fmt: skip

    def _make(
        self,
        protocol: str,
        given: Mapping[str, Any],
        caller: FrameType,
        *,
        wait_for: Sequence["str | Job"],
        label: str,
        alias: str,
        start: bool,
        priority: int,
        alone: bool,
        memory_gb: float,
        launcher: str,
        batch: Mapping[str, Any] | None,
        name: str = "",
    ) -> "Job":
        """Make a job; `caller`: whose code is kept with the frames that are given."""
        if not isinstance(start, bool):
            raise ParameterError(f"{protocol}: start", found=repr(start), expected="True or False")
        steering.check_settings(self.path)
        waits = [item.name if isinstance(item, Job) else self.folder.entry(item).name for item in wait_for]
        steering.check_wishes(str(protocol), priority=priority, alone=alone, memory_gb=memory_gb)
        check_sending(self.path, str(protocol), str(protocol), launcher, batch or {})
        # A frame becomes a job here: all that may be refused before has been.
        given = self._recorded(protocol, given, caller)
        values, inputs = taken_apart(self.folder, find_protocol(protocol), given)
        wishes: dict[str, Any] = {
            "priority": priority, "alone": alone, "memory_gb": memory_gb, "launcher": launcher,
            "batch": {name: str(value) for name, value in (batch or {}).items()},
        }  # fmt: skip
        wishes = {name: value for name, value in wishes.items() if value}
        if not start:
            wishes["wanted"] = "stop"
        entry = self.folder.create_job(
            protocol, values, inputs, wait_for=waits, label=label, alias=alias, wishes=wishes,
            asked=[*values, *inputs], name=name,
        )  # fmt: skip
        if start:
            ensure_scheduler(self.path)
        return Job(self, entry)

    def external(
        self,
        label: str,
        /,
        inputs: "Job | Dataset | str | Sequence[Job | Dataset | str]" = (),
        outputs: Mapping[str, str] | str = "",
        *,
        alias: str = "",
    ) -> "External":
        """Any code as a recorded job: `with project.external("my step", inputs=[extracted]) as job:`.

        In the block `job.inputs[0].table()` reads, `job.write("result", frame)` writes. A block that raises leaves a
        failed job.

        Args:
            label: what the step is, in your words.
            inputs: jobs or datasets, complete.
            outputs: what it makes, name and kind: `{"kept": "particles", "soft": "mask"}`. Without: one, `result`, of the first
                input's kind.
            alias: a name of your own.
        """
        from cryoloom.api.external import external

        return external(self, label, inputs, outputs, alias, sys._getframe(1))

    def check_workflow(self, path: str | Path, /, **placeholders: Any) -> list[str]:
        """Whether all jobs of a workflow could be made here; returns their names in it, makes nothing.

        Placeholders without a value are left open: of the jobs that name them only the rest is judged.

        Raises:
            ParameterError: all that is wrong, each fault with file, job, field and what to do.
        """
        from cryoloom.api.workflows import check_in

        checked = check_in(self.folder, Path(path), _plain(placeholders))
        checked.refuse()
        return list(checked.jobs)

    def run_workflow(self, path: str | Path, /, **placeholders: Any) -> list["Job"]:
        """Make all jobs of a workflow and hand them to the scheduler."""
        return self._add_workflow(path, placeholders, start=True)

    def import_workflow(self, path: str | Path, /, **placeholders: Any) -> list["Job"]:
        """Make all jobs of a workflow; none is started before `resume`."""
        return self._add_workflow(path, placeholders, start=False)

    def _add_workflow(self, path: str | Path, placeholders: Mapping[str, Any], *, start: bool) -> list["Job"]:
        from cryoloom.project.workflows.file import load_workflow
        from cryoloom.project.workflows.making import add_to_project

        steering.check_settings(self.path)
        workflow = load_workflow(Path(path), _plain(placeholders))
        entries = add_to_project(self.folder, workflow, wishes={} if start else {"wanted": "stop"})
        if start:
            ensure_scheduler(self.path)
        return [Job(self, entry) for entry in entries]

    def export_workflow(
        self, *jobs: "Job | str", branch: bool = False, title: str = "", out: str | Path | None = None
    ) -> dict[str, Any]:
        """Jobs as a workflow, which other projects run: what was asked of them, without anything of this machine.

        Args:
            jobs: which; all without any.
            branch: with all that need them.
            title: of the workflow; the project's name without one.
            out: a file to write it into.
        Returns:
            The workflow; of jobs that are not in it `left_out` says why.
        Raises:
            ProjectError: no such job, or none that could be exported.
        """
        from cryoloom.api.exporting import exported

        found = exported(self, [lifecycle.name_of(job) for job in jobs], branch=branch, title=title)
        content = dict(found.content)
        if out is not None:
            Path(out).write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        return content | {"left_out": dict(found.left_out)}

    def export_script(self, *jobs: "Job | str", out: str | Path | None = None) -> "Script":
        """A shell script that makes jobs, and what they are made of, again: by RELION alone, as far as its programs did it.

        Args:
            jobs: which; all without any.
            out: a file to write it into, executable.
        Raises:
            ProjectError: no such job.
        """
        from cryoloom.api.scripting import script_of

        found = script_of(self, [lifecycle.name_of(job) for job in jobs])
        if out is not None:
            Path(out).write_text(found.text, encoding="utf-8")
            Path(out).chmod(Path(out).stat().st_mode | 0o111)
        return found

    def export_crate(
        self,
        folder: str | Path,
        job: "Job | str" = "",
        *,
        author: str = "",
        licence: str = "",
        title: str = "",
    ) -> Path:
        """A result with all that it was made of as an RO-Crate; see `cryoloom.api.crates.write_crate`."""
        from cryoloom.api import crates

        return crates.write_crate(
            self,
            Path(folder),
            lifecycle.name_of(job),
            author=author,
            licence=licence or crates.LICENSE,
            title=title,
        )

    def export_workflow_crate(
        self,
        folder: str | Path,
        *jobs: "Job | str",
        author: str,
        licence: str = "",
        title: str = "",
        description: str = "",
    ) -> Path:
        """Jobs as a workflow in an RO-Crate for WorkflowHub; see `cryoloom.api.crates.write_workflow_crate`."""
        from cryoloom.api import crates

        return crates.write_workflow_crate(
            self, Path(folder), [lifecycle.name_of(job) for job in jobs], author=author, licence=licence or crates.LICENSE,
            title=title, description=description,
        )  # fmt: skip

    def methods(self, job: "Job | str" = "") -> "Methods":
        """How a result was made, for a paper: a paragraph, Table 1, references.

        Args:
            job: whose result; the finest map of the project without one.
        Raises:
            ProjectError: no such job.
        """
        from cryoloom.api.methods import methods_of

        return methods_of(self, lifecycle.name_of(job))

    def verify(self, *jobs: "Job | str", whole: bool = False) -> "Verified":
        """What has changed since jobs were made: their files, inputs and programs.

        Args:
            jobs: which; all without any.
            whole: by every byte, not by samples.
        Raises:
            ProjectError: no such job.
        """
        from cryoloom.api.verifying import verified

        return verified(self, [lifecycle.name_of(job) for job in jobs], whole=whole)

    def compare(self, other: "Project | str | Path", *, within: float = 30.0) -> "ProjectComparison":
        """What came out differently from another project, step by step, and whether that is more than chance does.

        Args:
            other: it, or its folder; RELION's own too.
            within: Å; picks and particles nearer than that to each other are one.
        Raises:
            ParameterError: no distance.
            ProjectError: one of them has no job that succeeded.
        """
        from cryoloom.api.comparing_projects import compare_projects

        return compare_projects(self, other if isinstance(other, Project) else Project(other), within=within)

    def wait(
        self,
        jobs: "Sequence[Job] | None" = None,
        *,
        timeout_s: float | None = None,
        tell: "Callable[[list[JobSummary]], None] | None" = None,
        every_s: float = 2.0,
    ) -> list["JobSummary"]:
        """Stay until the jobs (all, by default) have ended, or nothing can go on without you; returns their states.

        It only tells: what became of each job is in its state. `Job.wait` raises what went wrong.

        Args:
            jobs: which; None for all.
            timeout_s: give up waiting after so many seconds; the jobs go on.
            tell: called with the state of all when one changes, and every `every_s` seconds or so.
            every_s: how often it is looked where no change of state wakes us.
        """
        from cryoloom.api.ending import wait_for_end

        names = None if jobs is None else {job.name for job in jobs}
        return wait_for_end(self, names, timeout_s=timeout_s, tell=tell, every_s=every_s)

    def report(self, out: str | Path = "report.html") -> Path:
        """Write everything about the project into one file that needs nothing else: .html or .pdf.

        Raises:
            ProjectError: it has no jobs yet.
        """
        from cryoloom.views import vega
        from cryoloom.views.figures import Figures

        if not Figures(self.path).are_known():
            vega.start()  # before the tables are loaded that take as long
        from cryoloom.api.report import write_report

        if not self.jobs():
            raise ProjectError(f"{self.path}", found="without jobs", expected="something to report")
        write_report(self, Path(out))
        return Path(out)

    def events(self, *, follow: bool = False, since: float = 0.0) -> Iterator[dict[str, Any]]:
        """What happens to all jobs, each event with its `job`.

        Args:
            follow: go on as more happens; never ends by itself.
            since: leave out what was before, in seconds of the epoch.
        """
        from cryoloom.api.events import events

        return events(self.path, follow=follow, since=since)

    def __repr__(self) -> str:
        return f"<Project {self.path}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """In a notebook: the list of its jobs."""
        from cryoloom.api.looking import Seen
        from cryoloom.protocol.views import TableBlock

        columns = ("job", "alias", "protocol", "state", "made", "why")
        rows = [
            [one.name, one.alias or one.label, one.protocol, one.state, one.made, " ".join(one.why.split())]
            for one in self.summaries()
        ]
        return Seen((TableBlock(f"{self.path}", columns, rows),))._repr_mimebundle_()

    def summaries(self) -> list["JobSummary"]:
        """The state of every job: what `cryoloom ls` prints."""
        entries = self.folder.entries()
        return summarise(self.path, entries, read_waits(self.path))

    def resume(
        self,
        jobs: "Sequence[Job | str] | None" = None,
        *,
        take_over: bool = False,
        dependents: bool = False,
    ) -> list["Job"]:
        """Take up what was interrupted: failed, stopped and lost jobs go on where they were.

        Args:
            jobs: which; None for all, but those that ask something of their user (`questions`).
            take_over: also what another host runs that is gone for good.
            dependents: of an import that is named: the jobs that followed its stream to the end go on too.
        Returns:
            The jobs that go on.
        """
        return lifecycle.resume(self, jobs, take_over=take_over, dependents=dependents)

    def questions(self) -> dict[str, str]:
        """Jobs that were made and ask something of their user before they are started, each with what it is."""
        ours = (job for job in self.jobs() if job.entry.known_spec is not None)
        return {job.name: asked for job in ours if (asked := job.asks())}

    def retry(self, job: "Job | str", *, dependents: bool = False) -> Retry:
        """Try a job's failed items again, and on request let those follow that ended without them.

        Raises:
            ProjectError: none has failed, or it is no job in which a single item can fail.
        """
        return lifecycle.retry(self, job, dependents=dependents)

    def restart(self, job: "Job | str", *, dependents: bool | None = None) -> dict[str, str]:
        """Clear a job and run it again from the beginning; as `Job.restart`.

        Raises:
            ProjectError: others need it and `dependents` is None; it runs; or it is RELION's.
        """
        return lifecycle.restart(self, job, dependents=dependents)

    def delete(self, *jobs: "Job | str", dependents: bool = False) -> dict[str, str]:
        """Move jobs to `Trash/`, and on request those that need them; returns where each lies now.

        Raises:
            ProjectError: others need them, or one runs.
        """
        return lifecycle.delete(self, jobs, dependents=dependents)

    def deleted(self) -> dict[str, str]:
        """Jobs that lie whole in `Trash/`, each with the folder that it lies in now."""
        from cryoloom.project.undeleting import deleted_jobs

        return deleted_jobs(self.path)

    def undelete(self, *jobs: str) -> list["Job"]:
        """Take deleted jobs, by name or number, out of `Trash/`, also those that RELION deleted; returns them.

        Raises:
            ProjectError: it is not there, its place is taken, or it needs a job that is gone too.
        """
        return lifecycle.undelete(self, jobs)

    def copy(
        self, job: "Job | str", /, *, branch: bool = False, start: bool = False, **given: Any
    ) -> list["Job"]:
        """Make a job like this one with some parameters changed, and with `branch` all that need it.

        One whose `asks()` says something waits for its user, also with `start`.

        Returns:
            The copies, that of the job itself first.
        Raises:
            ParameterError: an unknown name, a value or an input that does not fit.
        """
        given = self._recorded(self.job(lifecycle.name_of(job)).protocol, given, sys._getframe(1))
        return list(lifecycle.copy(self, job, given, branch=branch, start=start).jobs)

    def continue_from(
        self, job: "Job | str", /, *, iteration: int | None = None, start: bool = True, **given: Any
    ) -> "Job":
        """Make a new job that goes on from an iteration of an old one; as `Job.continue_`.

        Raises:
            ProjectError: a job without iterations, or without this one.
            ParameterError: a parameter that RELION does not read again.
        """
        return lifecycle.continue_from(self, job, given, iteration=iteration, start=start)

    def sweep(
        self,
        job: "Job | str",
        values: Mapping[str, Sequence[Any]],
        *,
        branch: bool = False,
        start: bool = True,
    ) -> "Sweep":
        """Run a job with each of several values of one or two parameters; see `cryoloom.api.sweeping.make_sweep`."""
        from cryoloom.api.sweeping import make_sweep

        return make_sweep(self, job, values, branch=branch, start=start)

    def sweep_table(self, number: int | None = None) -> "SweepTable":
        """The branches of a sweep side by side; of the newest without a number."""
        from cryoloom.api.sweeping import sweep_table

        return sweep_table(self, number)

    def sweep_figure(self, out: str | Path, number: int | None = None) -> Path:
        """The pictures of a sweep's branches, each under its values, as a PNG file."""
        from cryoloom.api.sweeping import save_figure

        return save_figure(self, Path(out), number)

    def keep_of_sweep(self, job: "Job | str") -> dict[str, str]:
        """Keep the branch of a sweep that a job is in; the others go to `Trash/`."""
        from cryoloom.api.sweeping import keep_of_sweep

        return keep_of_sweep(self, job)

    def clean(self, *jobs: "Job | str", harsh: bool = False, dry_run: bool = False) -> "list[Cleaning]":
        """Move intermediate files of jobs, of all without a name, to `Trash/`; as `Job.clean`.

        Raises:
            ProjectError: a job that has not succeeded, or one that is needed now.
        """
        return lifecycle.clean(self, jobs, harsh=harsh, dry_run=dry_run)

    def _recorded(self, protocol: str, given: Mapping[str, Any], caller: FrameType) -> dict[str, Any]:
        """What was given, each table of it written as a job; `caller`: the frame of the code that gave it."""
        # Text and numbers, by far the most, need none of it.
        if not any(isinstance(value, Mapping | list | tuple) or is_frame(value) for value in given.values()):
            return dict(given)
        from cryoloom.api.given_frames import with_frames_as_jobs

        return with_frames_as_jobs(self, protocol, given, caller)


def _plain(placeholders: Mapping[str, Any]) -> dict[str, Any]:
    """Values as a file could have them: a job or a path as its name."""
    return {
        name: value.name
        if isinstance(value, Job)
        else value
        if isinstance(value, str | int | float)
        else str(value)
        for name, value in placeholders.items()
    }
