"""Particles: how many, how large, some of them, and what columns say of all."""

from collections.abc import Sequence

from cryoloom.protocol.views import Axis, Block, Chart, Gallery, Look, Metrics, Rows, View
from cryoloom.views.optics import optics_view
from cryoloom.views.tables import frame_of, table_of

_MICROGRAPH = "rlnMicrographName"


def particle_views(file: str) -> list[View]:
    """Views of a set of particles with images."""
    images = Rows(file, "particles", ("rlnImageName",))
    defocus = Rows(file, "particles", made={"defocus": "(rlnDefocusU + rlnDefocusV) / 2"})
    return [
        View(
            "particles", "Particles", "How many there are, of how many micrographs, box and pixel size of each optics group.",
            (file,), lambda look: _figures(look, file),
        ),
        View(
            "images", "Some of the particles",
            "Spread over the whole set. One particle in the middle of each, of even contrast, is good.",
            (file,), lambda look: [Gallery("Some of the particles", images)],
        ),
        View(
            "defocus", "Defocus of the particles",
            "A range of defocus values is needed: where all have one, the zeros of its CTF are "
            "lost.",
            (file,), lambda look: [
                Chart("Defocus of the particles", "histogram", defocus, Axis("defocus", "mean defocus, Å"))
            ],
        ),
        optics_view(file, "particles"),
    ]  # fmt: skip


def _figures(look: Look, file: str) -> Sequence[Block]:
    frame = frame_of(look.root, Rows(file, "particles", (_MICROGRAPH, "rlnOpticsGroup")))
    if not frame.height:
        return []
    rows = [("particles", f"{frame.height}")]
    if frame[_MICROGRAPH].null_count() < frame.height:
        rows.append(("micrographs", f"{frame[_MICROGRAPH].n_unique()}"))
    optics = table_of(look.root / file, "optics")
    for label, what, unit in (("rlnImageSize", "box", "px"), ("rlnImagePixelSize", "pixel size", "Å")):
        if label in optics.columns:
            values = [
                value for value in optics[label].unique(maintain_order=True).to_list() if value is not None
            ]
            rows.append((what, ", ".join(f"{value:g}" for value in values) + f" {unit}"))
    return [Metrics("Particles", rows)]
