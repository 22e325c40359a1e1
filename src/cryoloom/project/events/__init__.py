"""What can happen to a job: a class a kind, with the keys of its journal line, what it changes, and how it is told.

A line has `seq`, `t` (wall time, for people), `attempt` and `kind` before the keys of its kind; `docs/events.md`
describes them for other programs. Begin with `event.py`.
"""

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
from cryoloom.project.events.lines import KINDS, fold, needed_keys, read_event, record_of
from cryoloom.project.events.program_events import (
    CommandEnded,
    CommandStarted,
    CommandUsed,
    IterationDone,
    ProgressTold,
)

__all__ = [
    "KINDS",
    "AttemptStarted",
    "AutoResolved",
    "AutoUsed",
    "CommandEnded",
    "CommandStarted",
    "CommandUsed",
    "Doubt",
    "Event",
    "InputRevised",
    "ItemsDone",
    "ItemsEdited",
    "ItemsKnown",
    "IterationDone",
    "JobEnded",
    "JobSuspended",
    "Note",
    "OutputClosed",
    "OutputOpened",
    "OutputReopened",
    "ParamsChanged",
    "ProgressTold",
    "RowsForgotten",
    "Stamp",
    "Waiting",
    "fold",
    "needed_keys",
    "read_event",
    "record_of",
]
