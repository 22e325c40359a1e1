"""A map turned onto the axes of its point group, and averaged over it."""

from collections.abc import Mapping, Sequence

from cryoloom.errors import ParameterError
from cryoloom.plugins.relion.options.running import Additional, call
from cryoloom.plugins.relion.options.written import positive
from cryoloom.protocol import (
    ADVANCED,
    Box,
    Command,
    Input,
    JobFolder,
    Output,
    Param,
    ProgramProtocol,
    SymmetryOfMap,
    View,
    Volume,
    words_of,
)


class Symmetrise(Additional, ProgramProtocol):
    """Find the symmetry axes of a map, turn it onto RELION's, and average it."""

    name = "relion.symmetrise"
    label = "Align and apply symmetry"
    cites = ("Scheres2012b",)
    programs = ("relion_align_symmetry", "relion_image_handler")
    next = ("relion.refine3d", "relion.class3d")

    fn_in: Volume = Input(
        "Map", flag="--i", help="Of a molecule with the symmetry; an initial model made in C1."
    )
    sym_name: str = Param(
        "C2",
        "Symmetry",
        means="symmetry",
        flag="--sym",
        wizard=SymmetryOfMap(of="fn_in"),
        help="Point group; its axes come where RELION has them.",
    )
    do_apply: bool = Param(
        True, "Average over the symmetry?", help="No: the map is turned, and nothing else."
    )
    box_size: int = Param(
        64, "Working box", unit="px", level=ADVANCED, ge=8, flag="--box_size",
        help="The search's own scale: 20 Å and less are enough. Never larger than the map.",
    )  # fmt: skip
    nr_uniform: int = Param(
        400,
        "Orientations tried",
        level=ADVANCED,
        ge=1,
        flag="--nr_uniform",
        help="More find a difficult one.",
    )
    maxres: float = Param(
        -1,
        "Maximum resolution",
        unit="Å",
        level=ADVANCED,
        flag="--maxres",
        written=positive,
        help="-1: that of the box.",
    )
    keep_centre: bool = Param(
        False,
        "Keep the centre?",
        level=ADVANCED,
        flag="--keep_centre",
        help="No: the centre of mass comes to the centre.",
    )

    aligned: Volume = Output("Map on its axes", "aligned.mrc")
    volume: Volume = Output("Map averaged over the symmetry", "symmetrised.mrc", when=lambda p: p.do_apply)

    def check(self) -> None:
        super().check()
        if self.sym_name.upper() == "C1":
            raise ParameterError(f"{self.name}: parameter sym_name", found="C1", expected="a symmetry")

    def check_boxes(self, boxes: Mapping[str, Box]) -> None:
        own = boxes.get("fn_in")
        if own is not None and self.box_size > own.px:
            raise ParameterError(
                f"{self.name}: parameter box_size",
                found=f"{self.box_size} px",
                expected=f"at most {own.px} px, as {own.path} has",
            )

    def command(self, job: JobFolder) -> Command:
        words = ["--o", job.file("aligned.mrc"), *words_of(self)]
        return call(self, "relion_align_symmetry", words, job, control=False)

    def after(self, job: JobFolder) -> Sequence[Command]:
        words = ("--i", job.file("aligned.mrc"), "--o", job.file("symmetrised.mrc"), "--sym", self.sym_name)
        return [Command("relion_image_handler", words)] if self.do_apply else ()

    def views(self, job: JobFolder) -> list[View]:
        from cryoloom.views import maps

        return maps.map_views(job.file("symmetrised.mrc" if self.do_apply else "aligned.mrc"))
