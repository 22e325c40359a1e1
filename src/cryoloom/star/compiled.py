"""The compiled half: rows of a table to columns and back, by a small C++ library beside this file.

It is built when Cryoloom is installed (`native/`), and needs no header of Python's. Where it is
missing, `library()` is None and `slow.py` does the same work with polars and plain Python.
"""

import ctypes
import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from pathlib import Path

import polars as pl

from cryoloom.errors import StarError
from cryoloom.star.tokens import unwritable
from cryoloom.star.verbatim import ALL, Columns, run_name

LIBRARY = Path(__file__).with_name("_compiled.so")
ABI = 5  # of the functions in `native/`; a library left over from another version is not used


# Flags of a label for `cryoloom_star_rows`.
_VALUE, _TEXT, _AGAIN, _IN_RUN = 1, 2, 3, 4

# How Python objects carry Arrow's structures: capsules with a name.
_capsule = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)(
    ("PyCapsule_New", ctypes.pythonapi)
)
_pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi)
)


class Status(IntEnum):
    """Why reading rows ended; as in `native/reading.cpp`."""

    AT_END = 0
    AT_HEADER = 1
    IRREGULAR = 2
    NOT_UTF8 = 3
    READ_ERROR = 4
    NO_MEMORY = 5


class Outcome(ctypes.Structure):
    """What became of a call."""

    _fields_ = [
        ("rows", ctypes.c_int64),
        ("end", ctypes.c_int64),
        ("lines", ctypes.c_int64),
        ("status", ctypes.c_int32),
        ("words", ctypes.c_int32),
        ("after_blank", ctypes.c_int32),
        ("error", ctypes.c_int32),
    ]


class _Schema(ctypes.Structure):
    _fields_ = [
        ("format", ctypes.c_char_p),
        ("name", ctypes.c_char_p),
        ("metadata", ctypes.c_char_p),
        ("flags", ctypes.c_int64),
        ("n_children", ctypes.c_int64),
        ("children", ctypes.c_void_p),
        ("dictionary", ctypes.c_void_p),
        ("release", ctypes.c_void_p),
        ("private_data", ctypes.c_void_p),
    ]


class _Array(ctypes.Structure):
    _fields_ = [
        ("length", ctypes.c_int64),
        ("null_count", ctypes.c_int64),
        ("offset", ctypes.c_int64),
        ("n_buffers", ctypes.c_int64),
        ("n_children", ctypes.c_int64),
        ("buffers", ctypes.c_void_p),
        ("children", ctypes.c_void_p),
        ("dictionary", ctypes.c_void_p),
        ("release", ctypes.c_void_p),
        ("private_data", ctypes.c_void_p),
    ]


@dataclass(frozen=True, slots=True)
class Rows:
    """Columns read, and where and why reading ended."""

    columns: list[pl.Series]
    rows: int
    end: int  # byte offset of the first line not taken
    lines: int
    status: Status
    after_blank: bool


class _Column:
    """One column on its way to polars, which takes its memory over (Arrow's C data interface)."""

    def __init__(self) -> None:
        self.schema = _Schema()
        self.array = _Array()

    def __arrow_c_array__(self, requested_schema: object = None) -> tuple[object, object]:
        return (
            _capsule(ctypes.addressof(self.schema), b"arrow_schema", None),
            _capsule(ctypes.addressof(self.array), b"arrow_array", None),
        )


@cache
def library() -> ctypes.CDLL | None:
    """The compiled library, or None where it was not built (or `CRYOLOOM_STAR=python` asks for none)."""
    if os.environ.get("CRYOLOOM_STAR") == "python" or not LIBRARY.exists():
        return None
    try:
        found = ctypes.CDLL(str(LIBRARY))
        if found.cryoloom_star_abi() != ABI:
            return None
    except (OSError, AttributeError):
        return None
    found.cryoloom_star_rows.restype = ctypes.c_void_p
    found.cryoloom_star_rows.argtypes = [
        ctypes.c_int32, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p,
    ]  # fmt: skip
    found.cryoloom_star_column.argtypes = [
        ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p,
    ]  # fmt: skip
    found.cryoloom_star_lines.argtypes = [
        ctypes.c_void_p,
        ctypes.c_int32,
        ctypes.c_int32,
        *[ctypes.c_void_p] * 3,
    ]
    found.cryoloom_star_kept.restype = ctypes.c_int64
    found.cryoloom_star_forget.argtypes = [ctypes.c_int64]
    found.cryoloom_star_forget.restype = None
    for name in ("cryoloom_star_free", "cryoloom_star_free_text"):
        getattr(found, name).argtypes = [ctypes.c_void_p]
        getattr(found, name).restype = None
    return found


def read_rows(
    file: int,
    offset: int,
    labels: Sequence[str],
    *,
    columns: Columns = ALL,
    as_text: Collection[str] = (),
    end: int = -1,
) -> Rows:
    """Rows of a table from a byte offset to the first line that is none.

    Args:
        file: descriptor of a regular file.
        offset: of the first row.
        labels: of the table, in order.
        columns: what becomes of them.
        as_text: labels whose words stay as they are written.
        end: read no further than this offset; -1 for the file's end.
    Raises:
        OSError: the file cannot be read.
        MemoryError: the columns do not fit.
    """
    runs = columns.runs(labels)
    flags = bytearray(
        (0 if not columns.has(label) else _TEXT if label in as_text else _VALUE)
        | (_IN_RUN if label in columns.verbatim else 0)
        for label in labels
    )
    handles, outcome = [], Outcome()
    try:
        handle, flags = _rows(file, offset, end, flags, outcome)
        handles.append(handle)
        again = bytearray(_TEXT if flag & 3 == _AGAIN else 0 for flag in flags)
        if any(again) and outcome.status in (Status.AT_END, Status.AT_HEADER):
            # A text came behind numbers: those columns are read once more, as they are written.
            handle, _ = _rows(file, offset, outcome.end, again, outcome)
            handles.append(handle)
        made = {
            label: _column(handles[-1] if flag & 3 == _AGAIN else handles[0], number, label)
            for number, (label, flag) in enumerate(zip(labels, flags, strict=True))
            if flag & 3
        }
        for number, run in enumerate(runs, start=len(labels)):
            name = run_name(run)
            made[name] = _column(handles[0], number, name)
    finally:
        for handle in handles:
            _library().cryoloom_star_free(handle)
    found = [made[name] for name in columns.names(labels)]
    return Rows(
        found, outcome.rows, outcome.end, outcome.lines, Status(outcome.status), bool(outcome.after_blank)
    )


@contextmanager
def kept_lines() -> Iterator[None]:
    """Close the files afterwards that are kept open for runs; frames that were read within cannot be written then."""
    found = library()
    before = found.cryoloom_star_kept() if found else 0
    try:
        yield
    finally:
        if found:
            found.cryoloom_star_forget(before)


def lines(frame: pl.DataFrame) -> bytes:
    """The rows of a frame of numbers, truth values, texts and runs (bytes) as the lines of a table.

    Raises:
        StarError: a text holds white space behind both kinds of quotes.
        TypeError: a column is of another type.
        MemoryError: the lines do not fit.
        StarError: a file that holds runs has changed.
    """
    text, length = ctypes.c_void_p(), ctypes.c_int64()
    _lines(frame, -1, False, text, length)
    try:
        return ctypes.string_at(text, length.value)
    finally:
        _library().cryoloom_star_free_text(text)


def write_lines(frame: pl.DataFrame, file: int, *, at_once: bool = False) -> None:
    """The same, written to a file descriptor, in pieces of whole lines or in one write.

    Raises:
        OSError: the file cannot be written; some of the lines may be.
    """
    _lines(frame, file, at_once, ctypes.c_void_p(), ctypes.c_int64())


def _lines(
    frame: pl.DataFrame,
    file: int,
    at_once: bool,
    text: ctypes.c_void_p,
    length: ctypes.c_int64,
) -> None:
    where = ctypes.c_int64()
    capsule = frame.__arrow_c_stream__()
    result = _library().cryoloom_star_lines(
        _pointer(capsule, b"arrow_array_stream"), file, at_once, ctypes.byref(text), ctypes.byref(length), ctypes.byref(where)
    )  # fmt: skip
    if result == 1:
        raise MemoryError("the lines do not fit into memory")
    if result == 2:
        raise TypeError(f"only numbers, truth values, texts and runs: {frame.schema}")
    if result == 3:
        raise unwritable(where.value)
    if result == 4:
        raise OSError(where.value, os.strerror(where.value))
    if result == 5:
        raise StarError(
            "a file whose rows are written elsewhere", found="changed since they were read",
            expected="the rows as they were", hint="Do it again when nothing else writes to it.",
        )  # fmt: skip


def _library() -> ctypes.CDLL:
    found = library()
    assert found is not None
    return found


def _rows(file: int, offset: int, end: int, flags: bytearray, outcome: Outcome) -> tuple[int, bytearray]:
    given = (ctypes.c_uint8 * len(flags)).from_buffer(flags)
    handle = _library().cryoloom_star_rows(
        file, offset, end, len(flags), ctypes.addressof(given), ctypes.addressof(outcome)
    )
    if outcome.status == Status.NO_MEMORY:
        raise MemoryError("the table does not fit into memory")
    if outcome.status == Status.READ_ERROR:
        _library().cryoloom_star_free(handle)
        raise OSError(outcome.error, os.strerror(outcome.error))
    return handle, flags


def _column(handle: int, number: int, label: str) -> pl.Series:
    column = _Column()
    status = _library().cryoloom_star_column(
        handle, number, ctypes.addressof(column.schema), ctypes.addressof(column.array)
    )
    if status:
        raise MemoryError("the table does not fit into memory")
    return pl.Series(column).alias(label)
