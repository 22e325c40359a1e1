"""Import of micrographs."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from cryoloom.errors import ImageError
from cryoloom.plugins.imports.raw_files import RawFiles
from cryoloom.plugins.imports.raw_search import import_folder
from cryoloom.protocol import JobFolder, Micrographs, Output, View

if TYPE_CHECKING:
    import polars as pl

    from cryoloom.images.headers import ImageHeader


class ImportMicrographs(RawFiles):
    """Bring micrographs (aligned sums) into the project."""

    name = "import.micrographs"
    label = "Import micrographs"
    relion_fixed = {
        "do_raw": "Yes",
        "is_multiframe": "No",
        "do_other": "No",
        "fn_in_other": "",
        "node_type": "",
        "optics_group_particles": "",
    }
    next = ("ctf.estimate", "relion.ctffind")

    micrographs: Micrographs = Output("Micrographs", "micrographs.star")

    def optics_table(self, extras: Mapping[str, str]) -> "pl.DataFrame":
        import polars as pl

        # Micrographs, unlike movies, also state the pixel size that they have now.
        return super().optics_table(extras).with_columns(pl.lit(self.angpix).alias("rlnMicrographPixelSize"))

    def refusal(self, header: "ImageHeader") -> str:
        if header.frames > 1:
            return f"it has {header.frames} frames, expected a micrograph (movies: import.movies)"
        return ""

    def bring_in(self, job: JobFolder, path: Path, target: str, header: "ImageHeader") -> str:
        from cryoloom.images.misread import is_constant

        if header.format == "MRC" and is_constant(path):
            raise ImageError(
                f"{path}", found="the same value in every pixel", expected="a micrograph",
                hint="A gain reference of zeros makes such ones.",
            )  # fmt: skip
        return super().bring_in(job, path, target, header)

    def compared(self, header: "ImageHeader") -> dict[str, int]:
        # Micrographs of a session may differ in size; only what was given is binding.
        return {}

    def is_name_free(self, job: JobFolder, name: str, source: Path) -> bool:
        # RELION puts the files of `Movies/job001/a.mrc` and `Movies/job002/a.mrc` at one place, in jobs on both.
        own = import_folder(job)
        for folder in (job.root / "Movies").glob("job*"):
            other = folder / name
            is_others = f"Movies/{folder.name}" != own and os.path.lexists(other)
            if is_others and os.path.realpath(other) != os.path.realpath(source):
                return False
        return True

    def views(self, job: JobFolder) -> list[View]:
        from cryoloom.views import imports
        from cryoloom.views.optics import optics_view

        made = job.file("micrographs.star")
        return [
            *imports.import_views(job.name), imports.micrograph_view(made), optics_view(made, "micrographs")
        ]  # fmt: skip
