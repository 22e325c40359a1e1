"""Motion correction: how far the specimen moved, the way that it took, and the corrected micrographs."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from cryoloom.protocol.views import Axis, Block, Chart, Items, Look, Rows, Text, Track, Values, View
from cryoloom.views.imports import micrograph_view
from cryoloom.views.tables import frame_of
from cryoloom.views.tracks import PIXEL

_PARTS = (("Total", "all frames"), ("Early", "first frames"))  # the others have what is left


def motion_views(job: str) -> list[View]:
    """Views of a motion correction job."""
    file = job + "corrected_micrographs.star"
    in_angstrom = {part: f"rlnAccumMotion{part} * {PIXEL}" for part, _ in _PARTS}
    rows = Rows(
        file,
        "micrographs",
        ("rlnMicrographName", "rlnMicrographMetadata"),
        made=in_angstrom,
        of_group=(PIXEL,),
    )
    return [
        View(
            "motion", "Motion of each micrograph",
            "The sum of all steps. Some ten Å are usual; micrographs that move several times as far as "
            "their fellows are suspicious.",
            (file,), lambda look: _motion(look.root, rows),
        ),
        View(
            "motion_histogram", "How far micrographs moved", "One hill; a tail to the right is a few bad movies.",
            (file,), lambda look: [
                Chart("How far micrographs moved", "histogram", rows, Axis("Total", "accumulated motion, Å"))
            ],
        ),
        View(
            "tracks", "Motion of the specimen during exposure",
            "The way of the whole field, the first frame at (0, 0). Long first steps are usual; jumps later on are not. "
            "Beside it, where patches were followed, how places move relative to it: neighbours move alike.",
            (file,), lambda look: _track(look), items=Items(rows, worst="Total"),
        ),
        micrograph_view(file),
    ]  # fmt: skip


def _motion(root: Path, rows: Rows) -> Sequence[Block]:
    frame = frame_of(root, rows)
    if not frame.height:
        return []
    number = pl.int_range(1, frame.height + 1)
    parts = [
        frame.select("rlnMicrographName", number=number, motion=pl.col(part), part=pl.lit(name))
        for part, name in _PARTS
    ]
    # RELION writes 0 for the first frames where all frames count as later ones: that is no measurement.
    parts = [parts[0], *(part for part in parts[1:] if (part["motion"].fill_null(0.0) != 0).any())]
    columns = pl.concat(parts, how="vertical_relaxed").to_dict(as_series=False)
    if all(value is None for value in columns["motion"]):
        return [Text("Motion", f"{rows.file} does not say the pixel size of the movies ({PIXEL}).")]
    axes = Axis("number", "micrograph", is_number=True), Axis("motion", "accumulated motion, Å")
    return [Chart("Motion of each micrograph", "line", Values(columns), *axes, colour="part")]


def _track(look: Look) -> Sequence[Block]:
    """The motion of a movie, by RELION's file of it."""
    name, file = str(look.item["rlnMicrographName"]), look.item.get("rlnMicrographMetadata")
    if not file:
        return []
    return [Track(f"Motion of {Path(name).stem}", str(file), float(look.item.get(PIXEL) or 0.0))]
