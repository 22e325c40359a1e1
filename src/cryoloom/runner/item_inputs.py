"""The inputs of an item job: the one whose items are treated, and those whose rows the items wait for."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from cryoloom.protocol.datasets import Table
from cryoloom.protocol.jobs import ITEM_ID
from cryoloom.protocol.protocols import ItemProtocol
from cryoloom.runner.context import RunContext
from cryoloom.runner.partners import Following
from cryoloom.runner.streams import InputStream


@dataclass(slots=True)
class ItemInputs:
    """All of them, followed."""

    leading_name: str
    leading: InputStream
    sides: dict[str, Following]

    @classmethod
    def of(cls, run: RunContext, protocol: ItemProtocol) -> "ItemInputs":
        """Those that are given; what is read anew begins where the journal says that it was."""
        revisions = run.journal.history.input_revisions
        labels = protocol.join_labels()
        leading = protocol.leading_input()
        streams = {
            name: InputStream(run.root, dataset, revision=revisions.get(name, 0))
            for name, dataset in protocol.given.items()
            if dataset and isinstance(dataset, Table) and (name == leading or name in labels)
        }
        own = streams.pop(leading)
        return cls(leading, own, {name: Following(stream, labels[name]) for name, stream in streams.items()})

    @property
    def closed(self) -> bool:
        """Whether nothing more will come."""
        return all(stream.closed for stream in self._streams().values())

    @property
    def are_revised(self) -> bool:
        """Whether one of their producers makes its items again: what came before counts no more."""
        return any(stream.is_revised for stream in self._streams().values())

    @property
    def side_optics(self) -> Mapping[str, pl.DataFrame | None]:
        """The optics groups of the sides."""
        return {name: side.stream.optics for name, side in self.sides.items()}

    def _streams(self) -> dict[str, InputStream]:
        return {
            self.leading_name: self.leading,
            **{name: side.stream for name, side in self.sides.items()},
        }

    def poll_sides(self) -> bool:
        """Take what has come beside the items; whether anything has.

        Raises:
            Suspended: a producer failed or was stopped.
        """
        news = False
        for side in self.sides.values():
            rows = side.stream.poll()
            if rows is not None:
                side.take(rows)
                news = True
        return news

    def anew(self) -> dict[str, int]:
        """All of them from the beginning of their newest revision; which that is, by the input's name."""
        self.leading = self.leading.anew()
        for side in self.sides.values():
            side.anew()
        return {name: stream.revision for name, stream in self._streams().items()}

    def paths(self) -> list[Path]:
        """Files that change when more comes."""
        return [path for stream in self._streams().values() for path in stream.paths()]

    def have_partners(self, items: pl.DataFrame) -> pl.Series:
        """Which items have their rows in all sides."""
        ready = pl.Series([True] * items.height, dtype=pl.Boolean)
        for side in self.sides.values():
            ready = ready & pl.Series(side.have(items[side.label].to_list()), dtype=pl.Boolean)
        return ready

    def partners_of(self, items: pl.DataFrame) -> dict[str, tuple[pl.DataFrame, dict[str, str]]]:
        """For each side the rows of these items, and by what name an item's row is found there."""
        return {name: side.rows_of(items[side.label].to_list()) for name, side in self.sides.items()}

    def why_alone(self, items: pl.DataFrame, of: int) -> dict[str, str]:
        """Why items have no partner, by their ids.

        Args:
            of: how many items there are in all.
        """
        why = {}
        for side in self.sides.values():
            names = [str(name) for name in items[side.label].to_list()]
            for item, name, there in zip(items[ITEM_ID].to_list(), names, side.have(names), strict=True):
                if not there:
                    why[item] = side.why_none(name, of - items.height, of)
        return why
