"""Divide a set into parts: in order, at random, or so that groups stay whole."""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from cryoloom.errors import ParameterError
from cryoloom.plugins.sets.files import Counted, set_file
from cryoloom.protocol import Input, JobFolder, Output, Param, RowBatch, RowProtocol, RowResult, Table
from cryoloom.protocol.declare import OutputSpec

if TYPE_CHECKING:
    import polars as pl

ORDER, RANDOM, OPTICS, MICROGRAPH, CLASS = "order", "random", "optics group", "micrograph", "class"
_GROUPS = {OPTICS: "rlnOpticsGroup", MICROGRAPH: "rlnMicrographName", CLASS: "rlnClassNumber"}


class Split(Counted, RowProtocol):
    """Divide a set into parts; each item is in one of them."""

    name = "sets.split"
    label = "Split a set"
    folder = "Select"
    next = ("relion.refine3d", "relion.class2d")

    input: Table = Input("Items", help="Any set of items; it must be complete.")
    nr_parts: int = Param(2, "Number of parts", ge=2, le=99, help="Each is an output: part1, part2, ...")
    split_by: str = Param(
        ORDER, "Divide", choices=(ORDER, RANDOM, OPTICS, MICROGRAPH, CLASS),
        help="In equal parts by order or at random, or by a label: items of one group, micrograph or class stay together.",
    )  # fmt: skip
    seed: int = Param(1, "Random seed", when="split_by == random", help="The same seed gives the same parts.")

    part1: Table = Output("Part 1", set_file("part1"), like="input")
    part2: Table = Output("Part 2", set_file("part2"), like="input")

    def promised(self) -> Mapping[str, OutputSpec]:
        found = {}
        for number in range(1, self.nr_parts + 1):
            spec: OutputSpec = Output(f"Part {number}", set_file(f"part{number}"), like="input")
            spec.name, spec.kind = f"part{number}", Table
            found[spec.name] = spec
        return found

    def columns_read(self, name: str) -> Collection[str]:
        return [label for way, label in _GROUPS.items() if way == self.split_by]

    def needs_all(self) -> bool:
        return True

    def treat(self, job: JobFolder, batch: RowBatch) -> RowResult:
        import polars as pl

        items = batch.items
        if not items.height:
            return RowResult({f"part{number}": items for number in range(1, self.nr_parts + 1)})
        part = pl.Series("part", self._parts(items))
        return RowResult({f"part{n + 1}": items.filter(part == n) for n in range(self.nr_parts)})

    def _parts(self, items: "pl.DataFrame") -> list[int]:
        import numpy as np

        n, total = self.nr_parts, items.height
        if self.split_by in (ORDER, RANDOM) and n > total:
            raise ParameterError(
                f"{self.name}: parameter nr_parts",
                found=str(n),
                expected=f"at most {total}, for so many items there are",
            )
        equal = np.arange(total) * n // total
        if self.split_by == ORDER:
            return [int(part) for part in equal]
        if self.split_by == RANDOM:
            part = np.empty(total, dtype=int)
            part[np.random.default_rng(self.seed).permutation(total)] = equal
            return [int(one) for one in part]
        label = _GROUPS[self.split_by]
        if label not in items.columns:
            raise ParameterError(
                f"{self.name}: parameter split_by", found=self.split_by, expected="a label that the items have",
                hint=f"They have no {label}.",
            )  # fmt: skip
        sizes = items.group_by(label).len().sort(label)
        if sizes.height < n:
            raise ParameterError(
                f"{self.name}: parameter nr_parts", found=str(n),
                expected=f"at most {sizes.height}, for so many values has {label}",
            )  # fmt: skip
        # As many parts as values: one each, in their order. Else the largest first, each to the emptiest part.
        if sizes.height == n:
            of = dict(zip(sizes[label].to_list(), range(n), strict=True))
        else:
            filled = [0] * n
            of = {}
            for value, size in sizes.sort(["len", label], descending=[True, False]).iter_rows():
                of[value] = filled.index(min(filled))
                filled[of[value]] += size
        return [of[value] for value in items[label].to_list()]
