"""Import of movies."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryoloom.errors import ParameterError
from cryoloom.plugins.imports.gain import bring_gain, check_gain
from cryoloom.plugins.imports.linking import link_or_copy
from cryoloom.plugins.imports.raw_files import RawFiles
from cryoloom.protocol import Block, JobFolder, Movies, Output, Param

if TYPE_CHECKING:
    from cryoloom.images.headers import ImageHeader


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
        "", "Gain reference", own=True, help="Travels with the movies to motion correction."
    )
    gain_rot: int = Param(0, "Gain rotation", own=True, ge=0, le=3, help="Times 90°, as RELION counts it.")
    gain_flip: int = Param(0, "Gain flip", own=True, ge=0, le=2, help="1: upside down, 2: left to right.")
    fn_defect: str = Param("", "Defect file", own=True, help="Travels with the movies.")
    dose_per_frame: float = Param(
        1.0, "Dose per frame", unit="e/Å²", own=True, gt=0, help="Travels with the movies."
    )

    movies: Movies = Output("Movies", "movies.star")

    _file_label = "rlnMicrographMovieName"

    def _more_optics(self) -> dict[str, Any]:
        facts: dict[str, Any] = {"cryoloomDosePerFrame": self.dose_per_frame}
        if self.fn_gain_ref:
            facts |= {
                "cryoloomGainFile": self.__dict__.get("_gain_link", self.fn_gain_ref),
                "cryoloomGainRotation": self.gain_rot,
                "cryoloomGainFlip": self.gain_flip,
            }
        if self.fn_defect:
            facts["cryoloomDefectFile"] = self.fn_defect
        return facts

    def _begin(self, job: JobFolder) -> bool:
        """The gain lies in the project too, under a name without a path of this machine."""
        if not self.fn_gain_ref:
            return True
        source = job.root / Path(self.fn_gain_ref).expanduser()
        if not source.exists():
            if self.stream:
                return False  # a session may bring its gain reference with its first movies
            raise ParameterError(
                f"{self.name}: parameter fn_gain_ref",
                found=f"{self.fn_gain_ref}, which is missing",
                expected="a file",
            )
        target = f"Movies/{job.name.rstrip('/').rpartition('/')[2]}/{'_'.join(source.name.split())}"
        said = check_gain(source) if (job.root / target).exists() else bring_gain(source, job.root / target)
        if not said:
            link_or_copy(source.resolve(), job.root / target, copy=self.copy)
        self.__dict__["_gain_link"] = target
        return True

    def _contradiction(self, header: "ImageHeader") -> str:
        if header.frames < 2:
            return f"it has {header.frames} frame, expected a movie (micrographs: import.micrographs)"
        return super()._contradiction(header)

    def views(self, job: JobFolder) -> list[Block]:
        from cryoloom.views import imports

        return imports.import_views(job.root, job.name)
