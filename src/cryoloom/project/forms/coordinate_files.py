"""RELION's coordinates: a suffix file that names the micrographs, and a file for each of them, named by RELION's rule."""

from collections.abc import Sequence
from pathlib import Path

from cryoloom.em.names import file_of_micrograph
from cryoloom.protocol.datasets import Dataset

TABLE = "coordinates.star"


def coordinate_file(micrograph: str, suffix: str) -> str:
    """Where RELION puts a micrograph's picks, below the picking job.

    `MotionCorr/job002/Movies/job001/a.mrc` → `Movies/job001/a_autopick.star`; see `em.names`.
    """
    return file_of_micrograph(micrograph, f"{suffix}.star")


def suffix_of(suffix_file: str | Path) -> str:
    """`AutoPick/job004/coords_suffix_autopick.star` → `_autopick`."""
    return Path(suffix_file).name.removeprefix("coords_suffix").removesuffix(".star")


def own_table(suffix_file: str | Path) -> str:
    """Name of the table (micrograph, file, count) of a job that gives several sets of coordinates."""
    return f"coordinates{suffix_of(suffix_file)}.star"


def table_beside(suffix_file: Path) -> str:
    """Name of the table that lies beside RELION's suffix file; the file itself where there is none."""
    for name in (own_table(suffix_file), TABLE):
        if suffix_file.with_name(name).exists():
            return name
    return suffix_file.name


def write_suffix_file(root: Path, dataset: Dataset, likes: Sequence[Dataset]) -> None:
    """RELION's suffix file of an output: a line that names the micrographs, and more where inputs have others.

    RELION's programs read the first one.
    """
    files = dict.fromkeys(file for like in likes for file in (root / like.path).read_text().split())
    (root / dataset.path).write_text("".join(f"{file}\n" for file in files))
