"""Post-processing: the final resolution and the sharpened map."""

from collections.abc import Mapping
from pathlib import Path

from cryoloom.errors import ParameterError
from cryoloom.plugins.relion.options.boxes import check_calibrated, check_half, check_map_mask
from cryoloom.plugins.relion.options.running import Additional, call
from cryoloom.protocol import (
    Box,
    Command,
    HalfMaps,
    Input,
    JobFolder,
    Mask,
    Output,
    Param,
    ProgramProtocol,
    Rule,
    View,
    words_of,
)
from cryoloom.protocol.datasets import FinalMap, Postprocess


class PostProcess(Additional, ProgramProtocol):
    """Estimate the resolution within a mask and sharpen the map."""

    name = "relion.postprocess"
    label = "Post-processing"
    folder = "PostProcess"
    relion_type = 15
    cites = ("Chen2013", "Rosenthal2003")
    programs = ("relion_postprocess",)
    next = ("relion.refine3d",)
    cleaning = (Rule("masked maps", ("*masked.mrc",), below=False),)

    fn_in: HalfMaps = Input(
        "One of the 2 unfiltered half-maps", flag="--i", help="The other half is found by its name."
    )
    fn_mask: Mask = Input("Solvent mask", flag="--mask", help="Made by relion.maskcreate.")
    angpix: float = Param(
        -1,
        "Calibrated pixel size",
        unit="Å",
        usual=(0.1, 40),
        flag="--angpix",
        help="-1: as the maps' headers say.",
    )
    do_auto_bfac: bool = Param(
        True,
        "Estimate B-factor automatically?",
        tab="Sharpen",
        flag="--auto_bfac",
        help="From a Guinier plot.",
    )
    autob_lowres: float = Param(
        10,
        "Lowest resolution for auto-B fit",
        unit="Å",
        tab="Sharpen",
        gt=0,
        when="do_auto_bfac",
        flag="--autob_lowres",
        help="Start of the line.",
    )
    do_adhoc_bfac: bool = Param(
        False, "Use your own B-factor?", tab="Sharpen", help="Instead of the estimate."
    )
    adhoc_bfac: float = Param(
        -1000,
        "User-provided B-factor",
        usual=(-3000, 0),
        unit="Å²",
        tab="Sharpen",
        when="do_adhoc_bfac",
        flag="--adhoc_bfac",
        help="Negative sharpens.",
    )
    do_skip_fsc_weighting: bool = Param(
        False,
        "Skip FSC-weighting?",
        tab="Sharpen",
        flag="--skip_fsc_weighting",
        help="Filter at low_pass instead.",
    )
    low_pass: float = Param(
        5,
        "Ad-hoc low-pass filter",
        unit="Å",
        tab="Sharpen",
        gt=0,
        when="do_skip_fsc_weighting",
        flag="--low_pass",
        help="Limit.",
    )
    fn_mtf: str = Param(
        "", "MTF of the detector", tab="Sharpen", means="file", flag="--mtf", help="A STAR file; empty: none."
    )
    mtf_angpix: float = Param(
        1,
        "Original detector pixel size",
        unit="Å",
        tab="Sharpen",
        gt=0,
        when="fn_mtf",
        flag="--mtf_angpix",
        help="Of the physical pixels whose MTF it is; twice the movies' where these are of super-resolution.",
    )

    final_map: FinalMap = Output("Sharpened map", "postprocess.mrc")
    masked_map: FinalMap = Output("Sharpened map within the mask", "postprocess_masked.mrc")
    postprocess: Postprocess = Output("FSC curves and Guinier plot", "postprocess.star")

    def check(self) -> None:
        super().check()
        if self.do_auto_bfac and self.do_adhoc_bfac:
            raise ParameterError(
                f"{self.name}: parameter do_adhoc_bfac",
                found="Yes beside do_auto_bfac",
                expected="one of the two",
            )
        check_half(self, "fn_in")

    def check_boxes(self, boxes: Mapping[str, Box]) -> None:
        check_map_mask(self, boxes, "fn_mask", of="fn_in")
        check_calibrated(self, boxes, "fn_in")

    def check_contents(self, root: Path, there: Mapping[str, Path]) -> None:
        if self.fn_mtf and "fn_in" in there:
            from cryoloom.plugins.relion.options.detector import check_mtf_pixel

            check_mtf_pixel(self, root, self.fn_in, self.mtf_angpix)

    def command(self, job: JobFolder) -> Command:
        return call(self, "relion_postprocess", ["--o", job.file("postprocess"), *words_of(self)], job)

    def doubts(self, job: JobFolder) -> list[str]:
        from cryoloom.plugins.relion.options.curves import doubts_of_curves

        return doubts_of_curves(job.path / "postprocess.star")

    def views(self, job: JobFolder) -> list[View]:
        from cryoloom.views import maps, postprocess

        return [
            *postprocess.postprocess_views(job.name),
            *maps.map_views(job.file("postprocess.mrc")),
        ]
