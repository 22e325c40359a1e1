"""The chart language: Altair declarations with one look, given out as plain Vega-Lite."""

from collections.abc import Mapping, Sequence
from typing import Any

from cryoloom.protocol.blocks import Chart

# Colours that stay apart for colour-blind readers (Okabe & Ito 2008).
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#999999")
WIDTH, HEIGHT = 460, 260
MOST_POINTS = 20_000  # beyond that they are binned before they are drawn


def finished(name: str, title: str, chart: Any, caption: str = "") -> Chart:
    """A chart with our look, as data."""
    import altair as alt

    with alt.data_transformers.enable("default", max_rows=None):
        spec = (
            chart.properties(title=title)
            .configure_axis(labelFontSize=11, titleFontSize=12, grid=True, gridOpacity=0.35)
            .configure_title(fontSize=14, anchor="start")
            .configure_legend(labelFontSize=11, titleFontSize=11, labelLimit=340)
            .configure_view(strokeOpacity=0.3)
            .configure_range(category=list(COLOURS))
            .to_dict()
        )
    return Chart(name, title, spec, caption)


def data(columns: Mapping[str, Sequence[Any]]) -> Any:
    """Columns of equal length as Altair's inline data; what is no number becomes null."""
    import altair as alt

    names = list(columns)
    rows = [dict(zip(names, map(_plain, row), strict=True)) for row in zip(*columns.values(), strict=True)]
    # A plain mapping is Vega-Lite's own form of inline data.
    return alt.InlineData(values=rows)


def lines(
    columns: Mapping[str, Sequence[Any]], x: str, y: str, colour: str = "", *, x_title: str, y_title: str,
    x_labels: str = "", points: bool = False,
) -> Any:  # fmt: skip
    """Curves over x, one a value of `colour`."""
    import altair as alt

    encoding: dict[str, Any] = {
        "x": alt.X(f"{x}:Q", title=x_title, axis=alt.Axis(labelExpr=x_labels) if x_labels else alt.Axis()),
        "y": alt.Y(f"{y}:Q", title=y_title),
    }
    if colour:
        encoding["color"] = alt.Color(f"{colour}:N", title=None, sort=None)
    chart = alt.Chart(data(columns)).mark_line(point=points, strokeWidth=1.8)
    return chart.encode(**encoding).properties(width=WIDTH, height=HEIGHT)


def rule(value: float, colour: str = "#666") -> Any:
    """A dashed horizontal line."""
    import altair as alt

    mark = alt.Chart(data({"y": [value]})).mark_rule(strokeDash=[5, 4], color=colour)
    return mark.encode(y="y:Q")


def histogram(values: Sequence[float], title: str, *, bins: int = 40) -> Any:
    """Counts of values; binned here, so that a million items are forty bars."""
    import altair as alt
    import numpy as np

    finite = np.asarray([value for value in values if value is not None], dtype=float)
    finite = finite[np.isfinite(finite)]
    counts, edges = np.histogram(finite, bins=bins)
    columns = {"from": edges[:-1].tolist(), "to": edges[1:].tolist(), "count": counts.tolist()}
    chart = alt.Chart(data(columns)).mark_bar(binSpacing=0, color=COLOURS[0])
    return chart.encode(
        x=alt.X("from:Q", bin="binned", title=title), x2="to:Q", y=alt.Y("count:Q", title="number")
    ).properties(width=WIDTH, height=HEIGHT)


# A spatial frequency's axis, labelled by its resolution.
IN_ANGSTROM = "datum.value == 0 ? '∞' : format(1 / datum.value, '.1f')"


def _plain(value: Any) -> Any:
    value = value.item() if hasattr(value, "item") else value
    return (
        None
        if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf")))
        else value
    )
