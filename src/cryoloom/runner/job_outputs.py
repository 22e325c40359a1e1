"""All datasets of a job: found again after a kill, begun anew, appended to with one journal line, closed.

Rows are appended to any of them; the one line that `commit` journals makes them count, all at once.
"""

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl

from cryoloom import star
from cryoloom.project.events import ItemsDone, RowsForgotten
from cryoloom.project.journal import JournalWriter
from cryoloom.protocol.jobs import ITEM_ID
from cryoloom.runner.outputs import GrowingOutput

SYNC_S = 1.0  # what a machine that loses its power may lose


@dataclass(slots=True)
class JobOutputs:
    """The outputs of one attempt, by name."""

    journal: JournalWriter
    outputs: dict[str, GrowingOutput]
    _ends: dict[str, dict[str, int]] = field(
        default_factory=dict
    )  # of what was appended since the last commit
    _synced: float = 0.0
    _is_synced: bool = False  # whether what is appended now goes to the disk at once

    def __getitem__(self, name: str) -> GrowingOutput:
        return self.outputs[name]

    def __iter__(self) -> Iterator[GrowingOutput]:
        return iter(self.outputs.values())

    @property
    def are_open(self) -> bool:
        """Whether any of them has been begun."""
        return any(output.state is not None for output in self)

    def recover(self, optics: pl.DataFrame | None) -> bool:
        """After a restart: cut back to what was committed; what lost rows is made anew, all of it.

        Returns:
            False where committed rows are gone (a machine lost its power): the items are treated again, each once.
        """
        whole = {name: output.recover() for name, output in self.outputs.items()}
        states = [output.state for output in self]
        newest = max((state.revision for state in states if state is not None), default=0)
        for output in self:
            if output.state is not None and not output.state.closed and output.state.revision < newest:
                output.begin_revision()  # a kill between two outputs' beginnings
        if not all(whole.values()):
            self.make_anew(optics, [name for name, is_whole in whole.items() if not is_whole])
        return all(whole.values())

    def make_anew(self, optics: pl.DataFrame | None, lossy: Collection[str] = ()) -> None:
        """Begin all anew: the items are treated again, each once.

        Args:
            optics: for those whose own table of optics groups was lost too.
            lossy: those that lack rows come last: a kill in between finds one of them, and all is made anew again.
        """
        self.journal.write(RowsForgotten())
        for name in sorted(self.outputs, key=lambda name: name in lossy):
            output = self.outputs[name]
            if output.state is not None:
                output.open(output.state.labels, output.optics if output.optics is not None else optics)

    def begin_revision(self) -> None:
        """All items are made again. A set that is complete stays."""
        for output in self:
            if output.state is not None and not output.state.closed:
                output.begin_revision()

    def append(self, name: str, rows: pl.DataFrame, optics: pl.DataFrame | None) -> None:
        """Add rows, which count when they are committed."""
        if not self._ends:
            self._is_synced = time.monotonic() - self._synced > SYNC_S
        output = self.outputs[name]
        end = output.append(rows, optics, sync=self._is_synced)
        state = output.state
        assert state is not None
        before = self._ends[name]["items"] if name in self._ends else state.items
        self._ends[name] = {"generation": state.generation, "end": end, "items": before + rows.height}

    def commit(self, event: ItemsDone) -> None:
        """Journal which items are through, with what was appended: the line is the commit."""
        if not self._ends:
            self._is_synced = time.monotonic() - self._synced > SYNC_S
        self.journal.write(replace(event, outputs=self._ends), sync=self._is_synced)
        self._ends = {}
        if self._is_synced:
            self._synced = time.monotonic()

    def close(self, failed: int, labels: Sequence[str], optics: pl.DataFrame | None) -> None:
        """No more rows will come; an output that got none is an empty table, not a missing file.

        Args:
            failed: how many items failed.
            labels: of such an empty table.
            optics: its groups.
        """
        for output in self:
            if output.state is None:
                output.open([*dict.fromkeys([*labels, ITEM_ID])], optics)
            if output.state is not None and not output.state.closed:
                output.close(failed)


def write_failed(folder: Path, failed: Mapping[str, tuple[str, str]]) -> None:
    """`failed.star`: which items failed and why; no file where none has."""
    if not failed:
        (folder / "failed.star").unlink(missing_ok=True)
        return
    rows = [(item, name, why) for item, (name, why) in failed.items()]
    frame = pl.DataFrame(rows, schema=[ITEM_ID, "cryoloomName", "cryoloomReason"], orient="row")
    star.write(folder / "failed.star", {"failed": frame})
