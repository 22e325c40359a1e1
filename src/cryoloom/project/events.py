"""What can happen to a job: a class a kind, with the keys of its journal line, what it changes, and how it is told.

A line has `seq`, `t` (wall time, for people), `attempt` and `kind` before the keys of its kind. Kinds and keys that are not
known here are passed over, keys with a default may be missing: journals of other versions stay readable. `docs/events.md`
describes the lines for other programs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, ClassVar, NamedTuple

from cryoloom.project.history import JobHistory, OutputState
from cryoloom.schedule.state import Cause, State


class Stamp(NamedTuple):
    """What every line has."""

    seq: int
    t: float
    attempt: int


# Of a key that stands in the line only where it says something else than its default.
RARE = {"is_rare": True}


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened; of most kinds nothing is told, of some nothing is to be known later."""

    kind: ClassVar[str]

    def fold(self, history: JobHistory, stamp: Stamp) -> None:
        """Change what is known of the job."""

    def words(self, stamp: Stamp) -> str:
        """The sentence in the job's story; "" where it would only be noise."""
        return ""


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
class InputRevised(Event):
    """The job that makes an input has made all of it again, with other parameters."""

    kind = "input.revised"
    input: str
    revision: int

    def fold(self, history: JobHistory, stamp: Stamp) -> None:
        history.input_revisions[self.input] = self.revision

    def words(self, stamp: Stamp) -> str:
        return f"input {self.input} was made again with other parameters; all items once more"


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
class ItemsKnown(Event):
    """So many items are there by now."""

    kind = "items.known"
    total: int

    def fold(self, history: JobHistory, stamp: Stamp) -> None:
        history.total = self.total


@dataclass(frozen=True, slots=True)
class ItemsDone(Event):
    """Items are through, with their rows in the outputs: the commit. `rows`: of sets, whose items are not named."""

    kind = "items.done"
    items: Sequence[str]
    rows: int = field(default=0, metadata=RARE)
    failed: Sequence[Mapping[str, str]] = ()  # item, name, why
    outputs: Mapping[str, Mapping[str, int]] = field(default_factory=dict)  # generation, end, items
    version: int = field(default=0, metadata=RARE)  # of the parameters

    def fold(self, history: JobHistory, stamp: Stamp) -> None:
        history.last_progress_attempt = stamp.attempt
        history.rows_done += self.rows
        history.last_done = stamp.t
        if history.names_items:
            for item in self.items:
                history.done[item] = stamp.t
                history.failed.pop(item, None)
        else:
            history.rows_done += len(self.items)
        for failure in self.failed:
            history.failed[failure["item"]] = (failure.get("name", ""), failure["why"])
        for name, committed in self.outputs.items():
            output = history.outputs[name]
            output.generation, output.end = committed["generation"], committed["end"]
            output.items = committed["items"]


@dataclass(frozen=True, slots=True)
class RowsForgotten(Event):
    """Rows were lost or an input was made again: all are made anew."""

    kind = "rows.forgotten"

    def fold(self, history: JobHistory, stamp: Stamp) -> None:
        history.rows_done, history.done, history.failed = 0, {}, {}


@dataclass(frozen=True, slots=True)
class OutputOpened(Event):
    """An output begins, or a new generation of its file: rows stand from `start` to the committed `end`."""

    kind = "output.opened"
    output: str
    file: str
    table: str
    labels: list[str]
    generation: int
    start: int  # bytes
    end: int
    items: int = field(default=0, metadata=RARE)  # of a new generation: those of the one before
    revision: int = 0  # grows when all items were made again, with other parameters

    def fold(self, history: JobHistory, stamp: Stamp) -> None:
        known = history.outputs.get(self.output)
        if known is not None and self.revision > known.revision:
            # All items are made again, with other parameters: nothing is through any more.
            history.done, history.failed = {}, {}
        history.outputs[self.output] = OutputState(
            self.file, self.table, self.labels, self.generation, self.start, self.end, self.items, revision=self.revision
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class OutputClosed(Event):
    """No more rows will come."""

    kind = "output.closed"
    output: str
    items: int = 0
    failed: int = 0
    complete: bool = True

    def fold(self, history: JobHistory, stamp: Stamp) -> None:
        if self.output in history.outputs:
            history.outputs[self.output].closed = True

    def words(self, stamp: Stamp) -> str:
        return f"output {self.output} complete: {self.items} items"


@dataclass(frozen=True, slots=True)
class OutputReopened(Event):
    """More rows will come after all; written by early versions, `attempt.started` says it since."""

    kind = "output.reopened"
    output: str

    def fold(self, history: JobHistory, stamp: Stamp) -> None:
        if self.output in history.outputs:
            history.outputs[self.output].closed = False

    def words(self, stamp: Stamp) -> str:
        return f"output {self.output} opened again"


@dataclass(frozen=True, slots=True)
class CommandStarted(Event):
    """A program is started."""

    kind = "command.started"
    step: str
    argv: Sequence[str]
    mpi: int = 1


@dataclass(frozen=True, slots=True)
class CommandUsed(Event):
    """What a running program has taken since it began."""

    kind = "command.used"
    step: str
    cpu_s: float
    peak_mb: float = 0.0

    def fold(self, history: JobHistory, stamp: Stamp) -> None:
        _fold_use(history, self.cpu_s, self.peak_mb, of_running=self.cpu_s)


@dataclass(frozen=True, slots=True)
class CommandEnded(Event):
    """A program has ended, with what it took. `gpu_s`: load of its GPUs times time; `gpu_mb`: of their memory, at most."""

    kind = "command.ended"
    step: str
    code: int
    wall_s: float = 0.0
    cpu_s: float = 0.0
    peak_mb: float = 0.0
    gpu_s: float = field(default=0.0, metadata=RARE)
    gpu_mb: float = field(default=0.0, metadata=RARE)

    def fold(self, history: JobHistory, stamp: Stamp) -> None:
        _fold_use(history, self.cpu_s, self.peak_mb, of_running=0.0)
        history.gpu_s += self.gpu_s
        history.gpu_mb = max(history.gpu_mb, self.gpu_mb)
        if self.code == 0:
            history.steps_done.add(self.step)

    def words(self, stamp: Stamp) -> str:
        return f"{self.step}: its program ended with code {self.code}" if self.code else ""


@dataclass(frozen=True, slots=True)
class IterationDone(Event):
    """An iterative program has finished an iteration."""

    kind = "iteration.done"
    iteration: int

    def fold(self, history: JobHistory, stamp: Stamp) -> None:
        history.last_progress_attempt = stamp.attempt
        history.iteration = self.iteration

    def words(self, stamp: Stamp) -> str:
        return f"iteration {self.iteration} done"


@dataclass(frozen=True, slots=True)
class ProgressTold(Event):
    """How far a program is, as its protocol reads it; null what it does not say."""

    kind = "progress"
    iteration: int | None = None
    done: int | None = None
    of: int | None = None
    text: str = ""

    def fold(self, history: JobHistory, stamp: Stamp) -> None:
        history.progress = {
            "t": stamp.t, "iteration": self.iteration, "done": self.done, "of": self.of, "text": self.text
        }  # fmt: skip


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


KINDS: tuple[type[Event], ...] = (
    AttemptStarted, AutoResolved, AutoUsed, ParamsChanged, InputRevised, Waiting, ItemsKnown, ItemsDone, RowsForgotten,
    OutputOpened, OutputClosed, OutputReopened, CommandStarted, CommandUsed, CommandEnded, IterationDone, ProgressTold,
    Note, JobSuspended, JobEnded,
)  # fmt: skip
_READ = {kind.kind: (kind, frozenset(key.name for key in fields(kind))) for kind in KINDS}
# For each kind its keys; with each, by what value it is left out.
_NEVER = object()
_WRITTEN = {
    kind: tuple((key.name, key.default if key.metadata.get("is_rare") else _NEVER) for key in fields(kind))
    for kind in KINDS
}


def read_event(record: dict[str, Any]) -> tuple[Stamp, Event | None]:
    """A parsed line of a journal, which is taken apart; None for what it says where its kind is not known.

    Raises:
        KeyError, TypeError: it is no line of a journal, or lacks what its kind cannot be without.
    """
    if not isinstance(record, dict):
        raise TypeError("no event")
    known = _READ.get(record.pop("kind"))
    stamp = Stamp(record.pop("seq"), record.pop("t", 0.0), record.pop("attempt", 0))
    if known is None:
        return stamp, None
    kind, keys = known
    if not record.keys() <= keys:
        record = {key: value for key, value in record.items() if key in keys}
    return stamp, kind(**record)


def record_of(stamp: Stamp, event: Event) -> dict[str, Any]:
    """The line of an event."""
    said = {
        key: value for key, left_out in _WRITTEN[type(event)] if (value := getattr(event, key)) != left_out
    }
    return {**stamp._asdict(), "kind": event.kind, **said}


def fold(history: JobHistory, stamp: Stamp, event: Event | None) -> None:
    """What is known of a job after one more line."""
    history.seq = stamp.seq
    if event is not None:
        event.fold(history, stamp)


def needed_keys(kind: type[Event]) -> frozenset[str]:
    """Those without which a line of this kind says nothing."""
    return frozenset(
        key.name for key in fields(kind) if key.default is MISSING and key.default_factory is MISSING
    )


def _fold_use(history: JobHistory, cpu_s: float, peak_mb: float, *, of_running: float) -> None:
    """What a program has taken since it began; of one that runs, more will come."""
    history.program_cpu_s += max(0.0, cpu_s - history.running_cpu_s)
    history.running_cpu_s = of_running
    history.peak_mb = max(history.peak_mb, peak_mb)


def _listed(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in values.items())
