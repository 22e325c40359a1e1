"""Where items lie: micrograph and centre in Å, comparable between binnings, pixel sizes and programs.

An item's centre is `rlnCoordinate - rlnOriginAngst / pixel size of the micrograph`, in pixels of the
micrograph, for RELION's origin says how far the image has to be moved to bring the particle to its
middle. Re-centring at extraction changes both and leaves the centre where it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cryoloom.em.optics import NUMBER
from cryoloom.em.poses import Floats
from cryoloom.errors import DatasetError

MICROGRAPH = "rlnMicrographName"
_AXES = ("rlnCoordinateX", "rlnCoordinateY")
_ORIGINS = ("rlnOriginXAngst", "rlnOriginYAngst")
LABELS = (MICROGRAPH, *_AXES, *_ORIGINS, NUMBER)  # what `places` looks at
# Coordinates count the pixels of the micrograph that was picked. The original size is the movie's: where motion
# correction has binned by two, distances would be halved with it.
_PIXEL_SIZE = "rlnMicrographPixelSize"

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Places:
    """Centres of items."""

    micrographs: pl.Series  # text: the micrograph's name without its job and ending
    xy: Floats  # (n, 2), Å from the micrograph's corner


def micrograph_key(label: str = MICROGRAPH) -> pl.Expr:
    """`em.names.key` of a column: the same for a micrograph and its movie, whatever job made them.

    `MotionCorr/job002/Movies/job001/a_5.mrc` and `Movies/job001/a.5.tiff` → `Movies/job001/a_5`.
    """
    name = pl.col(label)
    inside = name.str.replace(r"^(?:.*?/)??job\d\d\d[^/]*/", "")
    kept = pl.when(name.str.starts_with("Movies/")).then(name).otherwise(inside)
    return kept.str.replace(r"([^/])\.[^./]*$", "$1").str.replace_all(".", "_", literal=True)


def places(items: pl.DataFrame, optics: pl.DataFrame | None, file: str) -> Places:
    """The centres of particles or picks.

    Args:
        items: with micrograph, coordinates, and shifts where they are refined.
        optics: the groups, which know the micrographs' pixel size.
        file: for messages.
    Raises:
        DatasetError: no coordinates, or no pixel size.
    """
    missing = [label for label in (MICROGRAPH, *_AXES) if label not in items.columns]
    if missing:
        raise DatasetError(
            f"{file}", found=f"without {missing[0]}", expected="items with a micrograph and coordinates",
            hint="Compare by id, or by columns that both sets have.",
        )  # fmt: skip
    angpix = micrograph_pixel_sizes(items, optics, file)
    shifts = [
        items[label].cast(pl.Float64).to_numpy() if label in items.columns else np.zeros(items.height)
        for label in _ORIGINS
    ]
    xy = [
        items[axis].cast(pl.Float64).to_numpy() * angpix - shift
        for axis, shift in zip(_AXES, shifts, strict=True)
    ]
    keys = items.select(micrograph_key().alias("key"))["key"]
    return Places(keys, np.stack(xy, axis=-1) if items.height else np.zeros((0, 2)))


def micrograph_pixel_sizes(items: pl.DataFrame, optics: pl.DataFrame | None, file: str) -> Floats:
    """Å per pixel of each item's micrograph: (n,).

    Raises:
        DatasetError: the optics groups do not say, or an item's group is not among them.
    """
    if optics is None or _PIXEL_SIZE not in optics.columns or NUMBER not in items.columns:
        raise DatasetError(
            f"{file}", found="without the micrographs' pixel size", expected=f"optics groups with {_PIXEL_SIZE}",
            hint="Compare by id, or import the particles with it: import.particles micrograph_angpix=.",
        )  # fmt: skip
    sizes = items.select(NUMBER).join(
        optics.select(NUMBER, pl.col(_PIXEL_SIZE).cast(pl.Float64).fill_nan(None).alias("size")),
        on=NUMBER,
        how="left",
        maintain_order="left",
    )["size"]
    if sizes.null_count():
        row = int(sizes.is_null().arg_true()[0])
        raise DatasetError(
            f"{file}: {NUMBER} in row {row + 1}",
            found=str(items[NUMBER][row]),
            expected=f"one of {sorted(optics[NUMBER].to_list())}, the groups in data_optics",
        )
    return np.asarray(sizes.to_numpy(), dtype=np.float64)


def are_near(ours: Places, others: Places, distance: float) -> Mask:
    """For each of ours whether one of the others lies within `distance` Å on the same micrograph."""
    return np.asarray(nearest(ours, others, distance) >= 0)


def nearest(ours: Places, others: Places, distance: float) -> NDArray[np.int64]:
    """For each of ours the row of the nearest of the others within `distance` Å, -1 where there is none."""
    if not len(ours.xy) or not len(others.xy):
        return np.full(len(ours.xy), -1)
    from scipy.spatial import cKDTree  # here: comparisons by id need not wait for its import

    a, b = _points([ours, others], distance)
    found, rows = cKDTree(b).query(a, distance_upper_bound=distance * (1 + 1e-12) + 1e-9)
    return np.asarray(np.where(np.isfinite(found), rows, -1), dtype=np.int64)


def partners(ours: Places, others: Places, distance: float) -> NDArray[np.int64]:
    """For each of ours the row of its partner among the others, -1 where it has none: one to one, the nearest pairs first.

    Args:
        distance: Å, at most.
    """
    found = np.full(len(ours.xy), -1, dtype=np.int64)
    if not len(ours.xy) or not len(others.xy):
        return found
    from scipy.spatial import cKDTree

    a, b = _points([ours, others], distance)
    pairs = cKDTree(a).sparse_distance_matrix(
        cKDTree(b), distance * (1 + 1e-12) + 1e-9, output_type="coo_matrix"
    )
    taken = np.zeros(len(others.xy), dtype=bool)
    for pair in np.lexsort((pairs.col, pairs.row, pairs.data)):
        one, other = pairs.row[pair], pairs.col[pair]
        if found[one] < 0 and not taken[other]:
            found[one], taken[other] = other, True
    return found


def are_copies(items: Places, distance: float, rank: NDArray[np.float64] | None = None) -> Mask:
    """For each item whether a better one lies within `distance` Å, which is none itself.

    Args:
        rank: (n,), the lower the better; without it the earlier is.
    """
    dropped = np.zeros(len(items.xy), dtype=bool)
    if len(items.xy) < 2:
        return dropped
    from scipy.spatial import cKDTree

    order = np.arange(len(items.xy)) if rank is None else np.argsort(rank, kind="stable")
    (points,) = _points([items], distance)
    pairs = cKDTree(points[order]).query_pairs(distance * (1 + 1e-12) + 1e-9, output_type="ndarray")
    # By the worse of two: when it is judged, the fate of all better ones is known.
    for better, worse in pairs[np.lexsort((pairs[:, 0], pairs[:, 1]))]:
        if not dropped[order[better]]:
            dropped[order[worse]] = True
    return dropped


def _points(sets: Sequence[Places], distance: float) -> list[Floats]:
    """(n, 3) for each set: x, y, and the micrograph so far apart that no two of them are near."""
    names = pl.concat([one.micrographs for one in sets])
    codes = names.rank("dense").cast(pl.Float64).to_numpy() * (10.0 * distance + 1.0)
    ends = np.cumsum([len(one.xy) for one in sets])[:-1]
    return [np.column_stack([one.xy, z]) for one, z in zip(sets, np.split(codes, ends), strict=True)]
