"""Conditions, columns and aggregates over a table, written in SQL. Nothing is evaluated but SQL."""

import polars as pl

from cryoloom.errors import StarError
from cryoloom.star.verbatim import labels_of


def rows_that_hold(frame: pl.DataFrame, condition: str) -> pl.Series:
    """For each row whether a condition holds, `rlnCtfMaxResolution < 4 and rlnClassNumber in (1, 3)`.

    Args:
        frame: the table.
        condition: SQL over its labels. What is unknown (a null, or nan) does not hold.
    Returns:
        Truth values, one a row.
    Raises:
        StarError: no condition, or one that cannot be judged, with the labels there are.
    """
    try:
        if not condition.strip():
            raise pl.exceptions.SQLSyntaxError("it is empty")
        # polars takes nan for the largest of all numbers.
        known = frame.with_columns(pl.selectors.float().fill_nan(None))
        holds = known.select(pl.sql_expr(condition).cast(pl.Boolean).alias("holds"))["holds"]
    except pl.exceptions.PolarsError as error:
        hint = "For instance 'rlnCtfMaxResolution < 4 and rlnDefocusU between 5000 and 25000'."
        raise _not_judged("condition", condition, error, frame, hint) from None
    if len(holds) == 1 and frame.height != 1:
        # The same for all rows: it names no label.
        holds = pl.Series("holds", [holds[0]] * frame.height, dtype=pl.Boolean)
    return holds.fill_null(False)


def labels_in(condition: str) -> set[str] | None:
    """The labels that an SQL expression names; None where it is none."""
    try:
        return set(pl.sql_expr(condition).meta.root_names())
    except pl.exceptions.PolarsError:
        return None


def evaluated(frame: pl.DataFrame, expression: str) -> pl.Series:
    """A column from an SQL expression over the others: `rlnDefocusU + 100`; one value a row.

    Raises:
        StarError: it cannot be evaluated, with the labels there are.
    """
    try:
        values = frame.select(pl.sql_expr(expression).alias("value"))["value"]
    except pl.exceptions.PolarsError as error:
        raise _not_judged("expression", expression, error, frame) from None
    return values if len(values) == frame.height else values.extend_constant(values[0], frame.height - 1)


def aggregated(frame: pl.DataFrame, by: list[str], aggregates: list[tuple[str, str]]) -> pl.DataFrame:
    """One row a group, sorted by it: SQL aggregates (`avg(rlnDefocusU)`) by the names that they get.

    Raises:
        StarError: no such label, or something that is no aggregate.
    """
    missing = [label for label in by if label not in frame.columns]
    if missing or not by:
        raise StarError(
            "groups",
            found=missing[0] if missing else "no label",
            expected=f"one of {', '.join(frame.columns)}",
        )
    text = ", ".join(f"{expression} as {name}" for name, expression in aggregates)
    try:
        columns = [
            pl.len().alias(name)
            if expression.replace(" ", "").lower() == "count(*)"
            else pl.sql_expr(expression).alias(name)
            for name, expression in aggregates
        ]
        table = frame.group_by(by, maintain_order=True).agg(columns).sort(by)
    except pl.exceptions.PolarsError as error:
        raise _not_judged("aggregates", text, error, frame) from None
    lists = [name for name, dtype in table.schema.items() if dtype.is_nested()]
    if lists:
        raise StarError(
            f"aggregates {text!r}", found=f"{lists[0]} with many values a group", expected="an aggregate",
            hint="For instance avg(...), sum(...), min(...), max(...) or count(*).",
        )  # fmt: skip
    return table


def _not_judged(what: str, text: str, error: Exception, frame: pl.DataFrame, hint: str = "") -> StarError:
    reason = str(error).splitlines()[0].split("; valid")[0]
    return StarError(
        f"{what} {text!r}",
        found=f"not to be judged ({reason})",
        expected=f"{what} over {', '.join(labels_of(frame))}",
        hint=hint,
    )
