"""Between the lines of a journal and the classes of their kinds.

Kinds and keys that are not known are passed over, keys with a default may be missing: journals of other versions stay readable.
"""

from dataclasses import MISSING, fields
from typing import Any

from cryoloom.project.events.event import Event, Stamp
from cryoloom.project.events.item_events import (
    InputRevised,
    ItemsDone,
    ItemsEdited,
    ItemsKnown,
    OutputClosed,
    OutputOpened,
    OutputReopened,
    RowsForgotten,
)
from cryoloom.project.events.job_events import (
    AttemptStarted,
    AutoResolved,
    AutoUsed,
    Doubt,
    JobEnded,
    JobSuspended,
    Note,
    ParamsChanged,
    Waiting,
)
from cryoloom.project.events.program_events import (
    CommandEnded,
    CommandStarted,
    CommandUsed,
    IterationDone,
    ProgressTold,
)
from cryoloom.project.history import JobHistory

KINDS: tuple[type[Event], ...] = (
    AttemptStarted, AutoResolved, AutoUsed, ParamsChanged, InputRevised, Waiting, ItemsKnown, ItemsDone, ItemsEdited,
    RowsForgotten,
    OutputOpened, OutputClosed, OutputReopened, CommandStarted, CommandUsed, CommandEnded, IterationDone, ProgressTold,
    Note, Doubt, JobSuspended, JobEnded,
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
