"""Several sets of one kind as one: optics groups by what they say, duplicates once; streams."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from cryoloom.errors import ParameterError
from cryoloom.plugins.sets.copies import Known, rank_of
from cryoloom.plugins.sets.files import Counted, set_file
from cryoloom.plugins.sets.matching import Matching
from cryoloom.protocol import (
    Input,
    JobFolder,
    Output,
    Param,
    Part,
    RowBatch,
    RowProtocol,
    RowResult,
    Table,
)
from cryoloom.protocol.jobs import SOURCE

if TYPE_CHECKING:
    import polars as pl

FIRST, BEST, NONE, ALL = "first", "best", "none", "all"
UNION, COMMON = "union", "common"


class Join(Counted, Matching, RowProtocol):
    """Put any number of sets of one kind together; what is in several of them stays once."""

    name = "sets.join"
    label = "Join sets"
    folder = "JoinStar"
    next = ("relion.motioncorr", "relion.extract", "relion.class2d", "relion.refine3d")

    input: Table = Input(
        "Sets", streams=True, several=True, help="Movies, micrographs, picks, particles, averages."
    )
    keep: str = Param(
        FIRST, "Of duplicates keep", tab="Comparison", choices=(FIRST, BEST, NONE, ALL),
        help="The first that comes, the best by a column, none of them, or all. Best and none wait for all items.",
    )  # fmt: skip
    best_by: str = Param(
        "rlnMaxValueProbDistribution", "The best has the highest", tab="Comparison", when="keep == best",
        help="A column; with a minus before it, the lowest: -rlnCtfMaxResolution.",
    )  # fmt: skip
    labels_of: str = Param(
        UNION, "Columns of the result", choices=(UNION, COMMON),
        help="Those that any set has, or only those that all have.",
    )  # fmt: skip
    fill: str = Param(
        "0", "Where a set lacks a column, write", when="labels_of == union",
        help="Into columns of numbers, and those that RELION does not know; into its text goes None. The log names them.",
    )  # fmt: skip

    kept: Table = Output("Joined", set_file("joined"), like="input")
    duplicates: Table = Output("Duplicates", set_file("duplicates"), like="input")

    changed = frozenset({"rlnOpticsGroup", SOURCE})
    _numbers: "dict[str, dict[int, int]] | None" = None
    _optics: "pl.DataFrame | None" = None
    _known: "Known | None" = None

    def check(self) -> None:
        super().check()
        sets = self.datasets_of("input")
        kinds = {dataset.kind for dataset in sets.values()}
        if len(kinds) > 1:
            raise ParameterError(
                f"{self.name}: input",
                found=f"sets of {' and of '.join(sorted(kinds))}",
                expected="sets of one kind",
            )
        try:
            float(self.fill)
        except ValueError:
            raise ParameterError(
                f"{self.name}: parameter fill", found=repr(self.fill), expected="a number"
            ) from None

    def columns_read(self, name: str) -> Collection[str]:
        best = {self.best_by.strip().removeprefix("-")} if self.keep == BEST else set()
        return {*super().columns_read(name), *best}

    def needs_all(self) -> bool:
        return self.keep in (BEST, NONE)

    def treat(self, job: JobFolder, batch: RowBatch) -> RowResult:
        import polars as pl

        optics = self._merged(batch)
        labels = self._labels(batch)
        tables = []
        for name, part in batch.parts.items():
            if part.items.height:
                items = self._renumbered(name, part).with_columns(pl.lit(part.source).alias(SOURCE))
                tables.append(self._filled(items, labels))
        if not tables:
            empty = pl.DataFrame(schema=dict.fromkeys([*labels, SOURCE], pl.String))
            return RowResult({"kept": empty, "duplicates": empty}, optics=optics)
        items = pl.concat(tables, how="diagonal_relaxed").select(*labels, SOURCE)
        copies = self._copies(items, optics, batch)
        rows = {"kept": items.filter(~copies), "duplicates": items.filter(copies)}
        return RowResult(rows, optics=optics, note=self._note(batch, labels))

    def _merged(self, batch: RowBatch) -> "pl.DataFrame | None":
        """One optics table for all; that of a growing result only gains groups."""
        from cryoloom.em.joining import with_groups

        if self._numbers is None:
            self._numbers = {}
            written = batch.written("kept")
            self._optics = written.optics if written is not None else None
        for name, part in batch.parts.items():
            if part.optics is not None and set(part.optics["rlnOpticsGroup"].to_list()) - set(
                self._numbers.get(name, ())
            ):
                self._optics, self._numbers[name] = with_groups(self._optics, part.optics)
        return self._optics

    def _renumbered(self, name: str, part: Part) -> "pl.DataFrame":
        from cryoloom.em.joining import renumbered

        numbers = (self._numbers or {}).get(name)
        return part.items if numbers is None else renumbered(part.items, numbers, part.source)

    def _labels(self, batch: RowBatch) -> list[str]:
        sets = [part.items.columns for part in batch.parts.values()]
        union = [
            label for label in dict.fromkeys(label for labels in sets for label in labels) if label != SOURCE
        ]
        if self.labels_of == UNION:
            return union
        return [label for label in union if all(label in labels for labels in sets)]

    def _filled(self, items: "pl.DataFrame", labels: list[str]) -> "pl.DataFrame":
        """What a set lacks, by what the label holds: a look at the others' rows would depend on what has come of them."""
        import polars as pl

        from cryoloom.em.labels import label

        number = float(self.fill)
        fills = []
        for name in labels:
            if name in items.columns:
                continue
            kind = known.type if (known := label(name)) else ""
            # Of an unknown label a whole number is the same to numbers of all types, and to text.
            is_whole = number.is_integer() and kind in ("int", "bool", "")
            value = "None" if kind in ("text", "vector") else int(number) if is_whole else number
            fills.append(pl.lit(value).alias(name))
        return items.with_columns(fills)

    def _note(self, batch: RowBatch, labels: list[str]) -> str:
        words = []
        for part in batch.parts.values():
            if self.labels_of == UNION:
                lacking = [label for label in labels if label not in part.items.columns]
                words += (
                    [f"{part.source} lacks {', '.join(lacking)}: filled with {self.fill} or None."]
                    if lacking
                    else []
                )
            else:
                dropped = [label for label in part.items.columns if label not in (*labels, SOURCE)]
                words += [f"{part.source}: {', '.join(dropped)} left out."] if dropped else []
        return " ".join(words)

    def _copies(self, items: "pl.DataFrame", optics: "pl.DataFrame | None", batch: RowBatch) -> "pl.Series":
        """Which rows are duplicates that do not stay."""
        import polars as pl

        if self.keep == ALL:
            return pl.Series([False] * items.height)
        rank = rank_of(self.best_by, items, self.name) if self.keep == BEST else None
        if self._known is None:
            self._known = Known(self, batch.written("kept"))
        return self._known.copies(Part(items, optics), rank, drop_all=self.keep == NONE)
