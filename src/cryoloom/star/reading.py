"""Reading STAR files: every RELION from 1 to 5, and what other programs make of the format.

A block is named without its `data_`; the nameless block is "". A second block of a name already
taken is called `name#2`. Broken files give `StarError` with file and line; irregularities that
RELION itself writes (a raw TAB inside a value, print-outs between tables) are a `StarWarning`.
Headers are read here; the rows of a table by the compiled library, and where that is missing, or
meets something irregular, word by word.
"""

import warnings
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import polars as pl

from cryoloom.errors import StarError
from cryoloom.star import compiled
from cryoloom.star.lines import Lines, lines_before
from cryoloom.star.tokens import WHITE, first_word, number_or_text, split_words
from cryoloom.star.verbatim import ALL, Choice, Columns, run_texts, table_of_words

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


class Blocks(dict[str, Block]):
    """The blocks of a file by name, in its order; and the comments that stand before them."""

    def __init__(self) -> None:
        super().__init__()
        # Lines with their `#`. RELION tells files of 3.1 by the line `# version 30001` and takes others for older.
        self.comments: dict[str, tuple[str, ...]] = {}


@dataclass(slots=True)
class _Part:
    """One block as it is found; a table either as columns or as words, row by row."""

    name: str
    is_table: bool = False
    labels: list[str] = field(default_factory=list)
    wanted: Columns = ALL
    columns: list[pl.Series] | None = None
    words: list[list[str]] = field(default_factory=list)
    runs: list[list[str]] = field(default_factory=list)
    rows: int = 0
    singles: dict[str, str] = field(default_factory=dict)
    comments: tuple[str, ...] = ()
    broken: bool = False

    def info(self) -> BlockInfo:
        labels = tuple(self.labels if self.is_table else self.singles)
        return BlockInfo(self.name, labels, self.rows if self.is_table else 1, self.is_table)

    def content(self) -> Block:
        if not self.is_table:
            return {label: number_or_text(word) for label, word in self.singles.items()}
        if self.columns is not None:
            return pl.DataFrame(self.columns)
        return table_of_words(self.labels, self.words, self.runs, self.wanted)


def read(
    path: Path | str,
    blocks: Collection[str] | None = None,
    columns: Collection[str] | Choice | None = None,
    *,
    strict: bool = True,
    optional: bool = False,
) -> Blocks:
    """All blocks of a STAR file, or those named, in the file's order.

    Args:
        path: the file.
        blocks: names to read; None for all. Reading ends with the last of them. One that is absent is an error.
        columns: labels to keep in tables; None for all. Labels that a table lacks are passed over. Or a
            function that is given a table's name and labels and says which are made, and which stay as written.
        optional: True: a named block may be absent.
        strict: False leaves broken blocks out and reports each as a `StarWarning`.
    Raises:
        StarError: no such file, not a STAR file, or a row that does not fit its labels.
    """
    path = Path(path)
    found: list[str] = []
    result = Blocks()
    with Lines(path) as lines:
        for part in _Reader(path, lines, blocks, columns, strict).parts():
            found.append(part.name)
            if not part.broken and (blocks is None or part.name in blocks):
                result[part.name] = part.content()
                result.comments[part.name] = part.comments
            if blocks is not None and len(result) == len(set(blocks)):
                break
    missing = set(blocks or ()) - set(found)
    if missing and not optional:
        raise StarError(
            f"{path}: block data_{min(missing)}",
            found="missing",
            expected=f"one of {[f'data_{name}' for name in found]}",
        )
    return result


def scan(path: Path | str, *, strict: bool = True) -> tuple[BlockInfo, ...]:
    """Block names, labels and row counts, without a value made.

    Raises:
        StarError: as `read`; not for broken blocks where `strict` is False.
    """
    path = Path(path)
    with Lines(path) as lines, warnings.catch_warnings():
        if not strict:
            warnings.simplefilter("ignore", StarWarning)
        return tuple(part.info() for part in _Reader(path, lines, (), (), strict).parts())


_NONE = Columns(frozenset())


class _Reader:
    """Cuts the lines of one file into blocks."""

    def __init__(
        self,
        path: Path,
        lines: Lines,
        blocks: Collection[str] | None,
        columns: Collection[str] | Choice | None,
        strict: bool,
    ) -> None:
        self.path, self.lines, self.strict = path, lines, strict
        self.blocks, self.columns = blocks, columns
        self.names: set[str] = set()
        self.begin = 0  # byte offset of the line last given

    def parts(self) -> Iterator[_Part]:
        """The blocks, one after the other; a second loop of a block is one of its own."""
        part: _Part | None = None
        while True:
            start, text = self._next()
            if text is None:
                break
            word = first_word(text)
            try:
                if word.startswith("data_"):
                    if part is not None:
                        yield part
                    part = _Part(
                        self._free_name(word[5:]), comments=lines_before(self.lines.file, self.begin)
                    )
                elif part is None:
                    raise self._error(found=repr(text[:60]), expected="a block, `data_...`")
                elif part.broken:
                    continue
                elif word == "loop_":
                    if part.is_table or part.singles:
                        yield part
                        part = _Part(self._free_name(part.name.split("#")[0]))
                    part.is_table = True
                    self._table(part)
                elif text[0] == "_":
                    self._single(part, text)
                else:
                    self._warn(f"{text[:60]!r} passed over")
            except StarError as error:
                if self.strict or part is None:
                    raise
                self._warn(f"data_{part.name} is left out: {error}", at=start)
                part.broken = True
        if part is None:
            raise StarError(
                f"{self.path}", found="without any block", expected="a STAR file, with lines `data_...`"
            )
        yield part

    def _next(self) -> tuple[int, str | None]:
        """The next line that says something, stripped, and its number."""
        while True:
            self.begin = self.lines.offset
            line = self.lines.next()
            if line is None:
                return self.lines.number, None
            text = line.strip(WHITE)
            if text and text[0] != "#":
                return self.lines.number, text

    def _single(self, part: _Part, text: str) -> None:
        words = split_words(text)
        if len(words) < 2:
            raise self._error(found=repr(text[:60]), expected="a label and a value")
        part.singles[words[0][1:]] = words[1]

    def _table(self, part: _Part) -> None:
        """Labels, then rows, up to the line that begins the next block or loop."""
        lines = self.lines
        while True:
            offset, number = lines.offset, lines.number
            text = lines.next()
            text = None if text is None else text.strip(WHITE)
            if text is None or (text and text[0] not in "_#"):
                break
            if text and text[0] == "_":
                label = first_word(text)[1:]
                if label in part.labels:
                    raise self._error(found=f"label {label} once more", expected="each label once in a loop")
                part.labels.append(label)
        part.wanted = self._wanted(part)
        if text is not None:
            lines.skip(offset, number - lines.number)
            if not self._rows_compiled(part):
                self._rows_by_words(part)

    def _wanted(self, part: _Part) -> Columns:
        if self.blocks is not None and part.name not in self.blocks:
            return _NONE
        if callable(self.columns):
            return self.columns(part.name, part.labels)
        return ALL if self.columns is None else Columns(frozenset(self.columns))

    def _rows_compiled(self, part: _Part) -> bool:
        """False: some row needs a closer look, or there is no compiled library; nothing is taken."""
        if not part.labels or compiled.library() is None:
            return False
        rows = compiled.read_rows(self.lines.file, self.lines.offset, part.labels, columns=part.wanted)
        if rows.status not in (compiled.Status.AT_END, compiled.Status.AT_HEADER):
            return False
        part.columns, part.rows = rows.columns, rows.rows
        self.lines.skip(rows.end, rows.lines)
        return True

    def _rows_by_words(self, part: _Part) -> None:
        after_blank = closed = False
        keep = part.wanted != _NONE
        lines = self.lines
        while True:
            offset, number = lines.offset, lines.number
            line = lines.next()
            if line is None:
                return
            text = line.strip(WHITE)
            if not text:
                after_blank = True
            if not text or text[0] == "#":
                continue
            if text.startswith("data_") or first_word(text) == "loop_":
                lines.skip(offset, number - lines.number)
                return
            row = None if closed else self._row(part, text, after_blank)
            closed = row is None
            after_blank = False
            if row is not None:
                part.rows += 1
                if keep:
                    part.words.append(row)
                if part.wanted.verbatim:
                    part.runs.append(run_texts(line, row, part.labels, part.wanted))

    def _row(self, part: _Part, text: str, after_blank: bool) -> list[str] | None:
        """The words of a table's row; None where prose follows the table behind a blank line."""
        words = split_words(text)
        if len(words) == len(part.labels):
            return words
        if "\t" in text:
            # RELION 3.1 writes help texts that hold a TAB without quotes, between blanks of its own.
            by_blanks = [word for word in text.split(" ") if word]
            if len(by_blanks) == len(part.labels):
                self._warn("a TAB inside a value was kept")
                return by_blanks
        if after_blank:
            self._warn(f"{text[:60]!r} and what follows is no row of data_{part.name}; passed over")
            return None
        raise StarError(
            f"{self.path}, line {self.lines.number}: the number of values in block data_{part.name}",
            found=f"{len(words)}" + self._last_label(part, len(words)),
            expected=f"{len(part.labels)}, one for each label",
            hint="Mend or remove this line.",
        )

    @staticmethod
    def _last_label(part: _Part, count: int) -> str:
        return f" (nothing for {part.labels[count]})" if count < len(part.labels) else ""

    def _error(self, found: str, expected: str) -> StarError:
        return StarError(f"{self.path}, line {self.lines.number}", found=found, expected=expected)

    def _warn(self, text: str, at: int | None = None) -> None:
        where = f"{self.path}, line {at or self.lines.number}"
        warnings.warn(f"{where}: {text}", StarWarning, stacklevel=2)

    def _free_name(self, name: str) -> str:
        count, free = 1, name
        while free in self.names:
            count += 1
            free = f"{name}#{count}"
        self.names.add(free)
        return free
