"""A session at the microscope: how far behind the steps of a stream are, what they take, what was kept, what failed.

```python
from cryoloom import Project
from cryoloom.api.session import Session

now = Session(Project("MyProject")).look()
print(now.behind_s, [(step.name, step.waits, step.load) for step in now.steps])
```

A `Session` that is kept reads on at each look, in the journals and tables of its jobs, and costs what is new.
Times are seconds of the epoch by the clocks of who wrote: for people, nothing is decided by them.
"""

import itertools
import os
import statistics
import time
from collections.abc import Mapping, Set
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from cryoloom.api.following import FollowedJob
from cryoloom.api.session_disk import Disk, disk_of
from cryoloom.api.session_now import FailedItem, SessionNow, Verdict
from cryoloom.api.session_results import BehindJobs, happened, results_of
from cryoloom.api.session_steps import StepNow, lanes_of, rate_of, seconds_each
from cryoloom.api.stream_chain import Chain, Step, chain_of, sources_in
from cryoloom.errors import CryoloomError, ProjectError
from cryoloom.project.entry import JobEntry
from cryoloom.project.forms.pipeline import FILE as PIPELINE

if TYPE_CHECKING:
    from cryoloom.api.project import Project

NAMES = "names of movies"  # how that table is called beside those that others follow
QUIET_S = 600.0  # without a movie for so long something may be wrong at the microscope
STATS_A_LOOK = 2000  # files that are asked for their age: a file server may take a millisecond for each
MOST_FAILED = 200
BEHIND_ITEMS = 20  # that many have to wait, and more and more, before a step is said to fall behind
DISK_EVERY_S = 60.0


@dataclass(frozen=True, slots=True)
class _Facts:
    """What is so since something was new. `of_step`, `oldest`: when the oldest movie came that is not through it, or all."""

    version: int = -1
    of_step: Mapping[str, float | None] = field(default_factory=dict)
    pending: int = 0
    oldest: float | None = None
    newest: float = 0.0


@dataclass(slots=True)
class Session:
    """The newest stream of a project, followed.

    Attributes:
        project: whose.
        source: the import, by number; 0: the one that runs, else the newest.
    """

    project: "Project"
    source: int = 0
    chain: Chain | None = None
    jobs: dict[str, FollowedJob] = field(default_factory=dict)
    written: dict[str, float] = field(default_factory=dict)  # by item: when the movie was
    places: dict[str, tuple[tuple[float, float], ...]] = field(default_factory=dict)  # of picks, by file
    # Grows whenever anything is new; begins with the time, so that nobody takes another server's for it.
    version: int = field(default_factory=lambda: int(time.time()) * 1000)
    _files: dict[str, str] = field(default_factory=dict)  # of movies whose age was not asked for yet
    _seen: int = 0  # rows of the import's table
    _stamp: tuple[int, int] = (0, 0)  # of the list of jobs
    _known: _Facts = field(default_factory=_Facts)
    _behind_jobs: BehindJobs = field(default_factory=BehindJobs)
    _disk: tuple[float, Disk | None] = (-1e9, None)

    def look(self, now: float | None = None) -> SessionNow:
        """What is so at this moment.

        Raises:
            ProjectError: the project has no import of movies or micrographs.
        """
        now = time.time() if now is None else now
        self._read_on()
        assert self.chain is not None
        source = self.chain.source
        first = self.jobs[source.name]
        is_open = first.status.state in ("running", "scheduled") and not first.status.known.wants_stop
        known = self._facts()
        steps = tuple(self._step(step, known, now, is_open) for step in self.chain.steps)
        pending = known.pending
        until = now if is_open or pending else self._last_sign(now)
        accepted, judged = self._accepted()
        rate = steps[0].rate
        failed = self._failed()
        behind = self._behind_jobs.look(self.chain.behind)
        verdict, why = self._verdict(steps, known, is_open, now)
        return SessionNow(
            source=source.name, alias=source.entry.alias, pattern=str(source.protocol.values.get("fn_in_raw", "")),
            is_open=is_open, state=first.status.state, began=first.history.began,
            newest=known.newest, now=now, until=until,
            behind_s=self._behind(known, now) if is_open or pending else None, pending=pending,
            verdict=verdict, why=why, movies=len(first.history.done), failed_movies=len(first.history.failed), rate=rate,
            accepted=accepted, judged=judged, particles=self._particles(), steps=steps, failed=failed[:MOST_FAILED],
            failed_total=len(failed), disk=self._disk_now(rate if is_open else None, now),
            results=results_of(behind), happened=happened(self.chain.steps, self.jobs, behind),
        )  # fmt: skip

    def ids_through(self, step: Step) -> Set[str]:
        """The items that are through a step."""
        job = self.jobs[step.name]
        if step.names_items:
            return job.history.done.keys()
        return {item for table in job.tables.values() for item in table.ids}

    def filters(self) -> tuple[Step, ...]:
        """The steps that keep some micrographs and reject others."""
        assert self.chain is not None
        return tuple(
            step for step in self.chain.steps
            if not step.names_items and step.kind == "micrographs" and "rejected" in step.protocol.outputs_declared
        )  # fmt: skip

    def _read_on(self) -> None:
        """What has come since the last look."""
        try:
            stat = (self.project.path / PIPELINE).stat()
            stamp = (stat.st_mtime_ns, stat.st_size)
        except OSError:
            stamp = (0, 0)
        if stamp != self._stamp or self.chain is None or self._has_died():
            self._resolve()
            self._stamp = stamp
        assert self.chain is not None
        news = [job.look() for job in self.jobs.values()]
        self._learn_times()
        self.version += any(news)

    def _has_died(self) -> bool:
        """Whether a step of the chain was stopped: another branch may count now."""
        return any(job.status.state in ("aborted", "failed") for job in self.jobs.values())

    def _resolve(self) -> None:
        entries = self.project.folder.entries()
        source = self._source(entries)
        chain = chain_of(entries, source)
        if self.chain is None or self.chain.source.name != chain.source.name:
            self.written, self._files, self._seen = {}, {}, 0
        self.chain = chain
        known = self.jobs
        self.jobs = {}
        for step in chain.steps:
            job = known.get(step.name) or FollowedJob(step.entry)
            job.entry = step.entry
            self.jobs[step.name] = job
            if step is chain.steps[0]:
                job.follow(step.output, ("rlnMicrographMovieName", "rlnMicrographName"), NAMES)
            elif not step.names_items and step.kind != "particles":
                for name in step.protocol.outputs_declared:
                    job.follow(name)
        self.version += 1

    def _source(self, entries: list[JobEntry]) -> JobEntry:
        found = sources_in(entries)
        if self.source:
            found = [entry for entry in found if entry.name.endswith(f"job{self.source:03d}")]
        if not found:
            raise ProjectError(
                f"{self.project.path}", found=f"no import {self.source}" if self.source else "without an import of movies",
                expected="a session that is imported as it comes",
                hint="cryoloom run import.movies fn_in_raw='/data/*.tiff' angpix=... stream=Yes",
            )  # fmt: skip
        states = {entry.name: entry.look() for entry in found}
        running = [entry for entry in found if states[entry.name].state in ("running", "scheduled")]
        began = [entry for entry in found if states[entry.name].history.began]
        return (running or began or found)[-1]

    def _learn_times(self) -> None:
        """When the movies that are new were written: by their files, as far as these can be asked soon."""
        assert self.chain is not None
        job = self.jobs[self.chain.source.name]
        table = job.tables[NAMES]
        if table.count < self._seen:
            self._seen = 0  # it was begun anew
        if table.count > self._seen:
            rows = table.newest(table.count - self._seen)
            for item, movie, micrograph in rows.iter_rows():
                self.written[item] = job.history.done.get(item, 0.0)
                if name := movie or micrograph:
                    self._files[item] = name
            self._seen = table.count
        self.version += bool(self._files)
        for item in [*itertools.islice(self._files, STATS_A_LOOK)]:
            path = f"{self.project.path}/{self._files.pop(item)}"
            try:
                self.written[item] = os.stat(path).st_mtime  # noqa: PTH116  thousands of them
            except OSError:
                continue  # it is gone, or was never one file: the import's time stands

    def _facts(self) -> "_Facts":
        """What holds as long as nothing is new: ages grow, and who is meant stays."""
        if self._known.version != self.version:
            self._known = self._new_facts()
        return self._known

    def _new_facts(self) -> "_Facts":
        assert self.chain is not None
        imported = self.jobs[self.chain.source.name].history.done.keys()
        rejecting = self.filters()
        gone: list[Set[str]] = []  # failed or rejected on the way: they come no further
        oldest: dict[str, float | None] = {}
        pending: list[str] = []
        last = self._last_named().name
        for step in self.chain.steps:
            job = self.jobs[step.name]
            gone.append(job.history.failed.keys())
            if step in rejecting and "rejected" in job.tables:
                gone.append(job.tables["rejected"].ids)
            oldest[step.name] = None
            if self._is_by_movie(step):
                waiting = [
                    item for item in imported - self.ids_through(step) if not any(item in one for one in gone)
                ]
                oldest[step.name] = min(map(self._came, waiting), default=None)
                if step.name == last:
                    pending = waiting
        return _Facts(
            self.version, oldest, len(pending), oldest[last], max(self.written.values(), default=0.0)
        )

    def _last_named(self) -> Step:
        """The last step of which it is known which movies are through."""
        assert self.chain is not None
        return [step for step in self.chain.steps if self._is_by_movie(step)][-1]

    def _is_by_movie(self, step: Step) -> bool:
        """Whether a step's items are movies or their micrographs: then they have one identity."""
        assert self.chain is not None
        kinds = {one.name: one.kind for one in self.chain.steps}
        if not step.names_items:
            return step.kind != "particles"
        return all(kinds[job] != "particles" for job, _ in step.inputs)

    def _came(self, item: str) -> float:
        """From when a movie's delay is counted: nobody can be behind with what lay there before he began."""
        assert self.chain is not None
        return max(self.written.get(item, 0.0), self.jobs[self.chain.source.name].history.began)

    def _behind(self, known: "_Facts", now: float) -> float | None:
        if known.oldest is not None:
            return max(now - known.oldest, 0.0)
        job = self.jobs[self._last_named().name]
        # Of what was made again since, or by a job that began later, the delay is not the stream's.
        last = [*itertools.islice(reversed(job.first.items()), 5)]
        began = job.history.began
        delays = [max(t - max(self._came(item), began), 0.0) for item, t in last]
        return statistics.median(delays) if delays else None

    def _step(self, step: Step, known: "_Facts", now: float, is_open: bool) -> StepNow:
        job = self.jobs[step.name]
        status, history = job.status, job.history
        done = history.count
        until = now if is_open else (job.marks[-1] if job.marks else now)
        before = self.jobs[step.inputs[0][0]] if step.inputs else None
        each, lanes = seconds_each(step, job, before), lanes_of(step.protocol, self.project.path)
        coming = self._coming(step, until)
        oldest = known.of_step[step.name]
        load = None
        if each is not None and coming is not None and step.inputs and is_open:
            load = coming * each / 3600.0 / lanes
        return StepNow(
            name=step.name, title=type(step.protocol).label, alias=step.entry.alias, kind=step.kind, state=status.state,
            why=job.status.damage or status.why, done=done, failed=len(history.failed),
            waits=max(self._there_for(step) - done - len(history.failed), 0) if step.inputs else 0, each_s=each,
            lanes=lanes, rate=rate_of(job, until), load=load,
            behind_s=None if oldest is None else max(now - oldest, 0.0),
        )  # fmt: skip

    def _there_for(self, step: Step) -> int:
        """Items that its inputs have for a step; one waits until all its inputs have it."""
        counts = []
        for name, output in step.inputs:
            state = self.jobs[name].history.outputs.get(output)
            counts.append(state.items if state else 0)
        return min(counts, default=0)

    def _coming(self, step: Step, until: float) -> float | None:
        """Items an hour that come to a step: what the steps before it let through."""
        rates = []
        for name, output in step.inputs:
            job = self.jobs[name]
            rate = rate_of(job, until)
            if rate is None:
                return None
            state = job.history.outputs.get(output)
            done = job.history.count
            rates.append(rate * (state.items / done if state and done else 1.0))
        return min(rates, default=None)

    def _accepted(self) -> tuple[int | None, int | None]:
        """Micrographs that passed all filters, of those that the first has seen."""
        filters = self.filters()
        if not filters:
            return None, None
        states = [self.jobs[step.name].history.outputs for step in filters]
        kept = [state["kept"].items if "kept" in state else 0 for state in states]
        rejected = [state["rejected"].items if "rejected" in state else 0 for state in states]
        return kept[-1], kept[-1] + sum(rejected)

    def _particles(self) -> int | None:
        assert self.chain is not None
        cut = [step for step in self.chain.steps if step.kind == "particles"]
        if not cut:
            return None
        state = self.jobs[cut[0].name].history.outputs.get(cut[0].output)
        return state.items if state else 0

    def _failed(self) -> tuple[FailedItem, ...]:
        return tuple(
            FailedItem(name, item, Path(called or item).name, why)
            for name, job in self.jobs.items()
            for item, (called, why) in job.history.failed.items()
        )

    def _last_sign(self, now: float) -> float:
        return max((job.marks[-1] for job in self.jobs.values() if job.marks), default=now)

    def _disk_now(self, rate: float | None, now: float) -> Disk | None:
        assert self.chain is not None
        asked, known = self._disk
        if now - asked > DISK_EVERY_S or known is None:
            try:
                known = disk_of(self.project.path, self.chain, self.jobs)
            except (OSError, CryoloomError):
                known = None
            self._disk = (now, known)
        return replace(known, rate=rate) if known is not None else None

    def _verdict(
        self, steps: tuple[StepNow, ...], known: "_Facts", is_open: bool, now: float
    ) -> tuple[Verdict, str]:
        for step in steps[1:]:
            if step.state in ("failed", "aborted"):
                return "stands", f"{step.name}, {step.title}, {step.state}: {step.why or 'it was stopped'}"
            if step.state == "scheduled" and step.why and step.waits:
                return "stands", f"{step.name}, {step.title}, waits: {step.why}"
        if steps[0].state in ("failed", "aborted"):
            return "stands", f"{steps[0].name} {steps[0].state}: {steps[0].why or 'it was stopped'}"
        if not is_open:
            if known.pending:
                return "finishing", f"the stream is over, and {known.pending} movies are not through yet"
            return "ended", "the stream is over, and all that came is through"
        slow = [
            step for step in steps if step.load is not None and step.load > 1 and step.waits > BEHIND_ITEMS
        ]
        if slow:
            worst = max(slow, key=lambda step: step.load or 0)
            return (
                "falls behind",
                f"{worst.title} takes longer than movies come, and {worst.waits} wait for it",
            )
        if known.newest and now - known.newest > QUIET_S:
            return "quiet", f"no movie has come for {(now - known.newest) / 60:.0f} min"
        return "keeps up", "movies are through as they come"
