"""A job in Python: its state, parameters, outputs and views; what can be done with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryoloom.api import steering
from cryoloom.api.dataset import Dataset
from cryoloom.api.ending import check_succeeded
from cryoloom.engine.calling import call_scheduler
from cryoloom.errors import ProjectError
from cryoloom.project import attempts
from cryoloom.project.folder import JobEntry
from cryoloom.project.lineage import dependents_of
from cryoloom.project.retrying import followers_of, is_import, wholes_of
from cryoloom.protocol.declare import near
from cryoloom.schedule.state import ENDED

if TYPE_CHECKING:
    from cryoloom.api.details import JobDetails
    from cryoloom.api.looking import JobView
    from cryoloom.api.next_steps import NextStep
    from cryoloom.api.project import Project
    from cryoloom.api.summary import JobSummary


@dataclass(frozen=True)
class Job:
    """One execution of a protocol in a project."""

    project: "Project"
    entry: JobEntry

    @property
    def name(self) -> str:
        return self.entry.name

    @property
    def alias(self) -> str:
        """The name that the user gave it, "" without one."""
        return self.entry.alias

    @property
    def protocol(self) -> str:
        """Of what kind it is: ours by its protocol, RELION's by RELION's word for it."""
        return self.entry.protocol

    @property
    def folder(self) -> Path:
        return self.entry.folder

    @property
    def params(self) -> Mapping[str, Any]:
        """Parameters, complete; for a job of RELION's the options of its `job.star`."""
        if self.entry.spec is not None:
            return self.entry.make_protocol().values | self.entry.status().history.resolved
        from cryoloom.project.forms.jobstar import read_job_star

        return read_job_star(self.folder / "job.star")[1]

    @property
    def state(self) -> str:
        return self.entry.status().state

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED

    @property
    def why(self) -> str:
        """Why it waits or failed."""
        return self.summary().why

    def summary(self) -> "JobSummary":
        """Its line in the list of jobs.

        Raises:
            ProjectError: it was deleted.
        """
        name = self.project.folder.entry(self.name).name
        return next(summary for summary in self.project.summaries() if summary.name == name)

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

    def wait(self, timeout_s: float | None = None, *, check: bool = True) -> "Job":
        """Stay until it has succeeded; what went wrong otherwise is raised.

        Args:
            timeout_s: give up waiting after so many seconds; the job goes on.
            check: false raises nothing of the job's, neither that it failed nor that the time is over: ask its `state`.
        Raises:
            JobError: it failed, was stopped, waits for what will not come, or RELION runs it.
            TimeoutError: the time is over, and the job goes on.
        """
        shown = self.project.wait([self], timeout_s=timeout_s)
        if check:
            # None: it was deleted meanwhile, which asking for it says.
            check_succeeded(shown[0] if shown else self.summary(), timeout_s)
        return self

    def stop(self) -> None:
        """End it; what is done is kept, and `resume` goes on. Nothing to do where it has ended."""
        if self.entry.spec is None:
            raise ProjectError(
                f"{self.name}", found="a job of RELION's", expected="one that Cryoloom started"
            )
        if self.has_ended:
            return
        attempts.write_control(self.folder, wanted="stop")
        call_scheduler(self.project.path)

    def stop_stream(self) -> None:
        """Close an import's stream: what has come is processed to the end.

        Raises:
            ProjectError: the job is no import.
        """
        steering.check_stream(self)
        attempts.write_control(self.folder, stream="stop")

    def change(self, *, of_all: bool = False, **given: Any) -> int:
        """Change parameters while items stream through it; see `steering.change`."""
        return steering.change(self, given, of_all=of_all)

    def prioritise(
        self, *, priority: int | None = None, alone: bool | None = None, memory_gb: float | None = None
    ) -> None:
        """Change when it gets its slots; see `steering.prioritise`."""
        steering.prioritise(self, priority=priority, alone=alone, memory_gb=memory_gb)

    def notes(self) -> list[str]:
        """What it said of itself and its items."""
        return list(self.entry.status().history.notes)

    def details(self) -> "JobDetails":
        """All that is known of it: what `cryoloom show` prints."""
        from cryoloom.api.details import details_of

        return details_of(self)

    def next_steps(self) -> "list[NextStep]":
        """What usually follows, its inputs filled in."""
        from cryoloom.api.next_steps import next_steps

        return next_steps(self)

    def set_alias(self, alias: str) -> None:
        """Give it a name of one's own; "" takes it away.

        Raises:
            ParameterError: no name, or that of another job.
        """
        self.project.folder.set_alias(self.name, alias)

    def story(self) -> list[str]:
        """Its life in sentences."""
        from cryoloom.project.story import story

        return story(self.folder, self.entry.spec) if self.entry.spec else []

    def dependents(self) -> list["Job"]:
        """The jobs that need it, directly or by others."""
        entries = self.project.folder.entries()
        names = dependents_of(entries, [self.name])
        return [Job(self.project, entry) for entry in entries if entry.name in names]

    def followers(self) -> tuple[str, ...]:
        """The jobs that followed the stream of an import, one after the other, and have ended; of other jobs none."""
        return followers_of(self.project.folder, self.name) if is_import(self.entry) else ()

    def asks(self) -> str:
        """What its user has to decide before it is started, "" for nothing."""
        return str(attempts.read_control(self.folder)["asks"]) if self.entry.spec is not None else ""

    def wholes(self) -> tuple[str, ...]:
        """Of an import: the jobs that took as a whole what it or its followers made, and have ended; of other jobs none."""
        return wholes_of(self.project.folder, self.name) if is_import(self.entry) else ()

    def resume(self) -> "Job":
        """Go on after it stopped or failed."""
        self.project.resume([self])
        return self

    def views(self) -> "list[JobView]":
        """What there is to look at now; nothing is read before it is looked at."""
        from cryoloom.api.looking import views_of

        return views_of(self.project.path, self.entry)

    def view(self, name: str) -> "JobView":
        """One view by its name: `view.look()`, `view.save("x.png")`; it shows itself in a notebook.

        Raises:
            ProjectError: it has no such view.
        """
        found = self.views()
        for view in found:
            if view.name == name:
                return view
        raise ProjectError(
            f"{self.name}: view {name}", found="unknown",
            expected=f"one of {', '.join(view.name for view in found) or 'none: it has nothing to show yet'}",
            hint=near(name, [view.name for view in found]),
        )  # fmt: skip

    def __repr__(self) -> str:
        return f"<Job {self.name} {self.entry.protocol} {self.state}>"
