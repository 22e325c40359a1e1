"""Keep the items for which conditions hold: expressions, ranges, ranks, distances."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryoloom.errors import ParameterError, StarError
from cryoloom.plugins.sets.files import REJECTED, Counted, set_file
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
    Written,
)

if TYPE_CHECKING:
    import polars as pl

    from cryoloom.em.places import Places

BEST, NEAR, FAR = ("highest", "lowest"), "near", "far"


class Filter(Counted, RowProtocol):
    """Split a set by conditions that must all hold: kept and rejected."""

    name = "sets.filter"
    label = "Filter items"
    folder = "Select"
    version = "2"
    begins_with = {"expression": "..."}
    next = ("relion.autopick", "relion.extract", "relion.class2d")

    input: Table = Input(
        "Items", streams=True, help="Movies, micrographs, picks, particles: any set of items."
    )
    other: Table = Input(
        "Other items", optional=True, streams=True, help="For the distance from another set's items."
    )
    expression: str = Param(
        "",
        "Keep items where",
        means="condition",
        help="SQL over RELION's labels: `rlnCtfMaxResolution < 6 and rlnDefocusU < 30000`.",
    )
    ranges: str = Param(
        "", "Ranges", help="`rlnDefocusU: 5000..25000, rlnCtfMaxResolution: ..6`; an open end is no limit."
    )
    rank_by: str = Param(
        "",
        "Rank by",
        tab="Best",
        means="labels",
        help="A column. Items that meet the other conditions are ranked; waits for all items.",
    )
    rank_keep: str = Param(
        "10%", "Keep the best", tab="Best", when="rank_by", help="A number, or a percentage."
    )
    rank_order: str = Param(
        BEST[0],
        "The best are the",
        tab="Best",
        when="rank_by",
        choices=BEST,
        help="Of the values of that column.",
    )
    edge_distance: float = Param(
        0, "Distance from the micrograph's edge", unit="Å", tab="Distances", ge=0, help="At least; 0: any."
    )
    min_distance: float = Param(
        0,
        "Distance between items",
        unit="Å",
        tab="Distances",
        ge=0,
        help="Of closer ones the first stays; 0: any.",
    )
    other_distance: float = Param(
        100,
        "Distance from other items",
        unit="Å",
        tab="Distances",
        gt=0,
        when="other",
        help="For near and far.",
    )
    other_keep: str = Param(
        FAR,
        "Keep what is",
        tab="Distances",
        when="other",
        choices=(NEAR, FAR),
        help="Nearer or farther than that.",
    )

    kept: Table = Output("Kept", set_file(), like="input")
    rejected: Table = Output("Rejected", set_file(REJECTED), like="input")

    def check(self) -> None:
        super().check()
        asked = (
            self.expression.strip(),
            self.ranges.strip(),
            self.rank_by,
            self.edge_distance,
            self.min_distance,
        )
        if not any(asked) and not self.other:
            raise ParameterError(
                f"{self.name}: parameter expression", found="empty", expected="a condition",
                hint="For instance expression='rlnCtfMaxResolution < 6'.",
            )  # fmt: skip
        range_condition(self.ranges)
        if self.rank_by:
            kept_count(self.rank_keep, 1, "sets.filter: parameter rank_keep")

    def columns_read(self, name: str) -> Collection[str] | None:
        from cryoloom.em.places import LABELS
        from cryoloom.star.expressions import labels_in

        named = labels_in(self._condition()) if self._condition() else set()
        if named is None:
            return None
        return {*LABELS, *named, self.rank_by} if self._looks_at_places() else {*named, self.rank_by}

    def named_labels(self) -> Mapping[str, Collection[str]]:
        from cryoloom.star.expressions import labels_in

        condition = range_condition(self.ranges)
        return {"ranges": labels_in(condition) or ()} if condition else {}

    def needs_all(self) -> bool:
        return bool(self.rank_by)

    def begin(self, job: JobFolder, written: Written) -> "_KeptPlaces | None":
        if not self.min_distance:
            return None
        known, earlier = _KeptPlaces(), written("kept")
        # The picks of a micrograph come together: those that were written before a restart are of others.
        if earlier is not None and earlier.items.height and "rlnCoordinateX" in earlier.items.columns:
            known.remember(earlier)
        return known

    def treat(self, job: JobFolder, batch: RowBatch) -> RowResult:
        import polars as pl

        part = next(iter(batch.parts.values()))
        items = part.items
        if not items.height:
            return RowResult({"kept": items, "rejected": items})
        holds = pl.Series([True] * items.height)
        if self._condition():
            holds = holds & self._holding(items, self._condition())
        if self.edge_distance > 0:
            holds = holds & _inside(job, part, self.edge_distance)
        if self.other:
            holds = holds & self._by_others(part, batch.sides["other"])
        if self.rank_by:
            holds = holds & self._best(items, holds)
        places = batch.memory
        if isinstance(places, _KeptPlaces):
            holds = holds & places.apart(part, holds, self.min_distance)
        kept, rejected = items.filter(holds), items.filter(~holds)
        is_held = bool(self.other) and not batch.sides["other"].complete and self.other_keep == FAR
        if isinstance(places, _KeptPlaces) and kept.height and not is_held:
            places.remember(Part(kept, part.optics, source=part.source))
        if not self.other or batch.sides["other"].complete:
            return RowResult({"kept": kept, "rejected": rejected})
        # Another one may still come nearer.
        if self.other_keep == FAR:
            return RowResult({"kept": kept.clear(), "rejected": rejected}, {"input": kept})
        return RowResult({"kept": kept, "rejected": rejected.clear()}, {"input": rejected})

    def _condition(self) -> str:
        texts = (self.expression.strip(), range_condition(self.ranges))
        return " and ".join(f"({text})" for text in texts if text)

    def _looks_at_places(self) -> bool:
        return bool(self.edge_distance or self.min_distance or self.other)

    def _holding(self, items: "pl.DataFrame", condition: str) -> "pl.Series":
        from cryoloom.em.numbers import as_numbers
        from cryoloom.star.expressions import rows_that_hold

        try:
            # What cannot be judged (a missing value) is not kept, and not lost either.
            return rows_that_hold(as_numbers(items), condition)
        except StarError as error:
            raise ParameterError(
                f"{self.name}: parameter expression",
                found=error.found,
                expected=error.expected,
                hint=error.hint,
            ) from None

    def _by_others(self, part: Part, others: Part) -> "pl.Series":
        import polars as pl

        from cryoloom.em.places import are_near

        if not others.items.height:
            return pl.Series([self.other_keep == FAR] * part.items.height)
        near = pl.Series(are_near(_places(part), _places(others), self.other_distance))
        return near if self.other_keep == NEAR else ~near

    def _best(self, items: "pl.DataFrame", holds: "pl.Series") -> "pl.Series":
        import polars as pl

        from cryoloom.star import labels_of

        if self.rank_by not in items.columns:
            raise ParameterError(
                f"{self.name}: parameter rank_by",
                found=self.rank_by,
                expected=f"one of {', '.join(labels_of(items))}",
            )
        values = items[self.rank_by].cast(pl.Float64, strict=False).fill_nan(None)
        if self.rank_order == BEST[0]:
            values = -values
        ranked = pl.select(pl.when(holds).then(values).otherwise(None).rank("ordinal")).to_series()
        return (
            ranked <= kept_count(self.rank_keep, int(holds.sum()), "sets.filter: parameter rank_keep")
        ).fill_null(False)


@dataclass(slots=True)
class _KeptPlaces:
    """Where the kept items lie: nothing that comes later may lie near one."""

    places: "Places | None" = None

    def apart(self, part: Part, holds: "pl.Series", distance: float) -> "pl.Series":
        """Which items are no nearer than `distance` Å to one that is kept, or to an earlier one that holds."""
        import numpy as np
        import polars as pl

        from cryoloom.em.places import Places, are_copies

        ours, before = _places(part), self.places
        mask = holds.to_numpy()
        names = ours.micrographs.filter(holds)
        xy = ours.xy[mask]
        if before is not None:
            names, xy = pl.concat([before.micrographs, names]), np.concatenate([before.xy, xy])
        copies = are_copies(Places(names, xy), distance)
        apart = np.ones(part.items.height, dtype=bool)
        apart[mask] = ~copies[len(xy) - int(mask.sum()) :]
        return pl.Series(apart)

    def remember(self, kept: Part) -> None:
        """Add items that are kept."""
        import numpy as np
        import polars as pl

        from cryoloom.em.places import Places

        new, before = _places(kept), self.places
        self.places = (
            new
            if before is None
            else Places(pl.concat([before.micrographs, new.micrographs]), np.concatenate([before.xy, new.xy]))
        )


def range_condition(text: str) -> str:
    """`rlnDefocusU: 5000..25000, rlnCtfMaxResolution: ..6` as a condition.

    Raises:
        ParameterError: a part that is no range.
    """
    terms = []
    for part in filter(None, (word.strip() for word in text.split(","))):
        label, colon, limits = (word.strip() for word in part.partition(":"))
        low, dots, high = (word.strip() for word in limits.partition(".."))
        if (
            not colon
            or not dots
            or not label.isidentifier()
            or not all(_is_number(word) for word in (low, high) if word)
        ):
            raise ParameterError(
                "sets.filter: parameter ranges", found=repr(part), expected="LABEL: LOW..HIGH",
                hint="For instance rlnDefocusU: 5000..25000.",
            )  # fmt: skip
        terms += [f"{label} >= {low}"] if low else []
        terms += [f"{label} <= {high}"] if high else []
    return " and ".join(terms)


def kept_count(text: str, of: int, where: str) -> int:
    """How many are meant by a number or a percentage, of so many; `where`: the parameter that says it.

    Raises:
        ParameterError: neither.
    """
    word = text.strip()
    share = word.removesuffix("%").strip()
    if not _is_number(share) or float(share) < 0 or (word.endswith("%") and float(share) > 100):
        raise ParameterError(where, found=repr(text), expected="such as 5000 or 10%")
    return round(float(share) / 100 * of) if word.endswith("%") else int(float(share))


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _places(part: Part) -> "Places":
    from cryoloom.em.places import places

    return places(part.items, part.optics, part.source)


def _inside(job: JobFolder, part: Part, distance: float) -> "pl.Series":
    """Whether items lie at least `distance` Å inside their micrograph, whose size its header says."""
    import numpy as np
    import polars as pl

    from cryoloom.em.places import micrograph_pixel_sizes
    from cryoloom.images.headers import read_header

    names = part.items["rlnMicrographName"].unique().to_list()
    sizes = {name: read_header(job.root / name).size[:2] for name in names}
    angpix = micrograph_pixel_sizes(part.items, part.optics, part.source)
    edges = np.array([sizes[name] for name in part.items["rlnMicrographName"].to_list()]) * angpix[:, None]
    xy = _places(part).xy
    return pl.Series(np.min(np.concatenate([xy, edges - xy], axis=1), axis=1) >= distance)
