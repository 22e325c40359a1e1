"""What subtraction does to a particle's place when it centres images on a point of the map, and how that is undone.

RELION cuts each image anew, moved by a whole number of pixels s so that the projected point A c comes to the middle, and leaves
the rest as the new offset o': o' = o - A c - s. It changes neither the coordinates on the micrograph nor, when images are
given back, the offset. Here the coordinates move with the image (minus s), and s and c are kept with each particle, in Å, so
that a reversal has o = o' + s + A c, whatever offset and orientation later jobs have found.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cryoloom.em.poses import Floats, matrices
from cryoloom.errors import DatasetError
from cryoloom.protocol.jobs import ITEM_ID

if TYPE_CHECKING:
    import polars as pl

ANGLES = ("rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi")
ORIGINS = ("rlnOriginXAngst", "rlnOriginYAngst")
COORDINATES = ("rlnCoordinateX", "rlnCoordinateY")
MOVED = ("cryoloomMovedXAngst", "cryoloomMovedYAngst")
CENTRE = ("cryoloomCentreXAngst", "cryoloomCentreYAngst", "cryoloomCentreZAngst")
IMAGE, ORIGINAL = "rlnImageName", "rlnImageOriginalName"
TOLERANCE = 0.02  # px, between RELION's offsets and those that are expected


def centre_of_mask(path: Path) -> tuple[float, float, float]:
    """x, y, z of a mask's centre of mass, px from the middle of the box."""
    from cryoloom.images.mrc import read_mrc

    values = np.asarray(read_mrc(path), dtype=np.float64)
    at = [np.arange(size) - size // 2 for size in values.shape]
    total = values.sum()
    z, y, x = (
        float((values.sum(axis=tuple(other for other in range(3) if other != axis)) * at[axis]).sum() / total)
        for axis in range(3)
    )
    return x, y, z


def with_places(
    before: "dict[str, pl.DataFrame]",
    after: "dict[str, pl.DataFrame]",
    centre: tuple[float, float, float],
    where: str,
) -> "dict[str, pl.DataFrame]":
    """Subtracted particles with coordinates that are their images', and how far those were moved.

    Args:
        before: optics and particles that were subtracted from.
        after: what RELION wrote.
        centre: the point that the images are centred on, px from the map's middle.
        where: the file, for errors.
    Raises:
        DatasetError: an image is not where this centre puts it.
    """
    import polars as pl

    rows, optics = after["particles"], after["optics"]
    old = _in_order_of(rows, before["particles"], where)
    labels = [*MOVED, *CENTRE]
    # Subtracted from for the second time: both add up.
    earlier = old.select(labels).to_numpy() if set(labels) <= set(old.columns) else np.zeros((old.height, 5))
    if set(labels) <= set(rows.columns) and not np.allclose(
        rows.select(labels).to_numpy(), earlier, atol=1e-4
    ):
        return after  # an attempt before this one got so far
    sizes = _of_groups(rows, optics, "rlnImagePixelSize")
    turned = matrices(rows.select(ANGLES).to_numpy())
    expected = _pair(old, ORIGINS) / sizes[:, None] - np.einsum("nij,j->ni", turned, np.array(centre))[:, :2]
    rest = _pair(rows, ORIGINS) / sizes[:, None]
    moved = np.rint(expected - rest)
    off = np.abs(expected - rest - moved).max(initial=0.0)
    if off > TOLERANCE:
        raise DatasetError(
            where, found=f"offsets that are up to {off:.2f} px from where the centre puts them", expected="RELION's centring",
            hint="Subtract without do_center_mask and do_center_xyz, and cut the images afterwards.",
        )  # fmt: skip
    places = np.hstack([moved, np.tile(centre, (rows.height, 1))]) * sizes[:, None] + earlier
    new = [pl.Series(label, places[:, column]) for column, label in enumerate(labels)]
    return {**after, "particles": _with_coordinates(rows, optics, -moved * sizes[:, None]).with_columns(new)}


def given_back(after: "dict[str, pl.DataFrame]") -> "dict[str, pl.DataFrame]":
    """Reverted particles with offsets and coordinates that are those of their first images."""
    import polars as pl

    # What RELION leaves there after a reversal is the subtracted image: given back once more it would come in again.
    rows = after["particles"].drop(ORIGINAL, strict=False)
    if not {*MOVED, *CENTRE} <= set(rows.columns):
        return {**after, "particles": rows}
    turned = matrices(rows.select(ANGLES).to_numpy())
    centres = rows.select(CENTRE).to_numpy().astype(np.float64)
    moved = _pair(rows, MOVED)
    offsets = _pair(rows, ORIGINS) + moved + np.einsum("nij,nj->ni", turned, centres)[:, :2]
    back = rows.with_columns(pl.Series(label, offsets[:, axis]) for axis, label in enumerate(ORIGINS))
    return {**after, "particles": _with_coordinates(back, after["optics"], moved).drop(*MOVED, *CENTRE)}


def _with_coordinates(rows: "pl.DataFrame", optics: "pl.DataFrame", by: Floats) -> "pl.DataFrame":
    """Rows whose coordinates are moved by so many Å: (n, 2). Without pixels to count them in they are taken off."""
    import polars as pl

    if not set(COORDINATES) <= set(rows.columns):
        return rows
    if "rlnMicrographPixelSize" not in optics.columns:
        return rows.drop(COORDINATES)
    moved = _pair(rows, COORDINATES) + by / _of_groups(rows, optics, "rlnMicrographPixelSize")[:, None]
    return rows.with_columns(pl.Series(label, moved[:, axis]) for axis, label in enumerate(COORDINATES))


def _in_order_of(rows: "pl.DataFrame", before: "pl.DataFrame", where: str) -> "pl.DataFrame":
    """The rows before, one for each row after."""
    both = ITEM_ID in rows.columns and ITEM_ID in before.columns
    # RELION keeps the first of all images' names, where a particle was subtracted from before.
    earlier = ORIGINAL if ORIGINAL in before.columns else IMAGE
    mine, theirs = (ITEM_ID, ITEM_ID) if both else (ORIGINAL, earlier)
    places = {str(name): row for row, name in enumerate(before[theirs].to_list())}
    try:
        return before[[places[str(name)] for name in rows[mine].to_list()]]
    except KeyError as error:
        raise DatasetError(
            where, found=f"a particle {error} that was not given", expected="those that were given"
        ) from None


def _of_groups(rows: "pl.DataFrame", optics: "pl.DataFrame", label: str) -> Floats:
    sizes: dict[Any, Any] = dict(optics.select("rlnOpticsGroup", label).iter_rows())
    return np.array([float(sizes[group]) for group in rows["rlnOpticsGroup"].to_list()])


def _pair(rows: "pl.DataFrame", labels: tuple[str, str]) -> Floats:
    return np.asarray(rows.select(labels).to_numpy(), dtype=np.float64)
