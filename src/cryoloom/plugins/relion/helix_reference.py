"""A cylinder as the first reference of a helix whose structure is not known."""

from cryoloom.errors import ParameterError
from cryoloom.plugins.relion.options.running import Additional, call
from cryoloom.plugins.relion.options.written import fraction, positive
from cryoloom.protocol import (
    ADVANCED,
    Command,
    JobFolder,
    Output,
    Param,
    ProgramProtocol,
    View,
    Volume,
    words_of,
)


class HelixReference(Additional, ProgramProtocol):
    """Make a featureless cylinder along Z, to begin a helical classification or refinement with."""

    name = "relion.helix_reference"
    label = "Helical reference"
    cites = ("He2017",)
    programs = ("relion_helix_toolbox",)
    next = ("relion.class3d", "relion.refine3d")

    boxdim: int = Param(300, "Box size", unit="px", ge=16, flag="--boxdim", help="That of the segments.")
    angpix: float = Param(1, "Pixel size", unit="Å", gt=0, flag="--angpix", help="That of the segments.")
    cyl_outer_diameter: float = Param(
        200,
        "Tube diameter - outer",
        unit="Å",
        gt=0,
        flag="--cyl_outer_diameter",
        help="The filament's width.",
    )
    cyl_inner_diameter: float = Param(
        -1, "Tube diameter - inner", unit="Å", flag="--cyl_inner_diameter", written=positive,
        help="Of a hollow filament; -1: not hollow.",
    )  # fmt: skip
    sphere_percentage: float = Param(
        90, "Diameter of the sphere", unit="%", ge=10, le=90, level=ADVANCED, flag="--sphere_percentage", written=fraction,
        help="Of the box; what lies beyond is masked.",
    )  # fmt: skip
    width: float = Param(5, "Soft edge", unit="px", ge=0, level=ADVANCED, flag="--width", help="A cosine.")

    volume: Volume = Output("Cylinder", "cylinder.mrc")

    def check(self) -> None:
        super().check()
        if self.boxdim % 2:
            raise ParameterError(
                f"{self.name}: parameter boxdim", found=f"{self.boxdim} px", expected="an even box"
            )
        width, box = self.cyl_outer_diameter, self.boxdim * self.angpix
        if not max(self.cyl_inner_diameter, 0) < width < box * self.sphere_percentage / 100:
            raise ParameterError(
                f"{self.name}: parameter cyl_outer_diameter", found=f"{width:g} Å",
                expected=f"more than the inner one, less than {self.sphere_percentage:g} % of the box of {box:g} Å",
            )  # fmt: skip

    def command(self, job: JobFolder) -> Command:
        words = ["--cylinder", "--o", job.file("cylinder.mrc"), *words_of(self)]
        return call(self, "relion_helix_toolbox", words, job, control=False)

    def views(self, job: JobFolder) -> list[View]:
        from cryoloom.views import maps

        return maps.map_views(job.file("cylinder.mrc"))
