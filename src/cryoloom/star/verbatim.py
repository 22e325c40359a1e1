"""Columns that travel as they are written: what nobody looks at is neither parsed nor formatted.

A run is a column of bytes that stands for neighbouring columns of a table: the piece of each line that
holds their words, with quotes and the white space before them. The compiled reader only notes where in
the file it stands (`native/kept.h`), so that a run takes no memory; `kept_lines` says what follows for
callers. Its name lists its labels, so that a frame tells by itself what its table has. A column may be
parsed beside the run that holds it: that is for looking only, and the run is what gets written.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TypeAlias

import polars as pl

from cryoloom.star.tokens import WHITE, quoted, typed, word_ends

_MARK = "as written: "
_MISREAD = ("#", "_", "data_", "loop_")  # such a word must not begin a line


@dataclass(frozen=True, slots=True)
class Columns:
    """What is made of a table's columns: `parsed` ones become values (None: all), `verbatim` ones stay in runs."""

    parsed: frozenset[str] | None = None
    verbatim: frozenset[str] = frozenset()

    def has(self, label: str) -> bool:
        """Whether the column is parsed."""
        return self.parsed is None or label in self.parsed

    def runs(self, labels: Iterable[str]) -> list[list[str]]:
        """The labels of each run, in the order of the table."""
        parts = groupby(labels, key=lambda label: label in self.verbatim)
        return [list(part) for is_kept, part in parts if is_kept]

    def names(self, labels: Sequence[str]) -> list[str]:
        """The columns of the frame: those that are written in the table's order, then those only looked at."""
        names: list[str] = []
        for is_kept, part in groupby(labels, key=lambda label: label in self.verbatim):
            if is_kept:
                names.append(run_name(part))
            else:
                names += filter(self.has, part)
        return names + [label for label in labels if label in self.verbatim and self.has(label)]


ALL = Columns()
Choice: TypeAlias = Callable[[str, Sequence[str]], Columns]  # of a block's name and labels


def run_name(labels: Iterable[str]) -> str:
    """The name of the column that holds these as they are written."""
    return _MARK + " ".join(labels)


def is_run(name: str) -> bool:
    """Whether a column holds others as they are written."""
    return name.startswith(_MARK)


def labels_of(frame: pl.DataFrame) -> list[str]:
    """The labels of the table that a frame stands for, in the order in which they are written."""
    found: list[str] = []
    for name in _written(frame.columns):
        found += name.removeprefix(_MARK).split(" ") if is_run(name) else [name]
    return found


def without_looked_at(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame without the columns that its runs hold too."""
    names = _written(frame.columns)
    return frame if len(names) == frame.width else frame.select(names)


def _written(names: Sequence[str]) -> list[str]:
    held = {label for name in names if is_run(name) for label in name.removeprefix(_MARK).split(" ")}
    return [name for name in names if name not in held]


def run_texts(line: str, words: Sequence[str], labels: Sequence[str], columns: Columns) -> list[str]:
    """The runs of one line, whose words are known."""
    found = []
    ends = word_ends(line)
    first = 0
    for is_kept, part in groupby(labels, key=lambda label: label in columns.verbatim):
        last = first + len(list(part))
        if is_kept:
            text = ""
            if len(ends) == len(words):
                text = line[ends[first - 1] if first else 0 : ends[last - 1]]
            if not text or text.lstrip(WHITE).startswith(_MISREAD):
                text = " ".join(quoted(word) for word in words[first:last])
            found.append(text)
        first = last
    return found


def table_of_words(
    labels: Sequence[str],
    rows: Sequence[Sequence[str]],
    runs: Sequence[Sequence[str]],
    columns: Columns,
    as_text: Iterable[str] = (),
) -> pl.DataFrame:
    """The frame of a table read word by word.

    Args:
        rows: the words of each row.
        runs: what `run_texts` gave for each row.
        as_text: labels whose words stay as they are written.
    """
    texts = set(as_text)
    by_column = zip(*rows, strict=True) if rows else [()] * len(labels)
    made = {
        label: pl.Series(label, words, dtype=pl.String) if label in texts else typed(words, label)
        for label, words in zip(labels, by_column, strict=True)
        if columns.has(label)
    }
    names = [run_name(run) for run in columns.runs(labels)]
    by_run = zip(*runs, strict=True) if runs else [()] * len(names)
    for name, pieces in zip(names, by_run, strict=True):
        made[name] = pl.Series(name, [piece.encode() for piece in pieces], dtype=pl.Binary)
    return pl.DataFrame([made[name] for name in columns.names(labels)])
