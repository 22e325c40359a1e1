"""What a terminal can show of a view: figures and tables as text, histograms and lines as sparklines, pictures where the
terminal draws pictures."""

import base64
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from cryoloom.protocol.views import Metrics, TableBlock, Text
from cryoloom.views.drawing import chart_bytes, picture_bytes
from cryoloom.views.drawn import Drawn, DrawnChart, DrawnPicture

BARS = "▁▂▃▄▅▆▇█"
WIDTH = 60
_CHUNK = 4096  # of kitty's protocol


def can_draw_pictures(environment: Mapping[str, str]) -> str:
    """Which protocol for pictures a terminal knows, `kitty` or `iterm`; "" for none."""
    if environment.get("TMUX") or environment.get("TERM", "").startswith("screen"):
        return ""  # they swallow it
    if environment.get("KITTY_WINDOW_ID") or environment.get("TERM") in ("xterm-kitty", "xterm-ghostty"):
        return "kitty"
    return "iterm" if environment.get("TERM_PROGRAM") in ("iTerm.app", "WezTerm") else ""


def as_text(one: Drawn) -> str:
    """A part in words and figures; "" where it is nothing but a picture."""
    match one:
        case Metrics():
            widest = max((len(what) for what, _ in one.rows), default=0)
            return "\n".join([one.title, *(f"  {what:<{widest}}  {value}" for what, value in one.rows)])
        case TableBlock():
            rows = [[*one.columns], *([*row] for row in one.rows)]
            widths = [max(len(row[place]) for row in rows) for place in range(len(one.columns))]
            lines = [
                "  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip()
                for row in rows
            ]
            return "\n".join([one.title, *(f"  {line}" for line in lines)])
        case Text():
            return f"{one.title}\n{one.text}"
        case DrawnChart():
            return _sparks(one)
        case DrawnPicture():
            return ""


def picture(one: Drawn, protocol: str) -> str:
    """The escape codes by which a terminal draws a part; "" where there is no picture of it."""
    png = (
        picture_bytes(one)
        if isinstance(one, DrawnPicture)
        else chart_bytes(one, "png")
        if isinstance(one, DrawnChart)
        else b""
    )
    if not png:
        return ""
    text = base64.b64encode(png).decode()
    if protocol == "iterm":
        return f"\x1b]1337;File=inline=1;size={len(png)}:{text}\a\n"
    chunks = [text[start : start + _CHUNK] for start in range(0, len(text), _CHUNK)]
    codes = []
    for number, chunk in enumerate(chunks):
        head = "a=T,f=100," if number == 0 else ""
        codes.append(f"\x1b_G{head}m={int(number < len(chunks) - 1)};{chunk}\x1b\\")
    return "".join(codes) + "\n"


def _sparks(chart: DrawnChart) -> str:
    """One line for each series of a chart: its values from left to right, with their range."""
    first: Mapping[str, Any] = chart.spec["hconcat"][0] if "hconcat" in chart.spec else chart.spec
    layer: Mapping[str, Any] = first["layer"][0] if "layer" in first else first
    encoding, rows = layer.get("encoding", {}), layer.get("data", {}).get("values", [])
    x, y = encoding.get("x", {}), encoding.get("y", {})
    if not rows or y.get("type") != "quantitative" or ("x2" in encoding and "y2" in encoding):
        return chart.title
    colour = encoding.get("color", {}).get("field", "")
    series: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        if row.get(x["field"]) is not None and row.get(y["field"]) is not None:
            series.setdefault(str(row.get(colour, "")), []).append((row[x["field"]], row[y["field"]]))
    lines = [f"{chart.title}: {y.get('title') or y['field']} over {x.get('title') or x['field']}"]
    for name, points in series.items():
        points.sort()
        values = _thinned([value for _, value in points])
        low, high = min(value for _, value in points), max(value for _, value in points)
        # Adding 0.0 makes of a negative zero, which a track's first frame may have, a plain one.
        lines.append(f"  {_spark(values)}  {low + 0.0:.4g} to {high + 0.0:.4g}  {name}".rstrip())
    return "\n".join(lines)


def _thinned(values: Sequence[float]) -> list[float]:
    """At most WIDTH values: each the mean of its neighbours."""
    if len(values) <= WIDTH:
        return [*values]
    edges = [len(values) * place // WIDTH for place in range(WIDTH + 1)]
    return [sum(values[a:b]) / (b - a) for a, b in pairwise(edges)]


def _spark(values: Sequence[float]) -> str:
    low, high = min(values), max(values)
    step = (high - low) / (len(BARS) - 1) or 1.0
    return "".join(BARS[round((value - low) / step)] for value in values)
