"""Words of a STAR line, and the types of a column of words.

A word ends at white space; a word that begins with a quote ends at the same quote before white
space. `#` begins a comment only at the start of a line, since image names and values hold it.
"""

import re
from collections.abc import Sequence

import polars as pl

_QUOTED = re.compile(r"""\s*(?:"(.*?)"(?=\s|$)|'(.*?)'(?=\s|$)|(\S+))""")
# A leading zero makes an identifier ("0000123"), not a number; so do "+5" and "1_000".
_INTEGER = r"^(?:-?[1-9]\d{0,17}|0|-0)$"
_FLOAT = r"^[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|nan|NaN|NAN|-?inf|-?Inf|-?INF)$"
_PADDED = r"^[+-]?0\d"


def split_words(line: str) -> list[str]:
    """The words of one line, quotes taken off."""
    if '"' not in line and "'" not in line:
        return line.split()
    return [a or b or c or "" for a, b, c in _QUOTED.findall(line.rstrip())]


def typed(words: Sequence[str] | pl.Series, name: str) -> pl.Series:
    """A column with the narrowest type that all of its words have: integer, float, else text.

    The type is decided by all rows, never by the first. Empty columns are text.
    """
    column = (
        pl.Series(name, words, dtype=pl.String) if not isinstance(words, pl.Series) else words.alias(name)
    )
    if column.is_empty():
        return column
    if column.str.contains(_INTEGER).all():
        return column.cast(pl.Int64)
    if column.str.contains(_FLOAT).all() and not column.str.contains(_PADDED).any():
        return column.str.to_lowercase().str.strip_prefix("+").cast(pl.Float64)
    return column


def number_or_text(word: str) -> int | float | str:
    """One word of a single-value block with its type."""
    value = typed([word], "value").item()
    assert isinstance(value, int | float | str)
    return value


def quoted(text: str) -> str:
    """The word as it stands in a file: quoted where it would otherwise be misread."""
    if not text:
        return '""'
    special = text[0] in "\"'#_" or text.startswith(("data_", "loop_")) or any(c.isspace() for c in text)
    if not special:
        return text
    # One row is one line: a line break inside a value cannot be written, a blank says the same.
    text = " ".join(text.splitlines())
    return f"'{text}'" if '"' in text else f'"{text}"'
