"""From job folders to the facts that the scheduler judges."""

import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from cryoloom.errors import CryoloomError, ProjectError, UnreadableError
from cryoloom.launchers import ledger
from cryoloom.launchers.at_hand import AtHand
from cryoloom.launchers.launcher import Standing, ids_of, standing_of
from cryoloom.launchers.requests import request_of
from cryoloom.launchers.site import LOCAL
from cryoloom.project.attempts import (
    CONTROL,
    Attempt,
    attempts_folder,
    newest_attempt,
)
from cryoloom.project.disk import why_not_writable, why_over_quota
from cryoloom.project.entry import JobEntry
from cryoloom.project.folder import ProjectFolder
from cryoloom.project.forms.pipeline import STATES
from cryoloom.project.history import JobHistory
from cryoloom.project.journal import FILE as JOURNAL
from cryoloom.project.lineage import gives_early, needs_of, outputs_of
from cryoloom.project.state import JobStatus, foreign_status, job_status, stamp_of
from cryoloom.protocol.protocols import ProgramProtocol, Protocol
from cryoloom.schedule.facts import Ages, Asked, JobFacts, Need, SlotFacts, facts_of
from cryoloom.schedule.slots import Machine
from cryoloom.schedule.state import ENDED, JobState

SETTLED_NS = 50_000_000
# A batch job whose attempt has ended is taken out of its queue after this, and looked after so long.
BACK_S, CLEARED_S = 5.0, 60.0
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
    # Launchers, and by what they know its attempt, where that has to be asked.
    ids: tuple[tuple[str, str], ...] = ()
    heard: tuple[str, float] = ("", 0.0)  # the last heartbeat, and when it was first seen
    facts: JobFacts | None = None  # of a job that has ended, as long as `stamp` holds
    stamp: tuple[int, ...] = ()


@dataclass(slots=True)
class FactGatherer:
    """Looks at all jobs of a project; reads only what has changed."""

    project: ProjectFolder
    at_hand: AtHand
    machine: Machine
    watched: dict[str, Watched] = field(default_factory=dict)
    facts: dict[str, JobFacts] = field(default_factory=dict)
    standings: Mapping[tuple[str, str], Standing] = field(default_factory=dict)  # by launcher and id
    live: tuple[str, ...] = ()  # jobs that had not ended when last seen, in the order of their numbers
    seen: tuple[str, ...] = ()  # whom the last look was at
    pipeline_stamp: tuple[int, int] = (0, 0)
    # Batch jobs of attempts that have ended, since when.
    ending: dict[tuple[str, str], float] = field(default_factory=dict)

    def look(self, *, sweep: bool = True) -> Mapping[str, JobFacts]:
        """The facts of all jobs now. Jobs that have ended cost nothing, unless it is a sweep.

        Args:
            sweep: look at the jobs that have ended too, for wishes and for hands that changed something.
        """
        changed = self._read_entries()
        self.seen = (*(self.watched if sweep or changed else self.live),)
        # Of attempts that nobody had claimed at the last look, or that run where we cannot look.
        asked = [id for name in self.seen for id in self.watched[name].ids]
        self.standings = self.at_hand.poll([*asked, *self.ending]) if asked or self.ending else {}
        self._clear_queues(time.monotonic())
        for name in self.seen:
            self.facts[name] = self._facts_or_damage(self.watched[name], sweep)
        self.live = (
            *(name for name in self.seen if self.facts[name].state not in ENDED or self.facts[name].opens),
        )
        return self.facts

    def _clear_queues(self, now: float) -> None:
        """A batch system may put a job back into its queue that has ended by its own word: nothing is left for it to do."""
        for (name, id), since in [*self.ending.items()]:
            standing = self.standings.get((name, id))
            if standing == "queued" and now - since > BACK_S:
                self.at_hand.named(name).cancel(id)
            if standing == "over" or now - since > CLEARED_S:
                del self.ending[name, id]

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
        return JobFacts(entry.name, state if state in ENDED else "scheduled")

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
        if status.has_ended:
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
        known, control = status.known, status.control
        request, where = None, LOCAL
        try:
            where = self.at_hand.where(str(control["launcher"]), entry.spec.protocol)
            self.at_hand.named(where)
        except ProjectError as error:
            # Nobody could start it; who mends the settings is seen at the next sweep.
            return JobFacts(entry.name, status.state, str(error), foreign=True)
        if watched.protocol is not None and where == LOCAL:
            request = request_of(self.project.root, entry.name, watched.protocol, control, self.machine)
        return facts_of(
            entry.name,
            known,
            Asked(
                watched.needs,
                entry.spec.wait_for,
                opens=(*control["opens"],),
                request=request,
                pool=where,
                pool_most=self.at_hand.most_of(where),
                priority=int(control["priority"]),
            ),
            outputs_of(status.history, grow=watched.gives_early),
            self._ages(watched, status, time.monotonic()),
            self._blocked(watched, known),
            self._said(watched, known),
        )

    def _said(self, watched: Watched, known: JobState) -> str:
        """What keeps an attempt in a queue, or where it runs unseen, by its launcher."""
        if known.attempt is None or known.attempt.ended or not watched.ids:
            return ""
        name, id = watched.ids[-1]
        return self.at_hand.named(name).said_of(id)

    def _ages(self, watched: Watched, status: JobStatus, now: float) -> Ages:
        """How long ago what is seen of the newest attempt was seen first."""
        newest, attempt = status.known.attempt, status.attempt
        number = newest.number if newest is not None else 0
        if watched.launched[0] != number:
            watched.launched = (number, now)
        has_ended = newest is None or newest.ended
        if has_ended and watched.ids and not watched.ended_at:
            self.ending.update(dict.fromkeys((one for one in watched.ids if one[0] != LOCAL), now))
        watched.ended_at = (watched.ended_at or now) if has_ended else 0.0
        standing = standing_of(self.standings.get(id, "unknown") for id in watched.ids)
        # Where nobody can say, and it matters, its launcher is asked at the next look.
        is_hidden = newest is not None and not newest.ended and (not newest.claimed or newest.lives is None)
        comes_late = False
        watched.ids = ()
        if attempt is not None and is_hidden:
            launcher = self.at_hand.of_attempt(attempt.folder)
            comes_late = launcher.comes_late
            watched.ids = (*((launcher.name, id) for id in ids_of(launcher, attempt.folder)),)
        # In a queue it may be for hours: that nobody claims it then says nothing.
        is_coming = standing == "queued" or (comes_late and standing == "running")
        is_unclaimed = newest is not None and not newest.claimed and not is_coming
        watched.first_unclaimed = (watched.first_unclaimed or now) if is_unclaimed else 0.0
        beat = _heartbeat(attempt.folder) if attempt is not None and is_hidden and standing == "over" else ""
        if standing != "over" or beat != watched.heard[0]:
            watched.heard = (beat, now)
        return Ages(
            now - watched.launched[1],
            now - watched.first_unclaimed if is_unclaimed else 0.0,
            max(now - watched.ended_at, _age_of_end(attempt)) if has_ended else 0.0,
            now - watched.heard[1],
        )

    def _blocked(self, watched: Watched, known: JobState) -> str:
        """What keeps an attempt from being started, or from being called lost."""
        folder = watched.entry.folder
        if known.state == "running":
            is_gone = known.attempt is not None and known.attempt.vanished
            return why_not_writable(folder) if is_gone else ""
        if known.state != "scheduled":
            return ""
        of_quota = known.cause == "quota"
        why = why_not_writable(folder, 0 if of_quota else known.needs_free)
        if why or not of_quota:
            return why
        now = time.monotonic()
        if now - watched.quota[1] > QUOTA_S:
            watched.quota = (why_over_quota(folder, known.needs_free), now)
        return watched.quota[0]


def _if_settled(stamp: tuple[int, ...]) -> tuple[int, ...]:
    """The stamp, unless what it stands for changed so lately that another change may bear the same time."""
    return stamp if time.time_ns() - max(stamp[::2]) > SETTLED_NS else ()


def _describe(watched: Watched) -> None:
    protocol = watched.entry.make_protocol()
    watched.gives_early, watched.needs = gives_early(protocol), needs_of(protocol)
    if isinstance(protocol, ProgramProtocol):
        watched.protocol = protocol


def _heartbeat(attempt: Path) -> str:
    """What the shepherd counts; "" where that cannot be read."""
    try:
        return (attempt / "heartbeat").read_text()
    except OSError:
        return ""


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
