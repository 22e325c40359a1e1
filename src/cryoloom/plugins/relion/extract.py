"""Particle extraction, from picks or again from particles."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from cryoloom.errors import ParameterError
from cryoloom.plugins.relion.options.running import Mpi, call, number
from cryoloom.protocol import (
    ADVANCED,
    Batch,
    BatchResult,
    Block,
    Command,
    Coordinates,
    Input,
    ItemProtocol,
    JobFolder,
    Micrographs,
    Output,
    Param,
    Particles,
)
from cryoloom.protocol.jobs import ITEM_ID

if TYPE_CHECKING:
    import polars as pl

MICROGRAPH_PIXEL = "rlnMicrographPixelSize"


class Extract(Mpi, ItemProtocol):
    """Cut particle images out of micrographs, normalise and bin them."""

    name = "relion.extract"
    label = "Particle extraction"
    folder = "Extract"
    relion_type = 5
    cites = ("Scheres2012b",)
    programs = ("relion_preprocess",)
    next = ("relion.class2d", "relion.refine3d")

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
        False,
        "Reset the refined offsets to zero?",
        when="do_reextract",
        help="Take the picks, forget the shifts.",
    )
    do_recenter: bool = Param(
        False,
        "OR: re-center refined coordinates?",
        when="do_reextract",
        help="Move the boxes to the refined centres.",
    )
    recenter_x: float = Param(
        0, "Recenter on X", unit="px", when="do_recenter", help="A point of the reference."
    )
    recenter_y: float = Param(
        0, "Recenter on Y", unit="px", when="do_recenter", help="A point of the reference."
    )
    recenter_z: float = Param(
        0, "Recenter on Z", unit="px", when="do_recenter", help="A point of the reference."
    )
    extract_size: int = Param(
        128, "Particle box size", unit="px", tab="Extract", gt=0, help="In micrograph pixels."
    )
    do_invert: bool = Param(True, "Invert contrast?", tab="Extract", help="Particles become white.")
    do_norm: bool = Param(
        True, "Normalize particles?", tab="Extract", help="Background: mean 0, deviation 1."
    )
    bg_diameter: float = Param(
        -1,
        "Diameter background circle",
        unit="px",
        tab="Extract",
        when="do_norm",
        help="-1: three quarters of the box.",
    )
    white_dust: float = Param(
        -1, "Stddev for white dust removal", tab="Extract", level=ADVANCED, help="-1: none."
    )
    black_dust: float = Param(
        -1, "Stddev for black dust removal", tab="Extract", level=ADVANCED, help="-1: none."
    )
    do_rescale: bool = Param(False, "Rescale particles?", tab="Extract", help="Bin them.")
    rescale: int = Param(
        128, "Re-scaled size", unit="px", tab="Extract", gt=0, when="do_rescale", help="An even number."
    )

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
        for name, size in (
            ("extract_size", self.extract_size),
            ("rescale", self.rescale if self.do_rescale else 2),
        ):
            if size % 2:
                raise ParameterError(
                    f"{self.name}: parameter {name}", found=str(size), expected="an even number"
                )
        if self.do_rescale and self.rescale > self.extract_size:
            raise ParameterError(
                f"{self.name}: parameter rescale", found=str(self.rescale),
                expected=f"at most extract_size, {self.extract_size}",
            )  # fmt: skip

    def leading_input(self) -> str:
        return "fndata_reextract" if self.do_reextract else "coords_suffix"

    def join_labels(self) -> Mapping[str, str]:
        return {"star_mics": "rlnMicrographName"}

    def batch_limit(self) -> int:
        # RELION writes a micrograph's particles into one stack: they are cut out again all together.
        return 0 if self.do_reextract else self.batch_size

    def command(self, job: JobFolder, batch: Batch | None = None) -> Command:
        if self.do_reextract:
            args = ["--i", self.star_mics.path]
            args += ["--reextract_data_star", batch.input_file if batch else self.fndata_reextract.path]
            if self.do_reset_offsets:
                args.append("--reset_offsets")
            elif self.do_recenter:
                args += ["--recenter", "--recenter_x", number(self.recenter_x)]
                args += ["--recenter_y", number(self.recenter_y), "--recenter_z", number(self.recenter_z)]
        else:
            folder, _, file = self.coords_suffix.path.rpartition("/")
            suffix = file.removeprefix("coords_suffix").removesuffix(".star") + ".star"
            args = ["--i", batch.input_file if batch else self.star_mics.path]
            args += ["--coord_dir", f"{folder}/", "--coord_suffix", suffix]
        args += ["--part_star", job.file("particles.star"), "--part_dir", job.name]
        args += ["--extract", "--extract_size", str(self.extract_size)]
        size = self.extract_size
        if self.do_rescale:
            args += ["--scale", str(self.rescale)]
            size = self.rescale
        if self.do_norm:
            diameter = self.bg_diameter if self.bg_diameter >= 0 else 0.75 * self.extract_size
            radius = diameter / 2 * size / self.extract_size
            args += ["--norm", "--bg_radius", str(int(radius)), "--white_dust", number(self.white_dust)]
            args += ["--black_dust", number(self.black_dust)]
        if self.do_invert:
            args.append("--invert_contrast")
        return call(self, "relion_preprocess", args, job)

    def prepare(self, job: JobFolder, batch: Batch) -> dict[str, str]:
        import polars as pl

        from cryoloom import star
        from cryoloom.plugins.relion.per_micrograph import write_batch

        if self.do_reextract:
            blocks = {} if batch.optics is None else {"optics": batch.optics}
            star.write(batch.job.root / batch.input_file, {**blocks, "particles": batch.items})
            return {}
        micrographs = batch.sides["star_mics"]
        picked = batch.items
        if "cryoloomCount" in picked.columns:
            picked = picked.filter(pl.col("cryoloomCount") > 0)
        rows = micrographs.filter(pl.col("rlnMicrographName").is_in(picked["rlnMicrographName"].to_list()))
        write_batch(batch, "micrographs", rows, batch.side_optics.get("star_mics"))
        return {}

    def process(self, job: JobFolder, batch: Batch) -> BatchResult | None:
        """Micrographs without a pick need no program."""
        items = batch.items
        if not self.do_reextract and "cryoloomCount" in items.columns and not items["cryoloomCount"].sum():
            return BatchResult({}, frozenset(items[ITEM_ID].to_list()))
        return None

    def collect(self, job: JobFolder, batch: Batch) -> BatchResult:
        from cryoloom.plugins.relion.per_micrograph import CALL_FILES, read_batch

        rows, optics = read_batch(batch.job.path / "particles.star", "particles")
        optics = with_micrograph_pixels(optics, batch.side_optics.get("star_mics"))
        if self.do_reextract:
            # prepare() wrote the ids into RELION's input, and RELION carries them through.
            done = frozenset(rows[ITEM_ID].to_list())
        else:
            present = set(rows["rlnMicrographName"].to_list())
            counts = (
                batch.items["cryoloomCount"].to_list() if "cryoloomCount" in batch.items.columns else None
            )
            names = batch.items["rlnMicrographName"].to_list()
            empty = (
                {name for name, count in zip(names, counts, strict=True) if not count} if counts else set()
            )
            ids = batch.items[ITEM_ID].to_list()
            done = frozenset(item for item, name in zip(ids, names, strict=True) if name in present | empty)
        return BatchResult({"particles": rows}, done, {}, optics, CALL_FILES | {"particles.star"})

    def views(self, job: JobFolder) -> list[Block]:
        from cryoloom.views import particles

        return particles.particle_views(job.root, job.file("particles.star"))


def with_micrograph_pixels(optics: "pl.DataFrame", micrographs: "pl.DataFrame | None") -> "pl.DataFrame":
    """The particles' optics with the pixel size that their coordinates count.

    RELION leaves only that of the movies, which is another one where motion correction has binned;
    positions could then not be compared between sets.
    """
    if (
        micrographs is None
        or MICROGRAPH_PIXEL not in micrographs.columns
        or MICROGRAPH_PIXEL in optics.columns
    ):
        return optics
    sizes = micrographs.select("rlnOpticsGroup", MICROGRAPH_PIXEL)
    return optics.join(sizes, on="rlnOpticsGroup", how="left", maintain_order="left")
