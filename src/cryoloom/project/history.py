"""What is known of a job's past: its journal, folded event by event (`project/events/`)."""

from dataclasses import dataclass, field
from typing import Any, Literal

from cryoloom.schedule.state import Cause, State


@dataclass(slots=True)
class OutputState:
    """A growing dataset as its producer has committed it."""

    file: str
    table: str
    labels: list[str]
    generation: int
    start: int  # byte offset of the first row
    end: int  # committed end
    items: int = 0
    closed: bool = False
    revision: int = 0  # grows when all items were made again, with other parameters


@dataclass(slots=True)
class JobHistory:
    """The journal folded: all that is known of a job's past."""

    head: bytes = b""  # how the journal begins: one that was begun anew begins otherwise
    names_items: bool = True  # else items are counted in `rows_done`, and `done` stays empty
    seq: int = -1
    offset: int = 0  # bytes read, up to the last whole line
    attempts: int = 0
    attempt: int = 0  # the number of the last one that began
    last_progress_attempt: int = 0  # the last one that finished an item, a step or an iteration
    suspended: str = ""
    needs_free: int = 0  # bytes of disk without which it cannot go on
    cause: Cause = ""  # what the last attempt ran short of
    done: dict[str, float] = field(default_factory=dict)  # item id → wall time, for people
    rows_done: int = 0  # of a set operation, whose items are not named here: they stand in its outputs
    last_done: float = 0.0  # wall time
    failed: dict[str, tuple[str, str]] = field(default_factory=dict)  # item id → (name, reason)
    total: int | None = None
    outputs: dict[str, OutputState] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)  # `auto` parameters, resolved
    used: list[dict[str, Any]] = field(
        default_factory=list
    )  # what `auto` meant for items of some optics groups
    version: int = 0  # how often the parameters were changed, or items edited by hand
    edits_known: int = 0  # lines of the file of edits that the journal has told of
    input_revisions: dict[str, int] = field(default_factory=dict)
    steps_done: set[str] = field(default_factory=set)
    iteration: int | None = None
    progress: dict[str, Any] = field(default_factory=dict)
    waiting: str = ""
    state: State | Literal[""] = ""  # "" while not ended
    why: str = ""
    notes: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)  # of the results; they are notes too
    began: float = 0.0
    attempt_began: float = 0.0
    had: int = 0  # items, or iterations, that were through when this attempt began
    ended: float = 0.0
    cpu_s: float = 0.0
    program_cpu_s: float = 0.0
    running_cpu_s: float = 0.0  # part of it: of a program that runs still
    gpu_s: float = 0.0  # load of its GPUs times time
    gpu_mb: float = 0.0  # of their memory, at most
    peak_mb: float = 0.0  # of its process, or of one of its programs

    @property
    def resolved(self) -> dict[str, Any]:
        """What `auto` parameters came to, where it is the same for all items."""
        return {**(self.used[0] if len(self.used) == 1 else {}), **self.values}

    @property
    def count(self) -> int:
        """How many items are through."""
        return len(self.done) + self.rows_done
