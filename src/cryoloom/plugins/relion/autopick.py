"""Automatic picking: Laplacian of Gaussian, 2D templates, or a 3D reference."""

from collections.abc import Hashable, Mapping
from typing import Any

from cryoloom.em.names import file_of_micrograph
from cryoloom.errors import ParameterError
from cryoloom.plugins.relion.micrograph_program import MicrographProgram
from cryoloom.plugins.relion.options.compute import OF_GPUS
from cryoloom.plugins.relion.options.helix import HelixPicked
from cryoloom.plugins.relion.options.running import number
from cryoloom.plugins.relion.options.written import place_in, positive
from cryoloom.project.item_ids import pick_ids
from cryoloom.protocol import (
    ADVANCED,
    AUTO,
    Batch,
    BatchResult,
    ClassAverages,
    Coordinates,
    Input,
    JobFolder,
    Micrographs,
    Output,
    Param,
    PickingTrial,
    Rule,
    View,
    Volume,
)
from cryoloom.protocol.jobs import ITEM_ID

PICKNAME = "autopick"
REF3D_STEPS = ("30 degrees", "15 degrees", "7.5 degrees", "3.7 degrees", "1.8 degrees")


def upper_threshold(sigma: float) -> str | None:
    """RELION's form takes 999 for none."""
    return number(sigma) if sigma < 999 else None


def average_of_noise(least: float) -> str | None:
    """RELION's form takes all below -900 for none."""
    return number(least) if least > -900 else None


class AutoPick(HelixPicked, MicrographProgram):
    """Find particles on micrographs."""

    name = "relion.autopick"
    label = "Auto-picking"
    folder = "AutoPick"
    relion_type = 4
    cites = ("Scheres2015", "Zivanov2018", OF_GPUS)
    programs = ("relion_autopick",)
    next = ("relion.extract",)
    # Who has no references yet picks blobs.
    begins_with = {"do_log": "Yes"}
    cleaning = (Rule("figure-of-merit maps", ("*.spi",)),)
    leading = "fn_input_autopick"
    writes = "--odir"

    fn_input_autopick: Micrographs = Input(
        "Input micrographs for autopick", streams=True, help="With CTF for templates.",
        needs={"rlnDefocusU": "not do_log and do_ctf_autopick"},
    )  # fmt: skip
    fn_refs_autopick: ClassAverages = Input(
        "2D references", optional=True, when="not do_log and not do_ref3d", flag="--ref",
        help="Class averages of Select.",
    )  # fmt: skip
    do_ref3d: bool = Param(
        False,
        "OR: provide a 3D reference?",
        when="not do_log",
        help="Projections of a map are the templates.",
    )
    fn_ref3d_autopick: Volume = Input(
        "3D reference", optional=True, when="not do_log and do_ref3d", flag="--ref", help="A map."
    )
    do_log: bool = Param(
        False, "OR: use Laplacian-of-Gaussian?", flag="--LoG --shrink 0",
        help="Finds blobs of a size; needs no reference.",
    )  # fmt: skip
    ref3d_symmetry: str = Param(
        "C1", "Symmetry", tab="References", when="not do_log and do_ref3d", means="symmetry", flag="--sym",
        help="Of the 3D reference.",
    )  # fmt: skip
    ref3d_sampling: str = Param(
        "30 degrees", "3D angular sampling", tab="References", choices=REF3D_STEPS, when="not do_log and do_ref3d",
        flag="--healpix_order", written=place_in(REF3D_STEPS, first=1), help="Of projections.",
    )  # fmt: skip
    log_diam_min: float = Param(
        200, "Min. diameter for LoG filter", unit="Å", tab="Laplacian", gt=0, usual=(20, 5000), auto=True,
        when="do_log", flag="--LoG_diam_min",
        help="Smallest blob. auto: the diameter at which dark blobs stand out most on the first micrographs.",
    )  # fmt: skip
    log_diam_max: float = Param(
        250, "Max. diameter for LoG filter", unit="Å", tab="Laplacian", gt=0, usual=(20, 5000), auto=True,
        when="do_log", flag="--LoG_diam_max", help="Largest blob. auto: 1.3 times the smallest.",
    )  # fmt: skip
    log_invert: bool = Param(
        False, "Are the particles white?", tab="Laplacian", when="do_log", flag="--Log_invert",
        help="Yes for inverted micrographs.",
    )  # fmt: skip
    log_maxres: float = Param(
        20, "Maximum resolution to consider", unit="Å", tab="Laplacian", gt=0, when="do_log", flag="--lowpass",
        help="Low-pass filter.",
    )  # fmt: skip
    log_adjust_thr: float = Param(
        0, "Adjust default threshold", unit="σ", tab="Laplacian", when="do_log", flag="--LoG_adjust_threshold",
        wizard=PickingTrial(of="fn_input_autopick"),
        help="Higher: fewer picks. Relative to each micrograph.",
    )  # fmt: skip
    log_upper_thr: float = Param(
        999, "Upper threshold", unit="σ", tab="Laplacian", when="do_log", flag="--LoG_upper_threshold",
        written=upper_threshold, help="Leaves out what is too strong: ice.",
    )  # fmt: skip
    lowpass: float = Param(
        20, "Lowpass filter references", unit="Å", tab="References", when="not do_log", flag="--lowpass",
        written=positive, help="Keeps noise from matching.",
    )  # fmt: skip
    highpass: float = Param(
        -1, "Highpass filter", unit="Å", tab="References", when="not do_log", flag="--highpass", written=positive,
        help="Of micrographs; -1: none.",
    )  # fmt: skip
    angpix_ref: float = Param(
        -1, "Pixel size in references", unit="Å", tab="References", when="not do_log", flag="--angpix_ref",
        written=positive, help="-1: as the references' own header says.",
    )  # fmt: skip
    particle_diameter: float = Param(
        -1, "Mask diameter", unit="Å", tab="References", when="not do_log", flag="--particle_diameter",
        written=positive, help="Circle on the templates in which they are compared; -1: RELION finds it.",
    )  # fmt: skip
    psi_sampling_autopick: float = Param(
        5, "In-plane angular sampling", unit="°", tab="References", gt=0, le=180, when="not do_log", flag="--ang",
        help="Of templates.",
    )  # fmt: skip
    do_invert_refs: bool = Param(
        True, "References have inverted contrast?", tab="References", when="not do_log", flag="--invert",
        help="Yes: white averages.",
    )  # fmt: skip
    do_ctf_autopick: bool = Param(
        True, "Are References CTF corrected?", tab="References", when="not do_log", flag="--ctf",
        help="Multiplies them by the CTF.",
    )  # fmt: skip
    do_ignore_first_ctfpeak_autopick: bool = Param(
        False, "Ignore CTFs until first peak?", tab="References", when="not do_log and do_ctf_autopick",
        flag="--ctf_intact_first_peak", help="As it was when they were made.",
    )  # fmt: skip
    threshold_autopick: float = Param(
        0.05,
        "Picking threshold",
        wizard=PickingTrial(of="fn_input_autopick"),
        tab="Picking",
        when="not do_log",
        flag="--threshold",
        help="Lower: more picks.",
    )
    mindist_autopick: float = Param(
        100, "Minimum inter-particle distance", unit="Å", tab="Picking", ge=0, flag="--min_distance",
        when="not do_log and not do_pick_helical_segments", help="Closer: one.",
    )  # fmt: skip
    maxstddevnoise_autopick: float = Param(
        1.1, "Maximum stddev noise", tab="Picking", when="not do_log", flag="--max_stddev_noise",
        help="Avoids carbon; -1: off.",
    )  # fmt: skip
    minavgnoise_autopick: float = Param(
        -999, "Minimum avg noise", tab="Picking", when="not do_log", flag="--min_avg_noise", written=average_of_noise,
        help="Avoids dark areas; -999: off.",
    )  # fmt: skip
    shrink: float = Param(
        0, "Shrink factor", tab="Picking", ge=0, when="not do_log", flag="--shrink",
        help="0: as the lowpass filter permits; 0.5 to 1 for filaments, which are lost with less.",
    )  # fmt: skip
    do_write_fom_maps: bool = Param(
        False, "Write FOM maps?", tab="Picking", flag="--write_fom_maps",
        help="Large files, by which thresholds can be tuned in seconds.",
    )  # fmt: skip
    do_read_fom_maps: bool = Param(
        False, "Read FOM maps?", tab="Picking", flag="--read_fom_maps",
        help="Pick again from maps that this job wrote before.",
    )  # fmt: skip
    use_gpu: bool = Param(
        False, "Use GPU acceleration?", tab="Picking", when="not do_log", help="For templates only."
    )
    gpu_ids: str = Param(
        "", "Which GPUs to use", tab="Picking", when="not do_log and use_gpu", flag="--gpu", written=str,
        help="RELION's form.",
    )  # fmt: skip
    angpix: float = Param(
        -1, "Pixel size in micrographs", unit="Å", level=ADVANCED, when="not do_log", flag="--angpix",
        written=positive, help="-1: as their STAR file says.",
    )  # fmt: skip
    batch_size: int = Param(
        10, "Micrographs in a batch", tab="Streaming", ge=0, own=True, help="0 waits for all."
    )

    coordinates: Coordinates = Output("Picked coordinates", f"coords_suffix_{PICKNAME}.star")

    def check(self) -> None:
        super().check()
        if self.do_log and AUTO not in self._diameters() and self.log_diam_max < self.log_diam_min:
            raise ParameterError(
                f"{self.name}: parameter log_diam_max", found=number(self.log_diam_max),
                expected=f"at least log_diam_min, {number(self.log_diam_min)}",
            )  # fmt: skip
        if self.do_log and self.use_gpu:
            raise ParameterError(
                f"{self.name}: parameter use_gpu", found="Yes, with do_log=Yes", expected="No",
                hint="RELION's Laplacian-of-Gaussian runs without a GPU.",
            )  # fmt: skip
        if self.do_log or (self.fn_ref3d_autopick if self.do_ref3d else self.fn_refs_autopick):
            return
        raise ParameterError(
            f"{self.name}: references", found="missing",
            expected="do_log=Yes, fn_refs_autopick, or do_ref3d=Yes with fn_ref3d_autopick",
        )  # fmt: skip

    def _diameters(self) -> tuple[Any, Any]:
        """As they were given, `auto` for what is to be found."""
        return self.values["log_diam_min"], self.values["log_diam_max"]

    def cited(self) -> tuple[str, ...]:
        return ("Zivanov2018",) if self.do_log else ("Scheres2015", *(OF_GPUS,) * self.use_gpu)

    def known_diameter(self) -> float | None:
        return float(self.log_diam_max) if self.do_log and AUTO not in self._diameters() else None

    def resolve_auto(self, job: JobFolder) -> dict[str, Any]:
        from cryoloom.plugins.relion.options.blob_diameters import auto_diameters

        found = auto_diameters(self, job.root, self.fn_input_autopick) if self.do_log else {}
        self.with_values(found).check()
        return found

    def own_file(self, name: str) -> str:
        return file_of_micrograph(name, f"_{PICKNAME}.star")

    def of_one_call(self, group: Mapping[str, Any]) -> Hashable:
        # RELION: "different pixel size for the different optics groups, perform autopicking separately".
        return group.get("rlnMicrographPixelSize") or group.get("rlnMicrographOriginalPixelSize")

    def gpus(self) -> str | None:
        return None if self.do_log else super().gpus()

    def files(self, job: JobFolder, batch: Batch | None) -> list[str]:
        return [*super().files(job, batch), "--pickname", PICKNAME]

    def further_words(self) -> list[str]:
        if self.do_log or not self.do_pick_helical_segments:
            return []
        return ["--min_distance", number(self.distance_of_segments())]

    def echoed(self, job: JobFolder) -> Mapping[str, str]:
        return {job.file(f"coords_suffix_{PICKNAME}.star"): self.fn_input_autopick.path}

    def prepare(self, job: JobFolder, batch: Batch) -> dict[str, str]:
        from cryoloom.plugins.relion.per_micrograph import optics_of_items, write_batch

        # RELION compares the pixel sizes of all groups that it is told of.
        write_batch(batch, "micrographs", batch.items, optics_of_items(batch))
        # RELION's node: one line that names the micrographs.
        suffix_file = job.path / f"coords_suffix_{PICKNAME}.star"
        if not suffix_file.exists():
            suffix_file.write_text(f"{self.fn_input_autopick.path}\n")
        return {}

    def collect(self, job: JobFolder, batch: Batch) -> BatchResult:
        import polars as pl

        from cryoloom import star
        from cryoloom.plugins.relion.per_micrograph import CALL_FILES
        from cryoloom.project.forms.coordinate_files import coordinate_file

        rows = []
        for item, micrograph in batch.items.select(ITEM_ID, "rlnMicrographName").iter_rows():
            file = coordinate_file(str(micrograph), f"_{PICKNAME}")
            path = batch.job.path / file
            if not path.exists():
                continue
            # RELION leaves empty files, and aborts, when a whole call found nothing: that is zero picks.
            picks = star.read(path).get("", pl.DataFrame()) if path.stat().st_size else pl.DataFrame()
            assert isinstance(picks, pl.DataFrame)
            if picks.height:
                places = picks.select("rlnCoordinateX", "rlnCoordinateY").iter_rows()
                ids = pick_ids(job.uuid, str(micrograph), places)
                star.write(path, {"": picks.with_columns(pl.Series(ITEM_ID, ids, dtype=pl.String))})
            rows.append((micrograph, job.file(file), picks.height, item))
        labels = ["rlnMicrographName", "rlnMicrographCoordinates", "cryoloomCount", ITEM_ID]
        found = pl.DataFrame(rows, schema=labels, orient="row")
        skip = CALL_FILES | {"summary.star"}
        return BatchResult({"coordinates": found}, frozenset(found[ITEM_ID].to_list()), skip_files=skip)

    def views(self, job: JobFolder) -> list[View]:
        from cryoloom.views import picks

        diameter = self.known_diameter() or 0.0
        if (job.path / "coordinates.star").exists():
            return picks.pick_views(job.file("coordinates.star"), self.fn_input_autopick.path, diameter)
        return picks.relion_pick_views(job.root, job.file("coords_suffix_autopick.star"), diameter)
