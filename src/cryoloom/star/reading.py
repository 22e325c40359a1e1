"""Reading STAR files: every RELION from 1 to 5, and what other programs make of the format.

A block is named without its `data_`; the nameless block is "". A second block of a name already
taken is called `name#2`. Broken files give `StarError` with file and line; irregularities that
RELION itself writes (a raw TAB inside a value, print-outs between tables) are a `StarWarning`.
"""

import warnings
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import polars as pl

from cryoloom.errors import StarError
from cryoloom.star.tokens import number_or_text, split_words, typed

Value: TypeAlias = int | float | str
Block: TypeAlias = pl.DataFrame | dict[str, Value]


class StarWarning(UserWarning):
    """Something irregular was met and read around; the message names file and line."""


@dataclass(frozen=True, slots=True)
class BlockInfo:
    """What a block holds, without its values."""

    name: str
    labels: tuple[str, ...]
    rows: int  # 1 for a block of single values
    is_table: bool


@dataclass(slots=True)
class _Raw:
    """One block as words, column by column where it is a table."""

    name: str
    line: int
    labels: list[str] = field(default_factory=list)
    words: list[list[str]] = field(default_factory=list)  # rows
    singles: dict[str, str] = field(default_factory=dict)
    is_table: bool = False


def read(
    path: Path | str, blocks: Collection[str] | None = None, columns: Collection[str] | None = None
) -> dict[str, Block]:
    """All blocks of a STAR file, or those named.

    Args:
        path: the file.
        blocks: names to read; None for all. One that is absent is an error.
        columns: labels to keep in tables; None for all. Labels that a table lacks are passed over.
    Raises:
        StarError: no such file, not a STAR file, or a row that does not fit its labels.
    """
    path = Path(path)
    wanted = None if blocks is None else set(blocks)
    result: dict[str, Block] = {}
    for raw in _blocks(path, _lines(path)):
        name = _free_name(raw.name, result)
        if wanted is not None and name not in wanted:
            result.setdefault(name, {})
            continue
        result[name] = _frame(raw, columns) if raw.is_table else _singles(raw)
    if wanted is not None:
        missing = wanted - set(result)
        if missing:
            raise StarError(
                f"{path}: block data_{min(missing)}",
                found="missing",
                expected=f"one of {[f'data_{name}' for name in result]}",
            )
        return {name: block for name, block in result.items() if name in wanted}
    return result


def scan(path: Path | str) -> tuple[BlockInfo, ...]:
    """Block names, labels and row counts."""
    path = Path(path)
    return tuple(
        BlockInfo(
            raw.name,
            tuple(raw.labels if raw.is_table else raw.singles),
            len(raw.words) if raw.is_table else 1,
            raw.is_table,
        )
        for raw in _blocks(path, _lines(path))
    )


def _lines(path: Path) -> list[str]:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise StarError(f"{path}", found="missing", expected="a STAR file") from None
    except IsADirectoryError:
        raise StarError(f"{path}", found="a folder", expected="a STAR file") from None
    except PermissionError:
        raise StarError(f"{path}", found="not readable", expected="a file you may read") from None
    if b"\0" in data[:4096] or data[:2] == b"\x1f\x8b":
        raise StarError(f"{path}", found="a binary file", expected="a STAR file, which is text")
    return data.decode("utf-8", errors="replace").splitlines()


def _blocks(path: Path, lines: list[str]) -> Iterator[_Raw]:
    """Cut the lines into blocks of words."""
    raw: _Raw | None = None
    in_labels = after_blank = closed = False
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text:
            after_blank = True
            continue
        if text[0] == "#":
            continue
        if text.startswith("data_"):
            if raw is not None:
                yield raw
            raw, in_labels, closed = _Raw(text.split()[0][5:], number), False, False
        elif raw is None:
            raise StarError(f"{path}, line {number}", found=repr(text[:60]), expected="a block, `data_...`")
        elif text.split()[0] == "loop_":
            if raw.labels or raw.singles:
                yield raw
                raw = _Raw(raw.name, number)
            raw.is_table, in_labels, closed = True, True, False
        elif text[0] == "_" and (in_labels or not raw.is_table):
            words = split_words(text)
            if raw.is_table:
                raw.labels.append(words[0][1:])
            elif len(words) < 2:
                raise StarError(
                    f"{path}, line {number}", found=repr(text[:60]), expected="a label and a value"
                )
            else:
                raw.singles[words[0][1:]] = words[1]
        elif not raw.is_table:
            warnings.warn(f"{path}, line {number}: {text[:60]!r} passed over", StarWarning, stacklevel=4)
        elif not closed:
            in_labels = False
            row = _row(path, number, text, raw, after_blank)
            if row is None:
                closed = True
            else:
                raw.words.append(row)
        after_blank = False
    if raw is None:
        raise StarError(f"{path}", found="without any block", expected="a STAR file, with lines `data_...`")
    yield raw


def _row(path: Path, number: int, text: str, raw: _Raw, after_blank: bool) -> list[str] | None:
    """The words of a table's row; None where prose follows the table behind a blank line."""
    words = split_words(text)
    if len(words) == len(raw.labels):
        return words
    if "\t" in text:
        # RELION 3.1 writes help texts that hold a TAB without quotes, between blanks of its own.
        by_blanks = text.split(" ")
        by_blanks = [word for word in by_blanks if word]
        if len(by_blanks) == len(raw.labels):
            warnings.warn(f"{path}, line {number}: a TAB inside a value was kept", StarWarning, stacklevel=5)
            return by_blanks
    if after_blank:
        warnings.warn(
            f"{path}, line {number}: {text[:60]!r} and what follows is no row of data_{raw.name}; passed over",
            StarWarning,
            stacklevel=5,
        )
        return None
    raise StarError(
        f"{path}, line {number}: the number of values in block data_{raw.name}",
        found=str(len(words)),
        expected=f"{len(raw.labels)}, one for each label",
        hint="Mend or remove this line.",
    )


def _free_name(name: str, taken: dict[str, Block]) -> str:
    count = 1
    free = name
    while free in taken:
        count += 1
        free = f"{name}#{count}"
    return free


def _frame(raw: _Raw, columns: Collection[str] | None) -> pl.DataFrame:
    by_column = list(zip(*raw.words, strict=True)) if raw.words else [()] * len(raw.labels)
    kept: dict[str, pl.Series] = {}
    for label, words in zip(raw.labels, by_column, strict=True):
        if columns is None or label in columns:
            kept[label] = typed(words, label)
    return pl.DataFrame(list(kept.values()))


def _singles(raw: _Raw) -> dict[str, Value]:
    return {label: number_or_text(word) for label, word in raw.singles.items()}
