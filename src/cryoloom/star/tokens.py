"""Words of a STAR line, and the types of a column of words.

A word ends at white space (of ASCII); a word that begins with a quote ends at the same quote before
white space. `#` begins a comment only at the start of a line, since image names and values hold it.
The compiled reader (`native/`) follows the same rules, and the same tests.
"""

import re
from collections.abc import Sequence

import polars as pl

from cryoloom.errors import StarError

WHITE = " \t\r\v\f"
_QUOTED = re.compile(r"""\s*(?:"(.*?)"(?=\s|$)|'(.*?)'(?=\s|$)|(\S+))""", re.ASCII)
_PLAIN = re.compile(r"\S+", re.ASCII)
_UNUSUAL = re.compile("[^\t\n\v\f\r -~]")  # what str.split may take for white space
# A leading zero makes an identifier ("0000123"), not a number; so do 19 digits and more.
_INTEGER = r"^(?:-?[1-9][0-9]{0,17}|0)$"
_NUMBER = r"^[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|nan|NaN|NAN|inf|Inf|INF)$"
_IDENTIFIER = r"^[+-]?(?:0[0-9]|[0-9]{19,}$)"
_LONG = r"^[+-]?[0-9]{16,18}$"  # integers that a double may not hold


def split_words(line: str) -> list[str]:
    """The words of one line, quotes taken off."""
    if '"' in line or "'" in line:
        return [a or b or c or "" for a, b, c in _QUOTED.findall(line.rstrip(WHITE))]
    return _PLAIN.findall(line) if _UNUSUAL.search(line) else line.split()


def word_ends(line: str) -> list[int]:
    """Where the words of a line end, closing quotes included."""
    return [found.end() for found in _QUOTED.finditer(line.rstrip(WHITE))]


def first_word(text: str) -> str:
    """The first word of a line that has one, quotes and all."""
    found = _PLAIN.search(text)
    return found[0] if found else ""


def typed(words: Sequence[str] | pl.Series, name: str) -> pl.Series:
    """A column with the narrowest type that all of its words have: integer, float, else text.

    The type is decided by all rows, never by the first. Empty columns are text, and so are columns
    of numbers in which an integer would be rounded.
    """
    column = (
        pl.Series(name, words, dtype=pl.String) if not isinstance(words, pl.Series) else words.alias(name)
    )
    if column.is_empty():
        return column
    if column.str.contains(_INTEGER).all():
        return column.cast(pl.Int64)
    if not column.str.contains(_NUMBER).all() or column.str.contains(_IDENTIFIER).any():
        return column
    long = column.filter(column.str.contains(_LONG))
    if any(int(word) != int(float(word)) for word in long):
        return column
    return pl.Series(name, [float(word) for word in column], dtype=pl.Float64)


def number_or_text(word: str) -> int | float | str:
    """One word of a single-value block with its type."""
    # As `typed` has it for a column of one word, at a hundredth of the time.
    if re.fullmatch(_INTEGER, word):
        return int(word)
    if not re.fullmatch(_NUMBER, word) or re.match(_IDENTIFIER, word):
        return word
    if re.fullmatch(_LONG, word) and int(word) != int(float(word)):
        return word
    return float(word)


def quoted(text: str, row: int = 0) -> str:
    """The word as it stands in a file: quoted where it would otherwise be misread.

    Raises:
        StarError: it holds white space behind both kinds of quotes, which no word can.
    """
    if not text:
        return '""'
    special = text[0] in "\"'#_" or text.startswith(("data_", "loop_")) or re.search(r"\s", text, re.ASCII)
    if not special:
        return text
    # One row is one line: a line break inside a value cannot be written, a blank says the same.
    one, two = (re.search(mark + r"\s", text, re.ASCII) for mark in "'\"")
    if one and two:
        raise unwritable(row)
    text = text.replace("\n", " ").replace("\r", " ")
    return f"'{text}'" if two else f'"{text}"'


def unwritable(row: int) -> StarError:
    """The error of a text that no word of a STAR file can hold."""
    return StarError(
        f"row {row + 1} of the rows to write",
        found="a text with white space behind both kinds of quotes",
        expected="at most one kind of quotes",
        hint="Change one kind of quotes in that text.",
    )
