"""Columns of a set as histograms and points, of all items and of those that a choice keeps: for whoever draws and brushes."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cryoloom.api.browsing import Browsed
from cryoloom.api.choice import Choice
from cryoloom.errors import ParameterError

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_POINTS = 20_000  # more are binned: nobody tells them apart
FIELD_BINS = 96


@dataclass(frozen=True, slots=True)
class Histogram:
    """A column in bins, all items and those that are kept; `edges` has one more than the bins."""

    edges: tuple[float, ...]
    all: tuple[int, ...]
    kept: tuple[int, ...]
    missing: int
    mean: float | None
    median: float | None
    deviation: float | None


@dataclass(frozen=True, slots=True)
class Points:
    """Two columns against each other: points, or where there are too many, how many lie in each field.

    Attributes:
        rows: numbers of the points' rows; empty where they are binned.
        x, y: their places, or the middles of fields.
        kept: 1 where the item is kept, or how many of a field are.
        all: how many lie in a field; empty where they are points.
        missing: items without one of both values.
    """

    rows: tuple[int, ...]
    x: tuple[float, ...]
    y: tuple[float, ...]
    kept: tuple[int, ...]
    all: tuple[int, ...]
    x_limits: tuple[float, float]
    y_limits: tuple[float, float]
    missing: int


def histogram(table: Browsed, label: str, choice: Choice, bins: int = 40) -> Histogram:
    """One column in bins.

    Raises:
        ParameterError: a column without numbers.
        StarError: a label that is not there, or a rule that cannot be judged.
    """
    values = table.values(label)
    fine = np.isfinite(values)
    known = values if fine.all() else values[fine]
    if not len(known):
        raise ParameterError(f"{label}", found="without a number in any row", expected="something to draw")
    edges = _edges(known, bins)
    kept = table.kept(choice)
    chosen = kept & fine
    return Histogram(
        tuple(edges.tolist()),
        tuple(np.histogram(known, edges)[0].tolist()),
        tuple(np.histogram(values[chosen], edges)[0].tolist()),
        int(len(values) - len(known)),
        *table.remembered(("facts", label), lambda: _facts(known)),
    )


def points(table: Browsed, x: str, y: str, choice: Choice) -> Points:
    """Two columns against each other; binned where there are more than `MOST_POINTS`.

    Raises:
        ParameterError: a column without numbers.
        StarError: a label that is not there, or a rule that cannot be judged.
    """
    xs, ys = table.values(x), table.values(y)
    fine = np.isfinite(xs) & np.isfinite(ys)
    kept = table.kept(choice)
    rows = np.flatnonzero(fine)
    missing = int(len(xs) - len(rows))
    if not len(rows):
        raise ParameterError(
            f"{y} over {x}", found="without a number in any row", expected="something to draw"
        )
    px, py, pk = xs[rows], ys[rows], kept[rows]
    x_limits, y_limits = (float(px.min()), float(px.max())), (float(py.min()), float(py.max()))
    if len(rows) <= MOST_POINTS:
        return Points(
            tuple(rows.tolist()), tuple(px.tolist()), tuple(py.tolist()), tuple(pk.astype(int).tolist()), (),
            x_limits, y_limits, missing,
        )  # fmt: skip
    at = _fields(px, x_limits) * FIELD_BINS + _fields(py, y_limits)
    every = np.bincount(at, minlength=FIELD_BINS**2)
    ours = np.bincount(at[pk], minlength=FIELD_BINS**2)
    there = np.flatnonzero(every)
    return Points(
        (), _middles(there // FIELD_BINS, x_limits), _middles(there % FIELD_BINS, y_limits),
        tuple(ours[there].tolist()), tuple(every[there].tolist()), x_limits, y_limits, missing,
    )  # fmt: skip


def _fields(values: "NDArray[np.float64]", limits: tuple[float, float]) -> "NDArray[np.int64]":
    """In which of the fields between two limits each value lies."""
    span = limits[1] - limits[0] or 1.0
    at = ((values - limits[0]) * (FIELD_BINS / span)).astype(np.int64)
    return np.minimum(at, FIELD_BINS - 1)


def _middles(fields: "NDArray[np.int64]", limits: tuple[float, float]) -> tuple[float, ...]:
    span = limits[1] - limits[0] or 1.0
    return tuple((limits[0] + (fields + 0.5) * span / FIELD_BINS).tolist())


def _edges(values: "NDArray[np.float64]", bins: int) -> "NDArray[np.float64]":
    low, high = float(values.min()), float(values.max())
    if low == high:
        return np.array([low - 0.5, low + 0.5])
    return np.linspace(low, high, bins + 1)


def _facts(values: "NDArray[np.float64]") -> tuple[float, float, float]:
    return float(values.mean()), float(np.median(values)), float(values.std())
