"""STAR files that grow: whole lines appended to the last table, read while they are written.

RELION stops reading a table at a blank line, so a growing file has none after its last header.
Any program can therefore read it at any moment. What is committed is told by byte offsets that
the caller keeps (in Cryoloom the producer's journal); nothing here reads beyond `end`.
"""

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from cryoloom.errors import StarError
from cryoloom.star import compiled
from cryoloom.star.lines import Lines
from cryoloom.star.reading import Value
from cryoloom.star.tokens import first_word, split_words
from cryoloom.star.verbatim import ALL, Columns, is_run, labels_of, run_texts, table_of_words
from cryoloom.star.writing import beside, table_head, write_block, write_rows

# Labels of the tables appended to, by (path, inode): with the length that the file had afterwards.
_known: dict[tuple[str, int], tuple[int, list[str]]] = {}
_KNOWN_AT_MOST = 256
# The text of so many rows does not fit into a cache: pieces are written three times faster.
MANY_ROWS = 10_000


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
    with beside(Path(path)) as file:
        for block_name, block in blocks.items():
            write_block(file, block_name, block)
        file.write(table_head(name, labels))
        return file.tell()


def append(path: Path | str, frame: pl.DataFrame, *, sync: bool = False) -> int:
    """Add rows to the last table, in one write; very many in pieces of whole lines.

    Args:
        path: a file made by `open_growing`.
        frame: rows with exactly the labels of the table, in any order; runs are written as they are.
        sync: wait until the disk has them.
    Returns:
        The byte offset behind the last row.
    Raises:
        StarError: the labels differ from those of the table.
        OSError: nothing was written that a reader would take for a row; `ENOSPC` when full.
    """
    path = os.fspath(path)
    handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
    try:
        state = os.fstat(handle)
        start, key = state.st_size, (path, state.st_ino)
        length, labels = _known.get(key, (-1, []))
        if length != start:
            labels = _labels_of_last_table(Path(path))
        if labels != labels_of(frame):
            frame = _in_order(path, parsed(frame), labels)
        try:
            write_rows(handle, frame, at_once=frame.height < MANY_ROWS)
        except (OSError, StarError):
            # A torn batch would end in half a line, or lack its last rows: take it back whole.
            os.ftruncate(handle, start)
            raise
        end = os.fstat(handle).st_size
        if sync:
            os.fdatasync(handle)
        if len(_known) >= _KNOWN_AT_MOST:
            _known.clear()
        _known[key] = (end, labels)
        return end
    finally:
        os.close(handle)


def follow(
    path: Path | str,
    offset: int,
    *,
    labels: Sequence[str],
    end: int | None = None,
    schema: Mapping[str, pl.DataType] | None = None,
    columns: Columns = ALL,
) -> tuple[pl.DataFrame, int]:
    """The complete rows since a byte offset.

    Args:
        path: the growing file.
        offset: where the last look ended (at first: what `open_growing` returned).
        labels: the labels of the table, in order.
        end: read no further than this, the committed end; None for all whole lines.
        schema: that of the rows before (`frame.schema`): types are at least as wide, so that frames of
            several looks can be put together. A column of text stays as it is written.
        columns: which are made, and which stay as they are written.
    Returns:
        The new rows, and the offset for the next look. Half a line is never read.
    Raises:
        StarError: no such file, or a row with another number of values than labels.
    """
    path = Path(path)
    texts = {name for name, dtype in (schema or {}).items() if dtype == pl.String}
    with Lines(path, offset) as lines:
        stop = _end_of_lines(lines.file, offset, end)
        frame = None
        if compiled.library() is not None and labels:
            rows = compiled.read_rows(lines.file, offset, labels, columns=columns, as_text=texts, end=stop)
            if rows.status == compiled.Status.AT_END:
                frame = pl.DataFrame(rows.columns)
        if frame is None:
            frame = _rows_by_words(lines, stop, labels, texts, columns)
    return _widened(frame, schema or {}), stop


def parsed(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with a column for each of its table's labels: its runs are read."""
    runs = [name for name in frame.columns if is_run(name)]
    if not runs:
        return frame
    if not frame.height:
        return pl.DataFrame(
            {
                label: frame[label] if label in frame.columns else pl.Series(dtype=pl.String)
                for label in labels_of(frame)
            }
        )
    text = frame.select(runs)
    # Through a file, for that is what both readers read; it seldom comes to this.
    with tempfile.NamedTemporaryFile() as file:
        write_rows(file.fileno(), text)
        made, _ = follow(file.name, 0, labels=labels_of(text))
    return pl.DataFrame([(made if label in made.columns else frame)[label] for label in labels_of(frame)])


def end_of_last_table(path: Path | str) -> int:
    """The byte offset behind the last whole line of a growing file."""
    with Path(path).open("rb") as file:
        return _end_of_lines(file.fileno(), 0, None)


def has_head(path: Path | str, labels: Sequence[str], start: int) -> bool:
    """Whether the file's table has these labels and its first row, if any, stands at byte `start`.

    Raises:
        FileNotFoundError: there is no such file.
    """
    expected = ["loop_", *(f"_{label}" for label in labels)]
    length = sum(len(word) + 16 for word in expected)
    with Path(path).open("rb") as file:
        file.seek(max(0, start - length))
        head = file.read(min(start, length))
        behind = file.read(1)
    lines = head.decode(errors="replace").split("\n")
    words = [first_word(line) for line in lines[:-1]]
    return (
        len(head) == min(start, length)
        and not lines[-1]
        and words[-len(expected) :] == expected
        and behind != b"_"
    )


def _end_of_lines(file: int, begin: int, end: int | None) -> int:
    """The offset behind the last newline in [begin, end)."""
    size = os.fstat(file).st_size
    stop = size if end is None else min(end, size)
    while stop > begin:
        start = max(begin, stop - 65536)
        found = os.pread(file, stop - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        stop = start
    return begin


def _rows_by_words(
    lines: Lines, stop: int, labels: Sequence[str], texts: set[str], columns: Columns
) -> pl.DataFrame:
    rows: list[list[str]] = []
    runs: list[list[str]] = []
    while lines.offset < stop and (line := lines.next()) is not None:
        row = split_words(line)
        if not row or row[0][:1] == "#":
            continue
        if len(row) != len(labels):
            raise StarError(
                f"{lines.path}, the row that ends at byte {lines.offset}",
                found=f"{len(row)} values",
                expected=f"{len(labels)}",
            )
        rows.append(row)
        if columns.verbatim:
            runs.append(run_texts(line, row, labels, columns))
    return table_of_words(labels, rows, runs, columns, texts)


def _widened(frame: pl.DataFrame, schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    if not frame.height:
        return pl.DataFrame(
            schema={**frame.schema, **{name: schema[name] for name in frame.columns if name in schema}}
        )
    real = [
        name for name, dtype in frame.schema.items() if dtype == pl.Int64 and schema.get(name) == pl.Float64
    ]
    return frame.with_columns(pl.col(real).cast(pl.Float64)) if real else frame


def _in_order(path: str, frame: pl.DataFrame, labels: list[str]) -> pl.DataFrame:
    if set(labels) != set(frame.columns):
        odd = sorted(set(labels) ^ set(frame.columns))
        raise StarError(
            f"{path}: columns of the rows to add",
            found=f"different in {odd}",
            expected=f"the labels of its table, {labels}",
        )
    return frame.select(labels)


def _labels_of_last_table(path: Path) -> list[str]:
    labels: list[str] = []
    in_head = False
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            word = first_word(line)
            if word == "loop_":
                labels, in_head = [], True
            elif in_head and word.startswith("_"):
                labels.append(word[1:])
            elif word:
                in_head = False
    return labels
