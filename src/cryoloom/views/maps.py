"""Maps: central slices and projections; how a refinement's resolution grew."""

from pathlib import Path

import numpy as np

from cryoloom.errors import CryoloomError
from cryoloom.project.iterations import course, final, newest
from cryoloom.protocol.blocks import Block, Gallery
from cryoloom.views import charts
from cryoloom.views.tables import numbers, singles_of, table_of


def map_views(root: Path, file: str) -> list[Block]:
    """Three central slices and three projections; nothing where the map is not there."""
    from cryoloom.images.mrc import read_mrc
    from cryoloom.images.thumbnails import sheet

    try:
        volume = np.asarray(read_mrc(root / file), dtype=np.float32)
    except (CryoloomError, OSError):
        return []
    if volume.ndim != 3:
        return []
    middle = [size // 2 for size in volume.shape]
    slices = [volume[middle[0]], volume[:, middle[1]], volume[:, :, middle[2]]]
    projections = [volume.sum(axis=axis) for axis in range(3)]
    name = Path(file).name
    return [
        Gallery("slices", f"Central slices of {name}", sheet(slices, ["xy", "xz", "yz"], columns=3, tile_px=190)),
        Gallery(
            "projections", f"Projections of {name}",
            sheet(projections, ["along z", "along y", "along x"], columns=3, tile_px=190),
        ),
    ]  # fmt: skip


def refinement_views(root: Path, job: str) -> list[Block]:
    """FSC of the half maps so far, and resolution and angular step over the iterations."""
    folder = root / job
    models = course(folder, "half1_model.star")
    columns: dict[str, list[object]] = {"iteration": [], "value": [], "what": []}
    for number, path in sorted(models.items()):
        general = singles_of(path, "model_general")
        sampling = singles_of(
            path.with_name(path.name.replace("half1_model", "sampling")), "sampling_general"
        )
        for value, what in (
            (general.get("rlnCurrentResolution"), "resolution, Å"),
            (sampling.get("rlnPsiStep"), "angular step, °"),
        ):
            if value is not None and float(value) < 1000:
                columns["iteration"].append(number)
                columns["value"].append(float(value))
                columns["what"].append(what)
    shown: list[Block] = []
    if columns["iteration"]:
        chart = charts.lines(
            columns, "iteration", "value", "what", x_title="iteration", y_title="", points=True
        )
        shown.append(charts.finished("progress", "Course of the refinement", chart))
    # `run_model.star`; `run_ct12_model.star` where the job goes on from another one's iteration 12.
    model = final(folder, "model.star") or newest(folder, "half1_model.star") or folder / "-"
    fsc = table_of(model, "model_class_1")
    if fsc.height and "rlnGoldStandardFsc" in fsc.columns:
        values = {"k": numbers(fsc, "rlnResolution"), "fsc": numbers(fsc, "rlnGoldStandardFsc")}
        curve = charts.lines(
            values, "k", "fsc", x_title="resolution, Å", y_title="Fourier shell correlation",
            x_labels=charts.IN_ANGSTROM,
        ) + charts.rule(0.143)  # fmt: skip
        shown.append(charts.finished("fsc", "Gold-standard FSC", curve, "Dashed: 0.143."))
    return shown
