"""Any columns of a table as a chart: a histogram of one, points or a line of two."""

import numpy as np
import polars as pl

from cryoloom.em.labels import title
from cryoloom.errors import ParameterError
from cryoloom.protocol.views import Axis, Chart, Mark
from cryoloom.views.charts import spec_of
from cryoloom.views.drawn import DrawnChart

KINDS: dict[str, Mark] = {"histogram": "histogram", "scatter": "points", "line": "line"}


def column_chart(frame: pl.DataFrame, x: str, y: str = "", kind: str = "") -> DrawnChart:
    """A chart of one or two columns of numbers.

    Args:
        frame: the table.
        x: a label.
        y: another; without it a histogram of `x` is drawn, or `x` along the rows as a line.
        kind: histogram, scatter or line; by default what suits the number of labels.
    Raises:
        ParameterError: an unknown kind; a label that is missing or no number; no number in any row.
    """
    from cryoloom.protocol.views import Values

    kind = kind or ("scatter" if y else "histogram")
    if kind not in KINDS:
        raise ParameterError("kind of chart", found=repr(kind), expected=f"one of {', '.join(KINDS)}")
    for label in filter(None, (x, y)):
        if label not in frame.columns or not frame[label].dtype.is_numeric():
            known = [name for name, dtype in frame.schema.items() if dtype.is_numeric()]
            raise ParameterError(
                f"label {label}", found="missing or no number", expected=f"one of {', '.join(known)}"
            )
    name = x if kind == "histogram" else f"{y} over {x}"
    if kind != "histogram" and not y:
        frame = frame.with_columns(pl.Series("row", np.arange(1, frame.height + 1)))
        x, y, name = "row", x, f"{x} of each row"
    axes = Axis(x, title(x), is_number=x == "row"), Axis(y, title(y)) if y and kind != "histogram" else None
    # The rows are there already: the chart names none.
    spec = spec_of(Chart(name, KINDS[kind], Values({}), *axes), frame)
    if spec is None:
        raise ParameterError(
            f"label {y or x}", found="without a number in any row", expected="something to draw"
        )
    return DrawnChart(name, spec)
