"""Automatic picking: Laplacian of Gaussian, 2D templates, or a 3D reference."""

from collections.abc import Hashable, Mapping
from typing import Any

from cryoloom.em.names import file_of_micrograph
from cryoloom.plugins.relion.options.running import Mpi, call, number
from cryoloom.project.item_ids import pick_ids
from cryoloom.protocol import (
    ADVANCED,
    AUTO,
    Batch,
    BatchResult,
    ClassAverages,
    Command,
    Coordinates,
    Input,
    ItemProtocol,
    JobFolder,
    Micrographs,
    Output,
    Param,
    Rule,
    View,
    Volume,
)
from cryoloom.protocol.jobs import ITEM_ID

PICKNAME = "autopick"
GROUP = "rlnOpticsGroup"
REF3D_STEPS = ("30 degrees", "15 degrees", "7.5 degrees", "3.7 degrees", "1.8 degrees")


class AutoPick(Mpi, ItemProtocol):
    """Find particles on micrographs."""

    name = "relion.autopick"
    label = "Auto-picking"
    folder = "AutoPick"
    relion_type = 4
    cites = ("Scheres2015", "Zivanov2018")
    programs = ("relion_autopick",)
    next = ("relion.extract",)
    # Who has no references yet picks blobs.
    begins_with = {"do_log": "Yes"}
    cleaning = (Rule("figure-of-merit maps", ("*.spi",)),)
    leading = "fn_input_autopick"

    fn_input_autopick: Micrographs = Input(
        "Input micrographs for autopick",
        streams=True,
        help="With CTF for templates.",
        needs={"rlnDefocusU": "not do_log and do_ctf_autopick"},
    )
    fn_refs_autopick: ClassAverages = Input("2D references", optional=True, help="Class averages of Select.")
    do_ref3d: bool = Param(
        False, "OR: provide a 3D reference?", help="Projections of a map are the templates."
    )
    fn_ref3d_autopick: Volume = Input("3D reference", optional=True, when="do_ref3d", help="A map.")
    do_log: bool = Param(
        False, "OR: use Laplacian-of-Gaussian?", help="Finds blobs of a size; needs no reference."
    )
    ref3d_symmetry: str = Param(
        "C1", "Symmetry", tab="References", when="do_ref3d", means="symmetry", help="Of the 3D reference."
    )
    ref3d_sampling: str = Param(
        "30 degrees",
        "3D angular sampling",
        tab="References",
        choices=REF3D_STEPS,
        when="do_ref3d",
        help="Of projections.",
    )
    log_diam_min: float = Param(
        200,
        "Min. diameter for LoG filter",
        unit="Å",
        tab="Laplacian",
        gt=0,
        usual=(20, 5000),
        auto=True,
        help="Smallest blob. auto: the diameter at which dark blobs stand out most on the first micrographs.",
    )
    log_diam_max: float = Param(
        250,
        "Max. diameter for LoG filter",
        unit="Å",
        tab="Laplacian",
        gt=0,
        usual=(20, 5000),
        auto=True,
        help="Largest blob. auto: 1.3 times the smallest.",
    )
    log_invert: bool = Param(
        False, "Are the particles white?", tab="Laplacian", help="Yes for inverted micrographs."
    )
    log_maxres: float = Param(
        20, "Maximum resolution to consider", unit="Å", tab="Laplacian", gt=0, help="Low-pass filter."
    )
    log_adjust_thr: float = Param(
        0,
        "Adjust default threshold",
        unit="σ",
        tab="Laplacian",
        help="Higher: fewer picks. Relative to each micrograph.",
    )
    log_upper_thr: float = Param(
        999, "Upper threshold", unit="σ", tab="Laplacian", help="Leaves out what is too strong: ice."
    )
    lowpass: float = Param(
        20, "Lowpass filter references", unit="Å", tab="References", help="Keeps noise from matching."
    )
    highpass: float = Param(
        -1, "Highpass filter", unit="Å", tab="References", help="Of micrographs; -1: none."
    )
    angpix_ref: float = Param(
        -1, "Pixel size in references", unit="Å", tab="References", help="-1: as the micrographs."
    )
    psi_sampling_autopick: float = Param(
        5, "In-plane angular sampling", unit="°", tab="References", gt=0, help="Of templates."
    )
    do_invert_refs: bool = Param(
        True, "References have inverted contrast?", tab="References", help="Yes: white averages."
    )
    do_ctf_autopick: bool = Param(
        True, "Are References CTF corrected?", tab="References", help="Multiplies them by the CTF."
    )
    do_ignore_first_ctfpeak_autopick: bool = Param(
        False, "Ignore CTFs until first peak?", tab="References", help="As it was when they were made."
    )
    threshold_autopick: float = Param(0.05, "Picking threshold", tab="Picking", help="Lower: more picks.")
    mindist_autopick: float = Param(
        100, "Minimum inter-particle distance", unit="Å", tab="Picking", ge=0, help="Closer: one."
    )
    maxstddevnoise_autopick: float = Param(
        1.1, "Maximum stddev noise", tab="Picking", help="Avoids carbon; -1: off."
    )
    minavgnoise_autopick: float = Param(
        -999, "Minimum avg noise", tab="Picking", help="Avoids dark areas; -999: off."
    )
    shrink: float = Param(0, "Shrink factor", tab="Picking", ge=0, help="0: as the lowpass filter permits.")
    do_write_fom_maps: bool = Param(
        False,
        "Write FOM maps?",
        tab="Picking",
        help="Large files, by which thresholds can be tuned in seconds.",
    )
    do_read_fom_maps: bool = Param(
        False, "Read FOM maps?", tab="Picking", help="Pick again from maps that this job wrote before."
    )
    use_gpu: bool = Param(False, "Use GPU acceleration?", tab="Picking", help="For templates only.")
    gpu_ids: str = Param("", "Which GPUs to use", tab="Picking", when="use_gpu", help="RELION's form.")
    angpix: float = Param(
        -1, "Pixel size in micrographs", unit="Å", level=ADVANCED, help="-1: as their STAR file says."
    )
    batch_size: int = Param(
        10, "Micrographs in a batch", tab="Streaming", ge=0, own=True, help="0 waits for all."
    )

    coordinates: Coordinates = Output("Picked coordinates", f"coords_suffix_{PICKNAME}.star")

    def check(self) -> None:
        super().check()
        if self.do_log and AUTO not in self._diameters() and self.log_diam_max < self.log_diam_min:
            from cryoloom.errors import ParameterError

            raise ParameterError(
                f"{self.name}: parameter log_diam_max", found=number(self.log_diam_max),
                expected=f"at least log_diam_min, {number(self.log_diam_min)}",
            )  # fmt: skip
        if not (self.do_log or self.do_ref3d or self.fn_refs_autopick):
            from cryoloom.errors import ParameterError

            raise ParameterError(
                f"{self.name}: references",
                found="missing",
                expected="do_log=Yes, fn_refs_autopick, or do_ref3d=Yes",
            )

    def _diameters(self) -> tuple[Any, Any]:
        """As they were given, `auto` for what is to be found."""
        return self.values["log_diam_min"], self.values["log_diam_max"]

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

    def command(self, job: JobFolder, batch: Batch | None = None) -> Command:
        args = ["--i", batch.input_file if batch else self.fn_input_autopick.path]
        args += ["--odir", job.name, "--pickname", PICKNAME]
        if self.do_log:
            args += [
                "--LoG",
                "--LoG_diam_min",
                number(self.log_diam_min),
                "--LoG_diam_max",
                number(self.log_diam_max),
            ]
            args += ["--shrink", "0", "--lowpass", number(self.log_maxres)]
            args += ["--LoG_adjust_threshold", number(self.log_adjust_thr)]
            if self.log_upper_thr < 999:
                args += ["--LoG_upper_threshold", number(self.log_upper_thr)]
            if self.log_invert:
                args.append("--Log_invert")
        else:
            args += self._template_args()
        if self.do_write_fom_maps:
            args.append("--write_fom_maps")
        if self.do_read_fom_maps:
            args.append("--read_fom_maps")
        return call(self, "relion_autopick", args, job)

    def _template_args(self) -> list[str]:
        if self.do_ref3d:
            args = ["--ref", self.fn_ref3d_autopick.path, "--sym", self.ref3d_symmetry]
            args += ["--healpix_order", str(REF3D_STEPS.index(self.ref3d_sampling) + 1)]
        else:
            args = ["--ref", self.fn_refs_autopick.path]
        if self.do_invert_refs:
            args.append("--invert")
        if self.do_ctf_autopick:
            args.append("--ctf")
            if self.do_ignore_first_ctfpeak_autopick:
                args.append("--ctf_intact_first_peak")
        args += ["--ang", number(self.psi_sampling_autopick), "--shrink", number(self.shrink)]
        if self.lowpass > 0:
            args += ["--lowpass", number(self.lowpass)]
        if self.highpass > 0:
            args += ["--highpass", number(self.highpass)]
        if self.angpix > 0:
            args += ["--angpix", number(self.angpix)]
        if self.angpix_ref > 0:
            args += ["--angpix_ref", number(self.angpix_ref)]
        args += [
            "--threshold",
            number(self.threshold_autopick),
            "--min_distance",
            number(self.mindist_autopick),
        ]
        args += ["--max_stddev_noise", number(self.maxstddevnoise_autopick)]
        if self.minavgnoise_autopick > -900:
            args += ["--min_avg_noise", number(self.minavgnoise_autopick)]
        return [*args, "--gpu", self.gpu_ids] if self.use_gpu else args

    def prepare(self, job: JobFolder, batch: Batch) -> dict[str, str]:
        import polars as pl

        from cryoloom.plugins.relion.per_micrograph import write_batch

        optics = batch.optics
        if optics is not None and GROUP in optics.columns and GROUP in batch.items.columns:
            # RELION compares the pixel sizes of all groups that it is told of.
            optics = optics.filter(pl.col(GROUP).is_in(batch.items[GROUP].implode()))
        write_batch(batch, "micrographs", batch.items, optics)
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
