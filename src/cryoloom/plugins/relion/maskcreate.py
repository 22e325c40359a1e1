"""Mask creation."""

from typing import Any

from cryoloom.plugins.relion.options.running import Additional, Threads, call
from cryoloom.plugins.relion.options.written import fraction, positive
from cryoloom.protocol import (
    AUTO,
    Command,
    Input,
    JobFolder,
    LowPass,
    Mask,
    MaskThreshold,
    Output,
    Param,
    ProgramProtocol,
    View,
    Volume,
    words_of,
)


class MaskCreate(Additional, Threads, ProgramProtocol):
    """Make a mask with a soft edge from a map."""

    name = "relion.maskcreate"
    label = "Mask creation"
    folder = "MaskCreate"
    relion_type = 12
    cites = ("Scheres2012b",)
    programs = ("relion_mask_create",)
    next = ("relion.refine3d", "relion.postprocess")

    fn_in: Volume = Input("Input 3D map", flag="--i", help="A refined map.")
    lowpass_filter: float = Param(
        15, "Lowpass filter map", unit="Å", tab="Mask", flag="--lowpass", written=positive, wizard=LowPass(of="fn_in"),
        help="Before it is cut; -1: none.",
    )  # fmt: skip
    angpix: float = Param(
        -1,
        "Pixel size",
        unit="Å",
        tab="Mask",
        flag="--angpix",
        written=positive,
        help="-1: as the map's header says.",
    )
    inimask_threshold: float = Param(
        AUTO,
        "Initial binarisation threshold",
        tab="Mask",
        flag="--ini_threshold",
        wizard=MaskThreshold(of="fn_in"),
        help="In units of the map. auto: a quarter of the density's 99th percentile near the centre.",
    )
    extend_inimask: int = Param(
        3, "Extend binary map this many pixels", unit="px", tab="Mask", ge=0, flag="--extend_inimask",
        help="In all directions.",
    )  # fmt: skip
    width_mask_edge: int = Param(
        3,
        "Add a soft-edge of this many pixels",
        unit="px",
        tab="Mask",
        ge=0,
        flag="--width_soft_edge",
        help="A cosine.",
    )
    do_helix: bool = Param(
        False, "Mask a 3D helix?", tab="Helix", flag="--helix", help="The filament lies along Z."
    )
    helical_z_percentage: float = Param(
        30, "Central Z length", unit="%", tab="Helix", gt=0, le=100, when="do_helix", flag="--z_percentage",
        written=fraction, help="The part of the box that the mask keeps along the axis.",
    )  # fmt: skip

    mask: Mask = Output("Mask", "mask.mrc")

    def resolve_auto(self, job: JobFolder) -> dict[str, Any]:
        if self.values["inimask_threshold"] != AUTO:
            return {}
        import numpy as np

        from cryoloom.images.mrc import read_mrc

        volume = np.asarray(read_mrc(job.root / self.fn_in.path), dtype=np.float64)
        radius = volume.shape[0] / 4
        axes = [np.arange(size) - size // 2 for size in volume.shape]
        distance = np.sqrt(sum(axis**2 for axis in np.meshgrid(*axes, indexing="ij")))
        # It held for all maps that were tried: high enough above noise, low enough for the envelope.
        return {"inimask_threshold": round(0.25 * float(np.percentile(volume[distance < radius], 99)), 6)}

    def command(self, job: JobFolder) -> Command:
        return call(self, "relion_mask_create", ["--o", job.file("mask.mrc"), *words_of(self)], job)

    def views(self, job: JobFolder) -> list[View]:
        from cryoloom.views import maps

        return maps.map_views(job.file("mask.mrc"), "mask")
