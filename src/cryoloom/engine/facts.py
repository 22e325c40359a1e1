"""From job folders to the facts that the scheduler judges."""

import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from cryoloom.errors import CryoloomError, ProjectError, UnreadableError
from cryoloom.launchers import ledger
from cryoloom.launchers.requests import request_of
from cryoloom.project.attempts import (
    CONTROL,
    Attempt,
    attempts_folder,
    newest_attempt,
    read_attempt,
    read_control,
)
from cryoloom.project.disk import why_not_writable, why_over_quota
from cryoloom.project.folder import JobEntry, ProjectFolder
from cryoloom.project.journal import FILE as JOURNAL
from cryoloom.project.journal import JobHistory
from cryoloom.project.pipeline import STATES
from cryoloom.project.state import ENDED, JobStatus, foreign_status, job_status, stamp_of
from cryoloom.protocol.protocols import ItemProtocol, ProgramProtocol, Protocol, RowProtocol, SourceProtocol
from cryoloom.schedule.decide import JobFacts, Need, SlotFacts
from cryoloom.schedule.slots import Machine

SETTLED_NS = 50_000_000
QUOTA_S = 5.0  # a quota is tried so often: it costs some writing


@dataclass(slots=True)
class Watched:
    """What is remembered of a job between two looks; all of it can be found again from the files."""

    entry: JobEntry
    is_described: bool = False
    needs: tuple[Need, ...] = ()
    gives_early: bool = False
    protocol: Protocol | None = None  # where the job takes its slots as a whole; else its batches do
    history: JobHistory | None = None
    first_unclaimed: float = 0.0
    launched: tuple[int, float] = (0, 0.0)  # the newest attempt, and when it was first seen
    quota: tuple[str, float] = ("", 0.0)  # what was found when it was tried last, and when
    unknown: str = ""  # why its protocol cannot be found
    ended_at: float = 0.0
    facts: JobFacts | None = None  # of a job that has ended, as long as `stamp` holds
    stamp: tuple[int, ...] = ()


@dataclass(slots=True)
class FactGatherer:
    """Looks at all jobs of a project; reads only what has changed."""

    project: ProjectFolder
    machine: Machine
    watched: dict[str, Watched] = field(default_factory=dict)
    facts: dict[str, JobFacts] = field(default_factory=dict)
    live: tuple[str, ...] = ()  # jobs that had not ended when last seen, in the order of their numbers
    seen: tuple[str, ...] = ()  # whom the last look was at
    pipeline_stamp: tuple[int, int] = (0, 0)

    def look(self, *, sweep: bool = True) -> Mapping[str, JobFacts]:
        """The facts of all jobs now. Jobs that have ended cost nothing, unless it is a sweep.

        Args:
            sweep: look at the jobs that have ended too, for wishes and for hands that changed something.
        """
        changed = self._read_entries()
        self.seen = (*(self.watched if sweep or changed else self.live),)
        for name in self.seen:
            self.facts[name] = self._facts_or_damage(self.watched[name], sweep)
        self.live = (
            *(name for name in self.seen if self.facts[name].state not in ENDED or self.facts[name].opens),
        )
        return self.facts

    def slots(self) -> SlotFacts:
        """Who holds what of this machine."""
        known = ledger.read()
        return SlotFacts(self.machine, (*known.uses,), (*known.waiting.values(),), time.monotonic())

    def paths_of(self, name: str) -> dict[Path, tuple[str, ...]]:
        """What changes when a job that has not ended goes on; of folders, the names in them that matter."""
        folder = self.project.root / name
        paths: dict[Path, tuple[str, ...]] = {
            folder / CONTROL.parent: (CONTROL.name,),
            folder / JOURNAL: (),
            attempts_folder(folder): (),
        }
        facts = self.watched[name].facts
        if facts is not None and facts.attempt:
            # Batches come and go there too.
            paths[attempts_folder(folder) / f"{facts.attempt:04d}"] = ("claim", "exit.json")
        return paths

    def _read_entries(self) -> bool:
        """Whether the pipeline has changed."""
        stat = (self.project.root / "default_pipeline.star").stat()
        stamp = (stat.st_mtime_ns, stat.st_ino)
        if stamp == self.pipeline_stamp:
            return False
        self.pipeline_stamp = stamp
        found = {}
        for entry in self.project.entries():
            watched = self.watched.get(entry.name)
            if watched is None:
                watched = Watched(entry)
            elif "spec" in watched.entry.__dict__ and watched.entry.spec is not None:
                # What was asked of a job never changes: ten thousand files are not read again for one new row.
                entry.__dict__["spec"] = watched.entry.spec
            watched.entry = entry
            found[entry.name] = watched
        for gone in self.watched.keys() - found.keys():
            self.facts.pop(gone, None)
        self.watched = found
        return True

    def _facts_or_damage(self, watched: Watched, sweep: bool) -> JobFacts:
        """What is known of a job; one whose files cannot be read is left alone, and must not stop the others."""
        try:
            return self._facts(watched, sweep)
        except UnreadableError as error:
            # What its files would say is not known: nothing is begun, ended or called lost before it is.
            known, watched.stamp = watched.facts or self._of_pipeline(watched.entry), ()
            return replace(known, blocked=f"{error}")
        except ProjectError as error:
            watched.history, watched.stamp = None, ()
            return JobFacts(watched.entry.name, "failed", f"damaged: {error}", foreign=True)

    def _of_pipeline(self, entry: JobEntry) -> JobFacts:
        """A job of which only the pipeline's row is known."""
        state = STATES[entry.pipeline_status]
        live = state in ("running", "scheduled")
        return JobFacts(entry.name, "scheduled" if live else state)  # type: ignore[arg-type]

    def _facts(self, watched: Watched, sweep: bool) -> JobFacts:
        entry = watched.entry
        if entry.spec is None:
            status = foreign_status(entry.folder, entry.pipeline_status)
            return JobFacts(entry.name, status.state, foreign=True)
        known = watched.facts
        if known is not None and known.state in ENDED and not sweep:
            return known
        stamp = stamp_of(entry.folder)
        if known is not None and watched.stamp == stamp:
            if known.state in ENDED:
                return known
            # A new attempt leaves no trace in the stamp before its process writes.
            if newest_attempt(entry.folder) is None:
                blocked = why_not_writable(entry.folder)
                return known if blocked == known.blocked else replace(known, blocked=blocked)
        if sweep and watched.unknown:
            watched.is_described, watched.unknown = False, ""  # its plugin may have been mended
        status = job_status(entry.folder, watched.history or JobHistory(names_items=False))
        if status.state in ENDED and (status.attempt is None or status.attempt.ended):
            # A set of a million items is not kept in mind when its job is over.
            watched.history, watched.stamp = None, _if_settled(stamp)
        else:
            is_new = status.state == "scheduled" and status.attempt is None
            watched.history, watched.stamp = status.history, _if_settled(stamp) if is_new else ()
            if not watched.is_described:
                watched.is_described = True
                try:
                    _describe(watched)
                except CryoloomError as error:
                    watched.unknown = str(error)
                except Exception as error:  # of a plugin that is broken: its jobs wait, and no others
                    traceback.print_exc()
                    watched.unknown = f"its protocol cannot be used: {error!r}"
        watched.facts = self._of_status(watched, status)
        return watched.facts

    def _of_status(self, watched: Watched, status: JobStatus) -> JobFacts:
        entry = watched.entry
        assert entry.spec is not None
        if watched.unknown:
            return JobFacts(entry.name, status.state, watched.unknown, foreign=True)
        history, attempt = status.history, status.attempt
        claimed = attempt is None or attempt.claim is not None
        now = time.monotonic()
        if claimed:
            watched.first_unclaimed = 0.0
        elif not watched.first_unclaimed:
            watched.first_unclaimed = now
        ended = attempt is None or attempt.ended
        number = attempt.number if attempt else 0
        if watched.launched[0] != number:
            watched.launched = (number, now)
        is_ours = attempt is not None and (attempt.claim is None or attempt.lives() is True)
        is_starting = is_ours and not ended and history.attempt < number
        control = read_control(entry.folder)
        # It is to try failed items again: until a new attempt says so itself, its outputs still look closed.
        is_asked = history.state == "succeeded" or 0 < history.attempt <= control["reopen"]
        reopening = is_asked and status.state != "succeeded"
        outputs = {} if reopening else history.outputs
        watched.ended_at = (watched.ended_at or now) if ended else 0.0
        request = None
        if watched.protocol is not None:
            request = request_of(self.project.root, entry.name, watched.protocol, control, self.machine)
        return JobFacts(
            entry.name,
            status.state,
            status.why,
            watched.needs,
            entry.spec.wait_for,
            frozenset(outputs),
            frozenset(name for name, output in outputs.items() if output.closed),
            gives_early=watched.gives_early and not reopening,
            wants_stop=status.wanted == "stop",
            wants_anew=0 < number <= control["reopen"],
            opens=(*control["opens"],),
            attempt=number,
            attempt_ended=ended,
            claimed=claimed,
            starting_s=now - watched.launched[1] if is_starting else None,
            lives=attempt.lives() if attempt and attempt.claim else True,
            seen_unclaimed_s=now - watched.first_unclaimed if watched.first_unclaimed else 0.0,
            lost_in_a_row=_lost_in_a_row(entry.folder, status),
            since_end_s=max(now - watched.ended_at, _age_of_end(attempt)) if watched.ended_at else 0.0,
            blocked=self._blocked(watched, status, control["fresh"]),
            request=request,
            priority=int(control["priority"]),
        )

    def _blocked(self, watched: Watched, status: JobStatus, fresh: int) -> str:
        """What keeps an attempt from being started, or from being called lost."""
        folder = watched.entry.folder
        if status.state == "running":
            is_gone = status.attempt is not None and status.attempt.vanished()
            return why_not_writable(folder) if is_gone else ""
        if status.state != "scheduled":
            return ""
        if status.attempt is not None and status.attempt.number <= fresh:
            return why_not_writable(folder)  # asked anew: the next attempt will tell what it needs
        history = status.history
        why = why_not_writable(folder, 0 if history.is_over_quota else history.needs_free)
        if why or not history.is_over_quota:
            return why
        now = time.monotonic()
        if now - watched.quota[1] > QUOTA_S:
            watched.quota = (why_over_quota(folder, history.needs_free), now)
        return watched.quota[0]


def _if_settled(stamp: tuple[int, ...]) -> tuple[int, ...]:
    """The stamp, unless what it stands for changed so lately that another change may bear the same time."""
    return stamp if time.time_ns() - max(stamp[::2]) > SETTLED_NS else ()


def _describe(watched: Watched) -> None:
    protocol = watched.entry.make_protocol()
    # What is `auto` may be found in an input.
    is_early = type(protocol).resolve_auto is Protocol.resolve_auto
    watched.gives_early = isinstance(protocol, ItemProtocol | SourceProtocol) or (
        isinstance(protocol, RowProtocol) and not protocol.needs_all()
    )
    watched.needs = tuple(
        Need(
            dataset.job,
            dataset.output,
            streams=isinstance(protocol, ItemProtocol | RowProtocol) and protocol.input_spec(name).streams,
            early=is_early,
        )
        for name, dataset in protocol.given.items()
        # A file that is no output of its job was there when it was named: nothing is waited for.
        if dataset and dataset.job and dataset.output
    )
    if isinstance(protocol, ProgramProtocol):
        watched.protocol = protocol


def _age_of_end(attempt: Attempt | None) -> float:
    """Seconds since an attempt's end by the wall clock, for a scheduler that was not there to see it.

    A clock that jumps can shorten a back-off by this, and do nothing else.
    """
    if attempt is None:
        return 0.0
    try:
        return time.time() - (attempt.folder / "exit.json").stat().st_mtime
    except OSError:
        return 0.0


def _lost_in_a_row(folder: Path, status: JobStatus) -> int:
    """Attempts that ended without a verdict since the last one that got anything done."""
    if status.attempt is None or status.state != "scheduled":
        return 0
    fresh = read_control(folder)["fresh"]
    lost = 0
    for number in range(status.attempt.number, max(fresh, status.history.last_progress_attempt), -1):
        attempt = read_attempt(folder, number)
        if attempt.exit is not None and attempt.exit.get("ended_by") not in ("suspended", "cancel"):
            lost += 1
    return lost
