"""Operations on maps by relion_image_handler: rescale, re-box, filter, change the hand."""

from cryoloom.errors import ParameterError
from cryoloom.plugins.relion.options.running import Additional, call, number
from cryoloom.protocol import Command, Input, JobFolder, Output, Param, ProgramProtocol, View, Volume


class ImageHandler(Additional, ProgramProtocol):
    """Change a map: pixel size, box, resolution, hand, symmetry."""

    name = "relion.image_handler"
    label = "Map operations"
    cites = ("Scheres2012b",)
    programs = ("relion_image_handler",)
    next = ("relion.refine3d",)

    fn_in: Volume = Input("Input map")
    angpix: float = Param(-1, "Pixel size of the input", unit="Å", help="-1: as the map's header says.")
    rescale_angpix: float = Param(
        -1, "New pixel size", unit="Å", help="The map is Fourier-cropped or padded to it; -1: kept."
    )
    new_box: int = Param(-1, "New box size", unit="px", help="Cut or padded around the centre; -1: kept.")
    lowpass: float = Param(-1, "Low-pass filter", unit="Å", help="-1: none.")
    highpass: float = Param(-1, "High-pass filter", unit="Å", help="-1: none.")
    invert_hand: bool = Param(False, "Invert the hand?", help="The map's mirror image.")
    sym: str = Param("", "Symmetrise", means="symmetry", help="Point group; empty: none.")
    shift_com: bool = Param(False, "Shift the centre of mass to the centre?", help="Of positive density.")
    multiply_constant: float = Param(
        1,
        "Multiply by",
        help="Extraction normalises particles at their own pixel size, so a map that goes on with particles of "
        "another one is on their grey scale when multiplied by (new / old pixel size)².",
    )

    volume: Volume = Output("Changed map", "map.mrc")

    def check(self) -> None:
        super().check()
        if len(self._operations()) == 0:
            raise ParameterError(
                f"{self.name}: parameters", found="without any change", expected="at least one of rescale_angpix, "
                "new_box, lowpass, highpass, invert_hand, sym, shift_com, multiply_constant",
            )  # fmt: skip

    def command(self, job: JobFolder) -> Command:
        args = ["--i", self.fn_in.path, "--o", job.file("map.mrc")]
        if self.angpix > 0:
            args += ["--angpix", number(self.angpix)]
        # This program knows no --pipeline_control.
        return call(self, "relion_image_handler", [*args, *self._operations()], job, control=False)

    def _operations(self) -> list[str]:
        args: list[str] = []
        for name, value in (
            ("rescale_angpix", self.rescale_angpix),
            ("new_box", self.new_box),
            ("lowpass", self.lowpass),
            ("highpass", self.highpass),
        ):
            if value > 0:
                args += [f"--{name}", number(value)]
        if self.invert_hand:
            args.append("--invert_hand")
        if self.sym:
            args += ["--sym", self.sym]
        if self.shift_com:
            args.append("--shift_com")
        if self.multiply_constant != 1:
            args += ["--multiply_constant", number(self.multiply_constant)]
        return args

    def views(self, job: JobFolder) -> list[View]:
        from cryoloom.views import maps

        return maps.map_views(job.file("map.mrc"))
