"""Which items are treated together, and when: pure; knows no disk, no thread, no clock.

A *unit* is what must never be divided: one item, or all items that the protocol's `together` puts into one (a
micrograph's particles, which RELION cuts into one stack). A batch is made of whole units, all of
which one call of the program can take. What does not come through is tried again in halves, down to single units.
"""

import math
from collections import Counter, deque
from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass, field

import polars as pl

from cryoloom.protocol.jobs import ITEM_ID

MOST_PIECES = 100


@dataclass(frozen=True, slots=True)
class Batched:
    """Items that a lane should treat in one go."""

    items: pl.DataFrame
    is_unit: bool  # it cannot be divided further
    begun: frozenset[str] = frozenset()  # of its units those of which other items are through already


@dataclass(slots=True)
class Batcher:
    """Takes items as they come, gives batches, takes back what did not come through."""

    size: int  # items in a batch, about; 0: all of them when no more will come
    wait_s: float = 0.0  # too few items wait so long for others
    unit_of: Callable[[pl.DataFrame], Sequence[str]] | None = (
        None  # rows → their units; each item is one without it
    )
    call_of: Callable[[pl.DataFrame], pl.Series] | None = None  # rows → what one call must have in common
    is_ready: Callable[[pl.DataFrame], pl.Series] | None = None  # rows → whether their partners are there
    waiting: pl.DataFrame | None = None  # items whose partners are not there
    pending: pl.DataFrame | None = None  # items that may be treated
    oldest: float = 0.0  # when the first of the pending items came
    _again: deque[Batched] = field(default_factory=deque)
    _busy: Counter[str] = field(default_factory=Counter)  # units that lanes work at
    _begun: set[str] = field(default_factory=set)  # units of which items are through

    def add(self, rows: pl.DataFrame, now: float, done: Collection[str] = ()) -> None:
        """Take items that have come; those in `done` are through since before."""
        if done:
            is_done = pl.Series([item in done for item in rows[ITEM_ID].to_list()], dtype=pl.Boolean)
            if self.unit_of is not None:
                self._begun.update(self._units(rows.filter(is_done)))
            rows = rows.filter(~is_done)
        self._sort_in(rows, now)

    def look_again(self, now: float) -> None:
        """Partners have come: items that waited may be ready."""
        rows, self.waiting = self.waiting, None
        if rows is not None:
            self._sort_in(rows, now)

    def left(self) -> pl.DataFrame:
        """Items that were not given out."""
        parts = [part for part in (self.pending, self.waiting) if part is not None and part.height]
        return pl.concat(parts, how="diagonal_relaxed") if parts else pl.DataFrame()

    def next(self, lanes: int, now: float, *, closed: bool, is_last: bool) -> Batched | None:
        """What a lane should treat next; None while there is not enough.

        Args:
            lanes: how many have nothing to do: what is there is shared among them.
            closed: no more will ever come.
            is_last: no more will come in this attempt.
        """
        if self._again:
            return self._given(self._again.popleft())
        ready = self.ready()
        if not ready.height or (self.size == 0 and not closed):
            return None
        if ready.height < self.size and self.wait_s > now - self.oldest and not is_last:
            return None
        wanted = min(self.size or ready.height, math.ceil(ready.height / max(1, lanes)))
        if self.call_of is not None:
            calls = self.call_of(ready)
            ready = ready.filter((calls == calls[0]).fill_null(False))
        items = self._whole_units(ready, wanted)
        self._take_off(items)
        self.oldest = now
        return self._given(self._batched(items))

    def ended(self, batch: Batched, through: Collection[str]) -> bool:
        """A lane has ended a batch: what did not come through comes again in halves.

        Returns:
            Whether anything of it will come again.
        """
        units = self._units(batch.items)
        if self.unit_of is not None:
            self._busy.subtract(set(units))
            self._busy = +self._busy
        ids = batch.items[ITEM_ID].to_list()
        if self.unit_of is not None:
            self._begun.update(unit for unit, item in zip(units, ids, strict=True) if item in through)
        left = batch.items.filter(pl.Series([item not in through for item in ids], dtype=pl.Boolean))
        if not left.height or batch.is_unit:
            return False
        half = left.height // 2 if left.height == batch.items.height else left.height
        first = self._whole_units(left, max(1, half))
        rest = left.filter(~pl.col(ITEM_ID).is_in(first[ITEM_ID].implode()))
        self._again += [self._batched(part) for part in (first, rest) if part.height]
        return True

    def give_up(self) -> list[pl.DataFrame]:
        """What did not come through is not tried again."""
        left = [batch.items for batch in self._again]
        self._again.clear()
        return left

    def forget(self) -> None:
        """All items come anew."""
        self.pending = self.waiting = None
        self._again.clear()
        self._busy.clear()
        self._begun.clear()

    @property
    def has_again(self) -> bool:
        """Whether something that did not come through waits for its next turn."""
        return bool(self._again)

    def ready(self) -> pl.DataFrame:
        """Items that may be treated: their partners are there, and nobody works at their unit."""
        rows = self.pending if self.pending is not None else pl.DataFrame()
        if rows.height and self._busy:
            free = [unit not in self._busy for unit in self._units(rows)]
            rows = rows.filter(pl.Series(free, dtype=pl.Boolean))
        return rows

    def _sort_in(self, rows: pl.DataFrame, now: float) -> None:
        if self.is_ready is not None and rows.height:
            ready = self.is_ready(rows)
            self.waiting = _below(self.waiting, rows.filter(~ready))
            rows = rows.filter(ready)
        if self.pending is None or not self.pending.height:
            self.oldest = now
        self.pending = _below(self.pending, rows)

    def _take_off(self, items: pl.DataFrame) -> None:
        """Items that are given out are pending no more."""
        assert self.pending is not None
        if self.pending[ITEM_ID].head(items.height).equals(items[ITEM_ID]):
            self.pending = self.pending.slice(
                items.height
            )  # of 20,000 items the first: no need to look at all
        else:
            self.pending = self.pending.filter(~pl.col(ITEM_ID).is_in(items[ITEM_ID].implode()))

    def _given(self, batch: Batched) -> Batched:
        if self.unit_of is not None:
            self._busy.update(set(self._units(batch.items)))
        return batch

    def _batched(self, items: pl.DataFrame) -> Batched:
        units = set(self._units(items))
        begun = frozenset(units & self._begun) if self.unit_of is not None else frozenset[str]()
        return Batched(items, len(units) == 1, begun)

    def _whole_units(self, rows: pl.DataFrame, wanted: int) -> pl.DataFrame:
        """The first rows, about as many as wanted, and all others of the same units."""
        if self.unit_of is None:
            return rows.head(wanted)
        units = pl.Series(self._units(rows))
        first: list[Hashable] = units.head(wanted).unique(maintain_order=True).to_list()
        sizes = Counter(units.to_list())
        count = 0
        chosen: list[Hashable] = []
        for unit in first:
            if chosen and count >= wanted:
                break
            chosen.append(unit)
            count += sizes[unit]
        return rows.filter(units.is_in(chosen))

    def _units(self, rows: pl.DataFrame) -> Sequence[str]:
        if self.unit_of is None:
            return [str(item) for item in rows[ITEM_ID].to_list()]
        return self.unit_of(rows)


def _below(first: pl.DataFrame | None, second: pl.DataFrame) -> pl.DataFrame:
    if first is None or not first.height:
        return second
    if not second.height:
        return first
    together = pl.concat([first, second], how="diagonal_relaxed")
    # A table that grows row by row would become thousands of pieces, of some kB each.
    return together.rechunk() if together.n_chunks() > MOST_PIECES else together
