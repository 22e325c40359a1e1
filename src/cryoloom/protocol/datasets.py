"""Kinds of datasets: the closed table.

A kind is a class, so that a protocol declares an input as `fn_img: Particles`; an instance refers
to one file of the project and, where a job made it, to that job and output.
"""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Dataset:
    """A reference to a dataset: its file, and who made it. Empty (false) where nothing is given."""

    kind: ClassVar[str] = "dataset"
    block: ClassVar[str] = ""  # the STAR table that holds the items; "" where it is no table

    path: str = ""  # relative to the project
    job: str = ""  # "Extract/job005"; "" for a file that no job of ours made
    output: str = ""

    def __bool__(self) -> bool:
        return bool(self.path)

    def __str__(self) -> str:
        return self.path


@dataclass(frozen=True, slots=True)
class Box:
    """How large a map or a particle's image is."""

    path: str  # the file that says so
    px: int  # along x
    angpix: float  # Å; 0 where its header says none
    sides: tuple[int, ...] = ()  # along x, y and z, where they differ
    others: tuple[
        "Box", ...
    ] = ()  # of particles: those of the further optics groups, whose names are in their paths

    @property
    def extent(self) -> float:
        """Its shortest side in Å; 0 where its pixel size is not known."""
        return min(self.sides, default=self.px) * self.angpix

    def is_as_large_as(self, other: "Box") -> bool:
        """Whether both have the same pixels along each axis."""
        return self.px == other.px and self.sides == other.sides

    def __str__(self) -> str:
        size = " x ".join(map(str, self.sides)) or str(self.px)
        return f"{size} px" + (f" of {self.angpix:.4g} Å" if self.angpix else "")


class Table(Dataset):
    """Any STAR table of items: what set operations accept."""

    kind = "table"


class Movies(Table):
    kind, block = "movies", "movies"


class Micrographs(Table):
    kind, block = "micrographs", "micrographs"


class Coordinates(Table):
    """RELION's suffix file; beside it lies `coordinates.star` (micrograph, file, count)."""

    kind, block = "coordinates", "coordinates"


class Particles(Table):
    kind, block = "particles", "particles"


class ClassAverages(Table):
    kind, block = "class averages", ""


class Volume(Dataset):
    kind = "volume"


class Mask(Dataset):
    kind = "mask"


class Model(Dataset):
    kind = "model"


class Optimiser(Dataset):
    kind = "optimiser"


class HalfMaps(Dataset):
    """A pair; the path is that of one of them, as RELION names it (`..._half1_class001_unfil.mrc`)."""

    kind = "half maps"

    def half(self, number: int) -> str:
        """The path of half 1 or 2. By RELION's rule the word counts in the file's name only, whatever folders are called."""
        return half_of(self.path, number)

    @property
    def has_other(self) -> bool:
        """Whether the name tells the other half's."""
        return self.half(1) != self.half(2)


def half_of(path: str, number: int) -> str:
    """A half map's path as that of half 1 or 2."""
    folder, slash, name = path.rpartition("/")
    return folder + slash + name.replace("half1", f"half{number}").replace("half2", f"half{number}")


class FinalMap(Volume):
    kind = "final map"


class LocalResolution(Dataset):
    kind = "local resolution"


class Report(Dataset):
    kind = "report"


class Postprocess(Dataset):
    kind = "postprocess"


class PolishingParameters(Dataset):
    kind = "polishing parameters"


class PlainFile(Dataset):
    kind = "file"


_CLOSED = (
    *(Movies, Micrographs, Coordinates, Particles, ClassAverages, Volume, Mask, Model, Optimiser, HalfMaps),
    *(FinalMap, LocalResolution, Report, Postprocess, PolishingParameters, Table, PlainFile),
)

KINDS: dict[str, type[Dataset]] = {kind.kind: kind for kind in _CLOSED}


def accepts(wanted: type[Dataset], offered: type[Dataset]) -> bool:
    """Whether an output of kind `offered` may serve as an input of kind `wanted`."""
    return issubclass(offered, wanted) or wanted is PlainFile
