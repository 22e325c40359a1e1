"""Conditions over a table's columns, written in SQL: which rows hold. Nothing is evaluated but SQL."""

import polars as pl

from cryoloom.errors import StarError


def rows_that_hold(frame: pl.DataFrame, condition: str) -> pl.Series:
    """For each row whether a condition holds, `rlnCtfMaxResolution < 4 and rlnClassNumber in (1, 3)`.

    Args:
        frame: the table.
        condition: SQL over its labels. What is unknown (a null) does not hold.
    Returns:
        Truth values, one a row.
    Raises:
        StarError: no condition, or one that cannot be judged, with the labels there are.
    """
    try:
        if not condition.strip():
            raise pl.exceptions.SQLSyntaxError("it is empty")
        holds = frame.select(pl.sql_expr(condition).cast(pl.Boolean).alias("holds"))["holds"]
    except pl.exceptions.PolarsError as error:
        raise StarError(
            f"condition {condition!r}",
            found=f"not to be judged ({str(error).splitlines()[0].split('; valid')[0]})",
            expected=f"a condition over {', '.join(frame.columns)}",
            hint="For instance 'rlnCtfMaxResolution < 4 and rlnDefocusU between 5000 and 25000'.",
        ) from None
    if len(holds) == 1 and frame.height != 1:
        # The same for all rows: it names no label.
        holds = pl.Series("holds", [holds[0]] * frame.height, dtype=pl.Boolean)
    return holds.fill_null(False)
