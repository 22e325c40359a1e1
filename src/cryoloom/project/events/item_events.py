"""Items are known and done; outputs open, grow and close."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cryoloom.project.events.event import RARE, Event, Stamp
from cryoloom.project.history import JobHistory, OutputState


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
class InputRevised(Event):
    """The job that makes an input has made all of it again, with other parameters or edited by hand."""

    kind = "input.revised"
    input: str
    revision: int

    def fold(self, history: JobHistory, stamp: Stamp) -> None:
        history.input_revisions[self.input] = self.revision

    def words(self, stamp: Stamp) -> str:
        return (
            f"input {self.input} was made again, with other parameters or edited by hand; all items once more"
        )


@dataclass(frozen=True, slots=True)
class ItemsEdited(Event):
    """The user edited items by hand (`edits.jsonl`): all are given out again, as they are now."""

    kind = "items.edited"
    version: int
    edits: Sequence[
        Mapping[str, Any]
    ] = ()  # micrograph, added, removed, moved; those since the last such line
    known: int = 0  # lines of the file of edits that have been told

    def fold(self, history: JobHistory, stamp: Stamp) -> None:
        history.version, history.edits_known = self.version, self.known

    def words(self, stamp: Stamp) -> str:
        told = (
            f"{edit['micrograph'].rpartition('/')[2]}: {edit['added']} added, {edit['removed']} removed, {edit['moved']} moved"
            for edit in self.edits
        )
        return "edited by hand; " + "; ".join(told)


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
