"""Multi-body refinement: parts of a molecule that move as rigid bodies, and how they move together."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from cryoloom.plugins.relion import iterations
from cryoloom.plugins.relion.options.bodies import check_bodies
from cryoloom.plugins.relion.options.compute import OF_GPUS, Compute3D
from cryoloom.plugins.relion.options.running import Mpi, Threads, call, number
from cryoloom.plugins.relion.options.sampling import STEPS, healpix_order, oversampled
from cryoloom.protocol import (
    Command,
    HalfMaps,
    Input,
    JobFolder,
    Optimiser,
    Output,
    Param,
    Particles,
    ProgramProtocol,
    Progress,
    Rule,
    Varied,
    View,
    words_of,
)
from cryoloom.protocol.datasets import PlainFile
from cryoloom.protocol.declare import OutputSpec

SELECTS = "do_analyse and do_select"


class MultiBody(Compute3D, Mpi, Threads, ProgramProtocol):
    """Refine the parts of a molecule against each other, and analyse how particles differ in them."""

    name = "relion.multibody"
    label = "3D multi-body"
    folder = "MultiBody"
    relion_type = 19
    cites = ("Nakane2018", OF_GPUS)
    programs = ("relion_refine_mpi", "relion_flex_analyse", "mpirun")
    next = ("relion.postprocess",)
    iterative = True
    ranks_are_led = True
    rank_groups = 2
    reread = ("do_subtracted_bodies",)
    cleaning = (
        Rule(
            "maps of the principal components", ("analyse_component???_bin???.mrc",), below=False, harsh=True
        ),
    )

    fn_in: Optimiser = Input(
        "Consensus refinement optimiser.star", flag="--continue",
        help="Of an auto-refinement without symmetry (C1): what all particles have in common.",
    )  # fmt: skip
    fn_cont: Optimiser = Input(
        "Continue from here", optional=True, help="An optimiser file; `cryoloom continue JOB` fills it in."
    )
    fn_bodies: PlainFile = Input(
        "Body STAR file", flag="--multibody_masks",
        help="A mask for each body, against which other it turns, and how far. relion.bodies makes one.",
    )  # fmt: skip
    nr_bodies: int = Param(
        2, "Number of bodies", ge=2, own=True, help="As many as the body file has: each becomes an output."
    )
    do_subtracted_bodies: bool = Param(
        True, "Reconstruct subtracted bodies?", flag="--reconstruct_subtracted_bodies",
        help="Each body's map is made of images from which the others are subtracted.",
    )  # fmt: skip
    sampling: str = Param(
        "1.8 degrees", "Initial angular sampling", tab="Auto-sampling", choices=STEPS, flag="--healpix_order",
        written=healpix_order,
        help="Step after oversampling; all searches are local.",
    )  # fmt: skip
    offset_range: float = Param(
        3, "Initial offset range", unit="px", tab="Auto-sampling", ge=0, flag="--offset_range",
        help="How far bodies may be from where they are.",
    )  # fmt: skip
    offset_step: float = Param(
        0.75, "Initial offset step", unit="px", tab="Auto-sampling", gt=0, flag="--offset_step", written=oversampled,
        help="Step of the search, after oversampling.",
    )  # fmt: skip
    do_analyse: bool = Param(
        True,
        "Run flexibility analysis?",
        tab="Analyse",
        help="Principal components of the bodies' movements.",
    )
    nr_movies: int = Param(
        3, "Number of eigenvector movies", tab="Analyse", ge=0, when="do_analyse",
        help="Maps along so many components, ten each, to be played as a movie.",
    )  # fmt: skip
    do_select: bool = Param(
        False, "Select particles based on eigenvalues?", tab="Analyse", when="do_analyse",
        help="Particles between two ends of one movement become an output.",
    )  # fmt: skip
    select_eigenval: int = Param(
        1,
        "Select on eigenvalue",
        tab="Analyse",
        ge=1,
        when=SELECTS,
        help="Which movement: 1 has most of the variance.",
    )
    eigenval_min: float = Param(
        -999, "Minimum eigenvalue", tab="Analyse", when=SELECTS, help="Of the particles that are kept."
    )
    eigenval_max: float = Param(
        999, "Maximum eigenvalue", tab="Analyse", when=SELECTS, help="Of the particles that are kept."
    )
    nr_mpi: int = Varied(
        Mpi.nr_mpi, default=3, ge=3,
        help="One leads, the others are two groups: odd, at least 3. auto: for this machine, one that works for each GPU or "
        "each eight cores, and two at least.",
    )  # fmt: skip

    particles: Particles = Output(
        "Particles of the consensus, refined bodies beside", lambda p: f"{iterations.root(p)}_data.star"
    )
    selected: Particles = Output(
        "Particles between two eigenvalues",
        lambda p: p.file_of_selected(),
        when=lambda p: p.do_analyse and p.do_select,
    )

    def cited(self) -> tuple[str, ...]:
        return tuple(key for key in self.cites if key != OF_GPUS or self.use_gpu)

    def promised(self) -> Mapping[str, OutputSpec]:
        found = dict(super().promised())
        for body in range(1, self.nr_bodies + 1):
            spec: OutputSpec = Output(
                f"Unfiltered half maps of body {body}",
                f"{iterations.root(self)}_half1_body{body:03d}_unfil.mrc",
            )
            spec.name, spec.kind = f"half_maps_{body}", HalfMaps
            found[spec.name] = spec
        return found

    def file_of_selected(self) -> str:
        """What `relion_flex_analyse` calls the particles that it selects: ends are rounded there."""
        low, high = _rounded(self.eigenval_min), _rounded(self.eigenval_max)
        return f"analyse_eval{self.select_eigenval:03d}_select_min{low}_max{high}.star"

    def check(self) -> None:
        super().check()
        iterations.check_continued(self, None)
        if self.do_analyse and self.do_select:
            self.check_above("eigenval_max", "eigenval_min")

    def check_contents(self, root: Path, there: Mapping[str, Path]) -> None:
        if "fn_bodies" in there:
            check_bodies(self, root, there["fn_bodies"], there.get("fn_in"))

    def command(self, job: JobFolder) -> Command:
        if self.fn_cont:
            return self._continued(job, self.fn_cont.path)
        begins = {"fn_in", "fn_bodies", "sampling", "offset_range", "offset_step"}
        words = [
            "--o",
            job.file("run"),
            "--solvent_correct_fsc",
            "--oversampling",
            "1",
            "--auto_local_healpix_order",
            healpix_order(self.sampling),
            *words_of(self, begins),
        ]
        return self._call(job, words)

    def resume_command(self, job: JobFolder, found: Sequence[int]) -> Command | None:
        if not found:
            return None
        return self._continued(job, job.file(f"{iterations.root(self)}_it{max(found):03d}_optimiser.star"))

    def _continued(self, job: JobFolder, optimiser: str) -> Command:
        return self._call(job, ["--continue", optimiser, "--o", job.file(iterations.root(self))])

    def _call(self, job: JobFolder, words: list[str]) -> Command:
        return call(self, "relion_refine", [*words, *words_of(self, self.taken_anew())], job)

    def after(self, job: JobFolder) -> Sequence[Command]:
        if not self.do_analyse:
            return ()
        root = job.file(iterations.root(self))
        words = ["--PCA_orient", "--model", f"{root}_model.star", "--data", f"{root}_data.star"]
        words += ["--bodies", self.fn_bodies.path, "--o", job.file("analyse")]
        if self.nr_movies:
            words += ["--do_maps", "--k", number(self.nr_movies)]
        if self.do_select:
            words += ["--select_eigenvalue", number(self.select_eigenval)]
            words += ["--select_eigenvalue_min", number(self.eigenval_min)]
            words += ["--select_eigenvalue_max", number(self.eigenval_max)]
        return [Command("relion_flex_analyse", (*words, "--pipeline_control", job.name))]

    def progress(self, job: JobFolder) -> Progress | None:
        return iterations.progress(job)

    def views(self, job: JobFolder) -> list[View]:
        from cryoloom.views import multibody, refinement

        return [
            *refinement.refinement_views(job.root, job.name),
            *multibody.multibody_views(job.root, job.name),
        ]


def _rounded(value: float) -> int:
    """RELION's rounding: halves away from zero."""
    return int(value + 0.5) if value > 0 else int(value - 0.5)
