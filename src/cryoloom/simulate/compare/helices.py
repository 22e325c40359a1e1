"""How well a helix was found: rise and twist against the true ones, and poses along filaments."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from cryoloom.em.poses import Floats, about_axis, matrices, rotation_angle
from cryoloom.errors import DatasetError

_COLUMNS = ("rlnHelicalRise", "rlnHelicalTwist")


@dataclass(frozen=True, slots=True)
class HelixErrors:
    """One class's helix against the true one."""

    rise: float  # found minus true, Å
    twist: float  # found minus true, degrees; the wrong hand is twice the twist off


def helix_errors(found: pl.DataFrame, true: pl.DataFrame) -> list[HelixErrors]:
    """Errors of rise and twist of each row of a table (`model_classes` of a refinement).

    Args:
        true: the one row of `truth/helix.star`.
    Raises:
        DatasetError: a table without these columns, or a truth of more than one row.
    """
    for table in (found, true):
        if missing := [name for name in _COLUMNS if name not in table.columns]:
            raise DatasetError(
                "The helix' table",
                found="no " + ", ".join(missing),
                expected="the columns of a helical refinement",
            )
    if true.height != 1:
        raise DatasetError("The true helix", found=f"{true.height} rows", expected="one")
    rise, twist = (float(true[name][0]) for name in _COLUMNS)
    return [
        HelixErrors(rise=float(own_rise) - rise, twist=_turn(float(own_twist) - twist))
        for own_rise, own_twist in found.select(_COLUMNS).iter_rows()
    ]


def helical_view_errors(found: Floats, true: Floats, rise: float, twist: float, axial: Floats) -> Floats:
    """Angles, in degrees, between found and true orientations of segments, up to the helix' own freedom.

    A refinement may put a segment further along its filament if it turns it with the helix, so orientations are
    compared as they would be at the true place.

    Args:
        found, true: (n, 3), rot, tilt, psi.
        axial: (n,), Å by which each found centre lies above the true one along the map's +z axis.
    """
    turns = np.stack([about_axis([0.0, 0.0, 1.0], float(by)) for by in axial / rise * twist])
    return rotation_angle(matrices(found), matrices(true) @ turns)


def _turn(degrees: float) -> float:
    """Degrees within -180 to 180."""
    return (degrees + 180.0) % 360.0 - 180.0
