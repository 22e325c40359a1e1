"""2D classification."""

from collections.abc import Mapping

from cryoloom.plugins.relion.options.compute import OF_GPUS
from cryoloom.plugins.relion.options.helix import OF_HELICES, Helix2D
from cryoloom.plugins.relion.options.optimisation import Classes
from cryoloom.plugins.relion.options.sampling import Alignment, oversampled
from cryoloom.plugins.relion.refinement import OPTIMISER, Refinement
from cryoloom.protocol import JobFolder, Model, Optimiser, Output, Param, Particles, View

USUAL_CLASSES, PARTICLES_A_CLASS = 50, 100


class Class2D(Refinement, Classes, Alignment, Helix2D):
    """Sort particle images into 2D classes and average each class."""

    name = "relion.class2d"
    label = "2D classification"
    folder = "Class2D"
    relion_type = 8
    cites = ("Scheres2012", OF_GPUS, OF_HELICES)
    next = ("sets.classes",)
    ended_by = "nr_iter"
    always = ("--pad", "2", "--oversampling", "1")
    at_start = ("--flatten_solvent", "--norm", "--scale")
    reread = (
        *("nr_iter", "tau_fudge", "particle_diameter", "dont_skip_align", "psi_sampling", "offset_range"),
        *("offset_step", "allow_coarser", "helical_tube_outer_diameter", "do_bimodal_psi", "range_psi"),
        *("do_restrict_xoff", "helical_rise"),
    )

    psi_sampling: float = Param(
        6, "In-plane angular sampling", unit="°", tab="Sampling", gt=0, le=180, when="dont_skip_align",
        flag="--psi_step", written=oversampled, help="Step of psi, after oversampling.",
    )  # fmt: skip

    particles: Particles = Output(
        "Particles with class and in-plane alignment", lambda p: p.file_of_last("data.star")
    )
    classes: Model = Output("2D class averages", lambda p: p.file_of_last("model.star"))
    optimiser: Optimiser = Output(*OPTIMISER)

    @classmethod
    def suggested(cls, items: int | None) -> Mapping[str, str]:
        # One class sorts nothing; some hundred particles make an average that can be judged, and 50 are usual.
        classes = USUAL_CLASSES if items is None else min(USUAL_CLASSES, max(2, items // PARTICLES_A_CLASS))
        return {"nr_classes": f"{classes}", **cls.begins_with}

    def views(self, job: JobFolder) -> list[View]:
        from cryoloom.views import classes

        return classes.class2d_views(job.root, job.name)
