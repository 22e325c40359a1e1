"""CTF refinement: defocus of each particle, aberrations and magnification of each optics group."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from cryoloom.errors import ParameterError
from cryoloom.plugins.relion.options.half_sets import check_groups_have_enough
from cryoloom.plugins.relion.options.kept import said_of_lost
from cryoloom.plugins.relion.options.movies_of import check_files_of_micrographs
from cryoloom.plugins.relion.options.refined import RefinedParticles
from cryoloom.plugins.relion.options.running import Mpi, Threads, call, number
from cryoloom.plugins.relion.unfinished import torn_files
from cryoloom.protocol import Command, JobFolder, Output, Param, Particles, Rule, View, words_of
from cryoloom.protocol.declare import relion_text

EACH = ("No", "Per-micrograph", "Per-particle")
ABERRATIONS = tuple(f"*_aberr-{part}_optics-group_*.mrc" for part in ("Axx", "Axy", "Ayy", "bx", "by"))
LETTERS = {"No": "f", "Per-micrograph": "m", "Per-particle": "p"}
BESIDE = "not do_aniso_mag"
BESIDE_MAGNIFICATION = (
    *("do_defocus", "do_astig", "do_bfactor", "do_phase"),
    *("do_tilt", "do_trefoil", "do_4thorder"),
)
FITS = "do_ctf and not do_aniso_mag"


class CtfRefine(RefinedParticles, Mpi, Threads):
    """Refine CTF parameters against the half maps: magnification first and alone, then defocus, then aberrations."""

    name = "relion.ctfrefine"
    label = "CTF refinement"
    folder = "CtfRefine"
    relion_type = 21
    cites = ("Zivanov2018", "Zivanov2020")
    programs = ("relion_ctf_refine",)
    next = ("relion.refine3d", "relion.ctfrefine", "relion.polish")
    begins_with = {
        "do_defocus": "Per-particle",
        "do_astig": "Per-micrograph",
    }  # it has to be told what to fit
    cleaning = (
        Rule(
            "sums and fits of single micrographs",
            (
                *("*_wAcc_optics-group*.mrc", "*_xyAcc_optics-group*.mrc", *ABERRATIONS),
                *("*_mag_optics-group_*.mrc", "*_fit.star", "*_fit.eps"),
            ),
        ),
    )

    minres: float = Param(
        30, "Minimum resolution for fits", unit="Å", tab="Fit", gt=0, usual=(3, 200),
        help="Coarser frequencies than this are left out of all fits but that of 4th order aberrations, which begins at 20 Å.",
    )  # fmt: skip
    do_aniso_mag: bool = Param(
        False, "Estimate (anisotropic) magnification?", tab="Fit", flag="--fit_aniso",
        help="A 2 by 2 matrix for each optics group. Nothing else is fitted beside it; refine defoci next, for they were "
        "found without it.",
    )  # fmt: skip
    do_ctf: bool = Param(
        True, "Perform CTF parameter fitting?", tab="Fit", when=BESIDE, flag="--fit_defocus",
        help="What is fitted for micrographs or particles, by the four options below.",
    )  # fmt: skip
    do_defocus: str = Param(
        "No", "Fit defocus?", tab="Fit", choices=EACH, when=FITS,
        help="Per-particle follows the height in the ice; it needs a few hundred kDa or 4 Å.",
    )  # fmt: skip
    do_astig: str = Param(
        "No", "Fit astigmatism?", tab="Fit", choices=EACH, when=FITS,
        help="Per-micrograph is safer; a single particle seldom has the signal.",
    )  # fmt: skip
    do_bfactor: str = Param(
        "No", "Fit B-factor?", tab="Fit", choices=EACH, when=FITS,
        help="How fast the signal falls off; images that are spoilt weigh less then.",
    )  # fmt: skip
    do_phase: str = Param(
        "No", "Fit phase-shift?", tab="Fit", choices=EACH, when=FITS, help="Of a phase plate."
    )
    do_tilt: bool = Param(
        False, "Estimate beamtilt?", tab="Fit", when=BESIDE, flag="--fit_beamtilt",
        help="One for each optics group; raises the resolution where it is better than 4 Å.",
    )  # fmt: skip
    do_trefoil: bool = Param(
        False, "Also estimate trefoil?", tab="Fit", when=f"{BESIDE} and do_tilt", flag="--odd_aberr_max_n 3",
        help="Three-fold aberration of each optics group, beside the beam tilt.",
    )  # fmt: skip
    do_4thorder: bool = Param(
        False, "Estimate 4th order aberrations?", tab="Fit", when=BESIDE, flag="--fit_aberr",
        help="Tetrafoil, and errors of Cs, defocus and astigmatism that a group shares. Fit defoci first: what they are off by "
        "goes into it otherwise. Give it "
        "one thread: with more RELION 3.1.3 dies of it at times; `cryoloom resume` then goes on.",
    )  # fmt: skip

    particles: Particles = Output("Particles with refined CTF", "particles_ctf_refine.star")

    def cited(self) -> tuple[str, ...]:
        if self.do_aniso_mag:
            return ("Zivanov2020",)
        higher = (self.do_tilt and self.do_trefoil) or self.do_4thorder
        lower = self.do_ctf or self.do_tilt
        return ("Zivanov2018",) * lower + ("Zivanov2020",) * higher

    def check(self) -> None:
        super().check()
        fits = [self.do_defocus, self.do_astig, self.do_bfactor, self.do_phase]
        if self.do_aniso_mag:
            return
        if self.do_ctf and not any(LETTERS[fit] != "f" for fit in fits):
            raise ParameterError(
                f"{self.name}: parameter do_ctf", found="Yes with nothing to fit",
                expected="one of do_defocus, do_astig, do_bfactor, do_phase",
                hint="For instance do_defocus=Per-particle do_astig=Per-micrograph; or do_ctf=No beside other fits.",
            )  # fmt: skip
        if not self.do_ctf and not self.do_tilt and not self.do_4thorder:
            raise ParameterError(
                f"{self.name}: parameters", found="nothing to fit",
                expected="one of do_aniso_mag, do_ctf, do_tilt, do_4thorder",
            )  # fmt: skip

    def check_defaults(self, root: Path, asked: Collection[str]) -> None:
        """Fits that somebody asked for beside the magnification would be left out without a word."""
        idle = [
            name for name in asked if name in BESIDE_MAGNIFICATION and self.values[name] not in ("No", False)
        ]
        if self.do_aniso_mag and idle:
            raise ParameterError(
                f"{self.name}: parameter {idle[0]}", found=f"{relion_text(self.values[idle[0]])} beside do_aniso_mag",
                expected="the magnification alone", hint="Fit it first, and the others in the next job.",
            )  # fmt: skip

    def check_contents(self, root: Path, there: Mapping[str, Path]) -> None:
        fits = {"magnification": self.do_aniso_mag, "beam tilt": self.do_tilt, "4th order": self.do_4thorder}
        if "fn_data" in there:
            check_files_of_micrographs(self, there["fn_data"])
        asked = [name for name, wanted in fits.items() if wanted]
        if asked and "fn_data" in there:
            check_groups_have_enough(self, there["fn_data"], what=asked[0])

    def command(self, job: JobFolder) -> Command:
        return call(self, "relion_ctf_refine", self._words(job), job)

    def finish(self, job: JobFolder) -> str:
        return said_of_lost(
            job.root, self.fn_data, job.file("particles_ctf_refine.star"), why="RELION says nothing of it"
        )

    def resume_command(self, job: JobFolder, found: Sequence[int]) -> Command:
        return call(self, "relion_ctf_refine", [*self._words(job), "--only_do_unfinished"], job)

    def torn(self, job: JobFolder) -> Sequence[str]:
        return torn_files(job.path)

    def _words(self, job: JobFolder) -> list[str]:
        least = number(self.minres)
        words = ["--o", job.file(""), *words_of(self)]
        if self.do_aniso_mag:
            return [*words, "--kmin_mag", least]
        if self.do_ctf:
            phase, defocus, astigmatism, b_factor = (
                LETTERS[fit] for fit in (self.do_phase, self.do_defocus, self.do_astig, self.do_bfactor)
            )
            # The fourth letter is Cs, for which RELION's form has no field.
            words += ["--kmin_defocus", least, "--fit_mode", f"{phase}{defocus}{astigmatism}f{b_factor}"]
        return [*words, *(["--kmin_tilt", least] if self.do_tilt else [])]

    def views(self, job: JobFolder) -> list[View]:
        from cryoloom.views import ctf_refinement

        return ctf_refinement.ctf_refinement_views(job.root, job.name, self.fn_data.path)
