"""Writing STAR files, whole, as RELION 3.1 lays them out; never half a file."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import polars as pl

from cryoloom.star import compiled
from cryoloom.star.reading import Blocks, Value
from cryoloom.star.tokens import WHITE, quoted
from cryoloom.star.verbatim import is_run, labels_of, without_looked_at

VERSION_LINE = "# version 30001"
SLICE = 100_000  # rows made into text at a time in Python


def write(
    path: Path | str,
    blocks: Mapping[str, pl.DataFrame | Mapping[str, Value]],
    *,
    comments: Mapping[str, Sequence[str]] | None = None,
) -> None:
    """Write blocks in their order: frames as tables, mappings as single values.

    Args:
        comments: lines with `#` before each block; by default those with which the blocks were read. A block
            that has none gets the line by which RELION knows a file of 3.1, unless `()` stands for it here.

    The file appears whole or not at all (written beside, then renamed). Nulls become `nan` in
    columns of numbers and `None` in text.

    Raises:
        StarError: a text holds white space behind both kinds of quotes; the old file is kept.
        OSError: the disk is full or the folder cannot be written; the old file is kept.
    """
    path = Path(path)
    with beside(path) as file:
        if comments is None:
            comments = blocks.comments if isinstance(blocks, Blocks) else {}
        for name, block in blocks.items():
            write_block(file, name, block, comments.get(name, (VERSION_LINE,)))


@contextmanager
def beside(path: Path) -> Iterator[BinaryIO]:
    """A file to write, which takes the place of `path` when all went well."""
    made = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with made.open("wb", buffering=0) as file:
            yield file
        made.replace(path)
    except BaseException:
        made.unlink(missing_ok=True)
        raise


def write_block(
    file: BinaryIO,
    name: str,
    block: pl.DataFrame | Mapping[str, Value],
    comments: Sequence[str] = (VERSION_LINE,),
) -> None:
    """A block's text, a large table piece by piece."""
    if isinstance(block, pl.DataFrame):
        _put(file.fileno(), table_head(name, labels_of(block), comments))
        write_rows(file.fileno(), block)
        _put(file.fileno(), b" \n")
        return
    width = max((len(label) for label in block), default=0) + 10
    lines = "".join(f"_{label}".ljust(width) + f" {_word(value):>12}\n" for label, value in block.items())
    _put(file.fileno(), f"\n{_said(comments)}data_{_base(name)}\n\n{lines} \n".encode())


def _put(file: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]


def table_head(name: str, labels: Sequence[str], comments: Sequence[str] = (VERSION_LINE,)) -> bytes:
    """Block and loop header, up to where the first row goes."""
    numbered = "".join(f"_{label} #{number} \n" for number, label in enumerate(labels, start=1))
    return f"\n{_said(comments)}data_{_base(name)}\n\nloop_ \n{numbered}".encode()


def _said(comments: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in comments) + "\n" if comments else ""


def write_rows(file: int, frame: pl.DataFrame, *, at_once: bool = False) -> None:
    """The rows as lines to a file descriptor, in pieces of whole lines or in one write."""
    frame = _writable(frame)
    if not frame.height or not frame.width:
        return
    if compiled.library() is None:
        step = frame.height if at_once else SLICE
        for start in range(0, frame.height, step):
            _put(file, table_lines(frame.slice(start, step)))
        return
    compiled.write_lines(frame, file, at_once=at_once)


def table_lines(frame: pl.DataFrame) -> bytes:
    """The rows as lines, each ended by a newline."""
    frame = _writable(frame)
    if not frame.height or not frame.width:
        return b""
    return compiled.lines(frame) if compiled.library() else _lines(frame)


def _writable(frame: pl.DataFrame) -> pl.DataFrame:
    """Runs, numbers, truth values and texts, and columns of other types made texts; nothing is written twice."""
    frame = without_looked_at(frame)
    odd = [
        name
        for name, dtype in frame.schema.items()
        if dtype not in (pl.String, pl.Boolean)
        and (not dtype.is_numeric() or dtype.is_decimal())
        and not is_run(name)
    ]
    return frame.with_columns(pl.col(odd).cast(pl.String)) if odd else frame


def _lines(frame: pl.DataFrame) -> bytes:
    cells = [_cells(column, is_first=number == 0) for number, column in enumerate(frame.get_columns())]
    return "".join("".join(row) + " \n" for row in zip(*cells, strict=True)).encode()


def _cells(column: pl.Series, *, is_first: bool) -> list[str]:
    """The words of a column with the white space before them, which a run brings along."""
    space = "" if is_first else " "
    if is_run(column.name):
        texts = [value.decode() for value in column.to_list()]
        return texts if is_first else [text if text[:1] in WHITE else space + text for text in texts]
    width = 8 if column.dtype == pl.String else 12
    return [space + word.rjust(width) for word in _words(column)]


def _words(column: pl.Series) -> list[str]:
    values = column.to_list()
    if column.dtype == pl.String:
        return ["None" if value is None else quoted(value, row) for row, value in enumerate(values)]
    if column.dtype == pl.Boolean:
        values = [None if value is None else int(value) for value in values]
    return ["nan" if value is None else _number(value) for value in values]


def _number(value: float) -> str:
    """Six decimals, as RELION writes them, where those are the number; else the shortest that is."""
    if isinstance(value, float) and (1e-4 <= abs(value) < 1e8 or value == 0):
        fixed = f"{value:.6f}"
        if float(fixed) == value:
            return fixed
    return repr(value)


def _base(name: str) -> str:
    """A block's name in the file: the `#2` of a second block of one name is ours."""
    base, mark, number = name.rpartition("#")
    return base if mark and number.isdigit() else name


def _word(value: Value) -> str:
    return quoted(value) if isinstance(value, str) else _number(value)
