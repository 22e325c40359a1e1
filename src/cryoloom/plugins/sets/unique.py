"""Take repeated items out of a set: by id, place, micrograph or columns; streams."""

from collections.abc import Collection

from cryoloom.plugins.sets.copies import Known, rank_of
from cryoloom.plugins.sets.files import Counted, set_file
from cryoloom.plugins.sets.matching import Matching
from cryoloom.protocol import (
    Input,
    JobFolder,
    Output,
    Param,
    RowBatch,
    RowProtocol,
    RowResult,
    Table,
    Written,
)

FIRST, BEST, NONE = "first", "best", "none"


class Unique(Counted, Matching, RowProtocol):
    """Keep one of each group of equal items, and the others apart."""

    name = "sets.unique"
    label = "Remove duplicates"
    folder = "Select"
    next = ("relion.extract", "relion.class2d", "relion.refine3d")

    input: Table = Input("Items", streams=True, help="Picks, particles, micrographs: any set of items.")
    keep: str = Param(
        FIRST, "Of duplicates keep", choices=(FIRST, BEST, NONE),
        help="The first that comes, the best by a column, or none. Best and none wait for all items.",
    )  # fmt: skip
    best_by: str = Param(
        "rlnMaxValueProbDistribution", "The best has the highest", when="keep == best",
        means="labels", help="A column; with a minus before it, the lowest: -rlnCtfMaxResolution.",
    )  # fmt: skip

    kept: Table = Output("Kept", set_file(), like="input")
    duplicates: Table = Output("Duplicates", set_file("duplicates"), like="input")

    def columns_read(self, name: str) -> Collection[str]:
        best = {self.best_by.strip().removeprefix("-")} if self.keep == BEST else set()
        return {*super().columns_read(name), *best}

    def needs_all(self) -> bool:
        return self.keep != FIRST

    def begin(self, job: JobFolder, written: Written) -> Known:
        return Known(self, written("kept"))

    def treat(self, job: JobFolder, batch: RowBatch) -> RowResult:
        part = next(iter(batch.parts.values()))
        if not part.items.height:
            return RowResult({"kept": part.items, "duplicates": part.items})
        assert isinstance(batch.memory, Known)
        rank = rank_of(self.best_by, part.items, self.name) if self.keep == BEST else None
        gone = batch.memory.copies(part, rank, drop_all=self.keep == NONE)
        return RowResult({"kept": part.items.filter(~gone), "duplicates": part.items.filter(gone)})
