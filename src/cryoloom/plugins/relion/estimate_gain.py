"""A gain reference from movies that were not corrected by one."""

from cryoloom.plugins.relion.options.running import Additional, Threads, call
from cryoloom.plugins.relion.options.written import positive
from cryoloom.protocol import (
    ADVANCED,
    Command,
    Input,
    JobFolder,
    Movies,
    Output,
    Param,
    ProgramProtocol,
    View,
    words_of,
)
from cryoloom.protocol.datasets import PlainFile


class EstimateGain(Additional, Threads, ProgramProtocol):
    """Average the frames of many movies: what is left of the picture is the detector."""

    name = "relion.estimate_gain"
    label = "Gain estimation"
    cites = ("Zivanov2019",)
    programs = ("relion_estimate_gain",)
    next = ("relion.motioncorr",)

    input: Movies = Input("Movies", flag="--i", help="Hundreds and more, uncorrected, of different places.")
    max_frames: int = Param(
        -1, "Frames", flag="--max_frames", written=positive, help="About so many are averaged; -1: all."
    )
    do_random: bool = Param(
        False,
        "Movies in random order?",
        flag="--random",
        help="Yes: not the first ones only.",
    )
    dont_invert: bool = Param(
        False, "Write the sum itself?", level=ADVANCED, flag="--dont_invert",
        help="No: its inverse, by which RELION multiplies frames.",
    )  # fmt: skip

    gain: PlainFile = Output("Gain reference", "gain.mrc")

    def command(self, job: JobFolder) -> Command:
        return call(
            self, "relion_estimate_gain", ["--o", job.file("gain.mrc"), *words_of(self)], job, control=False
        )

    def views(self, job: JobFolder) -> list[View]:
        from cryoloom.protocol import Micrograph

        file = job.file("gain.mrc")
        shown = Micrograph("Gain reference", file, percent=(1, 99), has_scale=False)
        return [
            View(
                "gain",
                "Gain reference",
                "Lines and blocks of the detector; no grid, no particles.",
                (file,),
                lambda _: [shown],
            )
        ]
