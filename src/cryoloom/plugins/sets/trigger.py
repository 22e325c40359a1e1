"""A fixed set of what a stream has brought so far: after n items, then after every m, or at its end."""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from cryoloom.plugins.sets.files import Counted, set_file
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
from cryoloom.protocol.declare import OutputSpec

if TYPE_CHECKING:
    import polars as pl


class Trigger(Counted, RowProtocol):
    """Cut a stream into sets that do not change; each is there for other jobs as soon as it is full."""

    name = "sets.trigger"
    label = "Trigger: sets of n items"
    folder = "Select"
    next = ("relion.class2d", "relion.inimodel")

    input: Table = Input("Items", streams=True, help="A growing set.")
    first: int = Param(5000, "Items of the first set", gt=0, help="It is complete when so many have come.")
    every: int = Param(0, "Items of each further set", ge=0, help="0: as many as the first.")
    nr_sets: int = Param(
        1, "Number of sets", ge=1, le=99, help="What comes after them is in the output rest."
    )

    set1: Table = Output("Set 1", set_file("set1"), like="input")
    rest: Table = Output("What came after", set_file("rest"), like="input")

    def promised(self) -> Mapping[str, OutputSpec]:
        found = {}
        for number in range(1, self.nr_sets + 1):
            spec: OutputSpec = Output(f"Set {number}", set_file(f"set{number}"), like="input")
            spec.name, spec.kind = f"set{number}", Table
            found[spec.name] = spec
        return {**found, "rest": self.outputs_declared["rest"]}

    def columns_read(self, name: str) -> Collection[str]:
        return ()

    def _sets(self) -> list[str]:
        return [f"set{number}" for number in range(1, self.nr_sets + 1)]

    def begin(self, job: JobFolder, written: Written) -> list[int]:
        """How many items each set has."""
        parts = [written(name) for name in self._sets()]
        return [0 if part is None else part.items.height for part in parts]

    def treat(self, job: JobFolder, batch: RowBatch) -> RowResult:
        items = batch.items
        counts = batch.memory
        assert isinstance(counts, list)
        rows: dict[str, pl.DataFrame] = {}
        closed = set()
        for place, name in enumerate(self._sets()):
            size = self.first if place == 0 else (self.every or self.first)
            room = size - counts[place]
            rows[name], items = items.head(room), items.slice(room)
            counts[place] += rows[name].height
            if counts[place] == size:  # also one that was full when the job was killed, and still open
                closed.add(name)
        return RowResult({**rows, "rest": items}, closed=frozenset(closed))
