"""Vega-Lite declarations as SVG, PNG and PDF, and as Vega, by vl-convert: no browser is needed.

Its engine takes half a second to start and draws one figure at a time, beside Python. So whoever knows that figures will be
wanted says it before anything is read. Loads nothing else, so that saying it costs nothing.
"""

import json
import threading
from collections.abc import Mapping
from typing import Any

SCALE = 2.0  # PNG pixels a chart unit
FORMS = ("svg", "png", "pdf")

_SEVERAL = ("hconcat", "vconcat", "concat", "facet", "repeat")
_ZOOM = {
    "name": "zoom",
    "select": {"type": "interval", "zoom": "wheel![event.ctrlKey || event.metaKey]"},
    "bind": "scales",
}
_SMALLEST = '{"$schema": "https://vega.github.io/schema/vega-lite/v5.json", "data": {"values": [{}]}, "mark": "point"}'


def start() -> None:
    """Start the engine in the background."""
    threading.Thread(target=_start, name="vega", daemon=True).start()


def _start() -> None:
    import vl_convert

    vl_convert.vegalite_to_svg(_SMALLEST)


def converted(spec: Mapping[str, Any], form: str) -> bytes:
    """A declaration as one of `FORMS`."""
    import vl_convert

    text = json.dumps(spec)
    if form == "svg":
        return str(vl_convert.vegalite_to_svg(text)).encode()
    if form == "pdf":
        return bytes(vl_convert.vegalite_to_pdf(text))
    return bytes(vl_convert.vegalite_to_png(text, scale=SCALE))


def compiled(spec: Mapping[str, Any]) -> dict[str, Any]:
    """A declaration in Vega's words, for a page that draws it: marks, scales and axes stand one by one; about 10 ms.

    It is as wide as its place there and has no title, which stands over it already. Dragging moves the axes, the wheel with
    Ctrl zooms, a double click shows all again.
    """
    import vl_convert

    own = {name: value for name, value in spec.items() if name != "title"}
    # Below the figure: beside it a legend would take half of a narrow place.
    config = dict(own.get("config", {}))
    own["config"] = config | {
        "legend": config.get("legend", {}) | {"orient": "bottom", "columns": 1, "labelLimit": 360}
    }
    if not any(several in spec for several in _SEVERAL):
        own |= {"width": "container", "autosize": {"type": "fit", "contains": "padding"}}
        inner = own["layer"][0] if "layer" in own else own
        zooming = {**inner, "params": [*inner.get("params", ()), _ZOOM]}
        own |= {"layer": [zooming, *own["layer"][1:]]} if "layer" in own else zooming
    found: dict[str, Any] = vl_convert.vegalite_to_vega(json.dumps(own))
    found.pop("background", None)  # the page's own
    return found
