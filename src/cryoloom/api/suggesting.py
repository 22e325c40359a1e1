"""Values that data suggest, asked for before a job is made: a gain's orientation, a mask's threshold, a map's symmetry."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from cryoloom.errors import ImageError, ParameterError
from cryoloom.protocol import datasets as kinds
from cryoloom.protocol.declare import InputSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cryoloom.api.project import Project

Given = TypeVar("Given", bound=kinds.Dataset)

MOVIE = "rlnMicrographMovieName"
MOST_MOVIES = 40
DA_PER_A3 = 1 / 1.21  # of protein; Harpaz et al. 1994, Structure 2, 641: 1.21 Å³/Da
FILM_TIFF = (".tif", ".tiff")


@dataclass(frozen=True, slots=True)
class GainChoice:
    """One way a gain may lie, by motion correction's options."""

    gain_rot: int
    gain_flip: int
    correlation: float


@dataclass(frozen=True, slots=True)
class GainSuggestion:
    """All ways, best first; whether the best is clear; over how many movies' frames was averaged."""

    choices: tuple[GainChoice, ...]
    is_clear: bool
    movies: int

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class MaskSuggestion:
    """A threshold for a mask, and what it encloses."""

    threshold: float
    volume_a3: float
    weight_kda: float  # were all of it protein
    part_of_box: float

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def gain_orientation(movies: Sequence[Path], gain: Path) -> GainSuggestion:
    """Which way a gain reference lies on movies that were not corrected by it.

    Args:
        movies: MRC or TIFF; forty of them, spread over all, are read.
        gain: MRC or TIFF; frames are multiplied by it.
    Raises:
        ImageError: a file that cannot be read, or whose shape is another in all orientations.
        ParameterError: no movies.
    """
    import numpy as np

    from cryoloom.em.gain import orientations, verdict

    if not movies:
        raise ParameterError("movies", found="none", expected="movies, not corrected by the gain")
    chosen = [
        movies[index] for index in np.linspace(0, len(movies) - 1, min(len(movies), MOST_MOVIES)).astype(int)
    ]
    average: NDArray[np.float64] | None = None
    for movie in dict.fromkeys(chosen):
        summed = planes_of(movie).sum(axis=0, dtype=np.float64)
        if average is not None and summed.shape != average.shape:
            raise ImageError(
                f"{movie}",
                found=f"frames of {summed.shape[::-1]}",
                expected=f"{average.shape[::-1]}, as the others",
            )
        average = summed if average is None else average + summed
    assert average is not None
    reference = planes_of(gain)[0]
    found = orientations(average, reference)
    if not found:
        raise ImageError(
            f"{gain}", found=f"{reference.shape[1]} x {reference.shape[0]} px",
            expected=f"{average.shape[1]} x {average.shape[0]}, in some orientation, as the frames have",
        )  # fmt: skip
    choices = tuple(GainChoice(one.gain_rot, one.gain_flip, round(one.correlation, 3)) for one in found)
    return GainSuggestion(choices, verdict(found) is not None, len(dict.fromkeys(chosen)))


@dataclass(frozen=True, slots=True)
class SymmetrySuggestion:
    """The point group of a map by RELION's name, and its axes: order, direction (x, y, z), correlation."""

    group: str
    axes: tuple[tuple[int, tuple[float, float, float], float], ...]
    on_relions_axes: bool
    is_clear: bool
    imposed: str = ""  # by the job that made the map

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def symmetry_of_map(volume: Path) -> SymmetrySuggestion:
    """Which point group a map has, however it is turned.

    Args:
        volume: a map, its molecule about the middle of the box, made without symmetry (C1): what was imposed is found again.
    Raises:
        ImageError: no map with a pixel size.
        DatasetError: no cube, or nothing in it.
    """
    import numpy as np

    from cryoloom.em.finding_symmetry import find_symmetry
    from cryoloom.images.headers import read_header
    from cryoloom.images.mrc import read_mrc

    header = read_header(volume)
    if not header.angpix:
        raise ImageError(f"{volume}", found="no map with a pixel size", expected="one")
    found = find_symmetry(np.asarray(read_mrc(volume), dtype=np.float64), header.angpix)
    axes = tuple((axis.order, axis.direction, round(axis.correlation, 3)) for axis in found.axes)
    return SymmetrySuggestion(found.group, axes, found.on_relions_axes, found.is_clear)


def planes_of(path: Path) -> "NDArray[Any]":
    """(n, y, x), row 0 at the bottom, as RELION has it."""
    import numpy as np

    from cryoloom.images.mrc import read_mrc

    if path.suffix.lower() in FILM_TIFF:
        import tifffile

        try:
            pixels = tifffile.imread(path)
        except (OSError, ValueError, tifffile.TiffFileError) as error:
            raise ImageError(f"{path}", found=f"not readable ({error})", expected="a TIFF file") from None
        stack = pixels if pixels.ndim == 3 else pixels[None]
        return np.asarray(stack[:, ::-1])
    if path.suffix.lower() == ".eer":
        raise ImageError(
            f"{path}",
            found="an EER movie",
            expected="MRC or TIFF",
            hint="The gain of a Falcon 4 is RELION's own case.",
        )
    pixels = np.asarray(read_mrc(path))
    return pixels if pixels.ndim == 3 else pixels[None]


def mask_threshold(volume: Path, *, weight_kda: float = 0.0) -> MaskSuggestion:
    """A threshold for relion.maskcreate (inimask_threshold), with what it encloses.

    Args:
        volume: a map.
        weight_kda: of the molecule; the threshold encloses so much protein. 0: a quarter of what the densest hundredth of the
            box's middle has.
    Raises:
        ImageError: no map, one without a pixel size, or one in which nothing stands out.
    """
    import numpy as np

    from cryoloom.images.headers import read_header
    from cryoloom.images.mrc import read_mrc

    if weight_kda < 0:
        raise ParameterError("weight_kda", found=f"{weight_kda:g}", expected="a molecule's weight, kDa")
    header = read_header(volume)
    values = np.asarray(read_mrc(volume), dtype=np.float64)
    if values.ndim != 3 or not header.angpix:
        raise ImageError(f"{volume}", found="no map with a pixel size", expected="one")
    voxel = header.angpix**3
    if weight_kda > 0:
        count = round(weight_kda * 1000 / DA_PER_A3 / voxel)
        if not 0 < count < values.size:
            raise ParameterError(
                "weight_kda",
                found=f"{weight_kda:g}",
                expected=f"less than the box holds, {values.size * voxel * DA_PER_A3 / 1000:.0f} kDa",
            )
        threshold = float(np.partition(values.ravel(), -count)[-count])
    else:
        quarter = [slice(size // 2 - size // 4, size // 2 + size // 4) for size in values.shape]
        threshold = threshold_of_densest(values[tuple(quarter)])
    if threshold <= 0:
        raise ImageError(f"{volume}", found="nothing that stands out", expected="white density in the middle")
    part = float((values >= threshold).mean())
    enclosed = part * values.size * voxel
    return MaskSuggestion(threshold, enclosed, enclosed * DA_PER_A3 / 1000, part)


def threshold_of_densest(middle: "NDArray[Any]") -> float:
    """A quarter of what the densest hundredth of a box's middle has."""
    import numpy as np

    return float(np.percentile(middle, 99)) / 4


def gain_of_job(project: "Project", movies: str, gain: Path) -> GainSuggestion:
    """As `gain_orientation`, of a job's movies.

    Raises:
        CryoloomError: no such job, or one without movies; as `gain_orientation`.
    """
    from cryoloom.api.dataset import Dataset

    table = Dataset(project.path, _named(project, movies, kinds.Movies, "suggest gain", "movies"))
    names = table.table([MOVIE])[MOVIE].to_list()
    return gain_orientation([project.path / str(name) for name in names], gain)


def mask_of(project: "Project | None", asked: str, *, weight_kda: float = 0.0) -> MaskSuggestion:
    """As `mask_threshold`, of a job's map, or of a file where there is no project.

    Raises:
        CryoloomError: no such job, or one without a map; as `mask_threshold`.
    """
    return mask_threshold(map_of(project, asked, "suggest mask"), weight_kda=weight_kda)


def symmetry_of(project: "Project | None", asked: str) -> SymmetrySuggestion:
    """As `symmetry_of_map`, of a job's map, or of a file where there is no project.

    Raises:
        CryoloomError: no such job, or one without a map; as `symmetry_of_map`.
    """
    from cryoloom.api.map_surroundings import point_group_of

    found = symmetry_of_map(map_of(project, asked, "suggest symmetry"))
    # By the map's own job, or by one before it: post-processing asks for no symmetry.
    imposed = "C1" if project is None else point_group_of(project.job(asked.partition(":")[0])).group
    return replace(found, imposed="" if imposed == "C1" else imposed)


def map_of(project: "Project | None", asked: str, owner: str) -> Path:
    if project is None:
        return Path(asked)
    if Path(asked).suffix in (".mrc", ".map"):
        raise ParameterError(
            "The map", found=f"{asked}, which is missing", expected="a map's file, or a job that gives one"
        )
    return project.path / _named(project, asked, kinds.Volume, owner, "map").path


def _named(project: "Project", asked: str, kind: type[Given], owner: str, name: str) -> Given:
    """The dataset that a user means by a job, `JOB:output` or a file, as an input of a job would take it.

    Raises:
        ParameterError: there is none of this kind; what the job has instead is named.
    """
    from cryoloom.project.references import resolve_input

    spec = InputSpec(kind.kind, "", "", optional=False, streams=False, when="", name=name, kind=kind)
    found = resolve_input(project.folder, spec, asked, owner)
    assert isinstance(found, kind)  # or it would have been refused
    return found
