"""Items that are in all of several sets; streams."""

from cryoloom.plugins.sets.files import REJECTED, Counted, set_file
from cryoloom.plugins.sets.matching import Matching
from cryoloom.protocol import Input, JobFolder, Output, RowBatch, RowProtocol, RowResult, Table


class Intersect(Counted, Matching, RowProtocol):
    """Keep the items of a set that are in every other set too; the rows are those of the first."""

    name = "sets.intersect"
    label = "Intersect sets"
    folder = "Select"
    next = ("relion.class2d", "relion.refine3d")

    input: Table = Input("Items", streams=True, help="The set whose rows are kept.")
    others: Table = Input("In all of these sets", streams=True, several=True, help="Of any binning.")

    kept: Table = Output("In all sets", set_file(), like="input")
    rejected: Table = Output("Missing in a set", set_file(REJECTED), like="input")

    def treat(self, job: JobFolder, batch: RowBatch) -> RowResult:
        import polars as pl

        part = next(iter(batch.parts.values()))
        items = part.items
        in_all = pl.Series([True] * items.height, dtype=pl.Boolean)
        missing_for_good = pl.Series([False] * items.height, dtype=pl.Boolean)
        for side in batch.sides.values():
            found = self.found_in(part, side)
            in_all = in_all & found
            if side.complete:
                missing_for_good = missing_for_good | ~found
        rows = {"kept": items.filter(in_all), "rejected": items.filter(missing_for_good)}
        return RowResult(rows, {"input": items.filter(~in_all & ~missing_for_good)})
