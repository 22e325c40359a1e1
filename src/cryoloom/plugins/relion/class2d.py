"""2D classification."""

from collections.abc import Mapping, Sequence
from typing import Any

from cryoloom.plugins.relion import iterations
from cryoloom.plugins.relion.options.boxes import check_diameter
from cryoloom.plugins.relion.options.compute import Compute, disc_args, gpu_args
from cryoloom.plugins.relion.options.ctf import NEEDS_OF_CTF
from cryoloom.plugins.relion.options.diameters import HELP_MASK, auto_mask
from cryoloom.plugins.relion.options.running import Mpi, Threads, call, number
from cryoloom.plugins.relion.options.sampling import oversampled
from cryoloom.protocol import (
    ADVANCED,
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
)

USUAL_CLASSES, PARTICLES_A_CLASS = 50, 100


def _last(protocol: "Class2D") -> str:
    return f"{iterations.root(protocol)}_it{protocol.nr_iter:03d}"


class Class2D(Compute, Mpi, Threads, ProgramProtocol):
    """Sort particle images into 2D classes and average each class."""

    name = "relion.class2d"
    label = "2D classification"
    folder = "Class2D"
    relion_type = 8
    cites = ("Scheres2012", "Kimanius2016")
    programs = ("relion_refine",)
    next = ("sets.classes",)
    begins_with = {"particle_diameter": "auto"}  # 200 Å may exceed the box
    iterative = True
    ranks_are_led = True
    reread = (
        *("nr_iter", "tau_fudge", "particle_diameter", "dont_skip_align", "psi_sampling", "offset_range"),
        *("offset_step", "allow_coarser"),
    )

    fn_img: Particles = Input("Input images", help="Extracted particles.", needs=NEEDS_OF_CTF)
    fn_cont: Optimiser = Input(
        "Continue from here", optional=True, help="An optimiser file; `cryoloom continue JOB` fills it in."
    )
    do_ctf_correction: bool = Param(
        True, "Do CTF-correction?", tab="CTF", help="Correct amplitudes and phases inside the likelihood."
    )
    ctf_intact_first_peak: bool = Param(
        False,
        "Ignore CTFs until first peak?",
        tab="CTF",
        help="Helps when all particles fall into few classes.",
    )
    nr_classes: int = Param(
        1, "Number of classes", tab="Optimisation", ge=1, help="How many averages are made."
    )
    tau_fudge: float = Param(
        2,
        "Regularisation parameter T",
        tab="Optimisation",
        gt=0,
        help="Larger: more weight on the data; 2 is usual.",
    )
    nr_iter: int = Param(25, "Number of iterations", tab="Optimisation", ge=1, help="25 is usually enough.")
    do_fast_subsets: bool = Param(
        False,
        "Use fast subsets (for large data sets)?",
        tab="Optimisation",
        help="Early iterations see few particles.",
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
    do_zero_mask: bool = Param(
        True,
        "Mask individual particles with zeros?",
        tab="Optimisation",
        help="No: the outside is filled with noise.",
    )
    highres_limit: float = Param(
        -1,
        "Limit resolution E-step to",
        unit="Å",
        tab="Optimisation",
        help="Frequencies above it are ignored; -1: none.",
    )
    dont_skip_align: bool = Param(True, "Perform image alignment?", tab="Sampling", help="No: only classify.")
    psi_sampling: float = Param(
        6,
        "In-plane angular sampling",
        unit="°",
        tab="Sampling",
        gt=0,
        when="dont_skip_align",
        help="Step of psi.",
    )
    offset_range: float = Param(
        5,
        "Offset search range",
        unit="px",
        tab="Sampling",
        ge=0,
        when="dont_skip_align",
        help="Around the last offset.",
    )
    offset_step: float = Param(
        1,
        "Offset search step",
        unit="px",
        tab="Sampling",
        gt=0,
        when="dont_skip_align",
        help="Step of the search.",
    )
    allow_coarser: bool = Param(
        False, "Allow coarser sampling?", tab="Sampling", level=ADVANCED, when="dont_skip_align",
        help="Early iterations take steps as coarse as their accuracy permits.",
    )  # fmt: skip

    particles: Particles = Output(
        "Particles with class and in-plane alignment", lambda p: f"{_last(p)}_data.star"
    )
    classes: Model = Output("2D class averages", lambda p: f"{_last(p)}_model.star")

    def check(self) -> None:
        super().check()
        iterations.check_continued(self, self.nr_iter, told_by="nr_iter")

    def resolve_auto(self, job: JobFolder) -> dict[str, Any]:
        return auto_mask(self, job.root, self.fn_img)

    @classmethod
    def suggested(cls, items: int | None) -> Mapping[str, str]:
        # One class sorts nothing; some hundred particles make an average that can be judged, and 50 are usual.
        classes = USUAL_CLASSES if items is None else min(USUAL_CLASSES, max(2, items // PARTICLES_A_CLASS))
        return {"nr_classes": f"{classes}", **cls.begins_with}

    def check_boxes(self, boxes: Mapping[str, Box]) -> None:
        check_diameter(self, boxes, self.particle_diameter)

    def command(self, job: JobFolder) -> Command:
        if self.fn_cont:
            return self._continue_command(job)
        args = ["--o", job.file("run"), "--i", self.fn_img.path, *disc_args(self), "--pad", "2"]
        if self.do_ctf_correction:
            args.append("--ctf")
            if self.ctf_intact_first_peak:
                args.append("--ctf_intact_first_peak")
        args += ["--iter", str(self.nr_iter), "--tau2_fudge", number(self.tau_fudge)]
        args += ["--particle_diameter", number(self.particle_diameter)]
        if self.do_fast_subsets:
            args.append("--fast_subsets")
        args += ["--K", str(self.nr_classes), "--flatten_solvent"]
        if self.do_zero_mask:
            args.append("--zero_mask")
        if self.highres_limit > 0:
            args += ["--strict_highres_exp", number(self.highres_limit)]
        args += self._sampling_args()
        args += ["--norm", "--scale", "--j", str(self.nr_threads), *gpu_args(self)]
        return call(self, "relion_refine", args, job)

    def _continue_command(self, job: JobFolder) -> Command:
        args = ["--continue", self.fn_cont.path, "--o", job.file(iterations.root(self))]
        args += [*disc_args(self), "--pad", "2", "--iter", str(self.nr_iter)]
        args += [
            "--tau2_fudge",
            number(self.tau_fudge),
            "--particle_diameter",
            number(self.particle_diameter),
        ]
        args += [*self._sampling_args(), "--j", str(self.nr_threads), *gpu_args(self)]
        return call(self, "relion_refine", args, job)

    def _sampling_args(self) -> list[str]:
        args = ["--oversampling", "1"]
        if self.dont_skip_align:
            args += ["--psi_step", number(oversampled(self.psi_sampling))]
            args += ["--offset_range", number(self.offset_range)]
            args += ["--offset_step", number(oversampled(self.offset_step))]
            if self.allow_coarser:
                args.append("--allow_coarser_sampling")
        else:
            args.append("--skip_align")
        return args

    def resume_command(self, job: JobFolder, found: Sequence[int]) -> Command | None:
        return iterations.resumed(self, job, found, ["--iter", str(self.nr_iter)])

    def progress(self, job: JobFolder) -> Progress | None:
        return iterations.progress(job, of=self.nr_iter)

    def views(self, job: JobFolder) -> list[View]:
        from cryoloom.views import classes

        return classes.class2d_views(job.root, job.name)
