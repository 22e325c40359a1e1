"""Values that are no numbers where a label means one.

RELION reads a number as far as it goes: `10000,75` becomes 10000, and `<NA>`, nothing, nan and inf become 0 or
poison what is computed with them. None of its programs says a word.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from cryoloom import star
from cryoloom.em.labels import label as known_label
from cryoloom.errors import DatasetError

# What RELION reads whole. Leading zeros are kept by programs that pad numbers.
_NUMBER = r"^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$"
_BOOL = r"^(?:[01]|[Tt]rue|[Ff]alse|[Yy]es|[Nn]o)$"
MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class NoNumber:
    """One value that is no number."""

    row: int  # from 0
    label: str
    value: str

    def __str__(self) -> str:
        return f"{self.label} is {self.value!r}"


def no_numbers(table: pl.DataFrame) -> list[NoNumber]:
    """The values of a table that are no numbers though their labels mean numbers, row by row.

    Labels that nobody knows are not judged. Nulls are no numbers either: they are written as nan.
    """
    found: list[NoNumber] = []
    for name, column in zip(table.columns, table.get_columns(), strict=True):
        known = known_label(name)
        if known is None or known.type == "text":
            continue
        bad = _is_none(column, known.type)
        if bad.any():
            rows = bad.arg_true().to_list()
            found += [NoNumber(row, name, _shown(column[row])) for row in rows]
    return sorted(found, key=lambda one: one.row)


def as_numbers(table: pl.DataFrame) -> pl.DataFrame:
    """The table for judging its rows: words in columns of numbers become numbers, or unknown where they are none."""
    words = [
        name
        for name, dtype in table.schema.items()
        if dtype == pl.String and (known := known_label(name)) is not None and known.type in ("float", "int")
    ]
    return table.with_columns(
        pl.when(pl.col(name).str.contains(_NUMBER))
        .then(pl.col(name))
        .cast(pl.Float64, strict=False)
        .alias(name)
        for name in words
    )


def check_numbers(table: pl.DataFrame, path: Path, block: str) -> None:
    """That all numbers of a table are numbers.

    Raises:
        DatasetError: the first that is none, with its line.
    """
    bad = no_numbers(table)
    if bad:
        raise DatasetError(
            f"{path}, line {star.line_of(path, block, bad[0].row, bad[0].label)}: {bad[0].label} in data_{block}",
            found=repr(bad[0].value) + (f" (first of {len(bad)} such values)" if len(bad) > 1 else ""),
            expected="a number; RELION would read another one without a word", hint="Correct the file, or leave the row out.",
        )  # fmt: skip


def told(bad: Sequence[NoNumber], path: Path, block: str) -> str:
    """The first few such values in words, with their lines."""
    lines = [f"line {star.line_of(path, block, one.row, one.label)}: {one}" for one in bad[:MOST_NAMED]]
    return "; ".join(lines) + (f"; and {len(bad) - MOST_NAMED} more" if len(bad) > MOST_NAMED else "")


def _is_none(column: pl.Series, kind: str) -> pl.Series:
    if kind == "vector":
        return pl.Series([not _is_vector(value) for value in column.to_list()], dtype=pl.Boolean)
    if column.dtype == pl.String:
        return ~column.str.contains(_BOOL if kind == "bool" else _NUMBER).fill_null(False)
    if column.dtype.is_float():
        whole = column.is_finite() & (column.floor() == column) if kind == "int" else column.is_finite()
        return ~whole.fill_null(False)
    return column.is_null()


def _is_vector(value: object) -> bool:
    text = str(value if value is not None else "None").strip()
    if text in ("None", ""):
        return True  # no vector: RELION takes it for none
    try:
        words = text.removeprefix("[").removesuffix("]").replace(",", " ").split()
        return text.startswith("[") and all(math.isfinite(float(word)) for word in words)
    except ValueError:
        return False


def _shown(value: object) -> str:
    return "" if value is None else str(value)
