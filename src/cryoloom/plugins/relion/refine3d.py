"""3D auto-refinement."""

from collections.abc import Collection, Mapping
from pathlib import Path

from cryoloom.errors import ParameterError
from cryoloom.plugins.relion.options.compute import OF_GPUS, Compute3D
from cryoloom.plugins.relion.options.half_sets import check_half_sets
from cryoloom.plugins.relion.options.helix import OF_HELICES, Helix3D
from cryoloom.plugins.relion.options.noise import doubts_of_noise
from cryoloom.plugins.relion.options.optimisation import ZeroMask
from cryoloom.plugins.relion.options.reference import Reference, doubts_of_reference
from cryoloom.plugins.relion.options.running import Mpi
from cryoloom.plugins.relion.options.sampling import STEPS, healpix_order, oversampled
from cryoloom.plugins.relion.refinement import OPTIMISER, Refinement
from cryoloom.protocol import (
    ADVANCED,
    HalfMaps,
    JobFolder,
    Optimiser,
    Output,
    Param,
    Particles,
    Varied,
    View,
    Volume,
)


class Refine3D(Refinement, Reference, ZeroMask, Helix3D, Compute3D):
    """Refine orientations and map, two independent halves, until nothing improves."""

    name = "relion.refine3d"
    label = "3D auto-refine"
    folder = "Refine3D"
    relion_type = 10
    cites = ("Scheres2012", "Zivanov2018", OF_GPUS, OF_HELICES)
    programs = ("relion_refine_mpi", "mpirun")
    next = ("relion.maskcreate", "relion.postprocess", "relion.extract")
    rank_groups = 2
    at_start = (
        *("--auto_refine", "--split_random_halves", "--flatten_solvent", "--oversampling", "1"),
        *("--low_resol_join_halves", "40", "--norm", "--scale"),
    )
    reread = ("particle_diameter", "auto_faster", "do_solvent_fsc", "relax_sym", "fn_mask")

    fn_img: Particles = Varied(
        Refinement.fn_img, help="Particles; orientations they carry are the start of local searches."
    )
    do_solvent_fsc: bool = Param(
        False, "Use solvent-flattened FSCs?", tab="Optimisation", when="fn_mask", flag="--solvent_correct_fsc",
        help="Judge resolution within the mask; needs one.",
    )  # fmt: skip
    sampling: str = Param(
        "7.5 degrees", "Initial angular sampling", tab="Auto-sampling", choices=STEPS, flag="--healpix_order",
        written=healpix_order, help="Step after oversampling.",
    )  # fmt: skip
    offset_range: float = Param(
        5, "Initial offset range", unit="px", tab="Auto-sampling", ge=0, flag="--offset_range",
        help="Around the start.",
    )  # fmt: skip
    offset_step: float = Param(
        1, "Initial offset step", unit="px", tab="Auto-sampling", gt=0, flag="--offset_step", written=oversampled,
        help="Step of the search, after oversampling.",
    )  # fmt: skip
    auto_local_sampling: str = Param(
        "1.8 degrees", "Local searches from auto-sampling", tab="Auto-sampling", choices=STEPS,
        flag="--auto_local_healpix_order", written=healpix_order,
        help="From this step on only orientations near the last are tried.",
    )  # fmt: skip
    relax_sym: str = Param(
        "", "Relax symmetry", tab="Auto-sampling", level=ADVANCED, means="symmetry", flag="--relax_sym",
        help="Point group of pseudo-symmetry.",
    )  # fmt: skip
    auto_faster: bool = Param(
        False, "Use finer angular sampling faster?", tab="Auto-sampling",
        flag="--auto_ignore_angles --auto_resol_angles", help="Goes on to finer steps without waiting.",
    )  # fmt: skip
    nr_mpi: int = Varied(
        Mpi.nr_mpi, default=3, ge=3,
        help="One leads, the others are two groups: odd, at least 3. auto: for this machine, one that works for each GPU or "
        "each eight cores, and two at least.",
    )  # fmt: skip

    particles: Particles = Output("Refined particles", lambda p: p.file_of_last("data.star"))
    half_maps: HalfMaps = Output("Unfiltered half maps", lambda p: p.file_of_last("half1_class001_unfil.mrc"))
    volume: Volume = Output("Refined map", lambda p: p.file_of_last("class001.mrc"))
    optimiser: Optimiser = Output(*OPTIMISER)

    def check(self) -> None:
        super().check()
        if self.do_solvent_fsc and not self.fn_mask:
            raise ParameterError(
                f"{self.name}: parameter do_solvent_fsc", found="Yes without a mask", expected="a mask in fn_mask",
                hint="Make one with relion.maskcreate.",
            )  # fmt: skip

    def check_contents(self, root: Path, there: Mapping[str, Path]) -> None:
        super().check_contents(root, there)
        if "fn_img" in there:
            check_half_sets(self, there["fn_img"])

    def said(self) -> Collection[str]:
        # With local searches from the first step on RELION's form leaves out the priors of the global ones.
        local = self.sampling == self.auto_local_sampling
        return {*super().said()} - ({"range_rot", "range_tilt", "range_psi"} if local else set())

    def doubts(self, job: JobFolder) -> list[str]:
        """A refinement that ends where it began has aligned nothing that its reference did not show."""
        from cryoloom import star

        if self.fn_cont:
            return []
        general = star.tables_of(star.read(job.path / self.file_of_last("model.star"), ["model_general"]))
        reached = float(general["model_general"]["rlnCurrentResolution"][0])
        # Where the first iteration compares by correlation, its model tells nothing of the grey scale.
        first = job.path / "run_it001_half1_model.star"
        said = doubts_of_reference(first) if self.ref_correct_greyscale else []
        said += doubts_of_noise([job.path / f"run_it000_half{half}_model.star" for half in (1, 2)])
        if self.ini_high > 0 and reached >= self.ini_high:
            said.append(
                f"The map's resolution is {reached:.1f} Å, no better than the reference's at the start ({self.ini_high:g} Å):"
                " look at reference, pixel size, mask diameter and particles."
            )
        return said

    def views(self, job: JobFolder) -> list[View]:
        from cryoloom.views import maps, orientations, refinement

        return [
            *refinement.refinement_views(job.root, job.name),
            *orientations.orientation_views(refinement.newest_file(job, "data.star"), symmetry=self.sym_name),
            *maps.map_views(refinement.newest_file(job, "class001.mrc")),
        ]
