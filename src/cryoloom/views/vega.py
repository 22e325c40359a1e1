"""Vega-Lite declarations as SVG, PNG and PDF, by vl-convert: no browser is needed.

Its engine takes half a second to start and draws one figure at a time, beside Python. So whoever knows that figures will be
wanted says it before anything is read. Loads nothing else, so that saying it costs nothing.
"""

import json
import threading
from collections.abc import Mapping
from typing import Any

from cryoloom.errors import ProgramError

SCALE = 2.0  # PNG pixels a chart unit
FORMS = ("svg", "png", "pdf")

_SMALLEST = '{"$schema": "https://vega.github.io/schema/vega-lite/v5.json", "data": {"values": [{}]}, "mark": "point"}'


def start() -> None:
    """Start the engine in the background; where it is not installed who draws says so."""
    threading.Thread(target=_start, name="vega", daemon=True).start()


def _start() -> None:
    try:
        import vl_convert
    except ImportError:
        return
    vl_convert.vegalite_to_svg(_SMALLEST)


def converted(spec: Mapping[str, Any], form: str) -> bytes:
    """A declaration as one of `FORMS`.

    Raises:
        ProgramError: vl-convert is not installed.
    """
    try:
        import vl_convert
    except ImportError:
        raise ProgramError(
            "module vl_convert",
            found="not installed",
            expected="to draw charts",
            hint="pip install 'cryoloom[plot]'",
        ) from None
    text = json.dumps(spec)
    if form == "svg":
        return str(vl_convert.vegalite_to_svg(text)).encode()
    if form == "pdf":
        return bytes(vl_convert.vegalite_to_pdf(text))
    return bytes(vl_convert.vegalite_to_png(text, scale=SCALE))
