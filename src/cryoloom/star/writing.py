"""Writing STAR files, whole, as RELION 3.1 lays them out; never half a file."""

import os
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from cryoloom.star.reading import Value
from cryoloom.star.tokens import quoted

VERSION_LINE = "# version 30001"


def write(path: Path | str, blocks: Mapping[str, pl.DataFrame | Mapping[str, Value]]) -> None:
    """Write blocks in their order: frames as tables, mappings as single values.

    The file appears whole or not at all (written beside, then renamed). Nulls become `nan` in
    columns of numbers and `None` in text.

    Raises:
        OSError: the disk is full or the folder cannot be written; the old file is kept.
    """
    path = Path(path)
    text = "".join(_block(name, block) for name, block in blocks.items())
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise


def table_head(name: str, labels: list[str]) -> str:
    """Block and loop header, up to where the first row goes."""
    numbered = "".join(f"_{label} #{number} \n" for number, label in enumerate(labels, start=1))
    return f"\n{VERSION_LINE}\n\ndata_{name}\n\nloop_ \n{numbered}"


def table_rows(frame: pl.DataFrame) -> str:
    """The rows as lines, each ended by a newline."""
    if not frame.height:
        return ""
    columns = [_words(frame[label]) for label in frame.columns]
    widths = [
        max(12 if label_is_number else 8, 1) for label_is_number in map(_is_number, frame.get_columns())
    ]
    return "".join(
        " ".join(word.rjust(width) for word, width in zip(row, widths, strict=True)) + " \n"
        for row in zip(*columns, strict=True)
    )


def _block(name: str, block: pl.DataFrame | Mapping[str, Value]) -> str:
    if isinstance(block, pl.DataFrame):
        return table_head(name, block.columns) + table_rows(block) + " \n"
    width = max((len(label) for label in block), default=0) + 10
    lines = "".join(f"_{label}".ljust(width) + f" {_word(value):>12}\n" for label, value in block.items())
    return f"\n{VERSION_LINE}\n\ndata_{name}\n\n{lines} \n"


def _is_number(column: pl.Series) -> bool:
    return column.dtype.is_numeric()


def _words(column: pl.Series) -> list[str]:
    if column.dtype.is_float():
        # repr is the shortest text that reads back as the same double.
        return ["nan" if value is None else repr(value) for value in column.to_list()]
    if column.dtype == pl.Boolean:
        return ["1" if value else "0" for value in column.to_list()]
    if column.dtype.is_integer():
        return ["nan" if value is None else str(value) for value in column.to_list()]
    return ["None" if value is None else quoted(str(value)) for value in column.to_list()]


def _word(value: Value) -> str:
    return quoted(value) if isinstance(value, str) else repr(value)
