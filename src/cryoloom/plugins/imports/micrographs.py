"""Import of micrographs."""

from typing import TYPE_CHECKING

from cryoloom.plugins.imports.raw_files import RawFiles
from cryoloom.protocol import Block, JobFolder, Micrographs, Output

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

    def optics(self) -> "pl.DataFrame":
        import polars as pl

        # Micrographs, unlike movies, also state the pixel size that they have now.
        return super().optics().with_columns(pl.lit(self.angpix).alias("rlnMicrographPixelSize"))

    def _contradiction(self, header: "ImageHeader") -> str:
        if header.frames > 1:
            return f"it has {header.frames} frames, expected a micrograph (movies: import.movies)"
        # Micrographs of a session may differ in size; only what was given is binding.
        for what, value in (("width", header.size[0]), ("height", header.size[1])):
            if getattr(self, what) and value != getattr(self, what):
                return f"{what} is {value}, expected {getattr(self, what)}, as given"
        return ""

    def views(self, job: JobFolder) -> list[Block]:
        from cryoloom.views import imports

        return imports.import_views(job.root, job.name)
