"""Motion correction: how far the specimen moved, and the tracks."""

from pathlib import Path

import polars as pl

from cryoloom.protocol.blocks import Block
from cryoloom.views import charts
from cryoloom.views.tables import blocks_of, numbers, table_of

MOST_TRACKS = 60


def motion_views(root: Path, job: str) -> list[Block]:
    """Views of a motion correction job."""
    micrographs = table_of(root / job / "corrected_micrographs.star", "micrographs")
    total = numbers(micrographs, "rlnAccumMotionTotal")
    if not total:
        return []
    sizes = _original_pixel_sizes(root / job / "corrected_micrographs.star", micrographs)
    shown: list[Block] = []
    columns: dict[str, list[object]] = {"number": [], "motion": [], "part": []}
    for label, name in (("Total", "all frames"), ("Early", "first frames"), ("Late", "later frames")):
        # RELION 3.1.3 counts pixels of the movie as it was written, also where it bins.
        values = [
            value * size
            for value, size in zip(numbers(micrographs, f"rlnAccumMotion{label}"), sizes, strict=False)
        ]
        columns["number"] += list(range(1, len(values) + 1))
        columns["motion"] += values
        columns["part"] += [name] * len(values)
    chart = charts.lines(
        columns,
        "number",
        "motion",
        "part",
        x_title="micrograph",
        y_title="accumulated motion, Å",
        points=True,
    )
    shown.append(charts.finished("motion", "Motion of each micrograph", chart))
    shown += track_views(root, [str(name) for name in micrographs["rlnMicrographMetadata"].to_list()]
                         if "rlnMicrographMetadata" in micrographs.columns else [])  # fmt: skip
    return shown


def _original_pixel_sizes(path: Path, micrographs: pl.DataFrame) -> list[float]:
    """Å per pixel of each micrograph's movie."""
    groups = table_of(path, "optics")
    sizes = dict(
        zip(
            numbers(groups, "rlnOpticsGroup"), numbers(groups, "rlnMicrographOriginalPixelSize"), strict=False
        )
    )
    return [sizes.get(group, 1.0) for group in numbers(micrographs, "rlnOpticsGroup")] or [
        1.0
    ] * micrographs.height


def track_views(root: Path, files: list[str]) -> list[Block]:
    """The way of the whole field in each movie, from RELION's per-movie files."""
    columns: dict[str, list[object]] = {"x": [], "y": [], "frame": [], "movie": []}
    for file in files[:MOST_TRACKS]:
        blocks = blocks_of(root / file)
        shifts, general = blocks.get("global_shift"), blocks.get("general", {})
        if shifts is None or isinstance(shifts, dict):
            continue
        angpix = float(general.get("rlnMicrographOriginalPixelSize", 1.0))
        # RELION's shifts move the frame back; the specimen went the other way.
        columns["x"] += [-value * angpix for value in numbers(shifts, "rlnMicrographShiftX")]
        columns["y"] += [-value * angpix for value in numbers(shifts, "rlnMicrographShiftY")]
        columns["frame"] += shifts["rlnMicrographFrameNumber"].to_list()
        columns["movie"] += [Path(file).stem] * shifts.height
    if not columns["x"]:
        return []
    import altair as alt

    chart = (
        alt.Chart(charts.data(columns))
        .mark_line(point=alt.OverlayMarkDef(size=14))
        .encode(
            x=alt.X("x:Q", title="x, Å"),
            y=alt.Y("y:Q", title="y, Å"),
            order="frame:Q",
            color=alt.Color("movie:N", title=None),
        )
        .properties(width=charts.HEIGHT + 40, height=charts.HEIGHT + 40)
    )
    return [
        charts.finished("tracks", "Motion of the specimen during exposure", chart, "Frame 1 lies at (0, 0).")
    ]
