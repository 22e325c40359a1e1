"""A job begins, waits, is changed, says something and ends."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cryoloom.project.events.event import RARE, Event, Stamp
from cryoloom.project.history import JobHistory
from cryoloom.schedule.state import Cause, State


@dataclass(frozen=True, slots=True)
class AttemptStarted(Event):
    """The job's process begins an attempt; `reopens` names outputs that grow again."""

    kind = "attempt.started"
    format: int = 1  # of the journal
    id: str = ""  # the job's
    pid: int | None = None
    host: str = "?"
    reopens: Sequence[str] = ()

    def fold(self, history: JobHistory, stamp: Stamp) -> None:
        history.attempts += 1
        history.attempt = stamp.attempt
        history.state, history.why, history.waiting = "", "", ""
        history.suspended, history.cause, history.needs_free = "", "", 0
        history.began = history.began or stamp.t
        history.attempt_began = stamp.t
        history.had = int(history.progress.get("done") or 0) if not history.count else history.count
        history.failed = {}
        history.total = None  # more may come
        history.running_cpu_s = 0.0
        # In this very event: nobody may see the attempt, and its outputs still closed.
        for name in self.reopens:
            history.outputs[name].closed = False

    def words(self, stamp: Stamp) -> str:
        again = f", open again: {', '.join(self.reopens)}" if self.reopens else ""
        process = "?" if self.pid is None else self.pid
        return f"attempt {stamp.attempt} began on {self.host} (process {process}){again}"


@dataclass(frozen=True, slots=True)
class AutoResolved(Event):
    """What `auto` parameters came to."""

    kind = "auto.resolved"
    values: Mapping[str, Any]

    def fold(self, history: JobHistory, stamp: Stamp) -> None:
        history.values |= self.values

    def words(self, stamp: Stamp) -> str:
        return f"found {_listed(self.values)}"


@dataclass(frozen=True, slots=True)
class AutoUsed(Event):
    """What `auto` parameters came to for the items of some optics groups."""

    kind = "auto.used"
    values: Mapping[str, Any]
    groups: Sequence[str] = ()

    def fold(self, history: JobHistory, stamp: Stamp) -> None:
        if self.values not in history.used:
            history.used.append(dict(self.values))


@dataclass(frozen=True, slots=True)
class ParamsChanged(Event):
    """The user changed parameters while items stream; `of_all`: all items are made again with them."""

    kind = "params.changed"
    version: int
    values: Mapping[str, Any]
    of_all: bool = False

    def fold(self, history: JobHistory, stamp: Stamp) -> None:
        history.version = self.version
        history.values |= self.values

    def words(self, stamp: Stamp) -> str:
        return f"changed to {_listed(self.values)}, for {'all items' if self.of_all else 'the items to come'}"


@dataclass(frozen=True, slots=True)
class Waiting(Event):
    """The process waits for slots; with an empty reason it has got them."""

    kind = "waiting"
    why: str

    def fold(self, history: JobHistory, stamp: Stamp) -> None:
        history.waiting = self.why

    def words(self, stamp: Stamp) -> str:
        return f"waited: {self.why}" if self.why else "its slots were free"


@dataclass(frozen=True, slots=True)
class Note(Event):
    """Something that the user should know."""

    kind = "note"
    text: str

    def fold(self, history: JobHistory, stamp: Stamp) -> None:
        history.notes.append(self.text)

    def words(self, stamp: Stamp) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Doubt(Event):
    """What makes a result look wrong that no rule calls wrong; the list of jobs shows it."""

    kind = "doubt"
    text: str

    def fold(self, history: JobHistory, stamp: Stamp) -> None:
        history.doubts.append(self.text)
        history.notes.append(self.text)

    def words(self, stamp: Stamp) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class JobSuspended(Event):
    """The attempt ends without a verdict, and another follows; with a `cause` it got nothing done."""

    kind = "job.suspended"
    why: str
    cause: Cause = field(default="", metadata=RARE)
    needs_free: int = field(default=0, metadata=RARE)  # bytes of disk

    def fold(self, history: JobHistory, stamp: Stamp) -> None:
        if not self.cause:
            history.last_progress_attempt = stamp.attempt
        history.suspended, history.cause, history.needs_free = self.why, self.cause, self.needs_free

    def words(self, stamp: Stamp) -> str:
        return f"paused: {self.why}"


@dataclass(frozen=True, slots=True)
class JobEnded(Event):
    """The job's verdict, and what its process took."""

    kind = "job.ended"
    state: State
    why: str = ""
    cpu_s: float = 0.0
    peak_mb: float = 0.0

    def fold(self, history: JobHistory, stamp: Stamp) -> None:
        history.state, history.why, history.ended = self.state, self.why, stamp.t
        history.cpu_s += self.cpu_s
        history.peak_mb = max(history.peak_mb, self.peak_mb)

    def words(self, stamp: Stamp) -> str:
        return self.state + (f": {self.why}" if self.why else "")


def _listed(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in values.items())
