"""A set of items to be looked through: rows in any order, what a choice keeps.

A table is read once, and kept as long as its files are the same. Of large files a column is read when it is first asked for.
Rows are known by their number in the file *as it was read*: whoever asks says which reading they mean (`stamp`).
"""

import functools
import hashlib
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cryoloom import star
from cryoloom.api.choice import Choice
from cryoloom.api.class_table import COUNT, classes_of, members_file, particles_of
from cryoloom.em.labels import label as known_label
from cryoloom.em.numbers import as_numbers
from cryoloom.errors import CryoloomError, ParameterError, ProjectError, StarError
from cryoloom.project.item_ids import with_ids
from cryoloom.protocol.declare import near
from cryoloom.protocol.jobs import ITEM_ID
from cryoloom.star.expressions import labels_in, rows_that_hold

if TYPE_CHECKING:
    from cryoloom.api.dataset import Dataset

KINDS = ("movies", "micrographs", "coordinates", "particles", "model", "class averages")
FILE = "rlnMicrographCoordinates"
LARGE_BYTES = 64_000_000  # a smaller file is read whole
MOST_ORDERS = 12  # of 5 million rows one takes 20 MB

Show: TypeAlias = Literal["all", "kept", "rejected"]
Rows: TypeAlias = NDArray[np.uint32]
_Made = TypeVar("_Made")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. `missing`: values that are no numbers; None where it was not read yet."""

    name: str
    is_number: bool
    is_whole: bool  # whether its numbers are whole ones
    unit: str
    meaning: str
    missing: int | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """What a choice keeps.

    Attributes:
        kept: items.
        of: all items.
        by_rule: items that the rule alone keeps.
        unknown: items of which the rule cannot be judged, since a value is missing or no number.
        weight: of classes their particles that are kept, of all particles `of_weight`; else None.
    """

    kept: int
    of: int
    by_rule: int
    unknown: int
    weight: int | None = None
    of_weight: int | None = None


class Browsed:
    """The items of a dataset as its file is now."""

    def __init__(self, dataset: "Dataset") -> None:
        """Nothing is read yet.

        Raises:
            ProjectError: a kind without items, or a file that is not there yet.
        """
        if dataset.kind not in KINDS:
            raise ProjectError(
                f"{dataset.path}", found=f"a {dataset.kind}", expected=f"a set of items: {', '.join(KINDS)}"
            )
        self.dataset = dataset
        self.stamp = stamp_of(dataset)
        self._lock = threading.RLock()
        self._made: OrderedDict[tuple[Any, ...], Any] = OrderedDict()
        self._frame = pl.DataFrame()
        self._is_whole = dataset.kind in ("model", "coordinates") or (
            dataset.file.stat().st_size < LARGE_BYTES
        )

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The labels of all columns, its identity among them."""
        if self._is_whole:
            return (*self._whole.columns,)
        heads = star.heads(self.dataset.file)
        own = heads.get(self.dataset.ref.block)
        named = (
            own if own is not None else next((found for name, found in heads.items() if name != "optics"), ())
        )
        return named if ITEM_ID in named else (*named, ITEM_ID)

    @property
    def height(self) -> int:
        """How many items there are."""
        return self.frame([self.labels[0]]).height

    @property
    def nbytes(self) -> int:
        """What it takes of the memory."""
        return int(self._frame.estimated_size()) + sum(
            one.nbytes for one in list(self._made.values()) if isinstance(one, np.ndarray)
        )

    @property
    def columns(self) -> list[Column]:
        """All columns, with what is known of each."""
        frame = self._whole if self._is_whole else self._frame
        found = []
        for name in self.labels:
            known = known_label(name)
            dtype = frame.schema.get(name)
            is_number = (
                dtype.is_numeric()
                if dtype is not None
                else known is not None and known.type in ("int", "float")
            )
            missing = None
            if dtype is not None and known is not None and known.type in ("int", "float"):
                is_number = True
                missing = self.numbers([name])[name].null_count()
            is_whole = dtype.is_integer() if dtype is not None else known is not None and known.type == "int"
            unit, meaning = (known.unit, known.meaning) if known else ("", "")
            found.append(Column(name, is_number, is_whole, unit, meaning, missing))
        return found

    def frame(self, labels: Sequence[str]) -> pl.DataFrame:
        """Columns as they stand in the file.

        Raises:
            StarError: a label that is not there.
        """
        for label in labels:
            if label not in self.labels:
                raise StarError(
                    f"{self.dataset.path}: {label}", found="missing", expected=f"one of {', '.join(self.labels)}",
                    hint=near(label, self.labels),
                )  # fmt: skip
        with self._lock:
            if self._is_whole:
                return self._whole.select(labels)
            absent = [label for label in labels if label not in self._frame.columns]
            if ITEM_ID in absent and ITEM_ID not in self._in_file:
                # Ids of what has none are made of names and places, as each job makes them.
                whole = with_ids(self.dataset.table())
                self._frame = (
                    self._frame.with_columns(whole[ITEM_ID]) if self._frame.width else whole.select(ITEM_ID)
                )
                absent.remove(ITEM_ID)
            if absent:
                read = self.dataset.table(absent)
                self._check_same()
                self._frame = self._frame.with_columns(read.get_columns()) if self._frame.width else read
            return self._frame.select(labels)

    def numbers(self, labels: Sequence[str]) -> pl.DataFrame:
        """Columns for being judged: words among numbers, and nan, are missing values."""
        frame = as_numbers(self.frame(labels))
        return frame.with_columns(pl.selectors.float().fill_nan(None))

    def ruled(self, rule: str) -> "NDArray[np.bool_]":
        """For each row whether a rule holds.

        Raises:
            StarError: a rule that cannot be judged.
        """
        if not rule.strip():
            return np.ones(self.height, dtype=bool)

        def judge() -> "NDArray[np.bool_]":
            return rows_that_hold(self._named_in(rule), rule).to_numpy().astype(bool)

        return self.remembered(("rule", rule.strip()), judge)

    def kept(self, choice: Choice) -> "NDArray[np.bool_]":
        """For each row whether a choice keeps it.

        Raises:
            StarError: a rule that cannot be judged.
        """
        holds = self.ruled(choice.rule)
        if not choice.added and not choice.removed:
            return holds
        ids = self.frame([ITEM_ID])[ITEM_ID].cast(pl.String)
        held = holds | ids.is_in(list(choice.added)).to_numpy()
        return np.asarray(held & ~ids.is_in(list(choice.removed)).to_numpy())

    def unknown_by_hand(self, choice: Choice) -> list[str]:
        """Ids of a choice by hand that none of the items has."""
        asked = [*choice.added, *choice.removed]
        if not asked:
            return []
        there = set(
            pl.Series(asked).filter(
                pl.Series(asked).is_in(self.frame([ITEM_ID])[ITEM_ID].cast(pl.String).implode())
            )
        )
        return [one for one in asked if one not in there]

    def order(self, sort: str, *, descending: bool, show: Show, choice: Choice) -> Rows:
        """The numbers of the rows that are shown, in their order; what has no value stands last, either way.

        Raises:
            StarError: a label that is not there, or a rule that cannot be judged.
        """
        order = self.remembered(("order", sort, descending), lambda: self._sorted(sort, descending))
        if show == "all":
            return order
        kept = self.kept(choice)
        return order[kept[order] if show == "kept" else ~kept[order]]

    def place(self, row: int, order: Rows) -> int | None:
        """Where a row stands in an order; None where it is not shown."""
        found = np.flatnonzero(order == row)
        return int(found[0]) if len(found) else None

    def tally(self, choice: Choice) -> Tally:
        """What a choice keeps.

        Raises:
            StarError: a rule that cannot be judged.
        """
        kept, by_rule = self.kept(choice), self.ruled(choice.rule)
        unknown = 0
        named = (
            [label for label in sorted(labels_in(choice.rule) or ()) if label in self.labels]
            if choice.rule
            else []
        )
        if named:
            table = self.numbers(named)
            unknown = int(table.select(pl.any_horizontal(pl.all().is_null()).sum()).item())
        weight = of_weight = None
        if self.dataset.kind == "model" and COUNT in self.labels:
            counts = self.frame([COUNT])[COUNT].to_numpy()
            weight = int(counts[kept].sum())
            of_weight = self.remembered(("particles",), lambda: particles_of(self.dataset))
        return Tally(int(kept.sum()), len(kept), int(by_rule.sum()), unknown, weight, of_weight)

    def values(self, label: str) -> "NDArray[np.float64]":
        """A column of numbers, nan where there is none.

        Raises:
            ParameterError: a column without numbers.
            StarError: a label that is not there.
        """

        def read() -> "NDArray[np.float64]":
            column = self.numbers([label])[label]
            if not column.dtype.is_numeric():
                numeric = [one.name for one in self.columns if one.is_number]
                raise ParameterError(
                    f"label {label}", found="no number", expected=f"one of {', '.join(numeric)}"
                )
            return column.cast(pl.Float64).fill_null(np.nan).to_numpy()

        return self.remembered(("values", label), read)

    def _sorted(self, sort: str, descending: bool) -> Rows:
        if not sort:
            rows = np.arange(self.height, dtype=np.uint32)
            return rows[::-1] if descending else rows
        # What is equal keeps the file's order (a test asks it), so that a table that is read again looks the same.
        order = self.numbers([sort])[sort].arg_sort(descending=descending, nulls_last=True)
        return order.to_numpy().astype(np.uint32, copy=False)

    def _named_in(self, rule: str) -> pl.DataFrame:
        named = labels_in(rule)
        # What is no SQL is said with all labels that there are.
        labels = [label for label in self.labels if named is None or label in named]
        absent = [label for label in named or () if label not in self.labels]
        frame = as_numbers(self.frame(labels or [self.labels[0]]))
        if absent:
            raise StarError(
                f"condition {rule!r}", found=f"over {absent[0]}, which is missing",
                expected=f"a condition over {', '.join(self.labels)}", hint=near(absent[0], self.labels),
            )  # fmt: skip
        return frame

    def remembered(self, key: tuple[Any, ...], make: Callable[[], _Made]) -> _Made:
        """What was made lately under a key, or is made now."""
        with self._lock:
            if key not in self._made:
                self._made[key] = make()
                while len(self._made) > MOST_ORDERS:
                    self._made.popitem(last=False)
            self._made.move_to_end(key)
            found: _Made = self._made[key]
            return found

    @cached_property
    def _in_file(self) -> tuple[str, ...]:
        return tuple(label for labels in star.heads(self.dataset.file).values() for label in labels)

    @cached_property
    def _whole(self) -> pl.DataFrame:
        match self.dataset.kind:
            case "coordinates":
                found = self.dataset.picks()
            case "model":
                found = classes_of(self.dataset)
            case _:
                found = with_ids(self.dataset.table())
        self._check_same()
        self._frame = found
        return found

    def _check_same(self) -> None:
        if stamp_of(self.dataset) != self.stamp:
            raise ProjectError(
                f"{self.dataset.path}", found="changed while it was read", expected="a file at rest",
                hint="Look again.",
            )  # fmt: skip


class Tables:
    """Tables that were looked at lately; one whose file has changed is read anew, those looked at longest ago go first."""

    def __init__(self, most_bytes: int = 3_000_000_000) -> None:
        self._kept: OrderedDict[str, Browsed] = OrderedDict()
        self._most = most_bytes
        self._lock = threading.Lock()

    def of(self, dataset: "Dataset", stamp: str = "") -> Browsed:
        """The table as it is now.

        Args:
            dataset: the set.
            stamp: the reading that is meant; "" whichever there is.
        Raises:
            ProjectError: it is another one now.
        """
        key, now = str(dataset.file), stamp_of(dataset)
        if stamp and stamp != now:
            raise ProjectError(
                f"{dataset.path}", found="changed since it was looked at", expected="the same items", hint="Look again.",
            )  # fmt: skip
        with self._lock:
            known = self._kept.get(key)
            if known is None or known.stamp != now:
                known = self._kept[key] = Browsed(dataset)
            self._kept.move_to_end(key)
            while len(self._kept) > 1 and sum(one.nbytes for one in self._kept.values()) > self._most:
                self._kept.popitem(last=False)
        return known


def stamp_of(dataset: "Dataset") -> str:
    """Tells a set from what it is after a change of any file that it is read from.

    Raises:
        ProjectError: it is not there.
    """
    try:
        state = dataset.file.stat()
    except OSError:
        raise ProjectError(
            f"{dataset.path}",
            found="not there",
            expected="a file",
            hint="It appears when its job has made it.",
        ) from None
    own = f"{state.st_mtime_ns:x}-{state.st_size:x}-{state.st_ino:x}"
    match dataset.kind:
        case "model":  # how many particles a class has stands beside it
            return f"{own}-{_stamp_of_files([members_file(dataset)])}"
        case "coordinates":  # its table names a file for each micrograph
            files = _pick_files(dataset.file, state.st_mtime_ns, state.st_size)
            return f"{own}-{_stamp_of_files([dataset.root / file for file in files])}"
        case _:
            return own


def _stamp_of_files(files: Sequence[Path]) -> str:
    found = hashlib.sha256()
    for file in files:
        try:
            state = os.stat(file)  # noqa: PTH116  thousands of them
            found.update(f"{state.st_mtime_ns:x}-{state.st_size:x}-{state.st_ino:x} ".encode())
        except OSError:
            found.update(b"- ")
    return found.hexdigest()[:12]


@functools.lru_cache(maxsize=8)
def _pick_files(table: Path, stamp: int, size: int) -> tuple[str, ...]:
    try:
        read = star.as_table(star.read(table, columns=[FILE], optional=True).get("coordinates"))
    except CryoloomError:
        return ()  # whoever reads it says why
    return () if read is None or FILE not in read.columns else (*map(str, read[FILE].to_list()),)
