"""A job and its growing tables, read on where the last look ended: a long stream costs a look only what is new."""

import bisect
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from cryoloom import star
from cryoloom.errors import CryoloomError, StarError
from cryoloom.project.entry import JobEntry
from cryoloom.project.events import CommandEnded, Event, ItemsDone, ParamsChanged, Stamp
from cryoloom.project.history import JobHistory
from cryoloom.project.state import JobStatus, job_status
from cryoloom.protocol.jobs import ITEM_ID
from cryoloom.schedule.state import JobState

RECENT = 50  # batches whose time is remembered
PIECES = 64  # tables that come row by row are put together after so many looks


@dataclass(slots=True)
class GrowingRows:
    """Some columns of a growing output, as far as its producer has committed them."""

    entry: JobEntry
    output: str
    labels: tuple[str, ...]
    generation: int = 0
    revision: int = 0
    offset: int = 0
    count: int = 0
    ids: set[str] = field(default_factory=set)
    _pieces: list[pl.DataFrame] = field(default_factory=list)

    def look(self, history: JobHistory) -> None:
        """Read what has been committed since the last look; all of it where the file was begun anew."""
        state = history.outputs.get(self.output)
        if state is None or not state.labels:
            self._begin(0, 0, 0)
            return
        if (state.generation, state.revision) != (self.generation, self.revision):
            self._begin(state.generation, state.revision, state.start)
        if state.end <= self.offset:
            return
        path = self.entry.folder / state.file
        wanted = frozenset({*self.labels, ITEM_ID} & {*state.labels})
        columns = star.Columns(parsed=wanted)
        try:
            frame, self.offset = star.follow(
                path, self.offset, labels=state.labels, end=state.end, columns=columns
            )
        except (StarError, OSError):
            return  # another generation is coming into its place: the next look has it
        self.count += frame.height
        self._pieces.append(self._uniform(frame))
        self.ids.update(self._pieces[-1][ITEM_ID].to_list())
        if len(self._pieces) > PIECES:
            self._pieces = [pl.concat(self._pieces)]

    def frame(self) -> pl.DataFrame:
        """Ids and the columns that there are; what is no number is missing."""
        if not self._pieces:
            return self._uniform(pl.DataFrame())
        return pl.concat(self._pieces)

    def newest(self, count: int) -> pl.DataFrame:
        """The last rows."""
        return self.frame().tail(count)

    def _begin(self, generation: int, revision: int, start: int) -> None:
        self.generation, self.revision, self.offset, self.count = generation, revision, start, 0
        self._pieces, self.ids = [], set()

    def _uniform(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The same columns in each piece, whatever its rows say."""
        columns = []
        for label in (ITEM_ID, *self.labels):
            kind = pl.String if label == ITEM_ID or label.endswith(("Name", "Coordinates")) else pl.Float64
            found = frame[label] if label in frame.columns else pl.Series([None] * frame.height, dtype=kind)
            columns.append(found.cast(kind, strict=False).alias(label))
        return pl.DataFrame(columns)


@dataclass(slots=True)
class FollowedJob:
    """A job, its journal, and those of its tables that somebody asked for."""

    entry: JobEntry
    status: JobStatus = field(default_factory=lambda: JobStatus(JobState("scheduled")))
    marks: list[float] = field(default_factory=list)  # when rows or items came through
    counts: list[int] = field(default_factory=list)  # how many had by then
    walls: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT))  # s, of batches
    commands: int = 0
    first: dict[str, float] = field(default_factory=dict)  # when each item came through for the first time
    changes: list[tuple[float, ParamsChanged]] = field(default_factory=list)
    tables: dict[str, GrowingRows] = field(default_factory=dict)

    @property
    def history(self) -> JobHistory:
        return self.status.history

    @property
    def name(self) -> str:
        return self.entry.name

    def follow(self, output: str, labels: Sequence[str] = (), called: str = "") -> GrowingRows:
        """From the next look on, columns of an output are known too; under its name, or another one."""
        return self.tables.setdefault(called or output, GrowingRows(self.entry, output, (*labels,)))

    def look(self) -> bool:
        """Read on; whether anything was new."""
        before = (self.history.seq, self.history.head, self.status.state, self.status.why)
        try:
            self.status = job_status(self.entry.folder, self.history, self._tell)
        except CryoloomError as error:
            # What was known stays so until its files can be read again.
            state = self.status.known
            self.status = JobStatus(state, self.history, damage=str(error))
            return False
        for table in self.tables.values():
            table.look(self.history)
        return before != (self.history.seq, self.history.head, self.status.state, self.status.why)

    def through_since(self, moment: float) -> int:
        """How many rows or items came through since then."""
        if not self.counts:
            return 0
        place = bisect.bisect_left(self.marks, moment)
        return self.counts[-1] - (self.counts[place - 1] if place else 0)

    def _tell(self, stamp: Stamp, event: Event) -> None:
        if stamp.seq == 0:  # it was begun anew
            self.marks.clear()
            self.counts.clear()
            self.walls.clear()
            self.changes.clear()
            self.first.clear()
            self.commands = 0
        match event:
            case ItemsDone() if event.items or event.rows:
                known = self.counts[-1] if self.counts else 0
                self.marks.append(max(stamp.t, self.marks[-1] if self.marks else 0.0))
                self.counts.append(known + len(event.items) + event.rows)
                for item in event.items:
                    self.first.setdefault(item, stamp.t)
            case CommandEnded() if event.step.startswith("batch"):
                self.walls.append(event.wall_s)
                self.commands += 1
            case ParamsChanged():
                self.changes.append((stamp.t, event))
            case _:
                pass
