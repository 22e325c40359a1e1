"""Motion correction by RELION's own implementation, or by MotionCor2."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryoloom.em.names import micrograph_of_movie
from cryoloom.errors import ParameterError
from cryoloom.plugins.relion.micrograph_program import MicrographProgram
from cryoloom.plugins.relion.options import patches
from cryoloom.plugins.relion.options.running import Threads
from cryoloom.plugins.relion.options.written import above_one, handed_on, place_in
from cryoloom.protocol import (
    ADVANCED,
    AUTO,
    Batch,
    BatchResult,
    GainOrientation,
    Input,
    JobFolder,
    Micrographs,
    Movies,
    Output,
    Param,
    Rule,
    Varied,
    View,
)
from cryoloom.protocol.jobs import ITEM_ID, Remark

ROTATIONS = ("No rotation (0)", "90 degrees (1)", "180 degrees (2)", "270 degrees (3)")
FLIPS = ("No flipping (0)", "Flip upside down (1)", "Flip left to right (2)")

# What travels in the movies' optics table, and what stands for it where nothing does.
TRAVELLING: dict[str, tuple[str, Any]] = {
    "fn_gain_ref": ("cryoloomGainFile", ""),
    "gain_rot": ("cryoloomGainRotation", 0),
    "gain_flip": ("cryoloomGainFlip", 0),
    "fn_defect": ("cryoloomDefectFile", ""),
    "dose_per_frame": ("cryoloomDosePerFrame", 1.0),
}


class MotionCorr(Threads, MicrographProgram):
    """Align the frames of each movie and add them up, weighted by dose."""

    name = "relion.motioncorr"
    label = "Motion correction"
    folder = "MotionCorr"
    relion_type = 1
    cleaning = (
        Rule("logs of single movies", ("*.com", "*.err", "*.out", "*.log")),
        Rule("corrected micrographs and all else of single movies", ("*",), harsh=True),
    )
    cites = ("Zivanov2019", "Zheng2017")
    programs = ("relion_run_motioncorr",)
    next = ("ctf.estimate", "relion.ctffind")
    leading = "input_star_mics"

    input_star_mics: Movies = Input("Input movies STAR file", streams=True, help="Imported movies.")
    first_frame_sum: int = Param(
        1, "First frame for corrected sum", ge=1, flag="--first_frame_sum", help="Counted from 1."
    )
    last_frame_sum: int = Param(
        -1, "Last frame for corrected sum", ge=-1, flag="--last_frame_sum", help="-1 or 0: the last."
    )
    dose_per_frame: float = Param(
        AUTO, "Dose per frame", unit="e/Å²", gt=0, flag="--dose_per_frame",
        help="auto: as it came with the movies, else 1.",
    )  # fmt: skip
    pre_exposure: float = Param(
        0, "Pre-exposure", unit="e/Å²", ge=0, flag="--preexposure", help="Dose before the first frame."
    )
    eer_grouping: int = Param(
        32, "EER fractionation", ge=1, flag="--eer_grouping", help="Hardware frames that make one frame."
    )
    do_dose_weighting: bool = Param(
        True,
        "Do dose-weighting?",
        flag="--dose_weighting",
        help="Late frames count less at high frequencies.",
    )
    do_save_noDW: bool = Param(
        False, "Save non-dose weighted as well?", when="do_dose_weighting", flag="--save_noDW",
        help="For CTF estimation on them.",
    )  # fmt: skip
    do_save_ps: bool = Param(
        False,
        "Save sum of power spectra?",
        help="For CTFFIND; made from sums of some frames. Not by MotionCor2.",
    )
    group_for_ps: float = Param(
        4, "Sum power spectra every", unit="e/Å²", gt=0, when="do_save_ps", help="Dose of the frames that are summed."
    )  # fmt: skip
    bfactor: float = Param(
        150, "Bfactor", unit="Å²", tab="Motion", ge=0, flag="--bfactor", help="10 to 30 for small movies."
    )
    patch_x: int = Param(
        1, "Number of patches X", tab="Motion", ge=1, auto=True, flag="--patch_x",
        help="Local motion is followed in each: 1, or 3 and more, of 200 px at least; auto: as suits all optics groups.",
    )  # fmt: skip
    patch_y: int = Param(
        1, "Number of patches Y", tab="Motion", ge=1, auto=True, flag="--patch_y",
        help="Local motion is followed in each: 1, or 3 and more, of 200 px at least; auto: as suits all optics groups.",
    )  # fmt: skip
    group_frames: int = Param(
        1, "Group frames", tab="Motion", ge=1, flag="--group_frames", written=above_one,
        help="Averages of so many are aligned; for low dose.",
    )  # fmt: skip
    bin_factor: float = Param(
        1, "Binning factor", tab="Motion", ge=1, flag="--bin_factor", help="2 for super-resolution movies."
    )
    fn_gain_ref: str = Param(
        AUTO, "Gain-reference image", tab="Motion", means="file", flag="--gainref",
        help="auto: as it came with the movies.",
    )  # fmt: skip
    gain_rot: str = Param(
        AUTO, "Gain rotation", tab="Motion", choices=ROTATIONS, when="fn_gain_ref", flag="--gain_rot",
        written=place_in(ROTATIONS), wizard=GainOrientation(of="input_star_mics", gain="fn_gain_ref"),
        help="auto: as it came with the movies; of a file given here: none.",
    )  # fmt: skip
    gain_flip: str = Param(
        AUTO, "Gain flip", tab="Motion", choices=FLIPS, when="fn_gain_ref", flag="--gain_flip",
        written=place_in(FLIPS), wizard=GainOrientation(of="input_star_mics", gain="fn_gain_ref"),
        help="After the rotation; auto: as it came with the movies; of a file given here: none.",
    )  # fmt: skip
    fn_defect: str = Param(
        AUTO, "Defect file", tab="Motion", level=ADVANCED, means="file", flag="--defect_file",
        help="Bad pixels; auto: as it came with the movies.",
    )  # fmt: skip
    do_own_motioncor: bool = Param(
        True, "Use RELION's own implementation?", tab="Motion", flag="--use_own", flag_off="--use_motioncor2",
        help="No: MotionCor2, which you have to have.",
    )  # fmt: skip
    fn_motioncor2_exe: str = Param(
        "MotionCor2", "MOTIONCOR2 executable", tab="Motion", when="not do_own_motioncor", means="program",
        flag="--motioncor2_exe", help="A name in PATH, or a path.",
    )  # fmt: skip
    gpu_ids: str = Param(
        "0", "Which GPUs to use", tab="Motion", when="not do_own_motioncor", flag="--gpu", written=str,
        help="For MotionCor2; RELION's form: `:` between ranks.",
    )  # fmt: skip
    other_motioncor2_args: str = Param(
        "", "Other MOTIONCOR2 arguments", tab="Motion", level=ADVANCED, when="not do_own_motioncor",
        flag="--other_motioncor2_args", written=handed_on,
        help="Go to MotionCor2 as they are, after those that RELION gives it.",
    )  # fmt: skip
    nr_threads: int = Varied(Threads.nr_threads, when="do_own_motioncor")
    batch_size: int = Param(
        1, "Movies in a batch", tab="Streaming", ge=0, own=True, help="0 waits for all; more than 1 saves little."
    )  # fmt: skip

    micrographs: Micrographs = Output("Aligned micrographs", "corrected_micrographs.star")

    def check(self) -> None:
        super().check()
        if not self.do_own_motioncor:
            self._check_motioncor2()
            return
        # One that is auto comes to what suits the other.
        known = [count for count in (self.values["patch_x"], self.values["patch_y"]) if count != AUTO]
        if known and max(known) > 1 and min(known) < patches.FEWEST:
            raise ParameterError(
                f"{self.name}: parameters patch_x and patch_y", found=f"{self.patch_x} x {self.patch_y}, without effect",
                expected=f"1 x 1, or {patches.FEWEST} x {patches.FEWEST} and more",
                hint="With fewer patches RELION follows no local motion.",
            )  # fmt: skip

    def _check_motioncor2(self) -> None:
        if self.do_save_ps:
            raise ParameterError(
                f"{self.name}: parameter do_save_ps", found="Yes, with MotionCor2",
                expected="No: MotionCor2 makes no sums of power spectra", hint="Or do_own_motioncor=Yes, RELION's own.",
            )  # fmt: skip

    def cited(self) -> tuple[str, ...]:
        return ("Zivanov2019",) if self.do_own_motioncor else ("Zheng2017",)

    def gpus(self) -> str | None:
        return None if self.do_own_motioncor else self.gpu_ids

    def auto_of_group(self, group: Mapping[str, Any]) -> Mapping[str, Any]:
        """Gain, defects and dose as they came with the movies of one optics group."""
        found = {}
        for name, (label, default) in TRAVELLING.items():
            if self.values[name] != AUTO:
                continue
            # How a gain lies goes with its file: another one lies as the user says.
            lies = name in ("gain_rot", "gain_flip")
            value = default if lies and self.values["fn_gain_ref"] != AUTO else group.get(label, default)
            value = default if value in (None, "None", "") else value
            menu = {"gain_rot": ROTATIONS, "gain_flip": FLIPS}.get(name)
            found[name] = menu[int(value)] if menu else value
        return found

    def resolve_auto(self, job: JobFolder) -> dict[str, Any]:
        return patches.auto_patches(self, job.root, self.input_star_mics)

    def own_file(self, name: str) -> str:
        return micrograph_of_movie("", name)

    def further_words(self) -> list[str]:
        if not self.do_save_ps:
            return []
        if self.values["dose_per_frame"] == AUTO:
            return ["--grouping_for_ps", AUTO]
        return ["--grouping_for_ps", str(max(1, round(self.group_for_ps / self.dose_per_frame)))]

    def prepare(self, job: JobFolder, batch: Batch) -> dict[str, str]:
        from cryoloom.errors import ImageError
        from cryoloom.images.headers import read_header
        from cryoloom.plugins.relion.per_micrograph import write_batch

        refused = {}
        # RELION corrects a truncated movie without a word, and one missing movie ends its whole call.
        for item, name in batch.items.select(ITEM_ID, "rlnMicrographMovieName").iter_rows():
            try:
                read_header(job.root / name)
            except (ImageError, OSError) as error:
                refused[item] = str(error)
        kept = batch.items.filter([item not in refused for item in batch.items[ITEM_ID].to_list()])
        if kept.height:
            write_batch(batch, "movies", kept, batch.optics)
        return refused

    def collect(self, job: JobFolder, batch: Batch) -> BatchResult:
        import polars as pl

        from cryoloom.plugins.relion import per_micrograph

        rows, optics = per_micrograph.read_batch(batch.job.path / "corrected_micrographs.star", "micrographs")
        optics = per_micrograph.with_optics_of_input(optics, batch.optics)
        movies = {
            str(movie): item
            for item, movie in batch.items.select(ITEM_ID, "rlnMicrographMovieName").iter_rows()
        }
        # RELION's own words say which movie a micrograph is of: its name is made by rules that may change.
        ids = {
            str(name): movies.get(_movie_of(batch.job.root / str(metadata)), "")
            for name, metadata in rows.select("rlnMicrographName", "rlnMicrographMetadata").iter_rows()
        }
        present = per_micrograph.ids_by_name(rows, "rlnMicrographName", ids).rows["micrographs"]
        names = present["rlnMicrographName"].to_list()
        present = present.filter(
            pl.Series([(batch.job.root / str(name)).exists() for name in names], dtype=pl.Boolean)
        )
        failed = {
            item: why
            for item, name in present.select(ITEM_ID, "rlnMicrographName").iter_rows()
            if (why := _without_picture(batch.job.root / str(name), str(name)))
        }
        present = present.filter(~pl.col(ITEM_ID).is_in([*failed]))
        skip = per_micrograph.CALL_FILES | {"corrected_micrographs.star", "corrected_micrographs_*.eps"}
        done = frozenset(present[ITEM_ID].to_list())
        remarks = self._of_small_patches(batch)
        return BatchResult({"micrographs": present}, done, failed, optics, skip, remarks)

    def _of_small_patches(self, batch: Batch) -> list[Remark]:
        """What is to be said of movies whose patches hold too little to be aligned by."""
        from cryoloom.errors import ImageError
        from cryoloom.images.headers import read_header

        if not self.do_own_motioncor or max(self.patch_x, self.patch_y) == 1:
            return []
        found = []
        for name in batch.items["rlnMicrographMovieName"].to_list():
            try:
                x, y = read_header(batch.job.root / str(name)).size
            except (ImageError, OSError):
                continue  # it has failed, with its reason
            if min(x // self.patch_x, y // self.patch_y) < patches.SMALLEST_PX:
                few = [size // patches.SMALLEST_PX for size in (x, y)]
                better = f"at most {few[0]} x {few[1]} suit" if min(few) >= patches.FEWEST else "1 x 1 suits"
                px = f"{x // self.patch_x} x {y // self.patch_y} px"
                words = (
                    f"its {self.patch_x} x {self.patch_y} patches have {px}; in less than {patches.SMALLEST_PX} px "
                    f"noise is followed and no motion: {better} this movie"
                )
                found.append(Remark(str(name), words))
        return found

    def views(self, job: JobFolder) -> list[View]:
        from cryoloom.views import motion

        return motion.motion_views(job.name)


def _without_picture(path: Path, name: str) -> str:
    """Why a corrected micrograph is none, "" where it is one: RELION sums nan and black frames without a word."""
    from math import isfinite

    from cryoloom.images.misread import range_of

    low, high = range_of(path)
    if not (isfinite(low) and isfinite(high)):
        return f"{name} has pixels that are no numbers (nan or infinite): those of its movie, or of the gain reference"
    if low == high:
        return f"{name} has {low:g} in every pixel: its movie is empty, or the gain reference is"
    return ""


def _movie_of(metadata: Path) -> str:
    """The movie that RELION corrected, as the micrograph's own STAR file says."""
    from cryoloom import star

    general = star.read(metadata, ["general"], optional=True).get("general")
    if isinstance(general, dict):
        return str(general.get("rlnMicrographMovieName", ""))
    return ""
