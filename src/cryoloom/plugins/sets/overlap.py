"""How many items are in which combination of several sets: a table."""

from cryoloom.plugins.sets.matching import BY_POSITION, Matching
from cryoloom.protocol import (
    Input,
    JobFolder,
    Output,
    RowBatch,
    RowProtocol,
    RowResult,
    Table,
    View,
)


class Overlap(Matching, RowProtocol):
    """Count the items of several sets by the sets that they are in."""

    name = "sets.overlap"
    label = "Overlap of sets"
    folder = "External"

    input: Table = Input("Sets", streams=True, several=True, help="Two or more, of any binning.")

    overlap: Table = Output("Overlap", "overlap.star")

    def needs_all(self) -> bool:
        return True

    def treat(self, job: JobFolder, batch: RowBatch) -> RowResult:
        import numpy as np
        import polars as pl

        from cryoloom.em.places import Places, are_copies, are_near

        parts = list(batch.parts.values())
        if self.by == BY_POSITION:
            places = [self.places(part) for part in parts]
            every = Places(pl.concat([p.micrographs for p in places]), np.concatenate([p.xy for p in places]))
            first = ~are_copies(every, self.distance)
            distinct = Places(every.micrographs.filter(pl.Series(first)), every.xy[first])
            inside = [pl.Series(f"s{n}", are_near(distinct, p, self.distance)) for n, p in enumerate(places)]
            table = pl.DataFrame(inside)
        else:
            keys = [self.keys(part).unique() for part in parts]
            table = pl.concat(keys, how="vertical_relaxed").unique()
            names = table.columns
            for n, own in enumerate(keys):
                mark = own.with_columns(pl.lit(True).alias(f"s{n}"))
                table = table.join(mark, on=names, how="left", nulls_equal=True)
            table = table.select(pl.col(f"s{n}").fill_null(False) for n in range(len(keys)))
        marks = [f"s{n}" for n in range(len(parts))]
        counted = table.group_by(marks).len().sort(marks, descending=True)
        titles = {mark: f"cryoloomIn{number}" for number, mark in enumerate(marks, start=1)}
        rows = counted.rename({**titles, "len": "cryoloomCount"})
        note = "; ".join(f"cryoloomIn{number} is {part.source}" for number, part in enumerate(parts, start=1))
        return RowResult({"overlap": rows}, note=note + ".")

    def views(self, job: JobFolder) -> list[View]:
        from cryoloom.views import counts

        title = "Items by the sets that they are in"
        return [
            counts.table_view(
                "overlap",
                title,
                "cryoloomCount items are in those sets and no others.",
                job.file("overlap.star"),
            )
        ]
