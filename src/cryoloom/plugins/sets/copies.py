"""Which of several equal items stays: what `sets.join` and `sets.unique` share."""

from typing import TYPE_CHECKING

from cryoloom.errors import ParameterError
from cryoloom.plugins.sets.matching import BY_POSITION, Matching
from cryoloom.protocol import Part

if TYPE_CHECKING:
    import polars as pl

    from cryoloom.em.places import Places


class Known:
    """The items that are kept so far; asked for each batch which of its items are copies."""

    def __init__(self, matching: Matching, written: Part | None) -> None:
        """`written`: what the output holds already."""
        self.matching = matching
        self.keys: pl.DataFrame | None = None
        self.places: Places | None = None
        if written is not None and written.items.height:
            if matching.by == BY_POSITION:
                self.places = matching.places(written)
            else:
                self.keys = matching.keys(written).unique()

    def copies(self, part: Part, rank: "pl.Series | None", *, drop_all: bool = False) -> "pl.Series":
        """For each item of a batch whether it goes; the others are known from now on.

        Args:
            rank: the lower the better; without it the earlier is.
            drop_all: of equal items not one stays.
        """
        if self.matching.by == BY_POSITION:
            return self._by_place(part, rank, drop_all)
        return self._by_key(part, rank, drop_all)

    def _by_key(self, part: Part, rank: "pl.Series | None", drop_all: bool) -> "pl.Series":
        import polars as pl

        keys = self.matching.keys(part)
        names = keys.columns
        if drop_all:
            return keys.is_duplicated()
        if rank is None:
            whole = pl.col(names[0]) if len(names) == 1 else pl.struct(names)
            gone = keys.select(~whole.is_first_distinct()).to_series()
        else:
            ranked = keys.with_columns(rank.alias("rank"))
            gone = ranked.select(pl.col("rank").rank("ordinal").over(names) > 1).to_series()
        if self.keys is not None and self.keys.height:
            known = self.keys.with_columns(pl.lit(True).alias("known"))
            found = keys.join(known, on=names, how="left", maintain_order="left", nulls_equal=True)["known"]
            gone = gone | found.fill_null(False)
        fresh = keys.filter(~gone)
        self.keys = fresh if self.keys is None else pl.concat([self.keys, fresh], how="vertical_relaxed")
        return gone.alias("gone")

    def _by_place(self, part: Part, rank: "pl.Series | None", drop_all: bool) -> "pl.Series":
        import numpy as np
        import polars as pl

        from cryoloom.em.places import Places, are_copies

        ours = self.matching.places(part)
        before = 0 if self.places is None else len(self.places.xy)
        names, xy = ours.micrographs, ours.xy
        if self.places is not None:
            names, xy = pl.concat([self.places.micrographs, names]), np.concatenate([self.places.xy, xy])
        both = Places(names, xy)
        order = None
        if rank is not None:
            # What is kept already stays: better than anything that comes.
            order = np.concatenate([np.full(before, -np.inf), rank.to_numpy()])
        gone = are_copies(both, self.matching.distance, order)
        if drop_all:
            gone = gone | are_copies(both, self.matching.distance, -np.arange(len(xy), dtype=np.float64))
        mine = pl.Series("gone", gone[before:])
        self.places = Places(names.filter(pl.Series(~gone)), xy[~gone])
        return mine


def rank_of(label: str, items: "pl.DataFrame", owner: str) -> "pl.Series":
    """Ranks by a column, the highest best; with a minus before the label the lowest.

    Raises:
        ParameterError: no such column, or one of text.
    """
    import polars as pl

    name = label.strip().removeprefix("-")
    if name not in items.columns or not items[name].dtype.is_numeric():
        from cryoloom.star import parsed

        numbers = [other for other, dtype in parsed(items).schema.items() if dtype.is_numeric()]
        raise ParameterError(
            f"{owner}: parameter best_by", found=label, expected=f"one of the numbers {', '.join(numbers)}"
        )
    values = items[name].cast(pl.Float64)
    values = values if label.strip().startswith("-") else -values
    return values.fill_nan(float("inf")).fill_null(float("inf"))
