"""Particle subtraction: what lies outside of a mask is taken out of each image; and its reversal."""

from collections.abc import Mapping
from pathlib import Path

from cryoloom.errors import ParameterError
from cryoloom.plugins.relion.options.boxes import check_mask
from cryoloom.plugins.relion.options.kept import said_of_lost
from cryoloom.plugins.relion.options.running import Mpi, call
from cryoloom.plugins.relion.options.written import positive
from cryoloom.protocol import (
    Box,
    Command,
    Input,
    JobFolder,
    Mask,
    Optimiser,
    Output,
    Param,
    Particles,
    ProgramProtocol,
    Rule,
    Varied,
    View,
    words_of,
)

SUBTRACTS = "not do_fliplabel"
ORIGINAL = "rlnImageOriginalName"


class Subtract(Mpi, ProgramProtocol):
    """Subtract the projections of all that a mask leaves out from the particles' images."""

    name = "relion.subtract"
    label = "Particle subtraction"
    folder = "Subtract"
    relion_type = 14
    cites = ("Bai2015", "Ilca2015")
    programs = ("relion_particle_subtract",)
    next = ("relion.class3d", "relion.refine3d")
    cleaning = (Rule("subtracted particles", ("subtracted.*",), below=False, harsh=True),)

    fn_opt: Optimiser = Input(
        "Input optimiser.star", optional=True, when=SUBTRACTS, flag="--i",
        help="Of a 3D classification or refinement: its maps are what is subtracted, its orientations where.",
    )  # fmt: skip
    fn_mask: Mask = Input(
        "Mask of the signal to keep", optional=True, when=SUBTRACTS, flag="--mask",
        help="White where the density is to stay in the images.",
    )  # fmt: skip
    do_data: bool = Param(
        False, "Use different particles?", when=SUBTRACTS, help="Than those of the optimiser: a part of them."
    )
    fn_data: Particles = Input(
        "Input particle star file", optional=True, when=f"{SUBTRACTS} and do_data", flag="--data",
        needs=("rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi"), help="With orientations of the same reference.",
    )  # fmt: skip
    do_fliplabel: bool = Param(
        False, "OR revert to original particles?", help="Gives subtracted particles their first images back."
    )
    fn_fliplabel: Particles = Input(
        "revert this particle star file", optional=True, when="do_fliplabel", flag="--revert", needs=(ORIGINAL,),
        help="Subtracted particles, or what was made of them since: classes and orientations stay, offsets are those of "
        "the first images again.",
    )  # fmt: skip
    do_center_mask: bool = Param(
        True, "Do center subtracted images on mask?", tab="Centering", when=SUBTRACTS, flag="--recenter_on_mask",
        help="The projected centre of mass of the mask comes to the middle of each image.",
    )  # fmt: skip
    do_center_xyz: bool = Param(
        False, "Do center on my coordinates?", tab="Centering", when=f"{SUBTRACTS} and not do_center_mask",
        help="On a point of the map instead.",
    )  # fmt: skip
    center_x: float = Param(
        0, "Center coordinate X", unit="px", tab="Centering", when="do_center_xyz and not do_center_mask",
        flag="--center_x", help="In px from the map's centre.",
    )  # fmt: skip
    center_y: float = Param(
        0, "Center coordinate Y", unit="px", tab="Centering", when="do_center_xyz and not do_center_mask",
        flag="--center_y", help="In px from the map's centre.",
    )  # fmt: skip
    center_z: float = Param(
        0, "Center coordinate Z", unit="px", tab="Centering", when="do_center_xyz and not do_center_mask",
        flag="--center_z", help="In px from the map's centre.",
    )  # fmt: skip
    new_box: int = Param(
        -1, "New box size", unit="px", tab="Centering", when=SUBTRACTS, flag="--new_box", written=positive,
        help="Images are cut to it, which saves time where little is left in them; -1: as they were.",
    )  # fmt: skip
    nr_mpi: int = Varied(
        Mpi.nr_mpi,
        help="Processes that share the work. What an auto-refinement made needs 2 or more: one for each half set.",
    )

    particles: Particles = Output(
        "Subtracted particles", "particles_subtracted.star", when=lambda p: not p.do_fliplabel
    )
    original: Particles = Output("Reverted particles", "original.star", when=lambda p: p.do_fliplabel)

    def check(self) -> None:
        super().check()
        wanted = (
            ["fn_fliplabel"]
            if self.do_fliplabel
            else ["fn_opt", "fn_mask", *(["fn_data"] if self.do_data else [])]
        )
        for name in wanted:
            if not self.given[name]:
                raise ParameterError(
                    f"{self.name}: input {name}", found="missing", expected=f"a dataset of kind {self.inputs[name].kind.kind}",
                    hint=f"Give it as {name}=JOB, {name}=JOB:output or {name}=FILE.",
                )  # fmt: skip
        if self.do_fliplabel and self.nr_mpi != 1:
            raise ParameterError(
                f"{self.name}: parameter nr_mpi", found=f"{self.nr_mpi} beside do_fliplabel", expected="1",
                hint="RELION reverts in one process.",
            )  # fmt: skip
        if self.new_box > 0 and self.new_box % 2:
            raise ParameterError(
                f"{self.name}: parameter new_box", found=f"{self.new_box} px", expected="an even size"
            )

    def check_contents(self, root: Path, there: Mapping[str, Path]) -> None:
        if "fn_opt" in there:
            from cryoloom import star

            general = star.read(there["fn_opt"], ["optimiser_general"])["optimiser_general"]
            self._check_sizes(root, general, there.get("fn_mask"))
            halves = isinstance(general, Mapping) and general.get("rlnDoSplitRandomHalves") == 1
            if halves and self.nr_mpi == 1:
                raise ParameterError(
                    f"{self.name}: parameter nr_mpi", found="1", expected="2 or more",
                    hint=f"{self.fn_opt.path} is of an auto-refinement: RELION gives each half set a process.",
                )  # fmt: skip

    def _check_sizes(self, root: Path, general: object, mask: Path | None) -> None:
        """That the mask is one of the map's, and that images are cut, not padded.

        Raises:
            ParameterError: they do not fit the box of the optimiser's map.
        """
        from cryoloom import star
        from cryoloom.images.headers import read_header

        model = root / str(general.get("rlnModelStarFile", "")) if isinstance(general, Mapping) else root
        if not model.is_file():
            return
        size = int(star.read(model, ["model_general"])["model_general"]["rlnOriginalImageSize"])  # type: ignore[arg-type]
        own = read_header(mask).size[0] if mask is not None else size
        if own != size:
            raise ParameterError(
                f"{self.name}: input fn_mask", found=f"{self.fn_mask.path}, a box of {own} px",
                expected=f"{size} px, as the map has",
                hint="relion.maskcreate makes one of that map; relion.image_handler scales and cuts.",
            )  # fmt: skip
        if self.new_box > size:
            raise ParameterError(
                f"{self.name}: parameter new_box",
                found=f"{self.new_box} px",
                expected=f"at most the images' {size} px",
            )

    def check_boxes(self, boxes: Mapping[str, Box]) -> None:
        check_mask(self, boxes, "fn_mask")

    def command(self, job: JobFolder) -> Command:
        said = {*self.inputs, *self.params} if not self.do_fliplabel else {"fn_fliplabel"}
        return call(self, "relion_particle_subtract", ["--o", job.file(""), *words_of(self, said)], job)

    def name_results(self, job: JobFolder) -> None:
        """Coordinates and offsets that go with the images as they are now cut; RELION changes only the offsets, one way."""
        from cryoloom import star
        from cryoloom.plugins.relion.options import recentred

        if self.do_fliplabel:
            reverted = job.path / "original.star"
            star.write(reverted, recentred.given_back(star.tables_of(star.read(reverted))))
            return
        if not self.do_center_mask and not self.do_center_xyz:
            return
        subtracted = job.path / "particles_subtracted.star"
        after = star.tables_of(star.read(subtracted))
        centre = (self.center_x, self.center_y, self.center_z)
        if self.do_center_mask:
            centre = recentred.centre_of_mask(job.root / self.fn_mask.path)
        before = star.tables_of(star.read(job.root / self._particles_of(job.root)))
        star.write(
            subtracted, recentred.with_places(before, after, centre, job.file("particles_subtracted.star"))
        )

    def _particles_of(self, root: Path) -> str:
        """The file of the particles that are subtracted from."""
        if self.do_data:
            return self.fn_data.path
        from cryoloom import star

        general = star.read(root / self.fn_opt.path, ["optimiser_general"])["optimiser_general"]
        assert isinstance(general, Mapping)
        return str(general["rlnExperimentalDataStarFile"])

    def finish(self, job: JobFolder) -> str:
        if self.do_fliplabel:
            lost = said_of_lost(
                job.root, self.fn_fliplabel, job.file("original.star"), why="RELION says nothing of it"
            )
            return " ".join(filter(None, [lost, self._said_of_places(job)]))
        return ""

    def _said_of_places(self, job: JobFolder) -> str:
        """Subtractions of RELION's own do not tell how far their images were moved."""
        from cryoloom import star
        from cryoloom.plugins.relion.options.recentred import MOVED

        columns = star.heads(job.root / self.fn_fliplabel.path).get("particles", ())
        if set(MOVED) <= set(columns):
            return ""
        return (
            "Offsets and coordinates are those of the subtracted images: if these were centred on a mask by RELION itself, "
            "take the orientations and offsets of the refinement before (sets.assign)."
        )

    def views(self, job: JobFolder) -> list[View]:
        from cryoloom.views import particles

        return particles.particle_views(
            job.file("original.star" if self.do_fliplabel else "particles_subtracted.star")
        )
