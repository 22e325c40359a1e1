"""Particle extraction, from picks or again from particles."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryoloom.em.names import file_of_micrograph
from cryoloom.errors import DatasetError, ParameterError
from cryoloom.plugins.relion.micrograph_program import MicrographProgram
from cryoloom.plugins.relion.options.diameters import HELP_BOX, auto_box, diameter_of_picks
from cryoloom.plugins.relion.options.helix import HelixExtracted
from cryoloom.project.forms.coordinate_files import suffix_of
from cryoloom.protocol import (
    ADVANCED,
    AUTO,
    Batch,
    BatchResult,
    BoxSize,
    Coordinates,
    Input,
    JobFolder,
    Micrographs,
    Output,
    Param,
    Particles,
    Rule,
    View,
)
from cryoloom.protocol.jobs import ITEM_ID

if TYPE_CHECKING:
    import polars as pl

PICKS = "picks_of_batch/"  # in a batch's shadow of the project
MICROGRAPHS = "micrographs_of_batch.star"
MICROGRAPH_PIXEL = "rlnMicrographPixelSize"


class Extract(HelixExtracted, MicrographProgram):
    """Cut particle images out of micrographs, normalise and bin them."""

    name = "relion.extract"
    label = "Particle extraction"
    folder = "Extract"
    relion_type = 5
    cites = ("Scheres2012b",)
    programs = ("relion_preprocess",)
    next = ("relion.class2d", "relion.refine3d")
    cleaning = (
        Rule("tables of single micrographs", ("*_extract.star",)),
        Rule("particle stacks", ("*",), harsh=True),
    )

    star_mics: Micrographs = Input("Micrograph STAR file", streams=True, help="With CTF parameters.")
    coords_suffix: Coordinates = Input(
        "Input coordinates", optional=True, streams=True, when="not do_reextract", help="Picks."
    )
    fndata_reextract: Particles = Input(
        "Refined particles STAR file",
        optional=True,
        when="do_reextract",
        needs=("rlnMicrographName", "rlnCoordinateX", "rlnCoordinateY"),
        help="Particles to be cut out again.",
    )
    do_reextract: bool = Param(
        False, "OR re-extract refined particles?", help="Positions come from particles."
    )
    do_reset_offsets: bool = Param(
        False, "Reset the refined offsets to zero?", when="do_reextract", flag="--reset_offsets",
        help="Take the picks, forget the shifts.",
    )  # fmt: skip
    do_recenter: bool = Param(
        False, "OR: re-center refined coordinates?", when="do_reextract", flag="--recenter",
        help="Move the boxes to the refined centres.",
    )  # fmt: skip
    recenter_x: float = Param(
        0, "Recenter on X", unit="px", when="do_reextract and do_recenter", flag="--recenter_x",
        help="A point of the reference.",
    )  # fmt: skip
    recenter_y: float = Param(
        0, "Recenter on Y", unit="px", when="do_reextract and do_recenter", flag="--recenter_y",
        help="A point of the reference.",
    )  # fmt: skip
    recenter_z: float = Param(
        0, "Recenter on Z", unit="px", when="do_reextract and do_recenter", flag="--recenter_z",
        help="A point of the reference.",
    )  # fmt: skip
    extract_size: int = Param(
        128, "Particle box size", unit="px", tab="Extract", gt=0, auto=True, flag="--extract --extract_size",
        wizard=BoxSize(of="coords_suffix", micrographs="star_mics"),
        help=f"In micrograph pixels. {HELP_BOX}",
    )  # fmt: skip
    do_invert: bool = Param(
        True, "Invert contrast?", tab="Extract", flag="--invert_contrast", help="Particles become white."
    )
    do_norm: bool = Param(
        True, "Normalize particles?", tab="Extract", flag="--norm", help="Background: mean 0, deviation 1."
    )
    bg_diameter: float = Param(
        -1, "Diameter background circle", unit="px", tab="Extract", when="do_norm",
        help="-1: three quarters of the box.",
    )  # fmt: skip
    white_dust: float = Param(
        -1, "Stddev for white dust removal", tab="Extract", level=ADVANCED, when="do_norm", flag="--white_dust",
        help="-1: none.",
    )  # fmt: skip
    black_dust: float = Param(
        -1, "Stddev for black dust removal", tab="Extract", level=ADVANCED, when="do_norm", flag="--black_dust",
        help="-1: none.",
    )  # fmt: skip
    do_rescale: bool = Param(False, "Rescale particles?", tab="Extract", help="Bin them.")
    rescale: int = Param(
        128, "Re-scaled size", unit="px", tab="Extract", gt=0, when="do_rescale", flag="--scale",
        help="An even number.",
    )  # fmt: skip

    particles: Particles = Output("Extracted particles", "particles.star")

    def check(self) -> None:
        super().check()
        wanted = "fndata_reextract" if self.do_reextract else "coords_suffix"
        if not self.given[wanted]:
            kind = self.inputs[wanted].kind.kind
            raise ParameterError(
                f"{self.name}: input {wanted}", found="missing", expected=f"a dataset of kind {kind}",
                hint=f"Give it as {wanted}=JOB.",
            )  # fmt: skip
        if self.do_reextract and self.do_reset_offsets and self.do_recenter:
            raise ParameterError(
                f"{self.name}: parameter do_reset_offsets", found="Yes, with do_recenter=Yes", expected="one of them Yes",
                hint="What is forgotten cannot be recentred on.",
            )  # fmt: skip
        for name, size in (
            ("extract_size", self.extract_size),
            ("rescale", self.rescale if self.do_rescale else 2),
        ):
            if not isinstance(size, str) and size % 2:
                raise ParameterError(
                    f"{self.name}: parameter {name}", found=str(size), expected="an even number"
                )
        if self.values["extract_size"] == AUTO:
            return  # the job looks again when it knows it
        if self.do_rescale and self.rescale > self.extract_size:
            raise ParameterError(
                f"{self.name}: parameter rescale", found=str(self.rescale),
                expected=f"at most extract_size, {self.extract_size}",
            )  # fmt: skip

    def check_auto(self, root: Path) -> None:
        picks = self.fndata_reextract if self.do_reextract else self.coords_suffix
        # Of a job that is only planned nothing can be said yet.
        if self.values["extract_size"] == AUTO and (root / picks.job).is_dir():
            diameter_of_picks(self, root, picks)

    def resolve_auto(self, job: JobFolder) -> dict[str, Any]:
        picks = self.fndata_reextract if self.do_reextract else self.coords_suffix
        found = auto_box(self, job.root, self.star_mics, picks)
        self.with_values(found).check()
        return found

    def check_contents(self, root: Path, there: Mapping[str, Path]) -> None:
        if self.do_reextract and {"fndata_reextract", "star_mics"} <= set(there):
            from cryoloom.plugins.relion.options.movies_of import check_same_pixels

            check_same_pixels(self, "star_mics", there["fndata_reextract"], there["star_mics"])

    def leading_input(self) -> str:
        return "fndata_reextract" if self.do_reextract else "coords_suffix"

    def join_labels(self) -> Mapping[str, str]:
        return {"star_mics": "rlnMicrographName"}

    def together(self) -> str:
        # RELION writes a micrograph's particles into one stack, in one go.
        return "rlnMicrographName" if self.do_reextract else ""

    def own_file(self, name: str) -> str:
        return "" if self.do_reextract else file_of_micrograph(name, ".mrcs")

    def batch_limit(self) -> int:
        return 0 if self.do_reextract else self.batch_size

    def files(self, job: JobFolder, batch: Batch | None) -> list[str]:
        if self.do_reextract:
            read = ["--i", batch.job.file(MICROGRAPHS) if batch else self.star_mics.path]
            read += ["--reextract_data_star", batch.input_file if batch else self.fndata_reextract.path]
        else:
            read = ["--i", batch.input_file if batch else self.star_mics.path]
            # A batch has its own coordinate files, without the picks that would end RELION's whole call.
            folder = self.coords_suffix.path.rpartition("/")[0]
            read += ["--coord_dir", PICKS if batch else f"{folder}/"]
            read += ["--coord_suffix", f"{suffix_of(self.coords_suffix.path)}.star"]
        return [*read, "--part_star", job.file("particles.star"), "--part_dir", job.name]

    def further_words(self) -> list[str]:
        """The circle beyond which the background is, in pixels of the particles."""
        if not self.do_norm:
            return []
        size = self.rescale if self.do_rescale else self.extract_size
        if self.values["extract_size"] == AUTO:
            return ["--bg_radius", AUTO]
        diameter = self.bg_diameter if self.bg_diameter >= 0 else 0.75 * self.extract_size
        return ["--bg_radius", str(int(diameter / 2 * size / self.extract_size))]

    def echoed(self, job: JobFolder) -> Mapping[str, str]:
        return {job.file("coords_suffix_extract.star"): self.star_mics.path} if self.do_reextract else {}

    def prepare(self, job: JobFolder, batch: Batch) -> dict[str, str]:
        from cryoloom.plugins.relion import cutting

        shifts = cutting.Shifts(self.do_reset_offsets, self.do_recenter, self._recentre_on())
        if self.do_reextract:
            return cutting.prepare_particles(batch, job.file(MICROGRAPHS), self.extract_size, shifts)
        choose = cutting.whole_picks(self.extract_size)
        if self.do_extract_helix:
            from cryoloom.plugins.relion import filaments

            choose = filaments.ends_to_cut if self.do_extract_helical_tubes else filaments.segments_to_cut
        return cutting.prepare_picks(batch, PICKS, suffix_of(self.coords_suffix.path), choose)

    def _recentre_on(self) -> tuple[float, float, float]:
        return self.recenter_x, self.recenter_y, self.recenter_z

    def process(self, job: JobFolder, batch: Batch) -> BatchResult | None:
        """Micrographs without a pick that can be cut need no program."""
        from cryoloom.plugins.relion import cutting

        if self.do_reextract or cutting.without_picks(batch, PICKS) < set(
            batch.partners["star_mics"].values()
        ):
            return None
        remarks = cutting.left_out(batch, PICKS, self._what_is_picked())
        return BatchResult({}, frozenset(batch.items[ITEM_ID].to_list()), remarks=remarks)

    def _what_is_picked(self) -> str:
        if not self.do_extract_helix:
            return "pick"
        return "filament" if self.do_extract_helical_tubes else "segment"

    def collect(self, job: JobFolder, batch: Batch) -> BatchResult:
        from cryoloom.plugins.relion import boxes_cut, cutting
        from cryoloom.plugins.relion.per_micrograph import CALL_FILES, read_batch

        if self.do_extract_helix and not self.do_reextract:
            return self._collect_segments(batch)
        rows, optics = read_batch(batch.job.path / "particles.star", "particles")
        skip = CALL_FILES | {"particles.star", MICROGRAPHS}
        why = boxes_cut.boxes_without_image(batch.job.root, rows)
        lost, rows = rows.with_columns(why.alias("why")).filter(why != ""), rows.filter(why == "")
        if self.do_reextract:
            # prepare() wrote the ids into RELION's input, and RELION carries them through.
            rows = cutting.beside_earlier_stacks(job, batch, rows)
            optics, rows = cutting.with_pixels_of_partners(optics, rows, batch)
            failed = {
                str(item): f"its box is an image {words}"
                for item, words in lost.select(ITEM_ID, "why").iter_rows()
            }
            return BatchResult({"particles": rows}, frozenset(rows[ITEM_ID].to_list()), failed, optics, skip)
        optics = with_micrograph_pixels(optics, batch.side_optics.get("star_mics"))
        remarks = [
            *cutting.left_out(batch, PICKS, self._what_is_picked()),
            *boxes_cut.remarks_on(lost, lost["why"]),
        ]
        names = batch.items["rlnMicrographName"].to_list()
        own = batch.partners["star_mics"]
        present = set(rows["rlnMicrographName"].to_list())
        without = cutting.without_picks(batch, PICKS)
        empty = {str(name): str(words) for name, words in lost.select("rlnMicrographName", "why").iter_rows()}
        failed = {
            item: f"each of its boxes is an image {empty[own[str(name)]]}"
            for item, name in zip(batch.items[ITEM_ID].to_list(), names, strict=True)
            if own[str(name)] in empty and own[str(name)] not in present
        }
        done = frozenset(
            item
            for item, name in zip(batch.items[ITEM_ID].to_list(), names, strict=True)
            if own[str(name)] in present | without
        )
        return BatchResult({"particles": rows}, done, failed, optics, skip, remarks)

    def nothing(self, job: JobFolder, things: int) -> str:
        if not things:
            return "particles: none, and that is what the picks say: there is none on any micrograph."
        raise DatasetError(
            f"{self.name}: output particles", found=f"empty: not one of {things} picks could be cut out",
            expected="particles", hint=f"Why each was left out: cryoloom log {job.name.rstrip('/')}",
        )  # fmt: skip

    def _collect_segments(self, batch: Batch) -> BatchResult:
        """Segments of filaments; a micrograph may come to none, since RELION cuts whole boxes only."""
        from cryoloom.plugins.relion import boxes_cut, cutting, filaments
        from cryoloom.plugins.relion.per_micrograph import CALL_FILES, is_without_rows, read_batch

        file = batch.job.path / "particles.star"
        given = cutting.picks_given(batch, PICKS, suffix_of(self.coords_suffix.path))
        lost = filaments.lost_filaments if self.do_extract_helical_tubes else filaments.lost_segments
        remarks = cutting.left_out(batch, PICKS, self._what_is_picked())
        done = frozenset(batch.items[ITEM_ID].to_list())
        if is_without_rows(file, "particles"):
            return BatchResult({}, done, remarks=[*remarks, *lost(None, given)])
        rows, optics = read_batch(file, "particles")
        remarks += lost(rows, given)
        why = boxes_cut.boxes_without_image(batch.job.root, rows)
        remarks += boxes_cut.remarks_on(rows, why)
        rows = rows.filter(why == "")
        if self.do_extract_helical_tubes:
            rows = filaments.with_ids_of_segments(rows, given, are_cut=self.do_cut_into_segments)
        optics = with_micrograph_pixels(optics, batch.side_optics.get("star_mics"))
        skip = CALL_FILES | {"particles.star", MICROGRAPHS}
        return BatchResult({"particles": rows}, done, {}, optics, skip, remarks)

    def views(self, job: JobFolder) -> list[View]:
        from cryoloom.views import particles

        return particles.particle_views(job.file("particles.star"))


def with_micrograph_pixels(optics: "pl.DataFrame", micrographs: "pl.DataFrame | None") -> "pl.DataFrame":
    """The particles' optics with the pixel size that their coordinates count.

    RELION leaves only that of the movies, which is another one where motion correction has binned;
    positions could then not be compared between sets.
    """
    from cryoloom.em.optics import with_columns_of

    return optics if micrographs is None else with_columns_of(optics, micrographs, [MICROGRAPH_PIXEL])
