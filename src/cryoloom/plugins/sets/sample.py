"""A random part of a set, with a recorded seed."""

from collections.abc import Collection

from cryoloom.plugins.sets.files import REJECTED, Counted, set_file
from cryoloom.plugins.sets.filter import kept_count
from cryoloom.protocol import Input, JobFolder, Output, Param, RowBatch, RowProtocol, RowResult, Table


class Sample(Counted, RowProtocol):
    """Take items at random; the others are kept apart."""

    name = "sets.sample"
    label = "Random sample"
    folder = "Select"
    next = ("relion.class2d", "relion.inimodel")

    input: Table = Input("Items", help="Any set of items; it must be complete.")
    take: str = Param("10%", "Take", help="A number of items, or a percentage.")
    seed: int = Param(1, "Random seed", help="The same seed takes the same items.")

    kept: Table = Output("Sample", set_file(), like="input")
    rejected: Table = Output("The others", set_file(REJECTED), like="input")

    def check(self) -> None:
        super().check()
        kept_count(self.take, 1, "sets.sample: parameter take")

    def columns_read(self, name: str) -> Collection[str]:
        return ()

    def needs_all(self) -> bool:
        return True

    def treat(self, job: JobFolder, batch: RowBatch) -> RowResult:
        import numpy as np
        import polars as pl

        items = batch.items
        chosen = np.zeros(items.height, dtype=bool)
        count = min(kept_count(self.take, items.height, "sets.sample: parameter take"), items.height)
        chosen[np.random.default_rng(self.seed).permutation(items.height)[:count]] = True
        mask = pl.Series("chosen", chosen)
        return RowResult({"kept": items.filter(mask), "rejected": items.filter(~mask)})
