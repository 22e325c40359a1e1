"""Which found particle is which true one: by micrograph and by place, one to one.

Places are pixels of the unbinned movie. Micrographs are known by the stem of their file, since programs
move them from folder to folder and hang endings on.
"""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from cryoloom.em.poses import Floats

_ENDINGS = re.compile(r"(_autopick|_manualpick|_extract|_noDW|_shiny)$")


def stem(name: str) -> str:
    """`MotionCorr/job002/Movies/single_0001_noDW.mrc` -> `single_0001`; also of names with `000001@`."""
    return _ENDINGS.sub("", PurePosixPath(name.rpartition("@")[2]).name.partition(".")[0])


@dataclass(frozen=True, slots=True)
class Matches:
    """Pairs of rows of two tables, and what was left over."""

    found: NDArray[np.int64]  # rows of the found table
    true: NDArray[np.int64]  # rows of the true one
    offsets: Floats  # (n, 2), found minus true, Å
    total_found: int
    total_true: int

    @property
    def recall(self) -> float:
        """Part of the true ones that were found; 0 where there are none."""
        return len(self.true) / self.total_true if self.total_true else 0.0

    @property
    def precision(self) -> float:
        """Part of what was found that is true; 0 where nothing was found."""
        return len(self.found) / self.total_found if self.total_found else 0.0


def particle_places(table: pl.DataFrame, angpix: float) -> pl.DataFrame:
    """Stem, x and y (unbinned px) of each row of a table of coordinates or particles, origins applied.

    Args:
        table: with rlnMicrographName, rlnCoordinateX/Y and perhaps rlnOriginX/YAngst.
        angpix: of the micrograph that the coordinates count, Å/px.
    """
    if not table.height:
        return pl.DataFrame(schema={"stem": pl.String, "x": pl.Float64, "y": pl.Float64})
    origin = {
        axis: table[f"rlnOrigin{axis}Angst"].cast(pl.Float64) / angpix
        if f"rlnOrigin{axis}Angst" in table.columns
        else pl.repeat(0.0, table.height, eager=True)
        for axis in "XY"
    }
    return pl.DataFrame(
        {
            "stem": [stem(name) for name in table["rlnMicrographName"].to_list()],
            "x": table["rlnCoordinateX"].cast(pl.Float64) - origin["X"],
            "y": table["rlnCoordinateY"].cast(pl.Float64) - origin["Y"],
        }
    )


def match(found: pl.DataFrame, true: pl.DataFrame, angpix: float, within: float) -> Matches:
    """Pair found with true places, nearest pairs first, each used once.

    Args:
        found, true: stem, x, y (`particle_places`), px.
        angpix: Å/px.
        within: Å; pairs further apart are none.
    """
    pairs: list[tuple[int, int]] = []
    true_rows = {str(key[0]): rows for key, rows in _rows_by_stem(true).items()}
    for key, rows in _rows_by_stem(found).items():
        others = true_rows.get(str(key[0]))
        if others is None:
            continue
        a = found[rows.tolist()].select("x", "y").to_numpy() * angpix
        b = true[others.tolist()].select("x", "y").to_numpy() * angpix
        near = cKDTree(a).sparse_distance_matrix(cKDTree(b), within, output_type="ndarray")
        taken_a: set[int] = set()
        taken_b: set[int] = set()
        for entry in np.sort(near, order="v"):
            i, j = int(entry["i"]), int(entry["j"])
            if i not in taken_a and j not in taken_b:
                taken_a.add(i)
                taken_b.add(j)
                pairs.append((int(rows[i]), int(others[j])))
    index = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    xy = [frame.select("x", "y").to_numpy().reshape(-1, 2) for frame in (found, true)]
    offsets = (xy[0][index[:, 0]] - xy[1][index[:, 1]]) * angpix
    return Matches(index[:, 0], index[:, 1], offsets, found.height, true.height)


def centred_rms(offsets: Floats, stems: list[str]) -> float:
    """Rms length of offsets (n, 2) after the median of each micrograph is taken off.

    An aligned sum does not lie exactly where its first frame did: a micrograph's common offset is no error.
    """
    if not len(offsets):
        return float("nan")
    names = np.array(stems)
    rest = offsets.copy()
    for name in set(stems):
        rest[names == name] -= np.median(rest[names == name], axis=0)
    return float(np.sqrt(np.mean(np.sum(rest**2, axis=1))))


def _rows_by_stem(frame: pl.DataFrame) -> dict[tuple[object, ...], NDArray[np.int64]]:
    indexed = frame.with_row_index("row")
    return {
        key: part["row"].to_numpy().astype(np.int64)
        for key, part in indexed.partition_by("stem", as_dict=True, maintain_order=True).items()
    }
