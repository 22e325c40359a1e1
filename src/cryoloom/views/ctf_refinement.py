"""CTF refinement: how defocus changed, where particles lie in the ice, aberrations and magnification of all optics groups."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryoloom.protocol.views import Axis, Block, Chart, Drawing, Field, Items, Look, Rows, Values, View
from cryoloom.views.optics import optics_view
from cryoloom.views.tables import frame_of

if TYPE_CHECKING:
    import polars as pl

RESULT = "particles_ctf_refine.star"
_ID, _NAME, _DEFOCUS = "cryoloomItemId", "rlnMicrographName", "defocus"
_MAP_PX = 320
_MEAN = "(rlnDefocusU + rlnDefocusV) / 2"
# What a fit leaves for each optics group: what was observed, what was fitted, what it is, and its unit.
_FITS = (
    ("beamtilt_delta-phase_per-pixel", "beamtilt_delta-phase_iter-fit", "Beam tilt and trefoil: phase error", "rad"),
    ("aberr_delta-phase_per-pixel", "aberr_delta-phase_iter-fit", "Symmetric aberrations: phase error", "rad"),
    ("mag_disp_x", "mag_disp_x_fit", "Magnification: displacement along x", "px"),
    ("mag_disp_y", "mag_disp_y_fit", "Magnification: displacement along y", "px"),
)  # fmt: skip


def ctf_refinement_views(root: Path, job: str, before: str = "") -> list[View]:
    """Views of a CTF refinement.

    Args:
        root: the project.
        job: the job's name, with its slash.
        before: the particles that it was given; "": not known, and no change is shown.
    """
    file = job + RESULT
    shown = [
        View(
            "fits", "Observed and fitted",
            "Left what the images say, right what was fitted to it, for each optics group. A fit whose pattern is not in the "
            "observation is noise: leave that aberration out, or put groups together.",
            (file,), lambda look: _fits(look.root, job),
        ),
        View(
            "defocus_map", "Defocus over a micrograph",
            "Each particle at its place. A slope is a tilted specimen, two levels are two layers; salt and pepper is a fit "
            "without signal.",
            (file,), lambda look: _defocus_map(look, file),
            items=Items(Rows(file, "particles", (_NAME,))),
        ),
        View(
            "defocus_spread", "Spread of defocus within micrographs",
            "How thick the ice is. Some hundred Å are usual; more than the ice can be is a fit without signal.",
            (file,), lambda look: _spread(look, file),
        ),
        optics_view(file, "particles"),
    ]  # fmt: skip
    if before:
        shown.insert(
            1,
            View(
                "defocus_change", "Change of defocus",
                "Against the particles that were given. Around zero, as wide as the ice is thick.",
                (file, before), lambda look: _change(look, before, file),
            ),
        )  # fmt: skip
    return shown


def _fits(root: Path, job: str) -> Sequence[Block]:
    found: list[Block] = []
    for observed, fitted, title, unit in _FITS:
        for file in sorted((root / job).glob(f"{observed}_optics-group_*.mrc")):
            match = re.search(r"_optics-group_(\d+)\.mrc$", file.name)
            fits = sorted((root / job).glob(f"{fitted}_optics-group_{match[1]}*.mrc")) if match else []
            fits = [fit for fit in fits if "residual" not in fit.name]
            if not match or not fits:
                continue
            found.append(
                Field(
                    f"{title}, optics group {match[1]}", (job + file.name, job + fits[0].name), ("observed", "fitted"),
                    unit, caption="Over Fourier space; its middle is the zero frequency, its edge the finest.",
                )
            )  # fmt: skip
    return found


def _particles(root: Path, file: str, *columns: str) -> "pl.DataFrame":
    return frame_of(root, Rows(file, "particles", columns, made={_DEFOCUS: _MEAN}))


def _change(look: Look, before: str, after: str) -> Sequence[Block]:
    old, new = _particles(look.root, before, _ID), _particles(look.root, after, _ID)
    if _ID not in old.columns or _ID not in new.columns or not new.height:
        return []
    both = new.join(old, on=_ID, suffix="_before")
    change = (both[_DEFOCUS] - both[f"{_DEFOCUS}_before"]).to_list()
    return [
        Chart(
            "Change of defocus", "histogram", Values({"change": change}), Axis("change", "after - before, Å")
        )
    ]


def _spread(look: Look, file: str) -> Sequence[Block]:
    import polars as pl

    table = _particles(look.root, file, _NAME)
    if not table.height:
        return []
    by = table.group_by(_NAME, maintain_order=True).agg(pl.col(_DEFOCUS).std(), pl.len().alias("particles"))
    by = by.filter(pl.col("particles") > 1)
    columns = {
        "number": [*range(1, by.height + 1)], "spread": by[_DEFOCUS].to_list(), _NAME: by[_NAME].to_list()
    }  # fmt: skip
    number = Axis("number", "micrograph", is_number=True)
    return [
        Chart(
            "Spread of defocus within micrographs", "points", Values(columns), number,
            Axis("spread", "standard deviation of defocus, Å"),
        )
    ]  # fmt: skip


def _defocus_map(look: Look, file: str) -> Sequence[Block]:
    import polars as pl

    from cryoloom.views.charts import finished

    name = str(look.item[_NAME])
    table = _particles(look.root, file, _NAME, "rlnCoordinateX", "rlnCoordinateY").filter(
        pl.col(_NAME) == name
    )
    points = [
        {"x": x, "y": y, _DEFOCUS: round(defocus, 1)}
        for x, y, defocus in table.select("rlnCoordinateX", "rlnCoordinateY", _DEFOCUS).iter_rows()
    ]
    place: dict[str, Any] = {"type": "quantitative", "scale": {"zero": False}}
    spec: dict[str, Any] = {
        "data": {"values": points},
        "mark": {"type": "circle", "size": 90, "opacity": 0.9},
        "encoding": {
            "x": {"field": "x", "title": "x, px", **place},
            "y": {"field": "y", "title": "y, px", **place},
            "color": {
                "field": _DEFOCUS, "type": "quantitative", "title": "defocus, Å",
                "scale": {"scheme": "viridis", "zero": False},
            },
        },
    }  # fmt: skip
    title = f"Defocus over {Path(name).stem}"
    return [Drawing(title, finished(title, [spec], width=_MAP_PX, height=_MAP_PX))]
