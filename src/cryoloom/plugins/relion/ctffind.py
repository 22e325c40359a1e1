"""CTF estimation by CTFFIND, through RELION's wrapper."""

import shutil

from cryoloom.em.names import file_of_micrograph
from cryoloom.errors import ProgramError
from cryoloom.plugins.relion.options.running import Mpi, call, number
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
)
from cryoloom.protocol.jobs import ITEM_ID


class CtfFind(Mpi, ItemProtocol):
    """Fit the CTF of each micrograph with CTFFIND 4.1, which you have to have."""

    name = "relion.ctffind"
    label = "CTF estimation (CTFFIND)"
    folder = "CtfFind"
    relion_type = 2
    relion_fixed = {"use_ctffind4": "Yes", "use_gctf": "No"}
    cites = ("Rohou2015",)
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
        False, "Use micrograph without dose-weighting?", help="Needs them from motion correction."
    )
    do_phaseshift: bool = Param(False, "Estimate phase shifts?", help="For data taken with a phase plate.")
    phase_min: float = Param(0, "Phase shift minimum", unit="°", when="do_phaseshift", help="Of the search.")
    phase_max: float = Param(
        180, "Phase shift maximum", unit="°", when="do_phaseshift", help="Of the search."
    )
    phase_step: float = Param(
        10, "Phase shift step", unit="°", gt=0, when="do_phaseshift", help="Of the search."
    )
    dast: float = Param(
        100, "Amount of astigmatism", unit="Å", ge=0, help="Expected; larger values are penalised."
    )
    fn_ctffind_exe: str = Param(
        "ctffind", "CTFFIND-4.1 executable", tab="CTFFIND", help="A name in PATH, or a path."
    )
    use_given_ps: bool = Param(
        False,
        "Use power spectra from MotionCorr job?",
        tab="CTFFIND",
        help="Made there with Save sum of power spectra.",
    )
    slow_search: bool = Param(
        False, "Use exhaustive search?", tab="CTFFIND", help="5 to 16 times slower, no better."
    )
    ctf_win: int = Param(
        -1, "Estimate CTF on window size", unit="px", tab="CTFFIND", help="-1: whole micrograph."
    )
    box: int = Param(512, "FFT box size", unit="px", tab="CTFFIND", ge=32, help="Size of the power spectrum.")
    resmin: float = Param(
        30, "Minimum resolution", unit="Å", tab="CTFFIND", gt=0, usual=(8, 200), help="Of the fit."
    )
    resmax: float = Param(
        5,
        "Maximum resolution",
        unit="Å",
        tab="CTFFIND",
        gt=0,
        usual=(1, 30),
        help="Above twice the pixel size.",
    )
    dfmin: float = Param(
        5000, "Minimum defocus value", unit="Å", tab="CTFFIND", usual=(100, 150000), help="Of the search."
    )
    dfmax: float = Param(
        50000, "Maximum defocus value", unit="Å", tab="CTFFIND", usual=(1000, 200000), help="Of the search."
    )
    dfstep: float = Param(500, "Defocus step size", unit="Å", tab="CTFFIND", gt=0, help="Of the search.")

    micrographs: Micrographs = Output("Micrographs with CTF", "micrographs_ctf.star")

    def check(self) -> None:
        super().check()
        self.check_above("dfmax", "dfmin")
        self.check_above("resmin", "resmax")

    def own_file(self, name: str) -> str:
        return file_of_micrograph(name, ".ctf")

    def command(self, job: JobFolder, batch: Batch | None = None) -> Command:
        args = ["--i", batch.input_file if batch else self.input_star_mics.path, "--o", job.name]
        args += ["--Box", str(self.box), "--ResMin", number(self.resmin), "--ResMax", number(self.resmax)]
        args += ["--dFMin", number(self.dfmin), "--dFMax", number(self.dfmax), "--FStep", number(self.dfstep)]
        args += ["--dAst", number(self.dast)]
        if self.use_noDW:
            args.append("--use_noDW")
        if self.do_phaseshift:
            args += [
                "--do_phaseshift",
                "--phase_min",
                number(self.phase_min),
                "--phase_max",
                number(self.phase_max),
            ]
            args += ["--phase_step", number(self.phase_step)]
        args += ["--ctffind_exe", self.fn_ctffind_exe, "--ctfWin", str(self.ctf_win), "--is_ctffind4"]
        if not self.slow_search:
            args.append("--fast_search")
        if self.use_given_ps:
            args.append("--use_given_ps")
        return call(self, "relion_run_ctffind", args, job)

    def prepare(self, job: JobFolder, batch: Batch) -> dict[str, str]:
        from cryoloom.plugins.relion.per_micrograph import write_batch

        write_batch(batch, "micrographs", batch.items, batch.optics)
        return {}

    def begin(self, job: JobFolder) -> object:
        """CTFFIND itself has to be there: RELION runs it and does not say that it is not."""
        if shutil.which(self.fn_ctffind_exe) is None:
            raise ProgramError(
                f"program {self.fn_ctffind_exe}", found="not installed, or not to be run",
                expected="CTFFIND 4.1, as fn_ctffind_exe says",
                hint="Give its path with fn_ctffind_exe=, or take ctf.estimate, which needs no other program.",
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
