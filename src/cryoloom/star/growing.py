"""STAR files that grow: whole lines appended to the last table, read while they are written.

RELION stops reading a table at a blank line, so a growing file has none after its last header.
Any program can therefore read it at any moment. What is committed is told by byte offsets that
the caller keeps (in Cryoloom the producer's journal); nothing here reads beyond `end`.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from cryoloom.errors import StarError
from cryoloom.star.reading import Value
from cryoloom.star.tokens import split_words, typed
from cryoloom.star.writing import _block, table_head, table_rows


def open_growing(
    path: Path | str,
    blocks: Mapping[str, pl.DataFrame | Mapping[str, Value]],
    name: str,
    labels: Sequence[str],
) -> int:
    """Begin a growing file: `blocks` whole, then the header of table `name`, ready for rows.

    Returns:
        The byte offset at which the first row will stand.
    """
    path = Path(path)
    text = "".join(_block(block_name, block) for block_name, block in blocks.items())
    text += table_head(name, list(labels))
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)
    return len(text.encode())


def append(path: Path | str, frame: pl.DataFrame, *, sync: bool = False) -> int:
    """Add rows to the last table, all in one write.

    Args:
        path: a file made by `open_growing`.
        frame: rows with exactly the labels of the table, in any order.
        sync: wait until the disk has them.
    Returns:
        The byte offset behind the last row.
    Raises:
        StarError: the labels differ from those of the table.
        OSError: nothing was written that a reader would take for a row; `ENOSPC` when full.
    """
    path = Path(path)
    labels = _labels_of_last_table(path)
    if set(labels) != set(frame.columns):
        odd = sorted(set(labels) ^ set(frame.columns))
        raise StarError(
            f"{path}: columns of the rows to add",
            found=f"different in {odd}",
            expected=f"the labels of its table, {labels}",
        )
    data = table_rows(frame.select(labels)).encode()
    handle = os.open(path, os.O_WRONLY | os.O_APPEND)
    try:
        start = os.fstat(handle).st_size
        written = os.write(handle, data) if data else 0
        if written != len(data):
            # A torn batch would end in half a line: take it back whole.
            os.ftruncate(handle, start)
            raise OSError(28, "No space left on device", str(path))
        if sync:
            os.fdatasync(handle)
        return start + written
    finally:
        os.close(handle)


def follow(
    path: Path | str, offset: int, *, labels: Sequence[str], end: int | None = None
) -> tuple[pl.DataFrame, int]:
    """The complete rows since a byte offset.

    Args:
        path: the growing file.
        offset: where the last look ended (at first: what `open_growing` returned).
        labels: the labels of the table, in order.
        end: read no further than this, the committed end; None for all whole lines.
    Returns:
        The new rows, and the offset for the next look. Half a line is never read.
    """
    path = Path(path)
    with path.open("rb") as file:
        file.seek(offset)
        data = file.read(-1 if end is None else max(0, end - offset))
    data = data[: data.rfind(b"\n") + 1]
    rows = [split_words(line) for line in data.decode().splitlines() if line.strip()]
    for row in rows:
        if len(row) != len(labels):
            raise StarError(
                f"{path}, a row behind byte {offset}", found=f"{len(row)} values", expected=f"{len(labels)}"
            )
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(labels)
    frame = pl.DataFrame([typed(words, label) for label, words in zip(labels, columns, strict=True)])
    return frame, offset + len(data)


def end_of_last_table(path: Path | str) -> int:
    """The byte offset behind the last whole line of a growing file."""
    data = Path(path).read_bytes()
    return data.rfind(b"\n") + 1


def _labels_of_last_table(path: Path) -> list[str]:
    labels: list[str] = []
    in_head = False
    with path.open(encoding="utf-8") as file:
        for line in file:
            word = line.split(maxsplit=1)[0] if line.strip() else ""
            if word == "loop_":
                labels, in_head = [], True
            elif in_head and word.startswith("_"):
                labels.append(word[1:])
            elif word:
                in_head = False
    return labels
