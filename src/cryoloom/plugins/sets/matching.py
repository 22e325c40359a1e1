"""By what two sets are compared: parameters that intersect, subtract, unique, join and assign share."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from cryoloom.errors import DatasetError, ParameterError
from cryoloom.protocol import Param, Part
from cryoloom.protocol.jobs import ITEM_ID

if TYPE_CHECKING:
    import polars as pl

    from cryoloom.em.places import Places

BY_ID, BY_POSITION, BY_MICROGRAPH, BY_COLUMNS = "id", "position", "micrograph", "columns"


class Matching:
    """When two items are the same."""

    by: str = Param(
        BY_ID, "Compare by", tab="Comparison", choices=(BY_ID, BY_POSITION, BY_MICROGRAPH, BY_COLUMNS),
        help="The id that each item has since it was picked; its place on the micrograph; the micrograph; columns.",
    )  # fmt: skip
    distance: float = Param(
        20, "Same place within", unit="Å", tab="Comparison", gt=0, when="by == position",
        help="Centres with refined shifts, in Å: binnings and pixel sizes may differ.",
    )  # fmt: skip
    columns: str = Param(
        "",
        "Columns to compare",
        tab="Comparison",
        when="by == columns",
        means="labels",
        help="Labels with commas between.",
    )

    def labels(self) -> list[str]:
        """The columns that make items the same; not for a comparison by position.

        Raises:
            ParameterError: columns are to be compared and none is named.
        """
        if self.by == BY_ID:
            return [ITEM_ID]
        if self.by == BY_MICROGRAPH:
            return ["rlnMicrographName"]
        found = [word.strip().removeprefix("_") for word in self.columns.split(",") if word.strip()]
        if not found:
            raise ParameterError(
                "parameter columns", found="empty", expected="labels with commas between",
                hint="For instance columns=rlnMicrographName,rlnClassNumber.",
            )  # fmt: skip
        return found

    def columns_read(self, name: str) -> Collection[str]:
        """Of row protocols: the columns that are looked at in an input."""
        if self.by != BY_POSITION:
            return self.labels()
        from cryoloom.em.places import LABELS

        return LABELS

    def keys(self, part: Part) -> "pl.DataFrame":
        """One row an item: what is compared, as columns `k0`, `k1`, ...

        Raises:
            DatasetError: the set lacks a column.
        """
        import polars as pl

        from cryoloom.em.places import micrograph_key

        labels = self.labels()
        missing = [label for label in labels if label not in part.items.columns]
        if missing and part.items.height:
            raise DatasetError(
                f"{part.source}", found=f"without {missing[0]}", expected="a set with the columns to compare"
            )
        if missing:
            return pl.DataFrame(schema={f"k{number}": pl.String for number in range(len(labels))})
        if self.by == BY_MICROGRAPH:
            return part.items.select(micrograph_key().alias("k0"))
        return part.items.select(pl.col(label).alias(f"k{number}") for number, label in enumerate(labels))

    def places(self, part: Part) -> "Places":
        """The items' centres in Å."""
        import numpy as np
        import polars as pl

        from cryoloom.em.places import Places, places

        if not part.items.height:
            return Places(pl.Series("key", [], dtype=pl.String), np.zeros((0, 2)))
        return places(part.items, part.optics, part.source)

    def found_in(self, ours: Part, others: Part) -> "pl.Series":
        """For each of ours whether it is among the others."""
        import polars as pl

        if not ours.items.height or not others.items.height:
            return pl.Series("found", [False] * ours.items.height, dtype=pl.Boolean)
        if self.by == BY_POSITION:
            from cryoloom.em.places import are_near

            return pl.Series("found", are_near(self.places(ours), self.places(others), self.distance))
        keys, known = self.keys(ours), self.keys(others)
        if keys.width == 1 and keys.schema == known.schema:
            return keys["k0"].is_in(known["k0"].implode())
        marked = known.unique().with_columns(pl.lit(True).alias("found"))
        joined = keys.join(marked, on=keys.columns, how="left", maintain_order="left", nulls_equal=True)
        return joined["found"].fill_null(False)
