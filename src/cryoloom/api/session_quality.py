"""Quality of a stream by the time at which its movies were written: series, histograms, limits, the newest micrographs."""

from collections.abc import Sequence, Set
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cryoloom.api.following import GrowingRows
from cryoloom.api.limits import Condition, Limit, condition_of
from cryoloom.api.stream_chain import Step
from cryoloom.errors import CryoloomError
from cryoloom.images.headers import read_header
from cryoloom.project.paths import inside
from cryoloom.protocol.jobs import ITEM_ID
from cryoloom.star.expressions import rows_that_hold

if TYPE_CHECKING:
    from cryoloom.api.session import Session

MOST_POINTS = 3000  # more are told as bins of time
BINS = 150
STEPS = 30  # of a histogram
NEWEST = 10
MOST_PLACES = 400  # of picks on a small picture
NAME, FILE, COUNT = "rlnMicrographName", "rlnMicrographCoordinates", "cryoloomCount"
FILTER = "sets.filter"
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Quantity:
    """Something that is measured of each micrograph. `factor`: from the label's unit to the one that is shown."""

    label: str
    title: str
    unit: str
    factor: float = 1.0
    worse: str = ""  # which side is worse: "high", "low", "" for both


QUANTITIES = (
    Quantity("rlnCtfMaxResolution", "CTF fits to", "Å", worse="high"),
    # As RELION writes it and as a filter judges it; movies of several pixel sizes have no one limit in Å.
    Quantity("rlnAccumMotionTotal", "Drift", "px", worse="high"),
    Quantity("rlnDefocusU", "Defocus", "µm", 1e-4),
    Quantity(COUNT, "Picks in a micrograph", "", worse="low"),
)


@dataclass(frozen=True, slots=True)
class Series:
    """A quantity over time, in the units of its label.

    Attributes:
        quantity: what it is.
        can_limit: whether a filter behind these micrographs can judge by it.
        limit: of the stream's filter.
        values: of each micrograph; None where nobody says. With bins: medians.
        low, high: with bins, the tenth and the ninetieth percentile; else empty.
        edges, counts: the histogram of all.
        outside: how many lie outside the limit.
    """

    quantity: Quantity
    can_limit: bool
    limit: Limit
    values: tuple[float | None, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]
    edges: tuple[float, ...]
    counts: tuple[int, ...]
    outside: int


@dataclass(frozen=True, slots=True)
class Pace:
    """How many movies were written, and how many came through all steps, in equal spans of time."""

    width_s: float
    edges: tuple[float, ...]
    written: tuple[int, ...]
    through: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class NewMicrograph:
    """A micrograph of the strip. `places`: of picks, as parts of its small picture's width and height from the upper left."""

    name: str
    number: int  # in its job's table, from 1
    fit: float | None  # Å
    motion: float | None  # px of the movie
    picks: int | None
    fate: str  # kept, rejected, "" not judged yet
    why: str  # what it is rejected for
    places: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Quality:
    """What was measured in a stream. `job` and `output` have the micrographs; "" before there are any."""

    job: str
    output: str
    filter: str  # the job that the limits are of; "" where there is none yet
    besides: str  # what else it asks
    are_bins: bool
    times: tuple[float, ...]
    numbers: tuple[
        int, ...
    ]  # of the micrographs in their table, from 1, in the order of the times; none of bins
    series: tuple[Series, ...]
    count: int
    pace: Pace | None
    newest: tuple[NewMicrograph, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def quality_of(session: "Session") -> Quality:
    """What is known now: call it after `session.look()`."""
    chain = session.chain
    assert chain is not None
    followed = _follow_quantities(session)
    judge = judging_filter(session)
    condition = condition_of_step(judge)
    base = _base(session, followed)
    if base is None:
        return Quality(
            "", "", judge.name if judge else "", condition.rest, False, (), (), (), 0, _pace(session), ()
        )
    step, frame = base
    times = np.array([session.written.get(item, 0.0) for item in frame[ITEM_ID].to_list()])
    order = np.argsort(times, kind="stable")
    can_judge = labels_to_judge_by(session, step)
    columns = {
        one.label: frame[one.label].to_numpy() if one.label in frame.columns else np.full(len(times), np.nan)
        for one in QUANTITIES if one.label in followed
    }  # fmt: skip
    series = tuple(
        _series(one, columns[one.label][order], times[order], condition, one.label in can_judge)
        for one in QUANTITIES if one.label in columns
    )  # fmt: skip
    are_bins = len(times) > MOST_POINTS
    shown = _bin_times(times[order]) if are_bins else times[order]
    return Quality(
        step.name, step.output, judge.name if judge else "", condition.rest, are_bins,
        tuple(round(float(one), 1) for one in shown), () if are_bins else tuple(int(one) + 1 for one in order), series,
        len(times), _pace(session), _newest(session, frame, condition, judge),
    )  # fmt: skip


def judging_filter(session: "Session") -> Step | None:
    """The filter of micrographs whose limits are those of the session: the last one of the stream."""
    found = [step for step in session.filters() if step.entry.protocol == FILTER]
    return found[-1] if found else None


def condition_of_step(step: Step | None) -> Condition:
    """What a filter asks; nothing where there is none."""
    if step is None:
        return Condition((), {})
    return condition_of(str(step.protocol.values["expression"]), str(step.protocol.values["ranges"]))


def judged_rows(session: "Session") -> tuple[Step, pl.DataFrame] | None:
    """The micrographs that a filter of the stream would see, with what is measured of them; None before there are any."""
    found = _base(session, _follow_quantities(session))
    judge = judging_filter(session)
    if found is None or judge is None:
        return found
    step, frame = found
    job, output = judge.inputs[0]
    before = session.jobs[job].tables.get(output)
    # What a filter before it has rejected it never sees.
    return step, frame if before is None else frame.filter(pl.col(ITEM_ID).is_in(list(before.ids)))


def labels_to_judge_by(session: "Session", step: Step) -> Set[str]:
    """The columns that a filter sees: the one that there is, else one behind the step that knows most of micrographs."""
    judge = judging_filter(session)
    job, output = judge.inputs[0] if judge is not None else (step.name, step.output)
    state = session.jobs[job].history.outputs.get(output)
    return frozenset(state.labels if state else ())


def kept_by(frame: pl.DataFrame, condition: Condition) -> int:
    """How many micrographs a condition keeps.

    Raises:
        StarError: it is over a label that is not known here.
    """
    return int(rows_that_hold(frame, condition.sql).sum()) if condition.sql else frame.height


def _follow_quantities(session: "Session") -> dict[str, tuple[Step, GrowingRows]]:
    """For each quantity the first step that measures it, and its rows."""
    chain = session.chain
    assert chain is not None
    wanted: dict[str, Step] = {}
    for step in chain.steps:
        state = session.jobs[step.name].history.outputs.get(step.output)
        if state is None or not step.names_items:
            continue
        for one in QUANTITIES:
            if one.label in state.labels and (one.label != COUNT or step.kind == "coordinates"):
                wanted.setdefault(one.label, step)
    found: dict[str, tuple[Step, GrowingRows]] = {}
    for step in {one.name: one for one in wanted.values()}.values():
        job = session.jobs[step.name]
        rows = job.tables.get(step.output)
        if rows is None:
            more = (FILE, COUNT) if step.kind == "coordinates" else _labels()
            rows = job.follow(step.output, (NAME, *more))
            rows.look(job.history)
        found |= {label: (step, rows) for label, one in wanted.items() if one.name == step.name}
    return found


def _labels() -> tuple[str, ...]:
    return tuple(one.label for one in QUANTITIES if one.label != COUNT)


def _base(
    session: "Session", followed: dict[str, tuple[Step, GrowingRows]]
) -> tuple[Step, pl.DataFrame] | None:
    """Micrographs of the step that knows most of them, with all quantities, in the order of its table."""
    of_micrographs = [one for one in followed.values() if one[0].kind == "micrographs"]
    if not of_micrographs:
        return None
    chain = session.chain
    assert chain is not None
    order = [step.name for step in chain.steps]
    step, rows = max(of_micrographs, key=lambda one: order.index(one[0].name))
    frame = rows.frame()
    for label, (other, more) in followed.items():
        if other.name == step.name:
            continue
        known = more.frame().select(ITEM_ID, label).unique(ITEM_ID, keep="last")
        frame = frame.drop(label, strict=False).join(known, on=ITEM_ID, how="left", maintain_order="left")
    return (step, frame) if frame.height else None


def _series(one: Quantity, values: Floats, times: Floats, condition: Condition, can_limit: bool) -> Series:
    limit = condition.limits.get(one.label, Limit())
    known = values[np.isfinite(values)]
    edges, counts = _histogram(known)
    outside = int(((known < (-np.inf if limit.low is None else limit.low))
                   | (known > (np.inf if limit.high is None else limit.high))).sum())  # fmt: skip
    if len(values) > MOST_POINTS:
        middle, low, high = _binned(values, times)
        told = (_told(middle), _told(low), _told(high))
    else:
        told = (_told(values), (), ())
    return Series(one, can_limit, limit, *told, edges, counts, outside)


def _histogram(known: Floats) -> tuple[tuple[float, ...], tuple[int, ...]]:
    if not len(known):
        return (), ()
    low, high = float(known.min()), float(known.max())
    # A few that lie far outside would make one bar of all others.
    far = float(np.quantile(known, 0.5) + 6 * max(np.quantile(known, 0.9) - np.quantile(known, 0.5), 1e-9))
    high = min(high, far) if len(known) > 20 else high
    if high <= low:
        high = low + max(abs(low), 1.0) * 1e-3
    counts, edges = np.histogram(np.clip(known, low, high), STEPS, (low, high))
    return tuple(round(float(one), 6) for one in edges), tuple(int(one) for one in counts)


def _binned(values: Floats, times: Floats) -> tuple[Floats, Floats, Floats]:
    """Median, tenth and ninetieth percentile by equal spans of time."""
    span = max(float(times[-1] - times[0]), 1e-9)
    number = np.minimum((times - times[0]) / span * BINS, BINS - 1).astype(np.int64)
    known = pl.DataFrame({"bin": number, "value": values}).filter(pl.col("value").is_finite())
    parts = [pl.col("value").quantile(part, "nearest").alias(str(part)) for part in (0.5, 0.1, 0.9)]
    table = known.group_by("bin").agg(parts)
    found = np.full((3, BINS), np.nan)
    for row, name in enumerate(("0.5", "0.1", "0.9")):
        found[row, table["bin"].to_numpy()] = table[name].to_numpy()
    return found[0], found[1], found[2]


def _bin_times(times: Floats) -> Floats:
    edges = np.linspace(times[0], times[-1], BINS + 1)
    return np.asarray((edges[1:] + edges[:-1]) / 2)


def _told(values: Floats) -> tuple[float | None, ...]:
    return tuple(float(f"{one:.5g}") if np.isfinite(one) else None for one in values.tolist())


def _pace(session: "Session") -> Pace | None:
    """Spans of ten minutes, or of what is round for a shorter session."""
    chain = session.chain
    assert chain is not None
    written = np.array([one for one in session.written.values() if one > 0])
    first = [session.jobs[step.name].first for step in chain.steps if step.names_items]
    through = np.array([*(first[-1].values() if first else ())])
    if not len(written):
        return None
    begin = float(written.min())
    last = max(float(written.max()), float(through.max()) if len(through) else 0.0)
    width = next((one for one in (1, 10, 60, 600, 3600) if (last - begin) / one <= 40), 86_400)
    begin = np.floor(begin / width) * width
    edges = np.arange(begin, last + width, width)
    if len(edges) < 2:
        edges = np.array([begin, begin + width])
    counted = [np.histogram(one, edges)[0] for one in (written, through)]
    return Pace(
        float(width), tuple(float(one) for one in edges), tuple(int(one) for one in counted[0]),
        tuple(int(one) for one in counted[1]),
    )  # fmt: skip


def _newest(
    session: "Session", frame: pl.DataFrame, condition: Condition, judge: Step | None
) -> tuple[NewMicrograph, ...]:
    tail = frame.tail(NEWEST)
    files = _pick_files(session)
    kept, rejected = _judged(session, judge)
    found = []
    for index, row in enumerate(tail.iter_rows(named=True)):
        item, name = str(row[ITEM_ID]), str(row[NAME])
        fate = "kept" if item in kept else "rejected" if item in rejected else ""
        found.append(
            NewMicrograph(
                name, frame.height - tail.height + index + 1, row.get("rlnCtfMaxResolution"), row.get("rlnAccumMotionTotal"),
                None if row.get(COUNT) is None else int(row[COUNT]), fate,
                _why_rejected(row, condition) if fate == "rejected" else "",
                _places(session, name, files.get(item, "")),
            )
        )  # fmt: skip
    return (*reversed(found),)


def _judged(session: "Session", judge: Step | None) -> tuple[set[str], set[str]]:
    if judge is None:
        return set(), set()
    tables = session.jobs[judge.name].tables
    kept, rejected = (
        set(tables[name].frame()[ITEM_ID].to_list()) if name in tables else set()
        for name in ("kept", "rejected")
    )
    return kept, rejected


def _why_rejected(row: dict[str, Any], condition: Condition) -> str:
    for one in QUANTITIES:
        limit, value = condition.limits.get(one.label), row.get(one.label)
        if limit is None or value is None:
            continue
        is_out = (limit.low is not None and value < limit.low) or (
            limit.high is not None and value > limit.high
        )
        if is_out:
            return f"{one.title} {value * one.factor:.3g} {one.unit}".strip()
    return ""


def _pick_files(session: "Session") -> dict[str, str]:
    """The files of picks of the newest micrographs, by item."""
    for name, job in session.jobs.items():
        step = next(one for one in session.chain.steps if one.name == name) if session.chain else None
        if step is not None and step.kind == "coordinates" and step.output in job.tables:
            rows = job.tables[step.output].newest(4 * NEWEST)
            if FILE in rows.columns:
                return dict(zip(rows[ITEM_ID].to_list(), rows[FILE].to_list(), strict=True))
    return {}


def _places(session: "Session", micrograph: str, file: str) -> tuple[tuple[float, float], ...]:
    if not file:
        return ()
    root = session.project.path
    known = session.places.get(file)
    if known is None:
        try:
            known = _read_places(inside(root, file), inside(root, micrograph))
        except (CryoloomError, OSError, pl.exceptions.PolarsError):
            known = ()
        session.places[file] = known
        while len(session.places) > 20 * NEWEST:
            session.places.pop(next(iter(session.places)))
    return known


def _read_places(file: Path, micrograph: Path) -> tuple[tuple[float, float], ...]:
    from cryoloom.views.tables import table_of

    picks = table_of(file, "").head(MOST_PLACES)
    axes: Sequence[str] = ("rlnCoordinateX", "rlnCoordinateY")
    if not all(axis in picks.columns for axis in axes):
        return ()
    wide, high = read_header(micrograph).size[:2]
    xs, ys = (picks[axis].cast(pl.Float64).to_list() for axis in axes)
    return tuple((round(x / wide, 4), round(1 - y / high, 4)) for x, y in zip(xs, ys, strict=True))
