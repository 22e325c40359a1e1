"""3D classification."""

from cryoloom.errors import ParameterError
from cryoloom.plugins.relion.options.compute import OF_GPUS, Compute3D
from cryoloom.plugins.relion.options.helix import OF_HELICES, Helix3D
from cryoloom.plugins.relion.options.noise import doubts_of_noise
from cryoloom.plugins.relion.options.optimisation import Classes
from cryoloom.plugins.relion.options.reference import Reference, doubts_of_reference
from cryoloom.plugins.relion.options.sampling import Alignment3D
from cryoloom.plugins.relion.options.shares import doubts_of_shares
from cryoloom.plugins.relion.refinement import OPTIMISER, Refinement
from cryoloom.protocol import JobFolder, Model, Optimiser, Output, Particles, Varied, View

# What helical priors and averaging are of use for; local searches have priors of their own.
GLOBAL = "do_helix and dont_skip_align and not do_local_ang_searches"


class Class3D(Refinement, Reference, Classes, Alignment3D, Helix3D, Compute3D):
    """Sort particles into 3D classes, with or without aligning them."""

    name = "relion.class3d"
    label = "3D classification"
    folder = "Class3D"
    relion_type = 9
    cites = ("Scheres2012", "Scheres2016", OF_GPUS, OF_HELICES)
    next = ("sets.classes", "relion.refine3d")
    ended_by = "nr_iter"
    at_start = ("--flatten_solvent", "--norm", "--scale")
    reread = (
        *(
            "nr_iter",
            "tau_fudge",
            "do_fast_subsets",
            "particle_diameter",
            "fn_mask",
            "dont_skip_align",
            "sampling",
        ),
        *(
            "do_local_ang_searches",
            "sigma_angles",
            "relax_sym",
            "offset_range",
            "offset_step",
            "allow_coarser",
        ),
    )

    tau_fudge: float = Varied(Classes.tau_fudge, default=4)
    range_rot: float = Varied(Helix3D.range_rot, when=GLOBAL)
    range_tilt: float = Varied(Helix3D.range_tilt, when=GLOBAL)
    range_psi: float = Varied(Helix3D.range_psi, when=GLOBAL)
    helical_range_distance: float = Varied(Helix3D.helical_range_distance, when=GLOBAL)

    particles: Particles = Output(
        "Particles with class and orientation", lambda p: p.file_of_last("data.star")
    )
    classes: Model = Output("3D classes", lambda p: p.file_of_last("model.star"))
    optimiser: Optimiser = Output(*OPTIMISER)

    def check(self) -> None:
        super().check()
        if self.use_gpu and not self.dont_skip_align:
            raise ParameterError(
                f"{self.name}: parameter use_gpu", found="Yes beside dont_skip_align=No", expected="one of the two",
                hint="RELION classifies on GPUs only what it aligns.",
            )  # fmt: skip

    def doubts(self, job: JobFolder) -> list[str]:
        said = doubts_of_shares(job.path / self.file_of_last("model.star"))
        if self.fn_cont:
            return said
        said += doubts_of_noise([job.path / "run_it000_model.star"])
        return said + (
            doubts_of_reference(job.path / "run_it001_model.star") if self.ref_correct_greyscale else []
        )

    def views(self, job: JobFolder) -> list[View]:
        from cryoloom.views import classes

        return classes.refined_views(job.root, job.name)
