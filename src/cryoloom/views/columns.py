"""Any columns of a table as a chart: a histogram of one, points or a line of two."""

import numpy as np
import polars as pl

from cryoloom.em.labels import title
from cryoloom.errors import ParameterError
from cryoloom.protocol.blocks import Chart
from cryoloom.views import charts

KINDS = ("histogram", "scatter", "line")
CELLS = 120  # a side, of points too many to be drawn one by one


def column_chart(frame: pl.DataFrame, x: str, y: str = "", kind: str = "") -> Chart:
    """A chart of one or two columns of numbers.

    Args:
        frame: the table.
        x: a label.
        y: another; without it a histogram of `x` is drawn, or `x` along the rows as a line.
        kind: histogram, scatter or line; by default what suits the number of labels.
    Raises:
        ParameterError: an unknown kind, or a label that is missing or no number.
    """
    kind = kind or ("scatter" if y else "histogram")
    if kind not in KINDS:
        raise ParameterError("kind of chart", found=repr(kind), expected=f"one of {', '.join(KINDS)}")
    for label in filter(None, (x, y)):
        if label not in frame.columns or not frame[label].dtype.is_numeric():
            known = [name for name, dtype in frame.schema.items() if dtype.is_numeric()]
            raise ParameterError(
                f"label {label}", found="missing or no number", expected=f"one of {', '.join(known)}"
            )
    if kind == "histogram":
        return charts.finished("histogram", x, charts.histogram(frame[x].to_list(), title(x)))
    if not y:
        frame = frame.select(pl.Series("row", np.arange(1, frame.height + 1)), x)
        x, y = "row", x
    numbers = frame.select(x=pl.col(x).cast(pl.Float64), y=pl.col(y).cast(pl.Float64))
    finite = numbers.filter(pl.col("x").is_finite() & pl.col("y").is_finite())
    if kind == "line":
        curve = finite.gather_every(max(1, finite.height // charts.MOST_POINTS))
        chart = charts.lines(curve.to_dict(as_series=False), "x", "y", x_title=title(x), y_title=title(y))
    else:
        chart = _scatter(finite, x, y)
    return charts.finished(kind, f"{y} over {x}", chart)


def _scatter(finite: pl.DataFrame, x: str, y: str) -> object:
    """Points, or where they are too many how many fall into each cell."""
    import altair as alt

    if finite.height <= charts.MOST_POINTS:
        points = alt.Chart(charts.data(finite.to_dict(as_series=False)))
        return (
            points.mark_circle(size=9, opacity=0.5, color=charts.COLOURS[0])
            .encode(
                x=alt.X("x:Q", title=title(x), scale=alt.Scale(zero=False)),
                y=alt.Y("y:Q", title=title(y), scale=alt.Scale(zero=False)),
            )
            .properties(width=charts.WIDTH, height=charts.HEIGHT)
        )
    counts, x_edges, y_edges = np.histogram2d(finite["x"].to_numpy(), finite["y"].to_numpy(), bins=CELLS)
    row, column = np.nonzero(counts)
    cells = {
        "x": x_edges[row], "x2": x_edges[row + 1], "y": y_edges[column], "y2": y_edges[column + 1],
        "items": counts[row, column],
    }  # fmt: skip
    chart = alt.Chart(charts.data({name: values.tolist() for name, values in cells.items()}))
    return (
        chart.mark_rect()
        .encode(
            x=alt.X("x:Q", title=title(x), scale=alt.Scale(zero=False)), x2="x2:Q",
            y=alt.Y("y:Q", title=title(y), scale=alt.Scale(zero=False)), y2="y2:Q",
            color=alt.Color("items:Q", title="items", scale=alt.Scale(scheme="viridis")),
        )
        .properties(width=charts.WIDTH, height=charts.HEIGHT)
    )  # fmt: skip
