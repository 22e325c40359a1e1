"""Bayesian polishing: each particle's own motion, and frames weighted by what they hold."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from cryoloom.errors import ParameterError
from cryoloom.plugins.relion.options.kept import said_of_lost
from cryoloom.plugins.relion.options.refined import RefinedParticles
from cryoloom.plugins.relion.options.running import Mpi, Threads, call, number
from cryoloom.plugins.relion.unfinished import torn_files
from cryoloom.protocol import (
    Command,
    Input,
    JobFolder,
    Micrographs,
    Output,
    Param,
    Particles,
    Rule,
    View,
    words_of,
)
from cryoloom.protocol.datasets import PolishingParameters

TRAINS = "do_param_optim and not do_polish"
OWN = "do_polish and do_own_params"


class Polish(RefinedParticles, Mpi, Threads):
    """Follow the motion of each particle through its movie and add its frames up anew: train first, polish then."""

    name = "relion.polish"
    label = "Bayesian polishing"
    folder = "Polish"
    relion_type = 20
    cites = ("Zivanov2019",)
    programs = ("relion_motion_refine",)
    next = ("relion.refine3d", "relion.preprocess")
    begins_with = {
        "do_param_optim": "Yes",
        "do_polish": "No",
    }  # its result is an input of the polishing itself
    cleaning = (
        Rule("Fourier-shell correlations of single movies", ("*_FCC_cc.mrc", "*_FCC_w0.mrc", "*_FCC_w1.mrc")),
        Rule("polished particle stacks", ("*_shiny.mrcs", "*_shiny.star"), harsh=True),
    )

    fn_mic: Micrographs = Input(
        "Micrographs (from MotionCorr)", flag="--corr_mic", needs=("rlnMicrographName", "rlnMicrographMetadata"),
        help="Those of the particles' own motion correction: where the movies lie, and how they moved. Of two sessions that "
        "were joined, join these too (sets.join).",
    )  # fmt: skip
    first_frame: int = Param(
        1, "First movie frame", ge=1, flag="--first_frame", help="Frames before it are left out of the sums."
    )
    last_frame: int = Param(
        -1, "Last movie frame", flag="--last_frame",
        help="-1: all frames. Weights do what leaving out late frames is meant to do.",
    )  # fmt: skip
    extract_size: int = Param(
        -1, "Extraction size", unit="px", flag="--window",
        help="Box in px of the movie as it was motion-corrected; -1: as the particles have it. Give rescale too.",
    )  # fmt: skip
    rescale: int = Param(
        -1, "Re-scaled size", unit="px", flag="--scale",
        help="The box is scaled to so many px; -1: as the particles have it. Give extract_size too.",
    )  # fmt: skip
    do_param_optim: bool = Param(
        False, "Train optimal parameters?", tab="Train",
        help="Finds how far and how alike particles move; its result is an input of the polishing that follows (opt_params).",
    )  # fmt: skip
    eval_frac: float = Param(
        0.5, "Fraction of Fourier pixels for testing", tab="Train", gt=0, lt=1, when=TRAINS, flag="--eval_frac",
        help="The others are what frames are aligned by.",
    )  # fmt: skip
    optim_min_part: int = Param(
        10000, "Use this many particles", tab="Train", ge=1, when=TRAINS, flag="--min_p",
        help="More make it slower and surer; 5,000 to 10,000 are usual. Memory grows with them.",
    )  # fmt: skip
    do_polish: bool = Param(
        True, "Perform particle polishing?", tab="Polish", flag="--combine_frames",
        help="Writes new particle images (shiny.star). Where optics groups are small, normalise them before they are refined "
        "(relion.preprocess do_norm=Yes): their mean is 0, which misleads RELION's first estimate of the noise.",
    )  # fmt: skip
    opt_params: PolishingParameters = Input(
        "Optimised parameter file", tab="Polish", optional=True, when="do_polish and not do_own_params",
        flag="--params_file", help="Of a job with do_param_optim.",
    )  # fmt: skip
    do_own_params: bool = Param(
        False, "OR use your own parameters?", tab="Polish", when="do_polish", help="The three sigmas below."
    )
    sigma_vel: float = Param(
        0.2, "Sigma for velocity", unit="Å/dose", tab="Polish", gt=0, when=OWN, flag="--s_vel",
        help="How fast particles move: larger lets them move more.",
    )  # fmt: skip
    sigma_div: float = Param(
        5000, "Sigma for divergence", unit="Å", tab="Polish", gt=0, when=OWN, flag="--s_div",
        help="Over what distance neighbours move alike: larger is stiffer.",
    )  # fmt: skip
    sigma_acc: float = Param(
        2, "Sigma for acceleration", unit="Å/dose", tab="Polish",
        help="How fast a particle's motion may change: smaller is smoother; 0 or less: free, only the others are trained.",
    )  # fmt: skip
    minres: float = Param(
        20, "Minimum resolution for B-factor fit", unit="Å", tab="Polish", gt=0, when="do_polish", flag="--bfac_minfreq",
        usual=(5, 200), help="Coarser frequencies are left out of the fit of a frame's B factor.",
    )  # fmt: skip
    maxres: float = Param(
        -1, "Maximum resolution for B-factor fit", unit="Å", tab="Polish", when="do_polish", flag="--bfac_maxfreq",
        help="-1: where the FSC of postprocess.star says that signal ends.",
    )  # fmt: skip

    particles: Particles = Output("Polished particles", "shiny.star", when=lambda p: p.do_polish)
    parameters: PolishingParameters = Output(
        "Trained parameters of motion", "opt_params_all_groups.txt", when=lambda p: not p.do_polish
    )

    def check(self) -> None:
        super().check()
        if self.do_param_optim == self.do_polish:
            raise ParameterError(
                f"{self.name}: parameter do_param_optim",
                found="Yes beside do_polish" if self.do_polish else "No, as do_polish",
                expected="one of the two", hint="Train in one job (do_param_optim=Yes do_polish=No), polish in the next.",
            )  # fmt: skip
        if self.do_polish and not self.do_own_params and not self.opt_params:
            raise ParameterError(
                f"{self.name}: input opt_params", found="missing", expected="the result of a training job",
                hint="Or do_own_params=Yes with sigma_vel, sigma_div and sigma_acc.",
            )  # fmt: skip
        if self.do_param_optim and self.nr_mpi != 1:
            raise ParameterError(
                f"{self.name}: parameter nr_mpi", found=f"{self.nr_mpi} beside do_param_optim", expected="1",
                hint="RELION trains in one process; give it threads (nr_threads).",
            )  # fmt: skip
        given = [self.extract_size > 0, self.rescale > 0]
        if any(given) and not all(given):
            lacking = "rescale" if given[0] else "extract_size"
            raise ParameterError(
                f"{self.name}: parameter {lacking}", found="-1", expected="a size: both are given, or neither"
            )
        for name in ("extract_size", "rescale"):
            if self.values[name] > 0 and self.values[name] % 2:
                raise ParameterError(
                    f"{self.name}: parameter {name}", found=f"{self.values[name]} px", expected="an even size"
                )
        if self.rescale > self.extract_size:
            raise ParameterError(
                f"{self.name}: parameter rescale", found=f"{self.rescale} px",
                expected=f"at most {self.extract_size} px (extract_size)"
            )  # fmt: skip
        if 0 < self.last_frame < self.first_frame:
            raise ParameterError(
                f"{self.name}: parameter last_frame", found=f"{self.last_frame}",
                expected=f"at least {self.first_frame} (first_frame)"
            )  # fmt: skip

    def check_contents(self, root: Path, there: Mapping[str, Path]) -> None:
        if "fn_data" in there and "fn_mic" in there:
            from cryoloom.plugins.relion.options.movies_of import (
                check_movies,
                check_movies_alike,
                check_same_pixels,
            )

            check_movies(self, root, there["fn_data"], there["fn_mic"])
            check_movies_alike(self, root, there["fn_data"], there["fn_mic"], self.last_frame)
            check_same_pixels(self, "fn_mic", there["fn_data"], there["fn_mic"])

    def command(self, job: JobFolder) -> Command:
        return call(self, "relion_motion_refine", self._words(job), job)

    def resume_command(self, job: JobFolder, found: Sequence[int]) -> Command:
        return call(self, "relion_motion_refine", [*self._words(job), "--only_do_unfinished"], job)

    def torn(self, job: JobFolder) -> Sequence[str]:
        return torn_files(job.path)

    def _words(self, job: JobFolder) -> list[str]:
        sizes = {"extract_size", "rescale"} if self.extract_size <= 0 else set()
        words = ["--o", job.file(""), *words_of(self, {*self.inputs, *self.params} - sizes)]
        if self.do_own_params and self.do_polish:
            return [*words, "--s_acc", number(self.sigma_acc)]
        if self.do_polish:
            return words
        return [
            *words,
            "--align_frac",
            number(1 - self.eval_frac),
            "--params3" if self.sigma_acc > 0 else "--params2",
        ]

    def finish(self, job: JobFolder) -> str:
        if not self.do_polish:
            return ""
        return said_of_lost(
            job.root, self.fn_data, job.file("shiny.star"), why="their movies are not in fn_mic"
        )

    def views(self, job: JobFolder) -> list[View]:
        from cryoloom.views import particles, polishing

        shown = polishing.polishing_views(job.name)
        return [*shown, *particles.particle_views(job.file("shiny.star"))] if self.do_polish else shown
