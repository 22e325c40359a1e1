"""Vectors in brackets, `[0.1,-0.2,0]`, as RELION writes aberrations and projection matrices."""

import polars as pl

from cryoloom.errors import StarError


def vectors(texts: pl.Series) -> pl.Series:
    """The numbers of a column of vectors, which is kept as text in tables.

    Returns:
        Lists of numbers, one a row; of `None` and of nothing, null.
    Raises:
        StarError: the first row that holds no vector.
    """
    stripped = texts.cast(pl.String).str.strip_chars()
    empty = stripped.is_null() | stripped.is_in(["", "None"])
    inside = stripped.str.extract(r"^\[(.*)\]$").str.strip_chars()
    words = inside.str.replace_all(r"[\s,;]+", ",").str.strip_chars(",").str.split(",")
    # An empty vector is one empty word.
    words = pl.select(
        pl.when(inside == "").then(pl.lit([], dtype=pl.List(pl.String))).otherwise(words)
    ).to_series()
    numbers = words.cast(pl.List(pl.Float64), strict=False)
    bad = ~empty & (inside.is_null() | numbers.list.eval(pl.element().is_null()).list.any())
    if bad.fill_null(True).any():
        row = int(bad.fill_null(True).arg_true()[0])
        raise StarError(
            f"{texts.name} in row {row + 1}", found=repr(texts[row]), expected="a vector such as [0.1,-0.2]"
        )
    return pl.select(pl.when(~empty).then(numbers)).to_series().alias(texts.name)


def vector_texts(lists: pl.Series) -> pl.Series:
    """The same as text again, each number with its shortest digits."""
    texts = [
        None if row is None else "[" + ",".join(repr(float(value)) for value in row) + "]"
        for row in lists.to_list()
    ]
    return pl.Series(lists.name, texts, dtype=pl.String)
