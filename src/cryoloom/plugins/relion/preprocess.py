"""Particles' images changed: normalised, scaled, cut, inverted, dust taken out."""

from collections.abc import Mapping, Sequence

from cryoloom.errors import ParameterError
from cryoloom.plugins.relion.options.running import Additional, call, number
from cryoloom.plugins.relion.options.written import positive
from cryoloom.protocol import (
    Box,
    Command,
    Input,
    JobFolder,
    Output,
    Param,
    Particles,
    ProgramProtocol,
    View,
    words_of,
)

IMAGE = "rlnImageName"
SCALED = "scaled.mrcs"
CHANGES = ("scale", "window", "do_norm", "white_dust", "black_dust", "do_invert")


class Preprocess(Additional, ProgramProtocol):
    """Normalise, scale, cut or invert particles' images; all else of them stays."""

    name = "relion.preprocess"
    label = "Preprocess particles"
    cites = ("Scheres2012b",)
    programs = ("relion_stack_create", "relion_preprocess")
    next = ("relion.class2d", "relion.refine3d")

    input: Particles = Input("Particles", help="Of one box and pixel size.")
    scale: int = Param(
        -1, "Re-scale to", unit="px", flag="--scale", written=positive,
        help="The box gets so many pixels, which are larger or smaller then; -1: kept.",
    )  # fmt: skip
    window: int = Param(
        -1, "Cut or pad to", unit="px", flag="--window", written=positive,
        help="After scaling; the pixels stay as large as they are. -1: kept.",
    )  # fmt: skip
    do_norm: bool = Param(
        False, "Normalise?", flag="--norm", help="Background: mean 0, deviation 1; a slope is taken out."
    )
    bg_diameter: float = Param(
        -1,
        "Diameter background circle",
        unit="px",
        when="do_norm",
        help="Of the new box; -1: three quarters of it.",
    )
    white_dust: float = Param(
        -1,
        "Sigma for white dust removal",
        when="do_norm",
        flag="--white_dust",
        written=positive,
        help="-1: none.",
    )
    black_dust: float = Param(
        -1,
        "Sigma for black dust removal",
        when="do_norm",
        flag="--black_dust",
        written=positive,
        help="-1: none.",
    )
    do_invert: bool = Param(
        False, "Invert contrast?", flag="--invert_contrast", help="Particles have to be white."
    )

    particles: Particles = Output("Changed particles", "particles.star")

    def check(self) -> None:
        super().check()
        if not words_of(self, CHANGES):
            raise ParameterError(
                f"{self.name}: parameters", found="no change", expected=f"one of {', '.join(CHANGES)}"
            )
        for name in ("scale", "window"):
            if self.values[name] > 0 and self.values[name] % 2:
                raise ParameterError(
                    f"{self.name}: parameter {name}", found=f"{self.values[name]} px", expected="an even size"
                )
        if self.do_norm and self.bg_diameter <= 0 and max(self.scale, self.window) <= 0:
            raise ParameterError(
                f"{self.name}: parameter bg_diameter",
                found="-1",
                expected="a diameter, where the box is kept",
            )

    def check_boxes(self, boxes: Mapping[str, Box]) -> None:
        box = boxes.get("input")
        if box is None:
            return
        for other in box.others:
            if not other.is_as_large_as(box) or abs(other.angpix - box.angpix) > 1e-4:
                raise ParameterError(
                    f"{self.name}: input input", found=f"{other} in {other.path}", expected=f"{box}, as the first group has",
                    hint="Take the groups apart first: sets.split or sets.filter.",
                )  # fmt: skip

    def command(self, job: JobFolder) -> Command:
        words = ["--i", self.input.path, "--o", job.file("gathered"), "--one_by_one"]
        return Command("relion_stack_create", tuple(words))

    def after(self, job: JobFolder) -> Sequence[Command]:
        commands, gathered = [], job.file("gathered.mrcs")
        if self.scale > 0 and self.window > 0:
            # In one go RELION 3.1.3 cuts about the middle of the box as it was before it was scaled.
            scaled = ["--operate_on", gathered, "--operate_out", job.file(SCALED), *words_of(self, {"scale"})]
            commands, gathered = (
                [call(self, "relion_preprocess", scaled, job, control=False)],
                job.file(SCALED),
            )
        left = set(CHANGES) - ({"scale"} if commands else set())
        words = ["--operate_on", gathered, "--operate_out", job.file("particles.mrcs"), *words_of(self, left)]
        if self.do_norm:
            box = self.window if self.window > 0 else self.scale
            radius = self.bg_diameter / 2 if self.bg_diameter > 0 else round(0.75 * box / 2)
            words += ["--bg_radius", number(radius)]
        return [*commands, call(self, "relion_preprocess", words, job, control=False)]

    def name_results(self, job: JobFolder) -> None:
        """A stack has no table: the rows are those of the particles, in whose order RELION gathered the images.

        Raises:
            DatasetError: the stack has other images than there are particles.
        """
        import polars as pl

        from cryoloom import star
        from cryoloom.errors import DatasetError
        from cryoloom.images.headers import read_header

        blocks = star.read(job.root / self.input.path)
        tables = star.tables_of(blocks)
        table, optics = tables["particles"], tables["optics"]
        header = read_header(job.path / "particles.mrcs")
        if header.frames != table.height:
            raise DatasetError(
                job.file("particles.mrcs"),
                found=f"{header.frames} images",
                expected=f"{table.height}, the particles'",
            )
        stack = job.file("particles.mrcs")
        names = [f"{row:06d}@{stack}" for row in range(1, table.height + 1)]
        pixel = (
            pl.col("rlnImagePixelSize") * pl.col("rlnImageSize") / self.scale
            if self.scale > 0
            else pl.col("rlnImagePixelSize")
        )
        changed = optics.with_columns(pixel, pl.lit(header.size[0]).alias("rlnImageSize"))
        rows = table.with_columns(pl.Series(IMAGE, names))
        star.write(job.path / "particles.star", {**blocks, "optics": changed, "particles": rows})
        for name in ("gathered.mrcs", SCALED):
            (job.path / name).unlink(missing_ok=True)

    def views(self, job: JobFolder) -> list[View]:
        from cryoloom.views import particles

        return particles.particle_views(job.file("particles.star"))
