"""The scheduler of one project: looks, decides, acts; ends when nothing is left to do.

Run as `python -m cryoloom.engine.scheduler ROOT`. It may be killed at any moment: all that it knows
lies in the job folders, and jobs go on without it.
"""

import contextlib
import fcntl
import itertools
import os
import sys
import time
import traceback
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cryoloom.engine.calling import LOCK, POKE, WAITS
from cryoloom.engine.deeds import do
from cryoloom.engine.facts import FactGatherer
from cryoloom.errors import CryoloomError, ProjectError
from cryoloom.launchers import ledger
from cryoloom.launchers.at_hand import AtHand
from cryoloom.launchers.machine import this_machine
from cryoloom.project.folder import ProjectFolder
from cryoloom.project.forms import pipeline as pipe
from cryoloom.project.index import cache_folder
from cryoloom.project.journal import FILE as JOURNAL
from cryoloom.project.jsonfile import write_json
from cryoloom.project.notes import set_mark
from cryoloom.project.settings import load_settings
from cryoloom.project.sharing import umask_of
from cryoloom.project.watching import Watcher
from cryoloom.schedule.decide import (
    Action,
    Decision,
    LaunchAgain,
    OpenFollowers,
    decide,
    without_launches,
)
from cryoloom.schedule.facts import JobFacts
from cryoloom.schedule.slots import Request

# Looks follow events, and each other no closer than this; without events they come all the same.
CLOSEST_S = 0.01
# Journals of jobs that stream grow with each batch, which says nothing new.
LONGEST_REST_S = 0.25
LIVELY_S, WAITING_S, QUIET_S = 0.25, 1.0, 5.0
# Jobs that have ended are looked at when a command asks, and so often for what hands have changed.
SWEEP_S = 60.0
IDLE_S = 60.0
TROUBLE_S = 2.0  # after a round that failed
MOST_ANNOUNCED = 50
LOCK_PATIENCE_S, LOCKED_S = 0.5, 5.0


def main(root: Path) -> int:
    """Run until nothing has been there to do for a while."""
    folder = cache_folder(root)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        project = ProjectFolder(root)
        project.check_form()
        os.umask(umask_of(project.root))
        settings = load_settings(project.root)
        machine = this_machine(settings)
        idle_s = float(settings.get("scheduler.idle_s", IDLE_S))
    except CryoloomError as error:
        _tell_trouble(folder, error)
        return 1
    at_hand = AtHand(settings)
    loop = Loop(project, at_hand, FactGatherer(project, at_hand, machine), folder)
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if not _locked_within(handle, 1.0):
                break  # another one lives
            if not _is_at(folder / LOCK, handle):
                continue
            os.ftruncate(handle, 0)
            os.write(handle, f"{os.getpid()}\n".encode())
            loop.go(idle_s, handle)
            # Where the cache was deleted another one may have begun; else somebody must.
            if not _is_at(folder / LOCK, handle):
                continue
        finally:
            os.close(handle)
        # A command that came after the last look found the lock held, and started no other scheduler.
        if not loop.is_asked_anew():
            break
    return 0


def _is_at(path: Path, handle: int) -> bool:
    """Whether an open file is still the one of this name."""
    return _stamp(path)[1] == os.fstat(handle).st_ino


def _tell_trouble(folder: Path, error: Exception) -> None:
    """Jobs wait for the scheduler, and it cannot work: `ls` says why."""
    print(f"{time.strftime('%F %T')} {error}", file=sys.stderr)
    with contextlib.suppress(OSError):  # where the cache is the trouble nothing can be left there
        write_json(folder / WAITS, {"trouble": f"the scheduler cannot work: {error}"})


@dataclass(slots=True)
class Loop:
    """Looks, decisions and deeds, one after the other, as files change."""

    project: ProjectFolder
    at_hand: AtHand
    gatherer: FactGatherer
    cache: Path
    watcher: Watcher = field(default_factory=Watcher)
    watched: dict[str, set[Path]] = field(default_factory=dict)  # by job
    waits: dict[str, str] | None = None
    wants: Mapping[str, Request] = field(default_factory=dict)
    announced: float = 0.0  # when `wants` was said last
    asked: tuple[int, ...] = ()  # what showed new jobs and wishes when the last look began
    poked: tuple[int, int] = (-1, -1)
    swept: float = -SWEEP_S
    unusable: str = ""  # what is wrong with the settings
    before: tuple[object, ...] = ()
    looks_alike: int = 0
    locked_until: float = 0.0  # RELION's lock was held by somebody for too long
    acted: tuple[Action, ...] = ()

    def go(self, idle_s: float, lock: int) -> None:
        """Until nothing has been there to do for so long, or the project is gone, or the cache with our lock."""
        self.waits = None
        self.watcher.watch(self.project.root)
        with contextlib.suppress(OSError):  # a cache that is full: looks follow all the same
            (self.cache / POKE).touch()
            self.watcher.watch(self.cache / POKE)
        last_busy = time.monotonic()
        while True:
            cpu_s = time.process_time()
            if not (self.project.root / pipe.FILE).exists() or not _is_at(self.cache / LOCK, lock):
                return
            self.asked = self._asked()
            try:
                decision, facts = self._look(time.monotonic())
            except Exception as error:
                # The edge of a round: whatever it was, the next one may be spared it, and users are told.
                traceback.print_exc()
                _tell_trouble(self.cache, error)
                self.waits, last_busy = None, time.monotonic()
                self.watcher.wait(TROUBLE_S)
                continue
            if decision.busy or decision.actions or self.gatherer.ending:
                last_busy = time.monotonic()
            elif time.monotonic() - last_busy >= idle_s:
                return
            live = [facts[name] for name in self.gatherer.live]
            runs = any(job.state == "running" and not job.foreign for job in live)
            longest = LIVELY_S if runs or decision.actions else WAITING_S if decision.waits else QUIET_S
            is_new, self.acted = decision.actions != self.acted, decision.actions
            if decision.actions and is_new:
                continue  # what was done shows at once; what is asked again and again, as a stop, has time
            # What a look costs is spent at most one part in five of the time; waits for the disk cost nothing.
            time.sleep(max(CLOSEST_S, 4 * (time.process_time() - cpu_s)))
            self.watcher.wait(min(longest, max(0.1, idle_s)), rest_s=self._rest(live))

    def is_asked_anew(self) -> bool:
        """Whether a job was made or a wish was said after the last look began."""
        return (self.project.root / pipe.FILE).exists() and self.asked != self._asked()

    def _asked(self) -> tuple[int, ...]:
        return (*_stamp(self.project.root / pipe.FILE), *_stamp(self.cache / POKE))

    def _rest(self, live: Iterable[JobFacts]) -> float:
        """How long journals may go on before they are looked at: the longer they told of items only, the longer."""
        now = tuple((job.name, job.state, job.open_outputs, job.closed_outputs) for job in live)
        self.looks_alike = self.looks_alike + 1 if now == self.before else 0
        self.before = now
        return min(LONGEST_REST_S, CLOSEST_S * float(1 << min(self.looks_alike, 8)))

    def _look(self, now: float) -> tuple[Decision, Mapping[str, JobFacts]]:
        """One round."""
        poked = _stamp(self.cache / POKE)
        sweep = poked != self.poked or now - self.swept > SWEEP_S
        if sweep:
            self.unusable = ""
            try:
                settings = load_settings(self.project.root)
                self.gatherer.machine = this_machine(settings)
                self.at_hand.renew(settings)
            except CryoloomError as error:
                self.unusable = str(error)  # nobody could start with them
            self.poked, self.swept = poked, now
        self.at_hand.reap()
        facts = self.gatherer.look(sweep=sweep)
        decision = decide(facts, self.gatherer.slots(), self.gatherer.live)
        if self.unusable:
            decision = without_launches(decision, self.unusable)
        for action in decision.actions:
            with _reported(action):
                do(self.project, self.at_hand, action)
            if isinstance(action, OpenFollowers):
                self.swept = -SWEEP_S  # they have ended: only a sweep looks at such
            if isinstance(action, LaunchAgain):
                # It has as long as the first one had: a machine that is slow gets no herd of them.
                self.gatherer.watched[action.job].first_unclaimed = now
        with _reported("statuses"):
            self._tell_pipeline(facts, now)
        if decision.waits != self.waits or not (self.cache / WAITS).exists():
            with _reported("why jobs wait"):
                write_json(self.cache / WAITS, {"waits": dict(decision.waits)})
            self.waits = dict(decision.waits)
        is_old = bool(self.wants) and now - self.announced > ledger.REFRESH_S
        if decision.wants_slots != self.wants or is_old:
            self.wants, self.announced = decision.wants_slots, now
            # A thousand jobs that wait need not all be known to others: those behind come forward in time.
            ledger.announce(dict(itertools.islice(self.wants.items(), MOST_ANNOUNCED)))
        self._watch(facts)
        return decision, facts

    def _watch(self, facts: Mapping[str, JobFacts]) -> None:
        """Be woken by what jobs do that have not ended."""
        live = {name for name in self.gatherer.live if not facts[name].foreign}
        for name in self.watched.keys() - live:
            for path in self.watched.pop(name):
                self.watcher.forget(path)
        for name in live:
            known = self.watched.setdefault(name, set())
            for path, only in self.gatherer.paths_of(name).items():
                is_journal = path.name == JOURNAL
                if path not in known and self.watcher.watch(path, only=only, chatty=is_journal):
                    known.add(path)

    def _tell_pipeline(self, facts: Mapping[str, JobFacts], now: float) -> None:
        """Bring RELION's pipeline up to date, and leave the mark of a job that could not itself."""
        if now < self.locked_until:
            return
        statuses = {}
        for name in self.gatherer.seen:
            job, entry = facts[name], self.gatherer.watched[name].entry
            if job.foreign or job.blocked or entry.known_spec is None:
                continue
            status = pipe.STATES.index(job.state)
            if status != entry.pipeline_status:
                statuses[name] = status
                if job.state == "aborted" and not (entry.folder / "RELION_JOB_EXIT_ABORTED").exists():
                    set_mark(entry.folder, "aborted")
        if statuses:
            try:
                self.project.set_statuses(statuses, LOCK_PATIENCE_S)
            except ProjectError:
                # A lock that somebody left must not keep jobs from being started.
                self.locked_until = now + LOCKED_S
                raise


def _stamp(path: Path) -> tuple[int, int]:
    try:
        stat = path.stat()
    except OSError:
        return 0, 0
    return stat.st_mtime_ns, stat.st_ino


@contextlib.contextmanager
def _reported(what: object) -> Iterator[None]:
    """One job's trouble must not end the scheduler of all: report it and go on."""
    try:
        yield
    except Exception:
        print(f"{time.strftime('%F %T')} {what}", file=sys.stderr)
        traceback.print_exc()


def _locked_within(handle: int, patience_s: float) -> bool:
    """Take the scheduler's lock; who merely looks whether it is held has it for an instant."""
    began = time.monotonic()
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() - began > patience_s:
                return False
            time.sleep(0.05)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
