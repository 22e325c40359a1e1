"""Items that are in none of other sets; streams as far as that can be known."""

from cryoloom.plugins.sets.files import REJECTED, Counted, set_file
from cryoloom.plugins.sets.matching import Matching
from cryoloom.protocol import Input, JobFolder, Output, RowBatch, RowProtocol, RowResult, Table


class Subtract(Counted, Matching, RowProtocol):
    """Take away from a set what is in any of other sets; what is taken away is kept apart."""

    name = "sets.subtract"
    label = "Subtract sets"
    folder = "Select"
    next = ("relion.extract", "relion.class2d", "relion.refine3d")

    input: Table = Input("Items", streams=True, help="The set that items are taken from.")
    others: Table = Input("In none of these sets", streams=True, several=True, help="Of any binning.")

    kept: Table = Output("In none of the others", set_file(), like="input")
    rejected: Table = Output("In one of the others", set_file(REJECTED), like="input")

    def treat(self, job: JobFolder, batch: RowBatch) -> RowResult:
        import polars as pl

        part = next(iter(batch.parts.values()))
        items = part.items
        found = pl.Series([False] * items.height, dtype=pl.Boolean)
        for side in batch.sides.values():
            found = found | self.found_in(part, side)
        rest = items.filter(~found)
        if all(side.complete for side in batch.sides.values()):
            return RowResult({"kept": rest, "rejected": items.filter(found)})
        # What is not among the others yet may still come.
        return RowResult({"kept": items.clear(), "rejected": items.filter(found)}, {"input": rest})
