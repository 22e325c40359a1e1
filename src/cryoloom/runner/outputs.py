"""Datasets that this job appends to: opened, grown, cut back after a crash, closed.

A batch's rows go out in one write; the journal line that follows is the commit. When columns or
optics groups come that the header lacks, the file is written anew as another generation.
"""

import os
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from cryoloom import star
from cryoloom.em.joining import renumbered, with_changed_groups, with_neutral
from cryoloom.em.labels import neutral
from cryoloom.project.events import Note, OutputClosed, OutputOpened
from cryoloom.project.history import OutputState
from cryoloom.project.journal import JournalWriter
from cryoloom.runner.streams import optics_of

GROUP = "rlnOpticsGroup"


@dataclass(slots=True)
class GrowingOutput:
    """One growing dataset of the job."""

    name: str
    folder: Path
    file: str
    table: str
    journal: JournalWriter
    has_optics: bool = True
    optics: pl.DataFrame | None = field(default=None)
    _told: set[str] = field(default_factory=set)  # labels that only some of the items have

    @property
    def path(self) -> Path:
        return self.folder / self.file

    @property
    def state(self) -> OutputState | None:
        return self.journal.history.outputs.get(self.name)

    def recover(self) -> bool:
        """After a restart: cut the file back to what was committed.

        Returns:
            False when committed rows are missing (a power failure): the dataset must be made anew.
        """
        state = self.state
        if state is None or not state.labels:
            return True
        if not _is_of(self.path, state):
            # A kill between the line that told of a new generation and its coming into its place.
            if not _is_of(self._beside, state):
                return False
            self._beside.replace(self.path)
        if self.path.stat().st_size > state.end:
            os.truncate(self.path, state.end)
        if self.has_optics:
            self.optics = optics_of(self.path)
        return True

    @property
    def _beside(self) -> Path:
        return self.path.with_name(f".{self.file}.next")

    def open(self, labels: list[str], optics: pl.DataFrame | None, *, revision: int | None = None) -> None:
        """Write header and optics table; generation 1, or the next one after a loss."""
        previous = self.state
        if revision is None:
            # One that gets its first row when all items were made anew belongs to that revision, as its fellows do.
            others = self.journal.history.outputs.values()
            revision = previous.revision if previous else max((one.revision for one in others), default=0)
        self.optics = optics if self.has_optics else None
        blocks = {} if self.optics is None else {"optics": self.optics}
        start = star.open_growing(self.path, blocks, self.table, labels)
        generation = previous.generation + 1 if previous else 1
        self.journal.write(
            OutputOpened(
                self.name, self.file, self.table, labels, generation, start, end=start, revision=revision
            )
        )

    def begin_revision(self) -> None:
        """All items are made again: begin an empty file, which is another revision of the dataset.

        Their pixel size may be another one: the optics groups come with the first of them.
        """
        state = self.state
        if state is not None:
            self.open(state.labels, None, revision=state.revision + 1)

    def append(self, rows: pl.DataFrame, optics: pl.DataFrame | None, *, sync: bool = False) -> int:
        """Add a batch's rows; returns the end that is to be committed.

        An optics group that says something else than before, since a parameter was changed, becomes another group.
        """
        state = self.state
        if state is None:
            self.open(star.labels_of(rows), optics)
            state = self.state
            assert state is not None
        missing = [label for label in star.labels_of(rows) if label not in state.labels]
        grown: pl.DataFrame | None = None
        numbers: dict[int, int] = {}
        if self.has_optics and optics is not None:
            grown, numbers = with_changed_groups(self.optics, optics)
        if missing or grown is not None:
            self._tell(missing, "the items before", state.items)
            self._widen([*state.labels, *missing], grown)
            state = self.state
            assert state is not None
        if any(old != new for old, new in numbers.items()):
            rows = renumbered(star.parsed(rows), numbers, f"{self.path}")
        if star.labels_of(rows) != state.labels:
            rows = star.parsed(rows)
            self._tell(
                [name for name in state.labels if name not in rows.columns], "the items to come", rows.height
            )
            rows = with_neutral(rows, state.labels).select(state.labels)
        return star.append(self.path, rows, sync=sync)

    def _tell(self, lacking: list[str], whose: str, count: int) -> None:
        """Say which columns some items lack for which no value means nothing: they are written as nan or None."""
        news = [name for name in lacking if neutral(name) is None and name not in self._told]
        if not news or not count:
            return
        self._told.update(news)
        self.journal.write(
            Note(
                text=f"{self.file}: {whose} have no {', '.join(news)}, for which no value means nothing; "
                "programs that need one misread them."
            )
        )

    def rows(self, columns: Collection[str] | None = None) -> pl.DataFrame | None:
        """What is committed so far, these columns or all; None before the first row."""
        state = self.state
        if state is None or not state.labels:
            return None
        wanted = star.ALL if columns is None else star.Columns(frozenset(columns))
        return star.follow(self.path, state.start, labels=state.labels, end=state.end, columns=wanted)[0]

    def close(self, failed: int) -> None:
        """No more rows will come."""
        state = self.state
        assert state is not None
        _sync(self.path)
        self.journal.write(
            OutputClosed(output=self.name, items=state.items, failed=failed, complete=True), sync=True
        )

    def _widen(self, labels: list[str], optics: pl.DataFrame | None) -> None:
        """Write the whole file again with more columns or groups, as the next generation."""
        state = self.state
        assert state is not None
        self.optics = optics if optics is not None else self.optics
        beside = self._beside
        blocks = {} if self.optics is None else {"optics": self.optics}
        start = star.open_growing(beside, blocks, self.table, labels)
        end = start
        as_written = star.Columns(frozenset(), frozenset(state.labels))
        with star.kept_lines():
            old, _ = star.follow(
                self.path, state.start, labels=state.labels, end=state.end, columns=as_written
            )
            if old.height:
                gaps = [label for label in labels if label not in state.labels]
                end = star.append(
                    beside, old.with_columns(pl.lit(neutral(name)).alias(name) for name in gaps)
                )
        _sync(beside)
        # Said first: a file whose head is not the one that the journal tells of is looked for beside.
        widened = OutputOpened(
            self.name,
            self.file,
            self.table,
            labels,
            state.generation + 1,
            start,
            end,
            state.items,
            state.revision,
        )
        self.journal.write(widened, sync=True)
        beside.replace(self.path)


def _is_of(path: Path, state: OutputState) -> bool:
    """Whether a file is the one that the journal tells of, with all rows that were committed."""
    try:
        return path.stat().st_size >= state.end and star.has_head(path, state.labels, state.start)
    except FileNotFoundError:
        return False


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
