"""3D initial model."""

from collections.abc import Mapping, Sequence
from typing import Any

from cryoloom.plugins.relion import iterations
from cryoloom.plugins.relion.options.boxes import check_diameter
from cryoloom.plugins.relion.options.compute import Compute3D, disc_args, gpu_args, padding_args
from cryoloom.plugins.relion.options.ctf import NEEDS_OF_CTF
from cryoloom.plugins.relion.options.diameters import HELP_MASK, auto_mask
from cryoloom.plugins.relion.options.running import Mpi, Threads, call, number
from cryoloom.plugins.relion.options.sampling import STEPS, healpix_order, oversampled
from cryoloom.protocol import (
    Box,
    Command,
    Input,
    JobFolder,
    Model,
    Optimiser,
    Output,
    Param,
    Particles,
    ProgramProtocol,
    Progress,
    View,
    Volume,
)


def _last(protocol: "InitialModel") -> str:
    return f"{iterations.root(protocol)}_it{protocol.iterations_in_all():03d}"


class InitialModel(Compute3D, Mpi, Threads, ProgramProtocol):
    """Find a first 3D map from particles alone, by stochastic gradient descent."""

    name = "relion.inimodel"
    label = "3D initial model"
    folder = "InitialModel"
    relion_type = 18
    # RELION 3.1's form has a noise half-life, but passes it to no program.
    relion_fixed = {"sgd_sigma2fudge_halflife": "-1"}
    cites = ("Punjani2017", "Scheres2012")
    programs = ("relion_refine",)
    next = ("relion.refine3d", "relion.image_handler")
    begins_with = {"particle_diameter": "auto"}
    iterative = True
    ranks_are_led = True
    reread = (
        *("sgd_ini_iter", "sgd_inbetween_iter", "sgd_fin_iter", "sgd_write_iter", "sgd_ini_resol"),
        *("sgd_fin_resol", "sgd_ini_subset_size", "sgd_fin_subset_size", "particle_diameter", "sampling"),
        *("offset_range", "offset_step"),
    )

    fn_img: Particles = Input(
        "Input images", help="Particles of good classes, some thousands of them.", needs=NEEDS_OF_CTF
    )
    fn_cont: Optimiser = Input(
        "Continue from here", optional=True, help="An optimiser file; `cryoloom continue JOB` fills it in."
    )
    do_ctf_correction: bool = Param(True, "Do CTF-correction?", tab="CTF", help="As in refinement.")
    ctf_intact_first_peak: bool = Param(
        False,
        "Ignore CTFs until first peak?",
        tab="CTF",
        help="For data whose low frequencies are distorted.",
    )
    nr_classes: int = Param(
        1, "Number of classes", tab="Optimisation", ge=1, help="Maps to be found at once."
    )
    particle_diameter: float = Param(
        200,
        "Mask diameter",
        unit="Å",
        tab="Optimisation",
        gt=0,
        usual=(20, 5000),
        auto=True,
        help=f"Larger than the particle, smaller than the box. {HELP_MASK}",
    )
    do_solvent: bool = Param(
        True,
        "Flatten and enforce non-negative solvent?",
        tab="Optimisation",
        help="Helps to find the particle.",
    )
    sym_name: str = Param(
        "C1", "Symmetry", tab="Optimisation", means="symmetry", help="Point group; C1 when in doubt."
    )
    sampling: str = Param(
        "15 degrees",
        "Initial angular sampling",
        tab="Optimisation",
        choices=STEPS,
        help="Step after oversampling.",
    )
    offset_range: float = Param(
        6, "Offset search range", unit="px", tab="Optimisation", ge=0, help="Around the centre."
    )
    offset_step: float = Param(
        2, "Offset search step", unit="px", tab="Optimisation", gt=0, help="Step of the search."
    )
    sgd_ini_iter: int = Param(
        50, "Number of initial iterations", tab="SGD", ge=1, help="At the initial resolution."
    )
    sgd_inbetween_iter: int = Param(
        200, "Number of in-between iterations", tab="SGD", ge=1, help="While resolution and subsets grow."
    )
    sgd_fin_iter: int = Param(
        50, "Number of final iterations", tab="SGD", ge=1, help="At the final resolution."
    )
    sgd_ini_resol: float = Param(
        35, "Initial resolution", unit="Å", tab="SGD", gt=0, help="Limit at the start."
    )
    sgd_fin_resol: float = Param(15, "Final resolution", unit="Å", tab="SGD", gt=0, help="Limit at the end.")
    sgd_ini_subset_size: int = Param(
        100,
        "Initial mini-batch size",
        tab="SGD",
        ge=1,
        help="Particles an iteration; small ones escape false minima.",
    )
    sgd_fin_subset_size: int = Param(
        500, "Final mini-batch size", tab="SGD", ge=1, help="Particles an iteration."
    )
    sgd_write_iter: int = Param(
        10, "Write-out frequency", unit="iterations", tab="SGD", ge=1, help="Files are kept."
    )

    particles: Particles = Output("Particles with orientations", lambda p: f"{_last(p)}_data.star")
    model: Model = Output("Model", lambda p: f"{_last(p)}_model.star")
    volume: Volume = Output("Initial map (of class 1)", lambda p: f"{_last(p)}_class001.mrc")

    def iterations_in_all(self) -> int:
        return self.sgd_ini_iter + self.sgd_inbetween_iter + self.sgd_fin_iter

    def check(self) -> None:
        super().check()
        iterations.check_continued(self, self.iterations_in_all(), told_by="sgd_fin_iter")

    def resolve_auto(self, job: JobFolder) -> dict[str, Any]:
        return auto_mask(self, job.root, self.fn_img)

    def check_boxes(self, boxes: Mapping[str, Box]) -> None:
        check_diameter(self, boxes, self.particle_diameter)

    def command(self, job: JobFolder) -> Command:
        args = ["--o", job.file(iterations.root(self)), *self._sgd_args()]
        if self.fn_cont:
            args = ["--continue", self.fn_cont.path, *args]
        else:
            args += ["--sgd", "--denovo_3dref", "--i", self.fn_img.path]
            if self.do_ctf_correction:
                args.append("--ctf")
                if self.ctf_intact_first_peak:
                    args.append("--ctf_intact_first_peak")
            args += ["--K", str(self.nr_classes), "--sym", self.sym_name]
            if self.do_solvent:
                args.append("--flatten_solvent")
            args.append("--zero_mask")
        args += [*disc_args(self), *padding_args(self)]
        args += ["--particle_diameter", number(self.particle_diameter), "--oversampling", "1"]
        args += ["--healpix_order", healpix_order(self.sampling), "--offset_range", number(self.offset_range)]
        args += ["--offset_step", number(oversampled(self.offset_step))]
        args += ["--j", str(self.nr_threads), *gpu_args(self)]
        return call(self, "relion_refine", args, job)

    def _sgd_args(self) -> list[str]:
        options = {
            "--sgd_ini_iter": self.sgd_ini_iter,
            "--sgd_inbetween_iter": self.sgd_inbetween_iter,
            "--sgd_fin_iter": self.sgd_fin_iter,
            "--sgd_write_iter": self.sgd_write_iter,
            "--sgd_ini_resol": self.sgd_ini_resol,
            "--sgd_fin_resol": self.sgd_fin_resol,
            "--sgd_ini_subset": self.sgd_ini_subset_size,
            "--sgd_fin_subset": self.sgd_fin_subset_size,
        }
        return [word for option, value in options.items() for word in (option, number(value))]

    def resume_command(self, job: JobFolder, found: Sequence[int]) -> Command | None:
        return iterations.resumed(self, job, found, [])

    def progress(self, job: JobFolder) -> Progress | None:
        return iterations.progress(job, of=self.iterations_in_all())

    def views(self, job: JobFolder) -> list[View]:
        from cryoloom.views import classes

        return classes.refined_views(job.root, job.name)
