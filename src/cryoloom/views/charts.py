"""Charts as Vega-Lite: what a `Chart` declares, with the rows that it names. One look for all."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cryoloom.em.labels import title
from cryoloom.protocol.jobs import ITEM_ID
from cryoloom.protocol.views import Axis, Chart, Values
from cryoloom.views.colours import COLOURS, colours_of

WIDTH, HEIGHT = 460, 260
MOST_POINTS = 20_000  # beyond that they are binned before they are drawn
BINS = 40  # of a histogram
# A column so many times as tall as the next one is cut, where that one is of so many at least.
TOWERS, LEAST_SECOND = 5, 5
CELLS = 120  # a side, of points too many to be drawn one by one

Spec = dict[str, Any]
# A spatial frequency's axis, labelled by its resolution.
IN_ANGSTROM = "datum.value == 0 ? '∞' : format(1 / datum.value, '.3~g')"
# Vega keeps to `tickMinStep` only roughly: between 0 and 2 it has ticks at halves, which ",d" alone would round.
_AT_WHOLE_NUMBERS: Spec = {
    "tickMinStep": 1,
    "labelExpr": "datum.value % 1 ? '' : format(datum.value, ',d')",
}
_LOOK: Spec = {
    "axis": {
        "labelFontSize": 11,
        "labelOverlap": "greedy",
        "labelSeparation": 6,
        "titleFontSize": 12,
        "grid": True,
        "gridOpacity": 0.35,
    },
    # A number is never too long for its axis; to measure each took a third of the time of drawing.
    "axisQuantitative": {"labelLimit": 0},
    "title": {"fontSize": 14, "anchor": "start"},
    "legend": {"labelFontSize": 11, "titleFontSize": 11, "labelLimit": 340},
    "view": {"strokeOpacity": 0.3},
}


def finished(name: str, layers: Sequence[Spec], *, width: int = WIDTH, height: int = HEIGHT) -> Spec:
    """A whole declaration of one figure, in our look."""
    body: Spec = dict(layers[0]) if len(layers) == 1 else {"layer": [*layers]}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "config": _LOOK, "title": name, "width": width, "height": height, **body,
    }  # fmt: skip


def spec_of(chart: Chart, frame: pl.DataFrame) -> Spec | None:
    """A chart with its rows; None where none has a value that can be drawn.

    Args:
        chart: the declaration.
        frame: the rows that it names, or its values.
    """
    layers: list[Spec | None]
    match chart.mark:
        case "histogram":
            layers = [*_histogram(chart, frame)]
        case "points":
            layers = [_points(chart, frame)]
        case "line":
            layers = [_lines(chart, frame)]
        case "bars":
            layers = [_bars(chart, frame)]
    drawn = [layer for layer in layers if layer is not None]
    if not drawn:
        return None
    rules = [
        {"data": {"values": [{"y": y}]}, "mark": {"type": "rule", "strokeDash": [5, 4], "color": "#666"},
         "encoding": {"y": {"field": "y", "type": "quantitative"}}}
        for y in chart.rules
    ]  # fmt: skip
    side = HEIGHT + 40
    size = {"width": side, "height": side} if chart.is_square else {}
    if chart.mark == "bars":
        size = {"width": WIDTH + 140, "height": max(40, 18 * frame.height)}
    return finished(chart.title, [*drawn, *rules], **size)


def frame_of_values(values: Values) -> pl.DataFrame:
    """The columns of computed values."""
    return pl.DataFrame(dict(values.columns), strict=False)


def _finite(frame: pl.DataFrame, *columns: str) -> pl.DataFrame:
    """The rows where all of these are numbers: a gap is a gap, and infinity no place."""
    if any(name not in frame.columns for name in columns):
        return frame.clear()
    numbers = frame.with_columns(pl.col(name).cast(pl.Float64, strict=False) for name in columns)
    return numbers.filter(pl.all_horizontal(pl.col(name).is_finite() for name in columns))


def _histogram(chart: Chart, frame: pl.DataFrame) -> list[Spec]:
    """Counts of values; binned here, so that a million items are forty bars. A column that would flatten all others is cut."""
    finite = _finite(frame, chart.x.column)
    if not finite.height:
        return []
    values = finite[chart.x.column].to_numpy()
    if chart.x.is_count:
        low, high = int(values.min()), int(values.max())
        step = max(1, -(-(high - low + 1) // BINS))
        edges = np.arange(low, high + step + 1, step) - 0.5
    else:
        start, end = chart.x.limits or (float(values.min()), float(values.max()))
        bins = min(BINS, max(5, int(2 * np.sqrt(len(values)))))
        if end - start <= 1e-9 * max(abs(start), abs(end)):  # one value, but for its last digits
            start, end, bins = start - 0.5, end + 0.5, 5
        edges = np.linspace(start, end, bins + 1)
    counts, edges = np.histogram(values, bins=edges)
    rows = [
        {"from": low, "to": high, "count": int(count)}
        for low, high, count in zip(edges[:-1].tolist(), edges[1:].tolist(), counts, strict=True)
    ]
    bars: Spec = {
        "data": {"values": rows},
        "mark": {"type": "bar", "binSpacing": 0, "color": COLOURS[0]},
        "encoding": {
            "x": {**_position(chart.x), "field": "from", "bin": "binned"},
            "x2": {"field": "to"},
            "y": {"field": "count", "type": "quantitative", "title": "number", **_whole()},
        },
    }
    return [bars] if (top := _cut_at(counts)) is None else _cut_short(bars, rows, top)


def _cut_at(counts: NDArray[np.int_]) -> int | None:
    """Where the axis ends so that one column does not flatten all others; None where none is so tall."""
    *_, second, first = np.sort(counts).tolist() if len(counts) > 2 else (0, 0)
    return round(1.2 * second) if second >= LEAST_SECOND and first > TOWERS * second else None


def _cut_short(bars: Spec, rows: list[Spec], top: int) -> list[Spec]:
    """Columns with the tallest one cut, and its number written upon it."""
    x, y = bars["encoding"]["x"], bars["encoding"]["y"]
    cut = {**y, "scale": {"domain": [0, top], "nice": False}}
    bars = {**bars, "mark": {**bars["mark"], "clip": True}, "encoding": {**bars["encoding"], "y": cut}}
    tallest = max(rows, key=lambda row: int(row["count"]))
    middle, words = (tallest["from"] + tallest["to"]) / 2, f"{tallest['count']:,}, cut short"
    is_left = middle < (rows[0]["from"] + rows[-1]["to"]) / 2
    label = {
        "data": {"values": [{"from": middle, "count": 0.95 * top, "words": words}]},
        "mark": {"type": "text", "align": "left" if is_left else "right", "dx": 9 if is_left else -9, "fontSize": 11},
        "encoding": {
            "x": {"field": "from", "type": "quantitative", "title": x["title"], "scale": x.get("scale", {})},
            "y": cut,
            "text": {"field": "words", "type": "nominal"},
        },
    }  # fmt: skip
    return [bars, label]


def _points(chart: Chart, frame: pl.DataFrame) -> Spec | None:
    assert chart.y is not None
    x, y = chart.x.column, chart.y.column
    finite = _finite(frame, x, y)
    if not finite.height:
        return None
    if finite.height > MOST_POINTS:
        return _cells(chart, finite)
    names = [name for name in (chart.colour, ITEM_ID, *_texts(finite)) if name and name in finite.columns]
    size = 60 if finite.height < 500 else 9
    return {
        "data": {"values": _records(finite, [x, y, *dict.fromkeys(names)])},
        "mark": {
            "type": "circle",
            "size": size,
            "opacity": 0.6,
            **({} if chart.colour else {"color": COLOURS[0]}),
        },
        "encoding": {"x": _position(chart.x), "y": _position(chart.y), **_coloured(chart, finite)},
    }


def _cells(chart: Chart, finite: pl.DataFrame) -> Spec:
    """How many fall into each cell, where points are too many to be drawn one by one."""
    assert chart.y is not None
    counts, xs, ys = np.histogram2d(
        finite[chart.x.column].to_numpy(), finite[chart.y.column].to_numpy(), bins=CELLS
    )
    row, column = np.nonzero(counts)
    values = [
        {"x": x, "x2": x2, "y": y, "y2": y2, "items": int(count)}
        for x, x2, y, y2, count in zip(
            xs[row].tolist(), xs[row + 1].tolist(), ys[column].tolist(), ys[column + 1].tolist(),
            counts[row, column], strict=True,
        )
    ]  # fmt: skip
    return {
        "data": {"values": values},
        "mark": "rect",
        "encoding": {
            "x": {**_position(chart.x), "field": "x"}, "x2": {"field": "x2"},
            "y": {**_position(chart.y), "field": "y"}, "y2": {"field": "y2"},
            "color": {"field": "items", "type": "quantitative", "title": "items", "scale": {"scheme": "viridis"}},
        },
    }  # fmt: skip


def _lines(chart: Chart, frame: pl.DataFrame) -> Spec | None:
    assert chart.y is not None
    x, y = chart.x.column, chart.y.column
    finite = _finite(frame, x, y)
    if not finite.height:
        return None
    if chart.is_square:
        chart = _with_one_scale(chart, finite)
    assert chart.y is not None
    # Where a value is missing the line breaks: it does not run on to the next one.
    with_gaps = _finite(frame, x).with_columns(pl.col(y).cast(pl.Float64, strict=False))
    thinned = with_gaps.gather_every(-(-with_gaps.height // MOST_POINTS))
    names = [
        name
        for name in (chart.colour, chart.order, ITEM_ID, *_texts(thinned))
        if name and name in thinned.columns
    ]
    shown = thinned.height < 150 or bool(chart.order)
    encoding: Spec = {"x": _position(chart.x), "y": _position(chart.y), **_coloured(chart, thinned)}
    if chart.order:
        encoding["order"] = {"field": chart.order, "type": "quantitative"}
    return {
        "data": {"values": _records(thinned, [x, y, *dict.fromkeys(names)])},
        "mark": {
            "type": "line", "strokeWidth": 1.8, "point": {"size": 18} if shown else False,
            **({} if chart.colour else {"color": COLOURS[0]}),
        },
        "encoding": encoding,
    }  # fmt: skip


def _with_one_scale(chart: Chart, finite: pl.DataFrame) -> Chart:
    """Both directions with limits of one length, so that a circle is a circle."""
    assert chart.y is not None
    columns = [finite[axis.column] for axis in (chart.x, chart.y)]
    ends = [(float(column.min()), float(column.max())) for column in columns]  # type: ignore[arg-type]
    half = 0.55 * max(max(high - low for low, high in ends), 1e-9)
    limits = [((low + high) / 2 - half, (low + high) / 2 + half) for low, high in ends]
    return replace(chart, x=replace(chart.x, limits=limits[0]), y=replace(chart.y, limits=limits[1]))


def _bars(chart: Chart, frame: pl.DataFrame) -> Spec | None:
    """A bar for each name: `y` names them, `x` is their length."""
    assert chart.y is not None
    finite = _finite(frame, chart.x.column)
    if not finite.height:
        return None
    names = [chart.y.column, chart.x.column, *([chart.colour] if chart.colour else [])]
    return {
        "data": {"values": _records(finite, names)},
        "mark": {"type": "bar", **({} if chart.colour else {"color": COLOURS[0]})},
        "encoding": {
            "x": {**_position(chart.x), "scale": {"zero": True}},
            "y": {"field": chart.y.column, "type": "nominal", "sort": None, "title": chart.y.title or None,
                  "axis": {"labelLimit": 320}},
            **_coloured(chart, finite),
        },
    }  # fmt: skip


def _position(axis: Axis) -> Spec:
    found: Spec = {"field": axis.column, "type": "quantitative", "title": axis.title or title(axis.column)}
    if axis.is_count:
        return {**found, **_whole()}
    if axis.is_number:
        found["axis"] = _AT_WHOLE_NUMBERS
    scale: Spec = {"zero": False, **({"domain": [*axis.limits], "nice": False} if axis.limits else {})}
    if axis.is_frequency:
        found["axis"] = {"labelExpr": IN_ANGSTROM}
    return {**found, "scale": scale}


def _whole() -> Spec:
    """An axis of numbers of things: from 0, with ticks at whole numbers."""
    return {"axis": _AT_WHOLE_NUMBERS, "scale": {"zero": True}}


def _coloured(chart: Chart, frame: pl.DataFrame) -> Spec:
    if not chart.colour or chart.colour not in frame.columns:
        return {}
    names = [str(name) for name in frame[chart.colour].unique(maintain_order=True).to_list()]
    scale = {"domain": names, "range": colours_of(names)}
    return {"color": {"field": chart.colour, "type": "nominal", "title": None, "sort": None, "scale": scale}}


def _texts(frame: pl.DataFrame) -> list[str]:
    """Columns that name an item, shown where a pointer rests on it."""
    return [name for name in ("rlnMicrographName", "rlnMicrographMovieName") if name in frame.columns]


def _records(frame: pl.DataFrame, columns: Sequence[str]) -> list[Spec]:
    whole = frame.select(*dict.fromkeys(columns))
    return whole.with_columns(
        pl.when(pl.col(name).is_finite()).then(pl.col(name)).alias(name)
        for name, dtype in whole.schema.items()
        if dtype.is_float()
    ).to_dicts()
