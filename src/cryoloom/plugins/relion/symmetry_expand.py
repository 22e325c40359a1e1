"""Symmetry expansion: each particle once for each operator of its point group."""

from cryoloom.plugins.relion.options.running import Additional, call
from cryoloom.protocol import (
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
from cryoloom.protocol.jobs import ITEM_ID


class SymmetryExpand(Additional, ProgramProtocol):
    """Repeat particles in all orientations that their symmetry makes equal."""

    name = "relion.symmetry_expand"
    label = "Symmetry expansion"
    cites = ("Scheres2016",)
    programs = ("relion_particle_symmetry_expand",)
    next = ("relion.refine3d", "sets.filter")

    input: Particles = Input(
        "Refined particles",
        flag="--i",
        help="With angles on the axes of the point group.",
        needs=("rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi"),
    )
    sym: str = Param(
        "C2", "Symmetry", means="symmetry", flag="--sym", help="Point group, as RELION names it."
    )

    particles: Particles = Output("Expanded particles", "particles.star")

    def command(self, job: JobFolder) -> Command:
        words = ["--o", job.file("particles.star"), *words_of(self)]
        return call(self, "relion_particle_symmetry_expand", words, job, control=False)

    def finish(self, job: JobFolder) -> str:
        """RELION repeats the ids; from the second copy on they get a number, `i0123_2`."""
        import polars as pl

        from cryoloom import star
        from cryoloom.project.item_ids import with_ids

        path = job.path / "particles.star"
        blocks = star.read(path)
        table = star.tables_of(blocks)["particles"]
        if ITEM_ID not in table.columns:
            # A copy lies where the particle lies, and so has its id.
            table = with_ids(table)
        copy = pl.int_range(pl.len()).over(ITEM_ID) + 1
        ids = pl.when(copy > 1).then(pl.concat_str(ITEM_ID, pl.lit("_"), copy)).otherwise(pl.col(ITEM_ID))
        star.write(path, {**blocks, "particles": table.with_columns(ids.alias(ITEM_ID))})
        return ""

    def views(self, job: JobFolder) -> list[View]:
        from cryoloom.views import orientations

        return orientations.orientation_views(job.file("particles.star"))
