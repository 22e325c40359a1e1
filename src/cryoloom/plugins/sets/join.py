"""Several sets of one kind as one: optics groups by what they say, duplicates once; streams."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryoloom.errors import ParameterError
from cryoloom.plugins.sets.copies import Known, rank_of
from cryoloom.plugins.sets.files import Counted, set_file
from cryoloom.plugins.sets.matching import Matching
from cryoloom.protocol import (
    ADVANCED,
    Input,
    JobFolder,
    Output,
    Param,
    Part,
    RowBatch,
    RowProtocol,
    RowResult,
    Table,
    Written,
)
from cryoloom.protocol.jobs import SOURCE

if TYPE_CHECKING:
    import polars as pl

    from cryoloom.em.joining import Fill

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
        means="labels", help="A column; with a minus before it, the lowest: -rlnCtfMaxResolution.",
    )  # fmt: skip
    labels_of: str = Param(
        UNION, "Columns of the result", choices=(UNION, COMMON),
        help="Those that any set has, or only those that all have.",
    )  # fmt: skip
    fill: str = Param(
        "", "Where a set lacks a column, write", when="labels_of == union",
        help="`rlnClassNumber=1, rlnRandomSubset=1`, or one number for all. What means nothing is written unasked: no phase "
        "shift, no beam tilt, a scale of 1; for all else the job asks.",
    )  # fmt: skip
    merge_groups: bool = Param(
        False, "Merge optics groups of other names?", level=ADVANCED,
        help="Yes: those that say the same become one. No: only those of one name; beam-tilt classes differ in nothing else.",
    )  # fmt: skip

    kept: Table = Output("Joined", set_file("joined"), like="input")
    duplicates: Table = Output("Duplicates", set_file("duplicates"), like="input")

    changed = frozenset({"rlnOpticsGroup", SOURCE})

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
        self._fill()

    def columns_read(self, name: str) -> Collection[str]:
        best = {self.best_by.strip().removeprefix("-")} if self.keep == BEST else set()
        return {*super().columns_read(name), *best}

    def needs_all(self) -> bool:
        return self.keep in (BEST, NONE)

    def begin(self, job: JobFolder, written: Written) -> "_Joined":
        earlier = written("kept")
        return _Joined(None if earlier is None else earlier.optics, Known(self, earlier))

    def treat(self, job: JobFolder, batch: RowBatch) -> RowResult:
        import polars as pl

        from cryoloom.star import labels_of

        so_far = batch.memory
        assert isinstance(so_far, _Joined)
        self._take_groups(so_far, batch)
        labels = self._labels(batch)
        if self.labels_of == UNION:
            # Files of picks have their labels with the first pick; columns that travel as written are several.
            so_far.labels |= {
                part.source: frozenset(labels_of(part.items))
                for part in batch.parts.values()
                if part.items.height
            }
            self._check_labels(so_far.labels)
        tables = []
        for name, part in batch.parts.items():
            if part.items.height:
                items = so_far.renumbered(name, part).with_columns(pl.lit(part.source).alias(SOURCE))
                tables.append(self._fill().filled(items, labels))
        if not tables:
            empty = pl.DataFrame(schema=dict.fromkeys([*labels, SOURCE], pl.String))
            return RowResult({"kept": empty, "duplicates": empty}, optics=so_far.optics)
        items = pl.concat(tables, how="diagonal_relaxed").select(*labels, SOURCE)
        copies = self._copies(items, so_far)
        rows = {"kept": items.filter(~copies), "duplicates": items.filter(copies)}
        note = self._note(batch, labels, so_far.renamed)
        return RowResult(rows, optics=so_far.optics, note=note)

    def check_heads(self, heads: Mapping[str, Mapping[str, Collection[str]]]) -> None:
        """What a set lacks is asked for before anything runs."""
        if self.labels_of != UNION:
            return
        for is_optics in (True, False):
            self._check_labels(
                {
                    str(self.given[name]): labels
                    for name, blocks in heads.items()
                    for block, labels in blocks.items()
                    if labels and (block == "optics") == is_optics
                }
            )

    def _check_labels(self, sets: Mapping[str, Collection[str]]) -> None:
        from cryoloom.protocol.jobs import ITEM_ID

        ours = {ITEM_ID, SOURCE}  # each item gets these
        self._fill().check(
            {source: [label for label in labels if label not in ours] for source, labels in sets.items()}
        )

    def _fill(self) -> "Fill":
        from cryoloom.em.joining import Fill

        try:
            return Fill.parsed(self.fill)
        except ValueError:
            raise ParameterError(
                f"{self.name}: parameter fill",
                found=repr(self.fill),
                expected="LABEL=VALUE, ..., or a number",
            ) from None

    def _take_groups(self, so_far: "_Joined", batch: RowBatch) -> None:
        """One optics table for all; that of a growing result only gains groups."""
        from cryoloom.em.joining import with_groups

        given = {part.source: part.optics.columns for part in batch.parts.values() if part.optics is not None}
        union = list(dict.fromkeys(label for labels in given.values() for label in labels))
        if self.labels_of == UNION:
            self._check_labels(given)
        else:
            union = [label for label in union if all(label in labels for labels in given.values())]
        own = {
            str(name) for part in batch.parts.values()
            if part.optics is not None and "rlnOpticsGroupName" in part.optics.columns
            for name in part.optics["rlnOpticsGroupName"].to_list()
        }  # fmt: skip
        for name, part in batch.parts.items():
            known = so_far.numbers.get(name, {}).keys()
            if part.optics is None or set(part.optics["rlnOpticsGroup"].to_list()) <= known:
                continue
            optics = self._fill().filled(part.optics, union).select(union)
            so_far.optics, so_far.numbers[name] = with_groups(
                so_far.optics, optics, merge=self.merge_groups, own=own
            )
            so_far.renamed |= _renamed(part.source, part.optics, so_far.optics, so_far.numbers[name])

    def _labels(self, batch: RowBatch) -> list[str]:
        sets = [part.items.columns for part in batch.parts.values()]
        union = [
            label for label in dict.fromkeys(label for labels in sets for label in labels) if label != SOURCE
        ]
        if self.labels_of == UNION:
            return union
        return [label for label in union if all(label in labels for labels in sets)]

    def _note(self, batch: RowBatch, labels: list[str], renamed: Collection[str]) -> str:
        words = list(renamed)
        for part in batch.parts.values():
            if self.labels_of == UNION:
                fill = self._fill()
                lacking = [label for label in labels if label not in part.items.columns]
                filled = ", ".join(f"{label}: {fill.value(label)}" for label in lacking)
                words += [f"{part.source} lacks columns, filled with {filled}."] if lacking else []
            else:
                dropped = [label for label in part.items.columns if label not in (*labels, SOURCE)]
                words += [f"{part.source}: {', '.join(dropped)} left out."] if dropped else []
        return " ".join(words)

    def _copies(self, items: "pl.DataFrame", so_far: "_Joined") -> "pl.Series":
        """Which rows are duplicates that do not stay."""
        import polars as pl

        if self.keep == ALL:
            return pl.Series([False] * items.height)
        rank = rank_of(self.best_by, items, self.name) if self.keep == BEST else None
        return so_far.known.copies(Part(items, so_far.optics), rank, drop_all=self.keep == NONE)


@dataclass(slots=True)
class _Joined:
    """What has been joined so far."""

    optics: "pl.DataFrame | None"  # of all
    known: Known  # the items that are kept
    numbers: dict[str, dict[int, int]] = field(default_factory=dict)  # input → group → its number in `optics`
    renamed: dict[str, None] = field(default_factory=dict)  # in words
    labels: dict[str, frozenset[str]] = field(default_factory=dict)  # of each set that brought items

    def renumbered(self, name: str, part: Part) -> "pl.DataFrame":
        """The rows of an input with their groups' numbers in `optics`."""
        from cryoloom.em.joining import renumbered

        numbers = self.numbers.get(name)
        return part.items if numbers is None else renumbered(part.items, numbers, part.source)


def _renamed(
    source: str, own: "pl.DataFrame", merged: "pl.DataFrame", numbers: Mapping[int, int]
) -> "dict[str, None]":
    """In words, which groups of a set have another name in the result."""
    names = dict(zip(merged["rlnOpticsGroup"].to_list(), merged["rlnOpticsGroupName"].to_list(), strict=True))
    found: dict[str, None] = {}
    for row in own.iter_rows(named=True):
        name, new = row.get("rlnOpticsGroupName"), names[numbers[row["rlnOpticsGroup"]]]
        if name and name != new:
            found[f"Optics group {name} of {source} is {new} here."] = None
    return found
