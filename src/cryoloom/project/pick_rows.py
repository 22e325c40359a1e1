"""What an edit may make of a micrograph's picks: places on it, filaments of two ends, no value that nobody gave."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cryoloom.em.labels import label as label_of
from cryoloom.em.labels import neutral
from cryoloom.errors import ParameterError
from cryoloom.protocol.jobs import ITEM_ID

if TYPE_CHECKING:
    import polars as pl

X, Y = "rlnCoordinateX", "rlnCoordinateY"
# What RELION's window says of a pick that no program found: nothing, in the columns that programs fill in.
NOTHING = {"rlnClassNumber": -999, "rlnAnglePsi": -999.0, "rlnAutopickFigureOfMerit": -999.0}
_BEFORE = "before "


def checked(table: "pl.DataFrame", where: str, size: tuple[int, int] | None) -> "pl.DataFrame":
    """The table with its places as numbers.

    Raises:
        ParameterError: a place that is none, or lies outside the micrograph.
    """
    import polars as pl

    for axis, length in zip((X, Y), size or (None, None), strict=True):
        if axis not in table.columns:
            raise wrong(where, axis, "missing", "a position for each pick")
        numbers = table[axis].cast(pl.Float64, strict=False)
        for row, value in enumerate(numbers.to_list(), start=1):
            if value is None or value != value or abs(value) == float("inf"):
                raise wrong(
                    where,
                    f"{axis} in row {row}",
                    repr(table[axis][row - 1]),
                    "a number, px of the micrograph",
                )
            if value < 0 and length is None:
                raise wrong(
                    where, f"{axis} in row {row}", f"{value:g}", "0 or more px, within the micrograph"
                )
            if length is not None and not 0 <= value <= length:
                raise wrong(
                    where, f"{axis} in row {row}", f"{value:g}", f"0 to {length} px, within the micrograph"
                )
    return table.with_columns(pl.col(X).cast(pl.Float64), pl.col(Y).cast(pl.Float64))


def check_ends(before: Sequence[str], after: Sequence[str], where: str) -> None:
    """That filaments are the same two ends as before, or new ones: with one end gone, all that follow would be others."""
    pairs = list(zip(before[::2], before[1::2], strict=False))
    other = {one: two for pair in pairs for one, two in (pair, pair[::-1])}
    # The last one may wait for its other end.
    for number, (one, two) in enumerate(zip(after[::2], after[1::2], strict=False), start=1):
        if other.get(one, two) != two or other.get(two, one) != one:
            raise wrong(
                where, f"filament {number}", f"{one} and {two}, which are no two ends of one filament",
                "both ends of a filament, one after the other; take both away, or move one",
            )  # fmt: skip


def as_before(after: "pl.DataFrame", before: "pl.DataFrame", where: str) -> "pl.DataFrame":
    """The table with the columns of the file that it replaces, in their order, further ones behind; our id is the last.

    What it does not say of a pick stays as it was.

    Raises:
        ParameterError: of a new pick a value is missing for which none means nothing; programs read 0 where there is none.
    """
    import polars as pl

    labels = [*dict.fromkeys([*before.columns, *after.columns])]
    labels = [label for label in labels if label != ITEM_ID] + [ITEM_ID]
    known = [label for label in before.columns if label not in (X, Y, ITEM_ID)]
    if not before.height:  # columns without a row have no type of their own
        before = before.with_columns(pl.lit(None).alias(label) for label in known)
        after = after.with_columns(
            pl.lit(None).alias(label)
            for label in known
            if label in after.columns and after[label].is_null().all()
        )
    filled = after.with_columns(pl.lit(None).alias(label) for label in known if label not in after.columns)
    typed = [pl.col(label).cast(before.schema[label], strict=False) for label in known if before.height]
    filled = filled.with_columns(typed).join(
        before.select(ITEM_ID, *(pl.col(label).alias(f"{_BEFORE}{label}") for label in known)),
        on=ITEM_ID, how="left", maintain_order="left",
    )  # fmt: skip
    filled = filled.with_columns(pl.coalesce(label, f"{_BEFORE}{label}").alias(label) for label in known)
    neutrals = {label: NOTHING.get(label, neutral(label)) for label in labels}
    filled = filled.select(labels).with_columns(
        pl.col(label).fill_null(value) for label, value in neutrals.items() if value is not None
    )
    for label in labels:
        said = label_of(label)
        is_text = said.type in ("text", "vector") if said else not filled.schema[label].is_numeric()
        empty = filled[label].is_null()
        if not is_text and empty.any():
            raise wrong(
                where, f"{label} in row {int(empty.arg_true()[0]) + 1}", "missing",
                "a value, as other picks of this file have one; of segments of filaments no place alone says one",
            )  # fmt: skip
    return filled


def wrong(where: str, what: str, found: str, expected: str) -> ParameterError:
    """The error of a table of picks; `where`: job and micrograph."""
    return ParameterError(f"{where}: {what}", found=found, expected=expected)
