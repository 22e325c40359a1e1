"""CTF estimation by CTFFIND, through RELION's wrapper."""

import shutil

from cryoloom.em.names import file_of_micrograph
from cryoloom.errors import ParameterError, ProgramError
from cryoloom.plugins.relion.options.running import Mpi, call
from cryoloom.plugins.relion.options.written import padded
from cryoloom.protocol import (
    Batch,
    BatchResult,
    Command,
    Input,
    ItemProtocol,
    JobFolder,
    Micrographs,
    Output,
    Param,
    Rule,
    View,
    words_of,
)
from cryoloom.protocol.jobs import ITEM_ID


class CtfFind(Mpi, ItemProtocol):
    """Fit the CTF of each micrograph with CTFFIND 4.1 or Gctf, which you have to have."""

    name = "relion.ctffind"
    label = "CTF estimation (CTFFIND)"
    folder = "CtfFind"
    relion_type = 2
    cites = ("Rohou2015",)
    programs = ("relion_run_ctffind",)
    next = ("sets.filter", "relion.autopick")
    cleaning = (
        Rule("Gctf's output", ("gctf*.out", "gctf*.err"), below=False),
        Rule("power spectra and logs of single micrographs", ("*",)),
    )
    leading = "input_star_mics"

    input_star_mics: Micrographs = Input(
        "Input micrographs STAR file", streams=True, flag="--i", help="Aligned micrographs.",
        needs=("optics:rlnVoltage", "optics:rlnSphericalAberration", "optics:rlnAmplitudeContrast"),
    )  # fmt: skip
    use_noDW: bool = Param(
        False,
        "Use micrograph without dose-weighting?",
        flag="--use_noDW",
        help="Needs them from motion correction.",
    )
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
        True,
        "Use CTFFIND-4.1?",
        tab="CTFFIND",
        when="not use_gctf",
        flag="--is_ctffind4",
        help="No: Gctf (use_gctf).",
    )
    fn_ctffind_exe: str = Param(
        "ctffind", "CTFFIND-4.1 executable", tab="CTFFIND", when="not use_gctf", flag="--ctffind_exe",
        help="A name in PATH, or a path.",
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
        30,
        "Minimum resolution",
        unit="Å",
        tab="CTFFIND",
        gt=0,
        usual=(8, 200),
        flag="--ResMin",
        help="Of the fit.",
    )
    resmax: float = Param(
        5, "Maximum resolution", unit="Å", tab="CTFFIND", gt=0, usual=(1, 30), flag="--ResMax",
        help="Above twice the pixel size.",
    )  # fmt: skip
    dfmin: float = Param(
        5000,
        "Minimum defocus value",
        unit="Å",
        tab="CTFFIND",
        usual=(100, 150000),
        flag="--dFMin",
        help="Of the search.",
    )
    dfmax: float = Param(
        50000,
        "Maximum defocus value",
        unit="Å",
        tab="CTFFIND",
        usual=(1000, 200000),
        flag="--dFMax",
        help="Of the search.",
    )
    dfstep: float = Param(
        500, "Defocus step size", unit="Å", tab="CTFFIND", gt=0, flag="--FStep", help="Of the search."
    )
    use_gctf: bool = Param(
        False,
        "Use Gctf instead?",
        tab="Gctf",
        flag="--use_gctf",
        help="Another program, for GPUs, that has to be there.",
    )
    fn_gctf_exe: str = Param(
        "Gctf",
        "Gctf executable",
        tab="Gctf",
        when="use_gctf",
        flag="--gctf_exe",
        help="A name in PATH, or a path.",
    )
    do_ignore_ctffind_params: bool = Param(
        True, "Ignore 'Searches' parameters?", tab="Gctf", when="use_gctf", flag="--ignore_ctffind_params",
        help="Gctf's own defaults are usually good; No: box, resolution and defocus as above.",
    )  # fmt: skip
    do_EPA: bool = Param(
        False, "Perform equi-phase averaging?", tab="Gctf", when="use_gctf", flag="--EPA",
        help="Rings of astigmatic micrographs become clearer.",
    )  # fmt: skip
    other_gctf_args: str = Param(
        "", "Other Gctf options", tab="Gctf", when="use_gctf", flag="--extra_gctf_options", written=padded,
        help="Appended to Gctf's own command.",
    )  # fmt: skip
    gpu_ids: str = Param(
        "", "Which GPUs to use", tab="Gctf", when="use_gctf", flag="--gpu", written=str,
        help="RELION's own form: `:` between ranks, `,` between threads; empty: all.",
    )  # fmt: skip

    micrographs: Micrographs = Output("Micrographs with CTF", "micrographs_ctf.star")

    def check(self) -> None:
        super().check()
        self.check_above("dfmax", "dfmin")
        self.check_above("resmin", "resmax")
        if not self.use_ctffind4 and not self.use_gctf:
            raise ParameterError(
                f"{self.name}: parameter use_ctffind4", found="No, as use_gctf", expected="one of the two"
            )

    def own_file(self, name: str) -> str:
        return file_of_micrograph(name, ".ctf")

    def command(self, job: JobFolder, batch: Batch | None = None) -> Command:
        paths = {"input_star_mics": batch.input_file} if batch else {}
        return call(self, "relion_run_ctffind", ["--o", job.name, *words_of(self, paths=paths)], job)

    def gpus(self) -> str | None:
        return self.gpu_ids if self.use_gctf else None

    def prepare(self, job: JobFolder, batch: Batch) -> dict[str, str]:
        from cryoloom.plugins.relion.per_micrograph import write_batch

        write_batch(batch, "micrographs", batch.items, batch.optics)
        return {}

    def begin(self, job: JobFolder) -> object:
        """CTFFIND or Gctf itself has to be there: RELION runs it and does not say that it is not."""
        what, parameter = ("Gctf", "fn_gctf_exe") if self.use_gctf else ("CTFFIND 4.1", "fn_ctffind_exe")
        program = str(self.values[parameter])
        if shutil.which(program) is None:
            raise ProgramError(
                f"program {program}", found="not installed, or not to be run", expected=f"{what}, as {parameter} says",
                hint=f"Give its path with {parameter}=, or take ctf.estimate, which needs no other program.",
            )  # fmt: skip
        return None

    def collect(self, job: JobFolder, batch: Batch) -> BatchResult:
        from cryoloom.em.numbers import no_numbers
        from cryoloom.plugins.relion import per_micrograph

        rows, optics = per_micrograph.read_batch(batch.job.path / "micrographs_ctf.star", "micrographs")
        optics = per_micrograph.with_optics_of_input(optics, batch.optics)
        ids = {str(name): item for item, name in batch.items.select(ITEM_ID, "rlnMicrographName").iter_rows()}
        # CTFFIND writes inf and nan where it finds nothing, which RELION takes for 0.
        none = {one.row: f"CTFFIND found no fit: {one}" for one in no_numbers(rows)}
        names = rows["rlnMicrographName"].to_list()
        failed = {ids[str(names[row])]: why for row, why in none.items() if str(names[row]) in ids}
        rows = rows[[row for row in range(rows.height) if row not in none]]
        found = per_micrograph.ids_by_name(rows, "rlnMicrographName", ids)
        skip = per_micrograph.CALL_FILES | {"micrographs_ctf.star", "micrographs_ctf_*.eps"}
        return BatchResult(found.rows, found.done, failed, optics, skip)

    def views(self, job: JobFolder) -> list[View]:
        from cryoloom.views import ctf

        return ctf.ctf_views(job.file("micrographs_ctf.star"))
