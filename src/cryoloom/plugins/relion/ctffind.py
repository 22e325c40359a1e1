"""CTF estimation by CTFFIND or Gctf, through RELION's wrapper."""

from collections.abc import Hashable, Mapping
from typing import Any

from cryoloom.em.names import file_of_micrograph
from cryoloom.errors import ParameterError
from cryoloom.plugins.relion.micrograph_program import MicrographProgram
from cryoloom.plugins.relion.options.written import handed_on
from cryoloom.protocol import (
    ADVANCED,
    Batch,
    BatchResult,
    Input,
    JobFolder,
    Micrographs,
    Output,
    Param,
    Rule,
    View,
)
from cryoloom.protocol.jobs import ITEM_ID

OPTICS = (
    *("rlnMicrographPixelSize", "rlnMicrographOriginalPixelSize", "rlnVoltage", "rlnSphericalAberration"),
    "rlnAmplitudeContrast",
)


class CtfFind(MicrographProgram):
    """Fit the CTF of each micrograph with CTFFIND 4.1 or Gctf, which you have to have."""

    name = "relion.ctffind"
    label = "CTF estimation (CTFFIND, Gctf)"
    folder = "CtfFind"
    relion_type = 2
    cites = ("Rohou2015", "Zhang2016")
    programs = ("relion_run_ctffind",)
    next = ("sets.filter", "relion.autopick")
    cleaning = (
        Rule("Gctf's output", ("gctf*.out", "gctf*.err"), below=False),
        Rule("power spectra and logs of single micrographs", ("*",)),
    )
    leading = "input_star_mics"

    input_star_mics: Micrographs = Input(
        "Input micrographs STAR file", streams=True, help="Aligned micrographs.",
        needs=("optics:rlnVoltage", "optics:rlnSphericalAberration", "optics:rlnAmplitudeContrast"),
    )  # fmt: skip
    use_noDW: bool = Param(
        False, "Use micrograph without dose-weighting?", flag="--use_noDW", help="Needs them from motion correction."
    )  # fmt: skip
    do_phaseshift: bool = Param(
        False, "Estimate phase shifts?", flag="--do_phaseshift", help="For data taken with a phase plate."
    )
    phase_min: float = Param(
        0, "Phase shift minimum", unit="°", when="do_phaseshift", flag="--phase_min", help="Of the search."
    )
    phase_max: float = Param(
        180, "Phase shift maximum", unit="°", when="do_phaseshift", flag="--phase_max", help="Of the search."
    )
    phase_step: float = Param(
        10,
        "Phase shift step",
        unit="°",
        gt=0,
        when="do_phaseshift",
        flag="--phase_step",
        help="Of the search.",
    )
    dast: float = Param(
        100,
        "Amount of astigmatism",
        unit="Å",
        ge=0,
        flag="--dAst",
        help="Expected; larger values are penalised.",
    )
    use_ctffind4: bool = Param(
        True, "Use CTFFIND-4.1?", tab="CTFFIND", when="not use_gctf", help="No only where Gctf is used."
    )
    fn_ctffind_exe: str = Param(
        "ctffind", "CTFFIND-4.1 executable", tab="CTFFIND", when="not use_gctf", means="program",
        flag="--is_ctffind4 --ctffind_exe", help="A name in PATH, or a path. ctf.estimate needs no other program.",
    )  # fmt: skip
    use_given_ps: bool = Param(
        False, "Use power spectra from MotionCorr job?", tab="CTFFIND", when="not use_gctf", flag="--use_given_ps",
        help="Made there with Save sum of power spectra.",
    )  # fmt: skip
    slow_search: bool = Param(
        False, "Use exhaustive search?", tab="CTFFIND", when="not use_gctf", flag_off="--fast_search",
        help="5 to 16 times slower, no better.",
    )  # fmt: skip
    ctf_win: int = Param(
        -1, "Estimate CTF on window size", unit="px", tab="CTFFIND", when="not use_gctf", flag="--ctfWin",
        help="-1: whole micrograph.",
    )  # fmt: skip
    box: int = Param(
        512, "FFT box size", unit="px", tab="CTFFIND", ge=32, flag="--Box", help="Size of the power spectrum."
    )
    resmin: float = Param(
        30, "Minimum resolution", unit="Å", tab="CTFFIND", gt=0, usual=(8, 200), flag="--ResMin", help="Of the fit."
    )  # fmt: skip
    resmax: float = Param(
        5, "Maximum resolution", unit="Å", tab="CTFFIND", gt=0, usual=(1, 30), flag="--ResMax",
        help="Above twice the pixel size.",
    )  # fmt: skip
    dfmin: float = Param(
        5000, "Minimum defocus value", unit="Å", tab="CTFFIND", usual=(100, 150000), flag="--dFMin",
        help="Of the search.",
    )  # fmt: skip
    dfmax: float = Param(
        50000, "Maximum defocus value", unit="Å", tab="CTFFIND", usual=(1000, 200000), flag="--dFMax",
        help="Of the search.",
    )  # fmt: skip
    dfstep: float = Param(
        500, "Defocus step size", unit="Å", tab="CTFFIND", gt=0, flag="--FStep", help="Of the search."
    )
    use_gctf: bool = Param(
        False, "Use Gctf instead?", tab="Gctf", flag="--use_gctf", help="Runs on GPUs; its own box and search, see below."
    )  # fmt: skip
    fn_gctf_exe: str = Param(
        "Gctf", "Gctf executable", tab="Gctf", when="use_gctf", means="program", flag="--gctf_exe",
        help="A name in PATH, or a path.",
    )  # fmt: skip
    do_ignore_ctffind_params: bool = Param(
        True, "Ignore 'Searches' parameters?", tab="Gctf", when="use_gctf", flag="--ignore_ctffind_params",
        help="Yes: Gctf's own box, resolutions and defocus; astigmatism and phase shifts are given to it always.",
    )  # fmt: skip
    do_EPA: bool = Param(
        False, "Perform equi-phase averaging?", tab="Gctf", when="use_gctf", flag="--EPA",
        help="Smoother Thon rings to look at; the fit stays the same.",
    )  # fmt: skip
    other_gctf_args: str = Param(
        "", "Other Gctf options", tab="Gctf", level=ADVANCED, when="use_gctf", flag="--extra_gctf_options",
        written=handed_on, help="Go to Gctf as they are, after those that RELION gives it.",
    )  # fmt: skip
    gpu_ids: str = Param(
        "", "Which GPUs to use", tab="Gctf", when="use_gctf", flag="--gpu", written=str,
        help="RELION's own form: `:` between ranks; empty: all.",
    )  # fmt: skip

    micrographs: Micrographs = Output("Micrographs with CTF", "micrographs_ctf.star")

    def check(self) -> None:
        super().check()
        if not (self.use_ctffind4 or self.use_gctf):
            raise ParameterError(
                f"{self.name}: parameter use_ctffind4",
                found="No, and use_gctf=No",
                expected="one of them Yes",
            )
        self.check_above("dfmax", "dfmin")
        self.check_above("resmin", "resmax")

    def own_file(self, name: str) -> str:
        return file_of_micrograph(name, ".ctf")

    def cited(self) -> tuple[str, ...]:
        return ("Zhang2016",) if self.use_gctf else ("Rohou2015",)

    def gpus(self) -> str | None:
        return self.gpu_ids if self.use_gctf else None

    def of_one_call(self, group: Mapping[str, Any]) -> Hashable:
        # RELION starts Gctf once for many micrographs, with the pixel size and voltage of one.
        return tuple(group.get(label) for label in OPTICS) if self.use_gctf else None

    def prepare(self, job: JobFolder, batch: Batch) -> dict[str, str]:
        from cryoloom.plugins.relion.per_micrograph import optics_of_items, write_batch

        write_batch(
            batch, "micrographs", batch.items, optics_of_items(batch) if self.use_gctf else batch.optics
        )
        return {}

    @property
    def _fitter(self) -> str:
        return "Gctf" if self.use_gctf else "CTFFIND 4.1"

    def collect(self, job: JobFolder, batch: Batch) -> BatchResult:
        from cryoloom.em.numbers import no_numbers
        from cryoloom.plugins.relion import per_micrograph

        rows, optics = per_micrograph.read_batch(batch.job.path / "micrographs_ctf.star", "micrographs")
        optics = per_micrograph.with_optics_of_input(optics, batch.optics)
        ids = {str(name): item for item, name in batch.items.select(ITEM_ID, "rlnMicrographName").iter_rows()}
        # They write inf and nan where they find nothing, which RELION takes for 0.
        none = {one.row: f"{self._fitter} found no fit: {one}" for one in no_numbers(rows)}
        names = rows["rlnMicrographName"].to_list()
        failed = {ids[str(names[row])]: why for row, why in none.items() if str(names[row]) in ids}
        rows = rows[[row for row in range(rows.height) if row not in none]]
        found = per_micrograph.ids_by_name(rows, "rlnMicrographName", ids)
        skip = per_micrograph.CALL_FILES | {"micrographs_ctf.star", "micrographs_ctf_*.eps"}
        return BatchResult(found.rows, found.done, failed, optics, skip)

    def views(self, job: JobFolder) -> list[View]:
        from cryoloom.views import ctf

        return ctf.ctf_views(job.file("micrographs_ctf.star"))
