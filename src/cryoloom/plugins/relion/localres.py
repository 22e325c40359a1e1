"""Local resolution, by RELION's own program or by ResMap."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from cryoloom.errors import ParameterError
from cryoloom.plugins.relion.options.boxes import check_calibrated, check_half, check_map_mask
from cryoloom.plugins.relion.options.running import Mpi, call, number
from cryoloom.plugins.relion.options.written import positive
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
    View,
    words_of,
)
from cryoloom.protocol.datasets import FinalMap, LocalResolution

RESMAP, OWN = "do_resmap_locres", "do_relion_locres"


class LocalRes(Mpi, ProgramProtocol):
    """Estimate the resolution in each part of a map, and filter the map by it."""

    name = "relion.localres"
    label = "Local resolution"
    folder = "LocalRes"
    relion_type = 16
    relion_fixed = {"nr_threads": "1"}
    cites = ("Chen2013",)
    programs = ("relion_postprocess",)
    next = ("relion.maskcreate",)

    fn_in: HalfMaps = Input(
        "One of the 2 unfiltered half-maps", flag="--i", help="The other half is found by its name."
    )
    fn_mask: Mask = Input(
        "User-provided solvent mask", optional=True, flag="--mask",
        help="RELION's own looks within it for the histogram alone; ResMap needs it.",
    )  # fmt: skip
    angpix: float = Param(
        -1, "Calibrated pixel size", unit="Å", usual=(0.1, 40), flag="--angpix",
        help="-1: as the maps' headers say. RELION's form begins with 1 Å, whatever they say.",
    )  # fmt: skip
    do_relion_locres: bool = Param(
        True, "Use Relion?", tab="Relion", help="FSCs within a soft ball that wanders through the half maps."
    )
    adhoc_bfac: float = Param(
        -100, "User-provided B-factor", usual=(-3000, 0), unit="Å²", tab="Relion", when=OWN, flag="--adhoc_bfac",
        help="Sharpens the filtered map; negative, and not further from 0 than what post-processing found.",
    )  # fmt: skip
    fn_mtf: str = Param(
        "",
        "MTF of the detector",
        tab="Relion",
        means="file",
        when=OWN,
        flag="--mtf",
        help="A STAR file; empty: none.",
    )
    mtf_angpix: float = Param(
        -1, "Original detector pixel size", unit="Å", tab="Relion", when=f"{OWN} and fn_mtf", flag="--mtf_angpix",
        written=positive, own=True, 
        help="Of the physical pixels whose MTF it is. RELION's form has no such field: it takes the map's.",
    )  # fmt: skip
    do_resmap_locres: bool = Param(
        False, "Use ResMap?", tab="ResMap", help="Instead of RELION's own; wants a program."
    )
    fn_resmap: str = Param(
        "",
        "ResMap executable",
        tab="ResMap",
        means="file",
        when=RESMAP,
        help="Of version 1.1.4, with all rights to run it.",
    )
    pval: float = Param(
        0.05, "P-value", tab="ResMap", gt=0, lt=1, when=RESMAP, help="Significance of what is a feature."
    )
    minres: float = Param(
        0,
        "Highest resolution",
        unit="Å",
        tab="ResMap",
        ge=0,
        when=RESMAP,
        help="0: a little above the Nyquist limit.",
    )
    maxres: float = Param(
        0, "Lowest resolution", unit="Å", tab="ResMap", ge=0, when=RESMAP, help="0: ResMap's own limit."
    )
    stepres: float = Param(
        1,
        "Resolution step size",
        unit="Å",
        tab="ResMap",
        gt=0,
        when=RESMAP,
        help="Smaller is finer and slower.",
    )

    final_map: FinalMap = Output(
        "Map filtered by its local resolution",
        "relion_locres_filtered.mrc",
        when=lambda p: p.do_relion_locres,
    )
    local_resolution: LocalResolution = Output(
        "Local resolution", lambda p: "relion_locres.mrc" if p.do_relion_locres else "half1_resmap.mrc"
    )

    def check(self) -> None:
        super().check()
        if self.do_relion_locres == self.do_resmap_locres:
            both = "Yes beside do_relion_locres" if self.do_relion_locres else "No, and do_relion_locres too"
            raise ParameterError(
                f"{self.name}: parameter {RESMAP}", found=both, expected="one of the two",
                hint="do_relion_locres=No do_resmap_locres=Yes: ResMap.",
            )  # fmt: skip
        check_half(self, "fn_in")
        if self.do_relion_locres:
            return
        for name, kind in (("fn_resmap", "parameter"), ("fn_mask", "input")):
            if not getattr(self, name):
                raise ParameterError(
                    f"{self.name}: {kind} {name}", found="missing", expected="it, for ResMap"
                )
        if self.nr_mpi != 1:
            raise ParameterError(
                f"{self.name}: parameter nr_mpi",
                found=f"{self.nr_mpi}",
                expected="1",
                hint="ResMap is one process.",
            )
        if self.angpix <= 0:
            raise ParameterError(
                f"{self.name}: parameter angpix", found=f"{self.angpix:g}", expected="the maps' pixel size",
                hint="ResMap does not read it from them.",
            )  # fmt: skip

    def check_boxes(self, boxes: Mapping[str, Box]) -> None:
        check_map_mask(self, boxes, "fn_mask", of="fn_in")
        check_calibrated(self, boxes, "fn_in")

    def check_contents(self, root: Path, there: Mapping[str, Path]) -> None:
        if self.fn_mtf and self.do_relion_locres and "fn_in" in there:
            from cryoloom.plugins.relion.options.detector import check_mtf_pixel

            check_mtf_pixel(self, root, self.fn_in, self.mtf_angpix)

    def before(self, job: JobFolder) -> Sequence[Command]:
        """ResMap writes its result beside what it is given."""
        if self.do_relion_locres:
            return ()
        links = [(self.fn_in.half(number), f"half{number}.mrc") for number in (1, 2)]
        return [Command("ln", ("-s", f"../../{source}", job.file(name))) for source, name in links]

    def command(self, job: JobFolder) -> Command:
        if self.do_relion_locres:
            words = ["--locres", "--o", job.file("relion"), *words_of(self)]
            return call(self, "relion_postprocess", words, job)
        words = [
            f"--maskVol={self.fn_mask.path}", "--noguiSplit", job.file("half1.mrc"), job.file("half2.mrc"),
            f"--vxSize={number(self.angpix)}", f"--pVal={number(self.pval)}", f"--minRes={number(self.minres)}",
            f"--maxRes={number(self.maxres)}", f"--stepRes={number(self.stepres)}",
        ]  # fmt: skip
        return call(self, self.fn_resmap, words, job, control=False)

    def views(self, job: JobFolder) -> list[View]:
        from cryoloom.views import local_resolution

        return local_resolution.locres_views(job.root, job.name, self.fn_mask.path if self.fn_mask else "")
