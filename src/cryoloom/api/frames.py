"""Tables of other libraries as polars frames; none of them is imported here."""

import re
from typing import TYPE_CHECKING, Any

from cryoloom.errors import ParameterError

if TYPE_CHECKING:
    import polars as pl

_LABEL = re.compile(r"[A-Za-z]\w*")


def is_frame(value: object) -> bool:
    """Whether a value is a table: of polars, of pandas, or of whatever speaks the interchange protocols."""
    return hasattr(value, "__dataframe__") or hasattr(value, "collect_schema")


def as_polars(value: Any, where: str) -> "pl.DataFrame":
    """The table as a polars frame; an index of pandas is no column and is left out.

    Raises:
        ParameterError: no table, or one whose columns hold more than texts and numbers.
    """
    import polars as pl

    frame: pl.DataFrame
    if isinstance(value, pl.LazyFrame):
        frame = value.collect()
    elif isinstance(value, pl.DataFrame):
        frame = value
    else:
        if not is_frame(value):
            raise ParameterError(
                where, found=f"a {type(value).__name__}", expected="a polars or pandas frame"
            )
        try:
            frame = pl.from_dataframe(value)
        except Exception as error:  # of whatever library made it
            raise ParameterError(
                where, found=f"a frame that cannot be read ({error})", expected="columns of texts and numbers",
                hint="Columns of mixed types cannot: frame.convert_dtypes() in pandas.",
            ) from error  # fmt: skip
    for column in frame.get_columns():
        if column.dtype.is_nested() and column.dtype.base_type() not in (pl.List, pl.Array):
            raise ParameterError(
                where, found=f"a frame whose column {column.name} is of {column.dtype}", expected="texts and numbers"
            )  # fmt: skip
    for name in frame.columns:
        if _LABEL.fullmatch(name) is None:
            raise ParameterError(
                where, found=f"a frame with a column {name!r}", expected="names without blanks, as RELION's labels are",
                hint="Give the column another name.",
            )  # fmt: skip
    categories = [c.name for c in frame.get_columns() if c.dtype in (pl.Categorical, pl.Enum)]
    return frame.with_columns(pl.col(name).cast(pl.String) for name in categories)
