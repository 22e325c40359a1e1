"""The motion of one micrograph, drawn: the way of the whole field, and how it bends beyond that.

Of RELION's file of a movie. Its shifts move the frame back: the specimen went the other way, and so do the tracks.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cryoloom.em.motion import COEFFICIENTS, LEFT_OUT, local_shifts
from cryoloom.protocol.views import Axis, Chart, Track, Values
from cryoloom.views.charts import HEIGHT, Spec, frame_of_values, spec_of
from cryoloom.views.colours import COLOURS
from cryoloom.views.tables import blocks_of, numbers

# RELION 3.1.3 counts pixels of the movie as it was written, also where it bins.
PIXEL = "rlnMicrographOriginalPixelSize"
ACROSS = (
    5  # places a side at which the local motion is drawn: where the patches lay does not matter to the model
)
_LONGEST = 0.6  # of the distance between two places that the longest local track takes


def track_spec(track: Track, root: Path) -> tuple[Spec, str] | None:
    """The figure and what stands below it; None where the file has no motion, or nobody says the pixel size."""
    blocks = blocks_of(root / track.file)
    shifts, general = blocks.get("global_shift"), blocks.get("general", {})
    angpix = float(general.get(PIXEL) or track.pixel_size or 0.0)
    if not isinstance(shifts, pl.DataFrame) or not angpix:
        return None
    summed = shifts.filter(pl.col("rlnMicrographShiftX") > LEFT_OUT, pl.col("rlnMicrographShiftY") > LEFT_OUT)
    if not summed.height:
        return None
    frames = [int(frame) for frame in summed["rlnMicrographFrameNumber"].to_list()]
    whole = _whole_field(track.title, summed, frames, angpix)
    caption = f"Frame {frames[0]} lies at (0, 0)."
    bend = _bend(blocks, general, frames, angpix)
    if bend is None:
        return whole, caption
    local, factor, farthest = bend
    config = {name: whole[name] for name in ("$schema", "config")}
    left = {name: value for name, value in whole.items() if name not in config}
    caption += (
        f" Right: how places move beside it, {farthest:.1f} Å at most, drawn {factor:.3g} times as large."
    )
    return {**config, "hconcat": [left, local]}, caption


def _whole_field(title: str, summed: pl.DataFrame, frames: list[int], angpix: float) -> Spec:
    columns: dict[str, list[Any]] = {
        "x": [-value * angpix for value in numbers(summed, "rlnMicrographShiftX")],
        "y": [-value * angpix for value in numbers(summed, "rlnMicrographShiftY")],
        "frame": frames,
    }
    values = Values(columns)
    chart = Chart(title, "line", values, Axis("x", "x, Å"), Axis("y", "y, Å"), order="frame", is_square=True)
    spec = spec_of(chart, frame_of_values(values))
    assert spec is not None  # there are frames
    return spec


def _bend(
    blocks: Mapping[str, Any], general: Mapping[str, Any], frames: list[int], angpix: float
) -> tuple[Spec, float, float] | None:
    """Tracks of places all over the micrograph, how many times too large they are drawn, and the longest in Å."""
    model = blocks.get("local_motion_model")
    size = [float(general.get(f"rlnImageSize{axis}") or 0.0) * angpix for axis in "XY"]
    if not isinstance(model, pl.DataFrame) or model.height != COEFFICIENTS or not all(size):
        return None
    coefficients = np.asarray(model.sort("rlnMotionModelCoeffsIdx")["rlnMotionModelCoeff"], dtype=np.float64)
    middle = (np.arange(ACROSS) + 0.5) / ACROSS - 0.5
    places = np.stack(np.meshgrid(middle, middle), axis=-1).reshape(-1, 2)
    ways: NDArray[np.float64] = -local_shifts(coefficients, places, len(frames)) * angpix
    farthest = float(np.hypot(*np.moveaxis(ways, -1, 0)).max())
    if farthest <= 0:
        return None
    factor = _round_number(_LONGEST * min(size) / ACROSS / farthest)
    drawn = (places + 0.5) * size + factor * ways
    rows = [
        {"x": float(x), "y": float(y), "frame": frame, "place": place, "first": frame == frames[0]}
        for frame, row in zip(frames, drawn, strict=True)
        for place, (x, y) in enumerate(row)
    ]
    x, y = ({"field": axis, "type": "quantitative", "title": f"{axis} on the micrograph, Å",
             "scale": {"domain": [0, length], "nice": False}} for axis, length in zip("xy", size, strict=True))  # fmt: skip
    height = HEIGHT + 40
    begin = {"mark": {"type": "circle", "size": 22, "color": COLOURS[0]}, "transform": [{"filter": "datum.first"}],
             "encoding": {"x": x, "y": y}}  # fmt: skip
    line = {"mark": {"type": "line", "strokeWidth": 1.3, "color": COLOURS[0], "clip": True},
            "encoding": {"x": x, "y": y, "detail": {"field": "place"}, "order": {"field": "frame"}}}  # fmt: skip
    spec = {
        "title": f"Local motion, drawn {factor:.3g} times as large",
        "width": round(height * size[0] / size[1]), "height": height,
        "data": {"values": rows}, "layer": [line, begin],
    }  # fmt: skip
    return spec, factor, farthest


def _round_number(value: float) -> float:
    """The largest of 1, 2, 5 times a power of ten that is no larger."""
    power = 10.0 ** np.floor(np.log10(value))
    return float(max(step * power for step in (1, 2, 5) if step * power <= value * (1 + 1e-9)))
