"""Writing STAR files, whole, as RELION 3.1 lays them out; never half a file."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import polars as pl

from cryoloom.star import compiled
from cryoloom.star.reading import Value
from cryoloom.star.tokens import quoted

VERSION_LINE = "# version 30001"
SLICE = 100_000  # rows made into text at a time: what limits the memory of writing


def write(path: Path | str, blocks: Mapping[str, pl.DataFrame | Mapping[str, Value]]) -> None:
    """Write blocks in their order: frames as tables, mappings as single values.

    The file appears whole or not at all (written beside, then renamed). Nulls become `nan` in
    columns of numbers and `None` in text.

    Raises:
        StarError: a text holds white space behind both kinds of quotes; the old file is kept.
        OSError: the disk is full or the folder cannot be written; the old file is kept.
    """
    write_pieces(Path(path), (piece for name, block in blocks.items() for piece in block_pieces(name, block)))


def write_pieces(path: Path, pieces: Iterator[bytes]) -> int:
    """Write a file piece by piece, beside its place, and put it there; returns its length."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with beside.open("wb") as file:
            for piece in pieces:
                file.write(piece)
            length = file.tell()
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    return length


def block_pieces(name: str, block: pl.DataFrame | Mapping[str, Value]) -> Iterator[bytes]:
    """A block's text, a large table in slices."""
    if isinstance(block, pl.DataFrame):
        yield table_head(name, block.columns)
        for start in range(0, block.height, SLICE):
            yield table_lines(block.slice(start, SLICE))
        yield b" \n"
        return
    width = max((len(label) for label in block), default=0) + 10
    lines = "".join(f"_{label}".ljust(width) + f" {_word(value):>12}\n" for label, value in block.items())
    yield f"\n{VERSION_LINE}\n\ndata_{_base(name)}\n\n{lines} \n".encode()


def table_head(name: str, labels: Sequence[str]) -> bytes:
    """Block and loop header, up to where the first row goes."""
    numbered = "".join(f"_{label} #{number} \n" for number, label in enumerate(labels, start=1))
    return f"\n{VERSION_LINE}\n\ndata_{_base(name)}\n\nloop_ \n{numbered}".encode()


def table_lines(frame: pl.DataFrame) -> bytes:
    """The rows as lines, each ended by a newline."""
    if not frame.height or not frame.width:
        return b""
    odd = [name for name, dtype in frame.schema.items() if not (dtype.is_numeric() or dtype in _AS_THEY_ARE)]
    if odd:
        frame = frame.with_columns(pl.col(odd).cast(pl.String))
    return compiled.lines(frame) if compiled.library() else _lines(frame)


_AS_THEY_ARE = (pl.String, pl.Boolean)


def _lines(frame: pl.DataFrame) -> bytes:
    columns = [_words(column) for column in frame.get_columns()]
    widths = [8 if column.dtype == pl.String else 12 for column in frame.get_columns()]
    return "".join(
        " ".join(word.rjust(width) for word, width in zip(row, widths, strict=True)) + " \n"
        for row in zip(*columns, strict=True)
    ).encode()


def _words(column: pl.Series) -> list[str]:
    values = column.to_list()
    if column.dtype == pl.String:
        return ["None" if value is None else quoted(value, row) for row, value in enumerate(values)]
    if column.dtype == pl.Boolean:
        values = [None if value is None else int(value) for value in values]
    # repr of a float is the shortest text that reads back as the same double.
    return ["nan" if value is None else repr(value) for value in values]


def _base(name: str) -> str:
    """A block's name in the file: the `#2` of a second block of one name is ours."""
    base, mark, number = name.rpartition("#")
    return base if mark and number.isdigit() else name


def _word(value: Value) -> str:
    return quoted(value) if isinstance(value, str) else repr(value)
