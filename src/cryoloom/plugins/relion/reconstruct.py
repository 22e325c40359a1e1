"""Reconstruction from given orientations: no alignment, a map or both half maps, with Ewald sphere where it matters."""

from collections.abc import Collection, Mapping, Sequence

from cryoloom.errors import ParameterError
from cryoloom.plugins.relion.options.ctf import NEEDS_OF_CTF
from cryoloom.plugins.relion.options.running import Mpi, call
from cryoloom.plugins.relion.options.written import positive
from cryoloom.protocol import (
    ADVANCED,
    Command,
    HalfMaps,
    Input,
    JobFolder,
    Output,
    Param,
    Particles,
    ProgramProtocol,
    View,
    Volume,
    words_of,
)

POSES = ("rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi")
HALVES = tuple(f"run_half{half}_class001_unfil.mrc" for half in (1, 2))


class Reconstruct(Mpi, ProgramProtocol):
    """Make a map of particles as they are oriented now."""

    name = "relion.reconstruct"
    label = "Reconstruction"
    cites = ("Scheres2012b",)
    programs = ("relion_reconstruct",)
    next = ("relion.postprocess", "relion.maskcreate")

    input: Particles = Input(
        "Particles", flag="--i", needs=dict.fromkeys(POSES, "") | NEEDS_OF_CTF, help="With orientations."
    )
    sym_name: str = Param(
        "C1",
        "Symmetry",
        means="symmetry",
        flag="--sym",
        help="Point group by RELION's names; its axes as in the refinement.",
    )
    do_halves: bool = Param(
        False,
        "Both half maps?",
        help="Beside the map of all: of each half set, for post-processing. Needs rlnRandomSubset.",
    )
    of_class: int = Param(
        -1,
        "Only this class",
        flag="--class",
        written=positive,
        help="The number of a class; -1: all particles.",
    )
    maxres: float = Param(
        -1, "Maximum resolution", unit="Å", flag="--maxres", written=positive, help="-1: all there is."
    )
    do_ctf_correction: bool = Param(
        True,
        "Do CTF-correction?",
        tab="CTF",
        flag="--ctf",
        help="Correct amplitudes and phases; No: as they are.",
    )
    ctf_intact_first_peak: bool = Param(
        False, "Ignore CTFs until first peak?", tab="CTF", when="do_ctf_correction", flag="--ctf_intact_first_peak",
        help="Amplitudes below the first peak are left as they are.",
    )  # fmt: skip
    do_ewald: bool = Param(
        False, "Correct for Ewald-sphere curvature?", tab="Ewald sphere", when="do_ctf_correction", flag="--ewald",
        help="Counts for large particles at high resolution: beyond about λ/d² against the diameter.",
    )  # fmt: skip
    mask_diameter: float = Param(
        -1, "Mask diameter", unit="Å", tab="Ewald sphere", when="do_ctf_correction and do_ewald", flag="--mask_diameter",
        written=positive, help="Of the particle; needed.",
    )  # fmt: skip
    reverse_curvature: bool = Param(
        False, "Reverse the curvature?", tab="Ewald sphere", when="do_ctf_correction and do_ewald",
        flag="--reverse_curvature",
        help="Which way is right depends on the hand: try both, the better one has the right hand.",
    )  # fmt: skip
    do_pad1: bool = Param(
        False,
        "Skip padding",
        tab="Running",
        level=ADVANCED,
        flag="--pad 1",
        help="Less memory; artefacts at the box's edge.",
    )
    do_skip_gridding: bool = Param(
        False,
        "Skip gridding",
        tab="Running",
        level=ADVANCED,
        flag="--skip_gridding",
        help="Faster, less exact.",
    )

    volume: Volume = Output("Map", "map.mrc")
    half_maps: HalfMaps = Output("Unfiltered half maps", HALVES[0], when=lambda p: p.do_halves)

    def check(self) -> None:
        super().check()
        if self.do_ctf_correction and self.do_ewald and self.mask_diameter <= 0:
            raise ParameterError(
                f"{self.name}: parameter mask_diameter", found="-1", expected="the particle's diameter"
            )

    def check_heads(self, heads: Mapping[str, Mapping[str, Collection[str]]]) -> None:
        labels = {
            label for block, found in heads.get("input", {}).items() if block != "optics" for label in found
        }
        lacking = {"rlnRandomSubset": self.do_halves, "rlnClassNumber": self.of_class > 0}
        for label, needed in lacking.items():
            if labels and needed and label not in labels:
                raise ParameterError(
                    f"{self.name}: input input",
                    found=f"{self.input.path}, without {label}",
                    expected="particles with it",
                )

    def command(self, job: JobFolder) -> Command:
        return self._of(job, "map.mrc")

    def after(self, job: JobFolder) -> Sequence[Command]:
        if not self.do_halves:
            return ()
        return [self._of(job, name, "--subset", str(half)) for half, name in enumerate(HALVES, start=1)]

    def _of(self, job: JobFolder, name: str, *subset: str) -> Command:
        words = ["--o", job.file(name), *words_of(self), *subset]
        return call(self, "relion_reconstruct", words, job, control=False)

    def views(self, job: JobFolder) -> list[View]:
        from cryoloom.views import maps

        return maps.map_views(job.file("map.mrc"))
