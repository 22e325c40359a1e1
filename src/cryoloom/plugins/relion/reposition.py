"""Micrographs of what was found in them: each particle's reference with its CTF at its place; or taken away there."""

from collections.abc import Hashable, Mapping
from typing import Any

from cryoloom.em.names import file_of_micrograph
from cryoloom.errors import ParameterError
from cryoloom.plugins.relion.micrograph_program import MicrographProgram
from cryoloom.plugins.relion.options.written import positive
from cryoloom.protocol import (
    Batch,
    BatchResult,
    Input,
    JobFolder,
    Micrographs,
    Optimiser,
    Output,
    Param,
    View,
)
from cryoloom.protocol.jobs import ITEM_ID

ENDING = "_reposition.mrc"
TABLE = "micrographs_reposition_reposition.star"


class Reposition(MicrographProgram):
    """Put the references of a classification or refinement back into the micrographs, or subtract them there."""

    name = "relion.reposition"
    label = "Place references into micrographs"
    cites = ("Scheres2012b",)
    programs = ("relion_particle_reposition",)
    next = ("relion.autopick",)
    leading = "micrographs_in"
    writes = "--odir"

    micrographs_in: Micrographs = Input("Micrographs", help="From which the particles come.")
    fn_opt: Optimiser = Input("Optimiser", flag="--opt", help="Its classes or maps are what is placed.")
    do_invert: bool = Param(
        True, "Particles are black in the micrographs?", flag="--invert",
        help="As they are where extraction inverted the contrast.",
    )  # fmt: skip
    do_ctf: bool = Param(
        True, "Apply each particle's CTF?", flag="--ctf", help="So that they look as micrographs do."
    )
    do_subtract: bool = Param(
        False, "Subtract them from the micrographs?", flag="--subtract",
        help="What remains is the ice, and what was not found: more particles are picked in it.",
    )  # fmt: skip
    norm_radius: float = Param(
        -1, "Background radius", unit="px", flag="--norm_radius", written=positive,
        help="Of the particles' background circle, half of bg_diameter of their extraction: by it references come to the "
        "micrograph's grey scale, where particles have its pixels; of binned ones too strong, by about the binning. "
        "-1: they stay on the particles' own.",
    )  # fmt: skip
    background: float = Param(
        0.1, "Background noise", ge=0, flag="--background", when="not do_subtract",
        help="Of the micrograph's own noise so much is laid below the references.",
    )  # fmt: skip

    micrographs: Micrographs = Output("Micrographs of references", "micrographs_reposition.star")

    def check(self) -> None:
        super().check()
        if self.do_subtract and self.norm_radius <= 0:
            raise ParameterError(
                f"{self.name}: parameter norm_radius", found=f"{self.norm_radius:g} beside do_subtract=Yes",
                expected="the radius of the particles' background circle, px",
                hint="Without it references are on the normalised particles' grey scale, and next to nothing is subtracted.",
            )  # fmt: skip

    def own_file(self, name: str) -> str:
        return file_of_micrograph(name, ENDING)

    def of_one_call(self, group: Mapping[str, Any]) -> Hashable:
        # RELION finds the first group of a micrographs' table only.
        return group.get("rlnOpticsGroupName")

    def further_words(self) -> list[str]:
        return ["--o", "reposition"]

    def prepare(self, job: JobFolder, batch: Batch) -> dict[str, str]:
        from cryoloom.plugins.relion.per_micrograph import optics_of_items, write_batch

        write_batch(batch, "micrographs", batch.items, optics_of_items(batch))
        return {}

    def collect(self, job: JobFolder, batch: Batch) -> BatchResult:
        from cryoloom.plugins.relion import per_micrograph

        rows, optics = per_micrograph.read_batch(batch.job.path / TABLE, "micrographs")
        optics = per_micrograph.with_optics_of_input(optics, batch.optics)
        names = {
            str(name): str(item)
            for item, name in batch.items.select(ITEM_ID, "rlnMicrographName").iter_rows()
        }
        ids = {job.file(self.own_file(name)): item for name, item in names.items()}
        found = per_micrograph.ids_by_name(rows, "rlnMicrographName", ids)
        # RELION gives back as it was what it found no particle of.
        bare = {
            names[name]: "the optimiser has no particle of it"
            for name in rows["rlnMicrographName"]
            if name in names
        }
        return BatchResult(found.rows, found.done, bare, optics, per_micrograph.CALL_FILES | {TABLE})

    def views(self, job: JobFolder) -> list[View]:
        from cryoloom.views import imports

        return [imports.micrograph_view(job.file("micrographs_reposition.star"))]
