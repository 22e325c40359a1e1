"""Kinds of datasets: the closed table, with RELION's node types.

A kind is a class, so that a protocol declares an input as `fn_img: Particles`; an instance refers
to one file of the project and, where a job made it, to that job and output.
"""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Dataset:
    """A reference to a dataset: its file, and who made it. Empty (false) where nothing is given."""

    kind: ClassVar[str] = "dataset"
    node_type: ClassVar[int | None] = None
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
    px: int
    angpix: float  # Å; 0 where its header says none

    def __str__(self) -> str:
        return f"{self.px} px" + (f" of {self.angpix:.4g} Å" if self.angpix else "")


class Table(Dataset):
    """Any STAR table of items: what set operations accept."""

    kind = "table"


class Movies(Table):
    kind, node_type, block = "movies", 0, "movies"


class Micrographs(Table):
    kind, node_type, block = "micrographs", 1, "micrographs"


class Coordinates(Table):
    """RELION's suffix file; beside it lies `coordinates.star` (micrograph, file, count)."""

    kind, node_type, block = "coordinates", 2, "coordinates"


class Particles(Table):
    kind, node_type, block = "particles", 3, "particles"


class ClassAverages(Table):
    kind, node_type, block = "class averages", 5, ""


class Volume(Dataset):
    kind, node_type = "volume", 6


class Mask(Dataset):
    kind, node_type = "mask", 7


class Model(Dataset):
    kind, node_type = "model", 8


class Optimiser(Dataset):
    kind, node_type = "optimiser", 9


class HalfMaps(Dataset):
    """A pair; the path is that of half 1, as RELION names it (`..._half1_class001_unfil.mrc`)."""

    kind, node_type = "half maps", 10


class FinalMap(Volume):
    kind, node_type = "final map", 11


class LocalResolution(Dataset):
    kind, node_type = "local resolution", 12


class Report(Dataset):
    kind, node_type = "report", 13


class Postprocess(Dataset):
    kind, node_type = "postprocess", 14


class PolishingParameters(Dataset):
    kind, node_type = "polishing parameters", 15


class PlainFile(Dataset):
    kind = "file"


_CLOSED = (
    *(Movies, Micrographs, Coordinates, Particles, ClassAverages, Volume, Mask, Model, Optimiser, HalfMaps),
    *(FinalMap, LocalResolution, Report, Postprocess, PolishingParameters),
)

KINDS: dict[str, type[Dataset]] = {kind.kind: kind for kind in (*_CLOSED, Table, PlainFile)}
BY_NODE_TYPE: dict[int, type[Dataset]] = {
    kind.node_type: kind for kind in _CLOSED if kind.node_type is not None
}


def accepts(wanted: type[Dataset], offered: type[Dataset]) -> bool:
    """Whether an output of kind `offered` may serve as an input of kind `wanted`."""
    return issubclass(offered, wanted) or wanted is PlainFile
