"""Import of movies."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryoloom.plugins.imports.gain import bring_gain
from cryoloom.plugins.imports.raw_files import RawFiles
from cryoloom.protocol import JobFolder, Movies, Output, Param, View

if TYPE_CHECKING:
    from cryoloom.images.headers import ImageHeader

FEWEST_FRAMES = 3  # relion_run_motioncorr skips what has fewer


class ImportMovies(RawFiles):
    """Bring movies into the project, while the microscope writes them if it does."""

    name = "import.movies"
    label = "Import movies"
    relion_fixed = {
        "do_raw": "Yes",
        "is_multiframe": "Yes",
        "do_other": "No",
        "fn_in_other": "",
        "node_type": "",
        "optics_group_particles": "",
    }
    next = ("relion.motioncorr",)

    fn_gain_ref: str = Param(
        "",
        "Gain reference",
        own=True,
        means="file",
        later="stream",
        help="Travels with the movies to motion correction.",
    )
    gain_rot: int = Param(0, "Gain rotation", own=True, ge=0, le=3, help="Times 90°, as RELION counts it.")
    gain_flip: int = Param(0, "Gain flip", own=True, ge=0, le=2, help="1: upside down, 2: left to right.")
    fn_defect: str = Param(
        "", "Defect file", own=True, means="file", later="stream", help="Travels with the movies."
    )
    dose_per_frame: float = Param(
        1.0, "Dose per frame", unit="e/Å²", own=True, gt=0, usual=(0.001, 20), help="Travels with the movies."
    )

    movies: Movies = Output("Movies", "movies.star")

    file_label = "rlnMicrographMovieName"
    companions = ("fn_gain_ref", "fn_defect", "fn_mtf")

    def more_optics(self, extras: Mapping[str, str]) -> dict[str, Any]:
        facts: dict[str, Any] = {"cryoloomDosePerFrame": self.dose_per_frame}
        if self.fn_gain_ref:
            facts |= {
                "cryoloomGainFile": extras.get("fn_gain_ref", self.fn_gain_ref),
                "cryoloomGainRotation": self.gain_rot,
                "cryoloomGainFlip": self.gain_flip,
            }
        if self.fn_defect:
            facts["cryoloomDefectFile"] = extras.get("fn_defect", self.fn_defect)
        return facts

    def bring_companion(self, parameter: str, source: Path, target: Path) -> str:
        said = bring_gain(source, target) if parameter == "fn_gain_ref" else ""
        return said or super().bring_companion(parameter, source, target)

    def refusal(self, header: "ImageHeader") -> str:
        if header.frames < 2:
            return f"it has {header.frames} frame, expected a movie (micrographs: import.micrographs)"
        return ""

    def compared(self, header: "ImageHeader") -> dict[str, int]:
        facts = super().compared(header)
        if header.format == "EER":
            # As many as the camera counted; RELION puts them into groups, and the last group may be smaller.
            del facts["frames"]
        return facts

    def remarks(self, header: "ImageHeader") -> list[str]:
        few = []
        if header.frames < FEWEST_FRAMES:
            few = [
                f"RELION 3.1 corrects movies of {FEWEST_FRAMES} frames or more, and this one has {header.frames}"
            ]
        return few + super().remarks(header)

    def views(self, job: JobFolder) -> list[View]:
        from cryoloom.views import imports
        from cryoloom.views.optics import optics_view

        return [*imports.import_views(job.name), optics_view(job.file("movies.star"), "movies")]
