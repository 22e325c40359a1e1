"""A job in Python: its state, parameters, outputs and views; what can be done with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryoloom.api import steering
from cryoloom.api.dataset import Dataset
from cryoloom.api.ending import check_succeeded
from cryoloom.errors import ProjectError
from cryoloom.project import attempts
from cryoloom.project.entry import JobEntry
from cryoloom.project.lineage import dependents_of
from cryoloom.project.retrying import followers_of, is_import, wholes_of
from cryoloom.schedule.state import ENDED, State

if TYPE_CHECKING:
    import polars as pl

    from cryoloom.api.details import JobDetails
    from cryoloom.api.faces import Face
    from cryoloom.api.logs import JobLog
    from cryoloom.api.looking import JobView, Seen
    from cryoloom.api.maps import JobMap
    from cryoloom.api.methods import Methods
    from cryoloom.api.next_steps import NextStep
    from cryoloom.api.picking import MicrographPicks, PicksSaved
    from cryoloom.api.project import Project
    from cryoloom.api.summary import JobSummary
    from cryoloom.api.verifying import Verified
    from cryoloom.project.cleaning import Cleaning
    from cryoloom.project.retrying import Retry
    from cryoloom.project.sweeps import Sweep


@dataclass(frozen=True)
class Job:
    """One execution of a protocol in a project."""

    project: "Project"
    entry: JobEntry

    @property
    def name(self) -> str:
        """Such as `Class2D/job012`."""
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
        """Where its files lie."""
        return self.entry.folder

    @property
    def params(self) -> Mapping[str, Any]:
        """Parameters, complete; for a job of RELION's the options of its `job.star`."""
        if self.entry.spec is not None:
            return self.entry.make_protocol().values | self.entry.status().history.resolved
        from cryoloom.project.forms.jobstar import read_job_star

        return read_job_star(self.folder / "job.star")[1]

    @property
    def state(self) -> State:
        """`scheduled`, `running`, `succeeded`, `failed` or `aborted`, by its files as they are now."""
        return self.entry.status().state

    @property
    def has_ended(self) -> bool:
        """Whether it succeeded, failed or was aborted."""
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

    def stop(self, *, stream: bool = False) -> None:
        """End it; what is done is kept, and `resume` goes on. Nothing to do where it has ended.

        Args:
            stream: only close an import's stream: what has come is processed to the end.
        Raises:
            ProjectError: the job is RELION's, or has no stream to close.
        """
        if stream:
            steering.stop_stream(self)
        else:
            steering.stop(self)

    def resume(self, *, take_over: bool = False, dependents: bool = False) -> "Job":
        """Go on after it stopped or failed; an import looks for what came meanwhile.

        Args:
            take_over: also from another host that is gone for good.
            dependents: of an import: the jobs that followed its stream to the end go on too.
        """
        self.project.resume([self], take_over=take_over, dependents=dependents)
        return self

    def retry(self, *, dependents: bool = False) -> "Retry":
        """Try its failed items again, in the same job; what is through stays.

        Args:
            dependents: the jobs that followed it and ended without these items take them.
        Raises:
            ProjectError: none has failed, or it is no job in which a single item can fail.
        """
        return self.project.retry(self, dependents=dependents)

    def restart(self, *, dependents: bool | None = None) -> dict[str, str]:
        """Run it again from the beginning, in its folder and under its number; its results go to `Trash/`.

        Args:
            dependents: clear and run the jobs that need it too, or leave them as they are; None refuses where there are any.
        Returns:
            For each job that runs again where its earlier results lie.
        Raises:
            ProjectError: others need it and `dependents` is None; it runs; or it is RELION's.
        """
        return self.project.restart(self, dependents=dependents)

    def continue_(self, *, iteration: int | None = None, start: bool = True, **given: Any) -> "Job":
        """Make a new job that goes on from an iteration of this one.

        Args:
            iteration: where to go on from; None: the newest whole one.
            start: false leaves it unscheduled until `resume`.
            given: what is different from now on, such as `nr_iter=40`.
        Raises:
            ProjectError: a job without iterations, or without this one.
            ParameterError: a parameter that RELION does not read again.
        """
        return self.project.continue_from(self, iteration=iteration, start=start, **given)

    def copy(self, *, branch: bool = False, start: bool = False, **given: Any) -> "Job":
        """Make a job like this one; it stays as it is.

        Args:
            branch: copy the jobs that need it too; the copy's `dependents()` are their copies.
            start: false leaves the copies unscheduled until `resume`.
            given: what is different in the copy, parameters and inputs by name.
        Raises:
            ParameterError: an unknown name, a value or an input that does not fit.
        """
        return self.project.copy(self, branch=branch, start=start, **given)[0]

    def sweep(self, *, branch: bool = False, start: bool = True, **given: Sequence[Any]) -> "Sweep":
        """Run it again with each of several values of one or two parameters: `job.sweep(nr_classes=[20, 50, 100])`.

        Args:
            branch: with the jobs that need it.
            start: false leaves the copies unscheduled until `resume`.
            given: the parameters, each with its values.
        Raises:
            ParameterError: an unknown name, a value that does not fit, or more than two parameters.
        """
        return self.project.sweep(self, given, branch=branch, start=start)

    def verify(self, *, whole: bool = False) -> "Verified":
        """What has changed since it was over: its files, what it read, and the programs.

        Args:
            whole: by every byte, not by samples.
        """
        return self.project.verify(self, whole=whole)

    def methods(self, out: str | Path | None = None, bib: str | Path | None = None) -> "Methods":
        """How its result was made, for a paper: a paragraph, Table 1, references.

        Args:
            out: a Markdown file for all of it.
            bib: a BibTeX file for the references.
        """
        found = self.project.methods(self)
        for path, text in ((out, found.as_markdown()), (bib, found.bibtex)):
            if path is not None:
                Path(path).write_text(text, encoding="utf-8")
        return found

    def clean(self, *, harsh: bool = False, dry_run: bool = False) -> "Cleaning":
        """Move its intermediate files to `Trash/`, by RELION's rules.

        Args:
            harsh: also images that later jobs may need: micrographs, particle stacks.
            dry_run: only say what would go.
        Raises:
            ProjectError: it has not succeeded, or is needed now.
        """
        [done] = self.project.clean(self, harsh=harsh, dry_run=dry_run)
        return done

    def delete(self, *, dependents: bool = False) -> dict[str, str]:
        """Move it to `Trash/`; nothing is erased. Refuses while other jobs need it.

        Args:
            dependents: take along the jobs that need it.
        Returns:
            For each job where it lies now.
        Raises:
            ProjectError: others need it, or it runs.
        """
        return self.project.delete(self, dependents=dependents)

    def change(self, *, of_all: bool = False, **given: Any) -> int:
        """Change parameters while items stream through it, or before it is started.

        Args:
            of_all: for all items, also in the jobs behind; else for those to come.
            given: parameters by name.
        Returns:
            The version of its parameters, which the journal names with each item; 0: it has not begun.
        Raises:
            ProjectError: it has ended, or does not treat items one by one.
            ParameterError: an unknown parameter, or a value that does not fit.
        """
        return steering.change(self, given, of_all=of_all)

    def picks(self, micrograph: str) -> "MicrographPicks":
        """Of picking by hand: the picks of a micrograph as they are now, with their revision: `.table`, `.revision`.

        Args:
            micrograph: its name, a part that only one has, or its number from 1 (`0004` is a part of a name).
        Raises:
            ProjectError: no job of picking by hand, or no such micrograph in it.
        """
        from cryoloom.api.picking import picks_of

        return picks_of(self, micrograph)

    def save_picks(
        self, micrograph: str, table: "pl.DataFrame", *, since: str, dependents: bool = False
    ) -> "PicksSaved":
        """Of picking by hand: make these the picks of a micrograph; the job gives them out again.

        Args:
            micrograph: its name, a part that only one has, or its number from 1 (`0004` is a part of a name).
            table: rlnCoordinateX and rlnCoordinateY in px; a pick keeps its cryoloomItemId wherever it lies now, and one
                without gets a fresh one.
            since: the revision that the edit began from: `picks(micrograph).revision`.
            dependents: the jobs that made something of the picks before, and have ended, make it again.
        Raises:
            ProjectError: somebody else has edited them since, and nothing was written.
            ParameterError: a position outside the micrograph, an id that is none of its picks', or a double.
        """
        from cryoloom.api.picking import save

        return save(self, micrograph, table, since=since, dependents=dependents)

    def priority(self, number: int, *, alone: bool | None = None, memory_gb: float | None = None) -> None:
        """Say how urgent it is, and what it takes of the machine; what is None stays as it was.

        Args:
            number: the higher the sooner it gets its slots; 0 is usual.
            alone: with nothing else on the machine.
            memory_gb: what it takes; 0 for the protocol's own estimate.
        Raises:
            ProjectError: the job is RELION's.
            ParameterError: a priority or memory that is no number.
        """
        steering.prioritise(self, priority=number, alone=alone, memory_gb=memory_gb)

    def send(self, launcher: str, **given: Any) -> str:
        """Have it started by another launcher, or ask the one it has for something else: `job.send("gpu", walltime="24h")`.

        One that waits in a queue is taken out of it; one that runs goes on where it is, and its next attempt goes there.

        Args:
            launcher: of the settings, or "local"; "" as the settings say.
            given: `queue`, `walltime`, and what the site's template asks besides.
        Returns:
            What becomes of it, in a sentence.
        Raises:
            ProjectError: the job is RELION's, or there is no such launcher.
            ParameterError: a value that cannot be.
        """
        from cryoloom.api.sending import send

        return send(self, launcher, given)

    def notes(self) -> list[str]:
        """What it said of itself and its items."""
        return list(self.entry.status().history.notes)

    def note(self, text: str = "") -> str:
        """What stands in its `note.txt`, as RELION's window shows it; with a text that is written below first.

        Raises:
            ParameterError: more than a note is long.
        """
        from cryoloom.project.notes import noted

        return noted(self.folder, text, f"{self.name}: note")

    def show(self) -> "JobDetails":
        """All that is known of it: parameters, inputs, outputs, failed items, what it says of itself."""
        from cryoloom.api.details import details_of

        return details_of(self)

    def next_steps(self) -> "list[NextStep]":
        """What usually follows, its inputs filled in."""
        from cryoloom.api.next_steps import next_steps

        return next_steps(self)

    def set_alias(self, name: str) -> None:
        """Give it a name of one's own; "" takes it away.

        Raises:
            ParameterError: no name, or that of another job.
        """
        self.project.folder.set_alias(self.name, name)

    def log(self, *, follow: bool = False, events: bool = False, story: bool = False) -> "JobLog":
        """What its programs said: `print(job.log())`, or piece by piece with `for`.

        Args:
            follow: go on until it has ended.
            events: its journal instead.
            story: its life in sentences instead.
        """
        from cryoloom.api.logs import JobLog

        return JobLog(self, follow=follow, events=events, story=story)

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

    def views(self) -> "list[JobView]":
        """What there is to look at now; nothing is read before it is looked at."""
        from cryoloom.api.looking import views_of

        return views_of(self.project.path, self.entry)

    def maps(self) -> "list[JobMap]":
        """Its maps, masks and half maps, then those of its iterations; `cryoloom.api.map_exporting` opens them elsewhere."""
        from cryoloom.api.maps import maps_of

        return maps_of(self)

    def face(self) -> "Face":
        """The small picture by which it is known: a map's projection, class averages, a micrograph."""
        from cryoloom.api.faces import Face

        return Face(self.project.path, (*self.views(),))

    def no_views(self) -> str:
        """Why it has no view, and what to look at instead."""
        from cryoloom.api.looking import no_views

        return no_views(self.entry)

    def view(self, name: str = "") -> "JobView":
        """One view by its name, the first without one: `view.look()`, `view.save("x.png")`; it shows itself in a notebook.

        Raises:
            ProjectError: it has no such view.
        """
        from cryoloom.api.looking import view_of

        return view_of(self.entry, name)

    def live(
        self, view: str = "", *, item: str = "", iteration: int | None = None, every_s: float = 2.0
    ) -> "Job":
        """Show a view in a notebook, anew whenever it has changed, until the job has ended.

        It need not have begun: what is not there yet is waited for. Interrupting the cell ends the looking; the job goes on.

        Args:
            view: its name; without one the first that there is.
            item: as of `plot`; the newest by default.
            iteration: the newest by default.
            every_s: seconds between two looks.
        Returns:
            The job, so that `job.live("classes").wait()` goes on with what it made, or raises what went wrong.
        """
        from cryoloom.api.live_views import draw_live, looks

        draw_live(looks(self.entry, view, item=item, iteration=iteration, every_s=every_s))
        return self

    def plot(
        self,
        view: str = "",
        out: str | Path | None = None,
        *,
        item: str = "",
        iteration: int | None = None,
        other: "Job | str | None" = None,
        other_iteration: int | None = None,
    ) -> "Seen":
        """Look at one of its views; shows itself in a notebook.

        Args:
            view: its name; without one the first of `views()`.
            out: a file to write it to as well: .png, .svg, .pdf, .html or .json.
            item: of a view of one item: its name or a part of it, a number, `first`, `newest` or `worst`.
            iteration: the newest by default.
            other: a job whose view of that name is shown with it: curves in one chart, pictures side by side.
            other_iteration: of that job; alone, another iteration of this one.
        Raises:
            ProjectError: it has no such view, or nothing to show yet; nor has the other.
            ParameterError: no such item or iteration, or an ending that no file has.
        """
        if out is not None:
            from cryoloom.views import vega

            vega.start()  # before the tables are loaded that take as long
        declared = self.view(view)
        if other is None and other_iteration is None:
            seen = declared.look(item=item, iteration=iteration)
        else:
            beside = self if other is None else other if isinstance(other, Job) else self.project.job(other)
            seen = declared.beside(
                beside.view(declared.name), item=item, iteration=iteration, other_iteration=other_iteration
            )
        if out is not None:
            seen.save(out)
        return seen

    def __repr__(self) -> str:
        return f"<Job {self.name} {self.entry.protocol} {self.state}>"
