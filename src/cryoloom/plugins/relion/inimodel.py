"""3D initial model."""

from cryoloom.plugins.relion.options.compute import OF_GPUS, Compute3D
from cryoloom.plugins.relion.options.sampling import STEPS, healpix_order, oversampled
from cryoloom.plugins.relion.refinement import OPTIMISER, Refinement
from cryoloom.protocol import JobFolder, Model, Optimiser, Output, Param, Particles, Varied, View, Volume


class InitialModel(Refinement, Compute3D):
    """Find a first 3D map from particles alone, by stochastic gradient descent."""

    name = "relion.inimodel"
    label = "3D initial model"
    folder = "InitialModel"
    relion_type = 18
    # RELION 3.1's form has a noise half-life, but passes it to no program.
    relion_fixed = {"sgd_sigma2fudge_halflife": "-1"}
    cites = ("Punjani2017", "Scheres2012", OF_GPUS)
    next = ("relion.refine3d", "relion.image_handler")
    always = ("--oversampling", "1")
    at_start = ("--sgd", "--denovo_3dref", "--zero_mask")
    ended_by = "sgd_fin_iter"
    reread = (
        *("sgd_ini_iter", "sgd_inbetween_iter", "sgd_fin_iter", "sgd_write_iter", "sgd_ini_resol"),
        *("sgd_fin_resol", "sgd_ini_subset_size", "sgd_fin_subset_size", "particle_diameter", "sampling"),
        *("offset_range", "offset_step"),
    )

    fn_img: Particles = Varied(Refinement.fn_img, help="Particles of good classes, some thousands of them.")
    nr_classes: int = Param(
        1, "Number of classes", tab="Optimisation", ge=1, flag="--K", help="Maps to be found at once."
    )
    do_solvent: bool = Param(
        True, "Flatten and enforce non-negative solvent?", tab="Optimisation", flag="--flatten_solvent",
        help="Helps to find the particle.",
    )  # fmt: skip
    sym_name: str = Param(
        "C1",
        "Symmetry",
        tab="Optimisation",
        means="symmetry",
        flag="--sym",
        help="Point group; C1 when in doubt.",
    )
    sampling: str = Param(
        "15 degrees", "Initial angular sampling", tab="Optimisation", choices=STEPS, flag="--healpix_order",
        written=healpix_order, help="Step after oversampling.",
    )  # fmt: skip
    offset_range: float = Param(
        6, "Offset search range", unit="px", tab="Optimisation", ge=0, flag="--offset_range",
        help="Around the centre.",
    )  # fmt: skip
    offset_step: float = Param(
        2, "Offset search step", unit="px", tab="Optimisation", gt=0, flag="--offset_step", written=oversampled,
        help="Step of the search, after oversampling.",
    )  # fmt: skip
    sgd_ini_iter: int = Param(
        50,
        "Number of initial iterations",
        tab="SGD",
        ge=1,
        flag="--sgd_ini_iter",
        help="At the initial resolution.",
    )
    sgd_inbetween_iter: int = Param(
        200, "Number of in-between iterations", tab="SGD", ge=1, flag="--sgd_inbetween_iter",
        help="While resolution and subsets grow.",
    )  # fmt: skip
    sgd_fin_iter: int = Param(
        50,
        "Number of final iterations",
        tab="SGD",
        ge=1,
        flag="--sgd_fin_iter",
        help="At the final resolution.",
    )
    sgd_ini_resol: float = Param(
        35,
        "Initial resolution",
        unit="Å",
        tab="SGD",
        gt=0,
        flag="--sgd_ini_resol",
        help="Limit at the start.",
    )
    sgd_fin_resol: float = Param(
        15, "Final resolution", unit="Å", tab="SGD", gt=0, flag="--sgd_fin_resol", help="Limit at the end."
    )
    sgd_ini_subset_size: int = Param(
        100, "Initial mini-batch size", tab="SGD", ge=1, flag="--sgd_ini_subset",
        help="Particles an iteration; small ones escape false minima.",
    )  # fmt: skip
    sgd_fin_subset_size: int = Param(
        500, "Final mini-batch size", tab="SGD", ge=1, flag="--sgd_fin_subset", help="Particles an iteration."
    )
    sgd_write_iter: int = Param(
        10,
        "Write-out frequency",
        unit="iterations",
        tab="SGD",
        ge=1,
        flag="--sgd_write_iter",
        help="Files are kept.",
    )

    particles: Particles = Output("Particles with orientations", lambda p: p.file_of_last("data.star"))
    model: Model = Output("Model", lambda p: p.file_of_last("model.star"))
    volume: Volume = Output("Initial map (of class 1)", lambda p: p.file_of_last("class001.mrc"))
    optimiser: Optimiser = Output(*OPTIMISER)

    def last_iteration(self) -> int:
        return self.sgd_ini_iter + self.sgd_inbetween_iter + self.sgd_fin_iter

    def views(self, job: JobFolder) -> list[View]:
        from cryoloom.views import classes

        return classes.refined_views(job.root, job.name)
