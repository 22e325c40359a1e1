"""Operations on maps by relion_image_handler: rescale, re-box, filter, change the hand."""

from cryoloom.errors import ParameterError
from cryoloom.plugins.relion.options.running import Additional, call, number
from cryoloom.plugins.relion.options.written import positive
from cryoloom.protocol import (
    Command,
    Input,
    JobFolder,
    Output,
    Param,
    ProgramProtocol,
    View,
    Volume,
    words_of,
)

OPERATIONS = (
    *("rescale_angpix", "new_box", "lowpass", "highpass", "invert_hand", "sym", "shift_com"),
    "multiply_constant",
)


class ImageHandler(Additional, ProgramProtocol):
    """Change a map: pixel size, box, resolution, hand, symmetry."""

    name = "relion.image_handler"
    label = "Map operations"
    cites = ("Scheres2012b",)
    programs = ("relion_image_handler",)
    next = ("relion.refine3d",)

    fn_in: Volume = Input("Input map", flag="--i")
    angpix: float = Param(
        -1,
        "Pixel size of the input",
        unit="Å",
        flag="--angpix",
        written=positive,
        help="-1: as the map's header says.",
    )
    rescale_angpix: float = Param(
        -1, "New pixel size", unit="Å", flag="--rescale_angpix", written=positive,
        help="The map is Fourier-cropped or padded to it; -1: kept.",
    )  # fmt: skip
    new_box: int = Param(
        -1, "New box size", unit="px", flag="--new_box", written=positive,
        help="Cut or padded around the centre; -1: kept.",
    )  # fmt: skip
    lowpass: float = Param(
        -1, "Low-pass filter", unit="Å", flag="--lowpass", written=positive, help="-1: none."
    )
    highpass: float = Param(
        -1, "High-pass filter", unit="Å", flag="--highpass", written=positive, help="-1: none."
    )
    invert_hand: bool = Param(False, "Invert the hand?", flag="--invert_hand", help="The map's mirror image.")
    sym: str = Param("", "Symmetrise", means="symmetry", flag="--sym", help="Point group; empty: none.")
    shift_com: bool = Param(
        False, "Shift the centre of mass to the centre?", flag="--shift_com", help="Of positive density."
    )
    multiply_constant: float = Param(
        1, "Multiply by", flag="--multiply_constant", written=lambda value: None if value == 1 else number(value),
        help="Extraction normalises particles at their own pixel size, so a map that goes on with particles of "
        "another one is on their grey scale when multiplied by (new / old pixel size)².",
    )  # fmt: skip

    volume: Volume = Output("Changed map", "map.mrc")

    def check(self) -> None:
        super().check()
        if not words_of(self, OPERATIONS):
            raise ParameterError(
                f"{self.name}: parameters", found="without any change",
                expected=f"at least one of {', '.join(OPERATIONS)}",
            )  # fmt: skip

    def command(self, job: JobFolder) -> Command:
        # This program knows no --pipeline_control.
        words = ["--o", job.file("map.mrc"), *words_of(self)]
        return call(self, "relion_image_handler", words, job, control=False)

    def views(self, job: JobFolder) -> list[View]:
        from cryoloom.views import maps

        return maps.map_views(job.file("map.mrc"))
