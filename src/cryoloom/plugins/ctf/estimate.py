"""CTF estimation without an outside program."""

from collections.abc import Callable

from cryoloom.em.names import file_of_micrograph
from cryoloom.errors import CryoloomError
from cryoloom.project.paths import inside
from cryoloom.protocol import (
    Batch,
    BatchResult,
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


class CtfEstimate(ItemProtocol):
    """Fit defocus and astigmatism of each micrograph; needs no other program."""

    name = "ctf.estimate"
    label = "CTF estimation"
    folder = "CtfFind"
    cites = ("Rohou2015",)
    next = ("sets.filter", "relion.autopick")
    cleaning = (Rule("power spectra of single micrographs", ("*",)),)
    leading = "input_star_mics"

    input_star_mics: Micrographs = Input(
        "Input micrographs", streams=True, help="Aligned micrographs.",
        needs=(
            "optics:rlnVoltage", "optics:rlnSphericalAberration", "optics:rlnAmplitudeContrast",
            "optics:rlnMicrographPixelSize|rlnMicrographOriginalPixelSize",
        ),
    )  # fmt: skip
    use_noDW: bool = Param(
        False, "Use micrograph without dose-weighting?", help="Needs them from motion correction."
    )
    use_given_ps: bool = Param(
        False, "Use power spectra from motion correction?", when="not use_noDW",
        help="Of the sums of frames that it saves with do_save_ps: rings are not damped by what moved meanwhile.",
    )  # fmt: skip
    resmin: float = Param(
        30, "Minimum resolution", unit="Å", gt=0, usual=(8, 200), help="Where the fit begins."
    )
    resmax: float = Param(5, "Maximum resolution", unit="Å", gt=0, usual=(1, 30), help="Where the fit ends.")
    dfmin: float = Param(5000, "Minimum defocus value", unit="Å", usual=(100, 150000), help="Of the search.")
    dfmax: float = Param(
        50000, "Maximum defocus value", unit="Å", usual=(1000, 200000), help="Of the search."
    )
    do_phaseshift: bool = Param(False, "Estimate phase shifts?", help="For data taken with a phase plate.")
    batch_size: int = Param(
        1, "Micrographs in a batch", tab="Streaming", ge=0, own=True, help="0 waits for all."
    )

    micrographs: Micrographs = Output("Micrographs with CTF", "micrographs_ctf.star")

    def check(self) -> None:
        super().check()
        self.check_above("dfmax", "dfmin")
        self.check_above("resmin", "resmax")

    def own_file(self, name: str) -> str:
        return file_of_micrograph(name, ".ctf")

    def process(self, job: JobFolder, batch: Batch) -> BatchResult:
        import polars as pl

        rows, failed = [], {}
        label, lacks = self._read()
        for row in batch.items.iter_rows(named=True):
            if not row.get(label):
                failed[row[ITEM_ID]] = f"{lacks}; motion correction saves it on request"
                continue
            try:
                rows.append(row | self._fit(job, batch, row, str(row[label])))
            except (CryoloomError, OSError) as error:
                failed[row[ITEM_ID]] = str(error)
        if not rows:
            return BatchResult({}, frozenset(), failed)
        frame = pl.DataFrame(rows)
        frame = frame.select(*(name for name in frame.columns if name != ITEM_ID), ITEM_ID)
        return BatchResult({"micrographs": frame}, frozenset(frame[ITEM_ID].to_list()), failed, batch.optics)

    def _read(self) -> tuple[str, str]:
        """The label of what is fitted, and what is to be said where it is not there."""
        if self.use_given_ps and not self.use_noDW:
            return "rlnCtfPowerSpectrum", "no power spectrum (do_save_ps)"
        if self.use_noDW:
            return "rlnMicrographNameNoDW", "no micrograph without dose-weighting (do_save_noDW)"
        return "rlnMicrographName", "no micrograph"

    def _fit(self, job: JobFolder, batch: Batch, row: dict[str, object], name: str) -> dict[str, object]:
        import numpy as np

        from cryoloom.errors import DatasetError
        from cryoloom.images.headers import read_header
        from cryoloom.images.mrc import read_mrc
        from cryoloom.plugins.ctf.ctffind_files import write_ctffind_files
        from cryoloom.plugins.ctf.fit import CtfFit, check_fit, estimate_ctf, estimate_ctf_of_spectrum

        assert batch.optics is not None
        group = batch.optics.filter(batch.optics["rlnOpticsGroup"] == row["rlnOpticsGroup"]).to_dicts()[0]
        angpix = group.get("rlnMicrographPixelSize") or group["rlnMicrographOriginalPixelSize"]
        voltage, cs, contrast = (
            group["rlnVoltage"],
            group["rlnSphericalAberration"],
            group["rlnAmplitudeContrast"],
        )
        image = np.asarray(read_mrc(job.root / name), dtype=np.float32)
        if image.ndim == 3 and image.shape[0] == 1:
            image = image[0]
        if image.ndim != 2:
            raise DatasetError(f"{name}", found=f"{image.ndim} dimensions", expected="a micrograph, with two")
        estimate: Callable[..., CtfFit] = estimate_ctf
        if self._read()[0] == "rlnCtfPowerSpectrum":
            # Its box may be of other pixels than the micrograph.
            estimate, angpix = estimate_ctf_of_spectrum, read_header(job.root / name).angpix or angpix
        fit = estimate(
            image, angpix=angpix, voltage_kv=voltage, cs_mm=cs, amplitude_contrast=contrast, min_res=self.resmin,
            max_res=self.resmax, min_defocus=self.dfmin, max_defocus=self.dfmax, find_phase_shift=self.do_phaseshift,
        )  # fmt: skip
        check_fit(fit, min_defocus=self.dfmin, max_defocus=self.dfmax, find_phase_shift=self.do_phaseshift)
        below = self.own_file(str(row["rlnMicrographName"]))
        target = inside(batch.job.path, below)
        target.parent.mkdir(parents=True, exist_ok=True)
        write_ctffind_files(
            target, fit, angpix=angpix, voltage_kv=voltage, cs_mm=cs, amplitude_contrast=contrast, source=name
        )
        found: dict[str, object] = {
            "rlnCtfImage": f"{job.file(below)}:mrc",
            "rlnDefocusU": round(fit.defocus_u, 2),
            "rlnDefocusV": round(fit.defocus_v, 2),
            "rlnCtfAstigmatism": round(fit.defocus_u - fit.defocus_v, 2),
            "rlnDefocusAngle": round(fit.angle_deg, 3),
            "rlnCtfFigureOfMerit": round(fit.score, 5),
            "rlnCtfMaxResolution": round(fit.resolution, 3),
        }
        if self.do_phaseshift:
            found["rlnPhaseShift"] = round(fit.phase_shift_deg, 3)
        return found

    def views(self, job: JobFolder) -> list[View]:
        from cryoloom.views import ctf

        return ctf.ctf_views(job.file("micrographs_ctf.star"))
