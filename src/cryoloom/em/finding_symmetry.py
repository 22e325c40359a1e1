"""Which point group a map has, wherever its axes lie: rotations about the box's centre that leave it as it is.

The spherical average is taken off first, so that a globular molecule is not like itself from every side; and about an axis
the average of all turns, so that a barrel is not like itself at every angle. A direction is an n-fold axis where what is
left, turned by each multiple of 360/n about it, correlates with itself; the group follows from how many axes of which order
there are. Mirrors are not asked for: a molecule has a hand.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.ndimage
import scipy.optimize
from numpy.typing import NDArray

from cryoloom.em.fourier import resample
from cryoloom.em.poses import Floats, about_axis
from cryoloom.errors import DatasetError

ALIKE = 0.6  # correlation of a map with itself turned, for an axis
PROMISING = 0.35  # of a direction four degrees from one, before it is searched finely
COARSE = 12.0  # Å, for the search of directions
BOX = 64  # px at most
STRONG = 0.25  # part of the sphere that is looked at: the molecule, not the noise around it
SAMPLES = 1500  # voxels that are compared
ORDERS = (2, 3, 5, 7, 11, 13)  # of the search; what they are multiples of is asked about axes that were found
MOST = 24
APART = 8.0  # degrees: two nearer axes are one
TURNS = 36  # by which the average about an axis is made
AS_GOOD = 0.05  # of the correlation
TRIED = 40  # directions of each order that are searched finely, at most


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis of rotation."""

    order: int
    direction: tuple[float, float, float]  # x, y, z; a unit vector
    correlation: float


@dataclass(frozen=True, slots=True)
class FoundSymmetry:
    """A point group by RELION's name, C1 for none, and the axes that tell it, the most telling first."""

    group: str
    axes: tuple[Axis, ...]

    @property
    def is_clear(self) -> bool:
        """Whether the axes are this group's and no others: of a map with a preferred view some are there by chance."""
        counts = {
            order: sum(axis.order == order for axis in self.axes)
            for order in {axis.order for axis in self.axes}
        }
        expected = _AXES.get(self.group) or _of_turns(self.group)
        return all(number <= expected.get(order, 0) for order, number in counts.items())

    @property
    def on_relions_axes(self) -> bool:
        """Whether the principal axis lies on z already (of icosahedra: a 2-fold one)."""
        if not self.axes:
            return True
        wanted = 2 if self.group.startswith("I") else self.axes[0].order
        return any(
            abs(axis.direction[2]) > np.cos(np.radians(3)) for axis in self.axes if axis.order == wanted
        )


def find_symmetry(volume: NDArray[np.floating], angpix: float) -> FoundSymmetry:
    """The point group of a map.

    Args:
        volume: cube (z, y, x) whose molecule lies about the box's centre.
        angpix: Å.
    Raises:
        DatasetError: no cube, or nothing in it.
    """
    if volume.ndim != 3 or len(set(volume.shape)) != 1:
        raise DatasetError("The map", found=f"{volume.shape}", expected="a cube")
    coarse = max(COARSE / 2.0, angpix, volume.shape[0] * angpix / BOX)
    size = 2 * (int(volume.shape[0] * angpix / coarse) // 2)
    values = _without_spheres(resample(volume, angpix, size, coarse))
    if not np.isfinite(values).all() or float(np.std(values)) <= 0.0:
        raise DatasetError("The map", found="nothing that varies in its sphere", expected="a molecule")
    compared = _Compared(values)
    axes: list[Axis] = []
    directions = _half_sphere(5.0)
    for order in ORDERS:
        found = np.array([compared.roughly(direction, order) for direction in directions])
        seen = [np.asarray(axis.direction) for axis in axes if axis.order % order == 0]
        for index in np.argsort(-found)[:TRIED]:
            if found[index] < PROMISING:
                break
            if all(_angle(directions[index], one) >= APART for one in seen):
                direction = _refined(compared, directions[index], order)
                seen += [directions[index], direction]
                if axis := _axis(compared, direction, order):
                    axes = [*_others(axes, axis), axis]
    axes.sort(key=lambda axis: (-axis.order, -axis.correlation))
    return FoundSymmetry(_group(axes), tuple(axes))


_AXES: dict[str, dict[int, int]] = {
    "T": {3: 4, 2: 3},
    "O": {4: 3, 3: 4, 2: 6},
    "I": {5: 6, 3: 10, 2: 15},
    "C1": {},
}


def _of_turns(group: str) -> dict[int, int]:
    """How many axes of which order C and D groups have."""
    order = int(group[1:])
    if group[0] == "C":
        return {order: 1}
    return {2: 3} if order == 2 else {order: 1, 2: order}


class _Compared:
    """A map's values at points of its sphere, and those where a rotation brings the points."""

    def __init__(self, values: Floats) -> None:
        self.centre = values.shape[0] // 2
        self.values = scipy.ndimage.spline_filter(values, order=3)
        inside = _radii(values.shape[0]) < self.centre - 1
        strong = np.abs(values) >= np.quantile(np.abs(values[inside]), 1 - STRONG)
        grid = np.argwhere(inside & strong) - self.centre
        # The same points in every call: the same map gives the same answer.
        chosen = np.random.default_rng(1).choice(len(grid), min(SAMPLES, len(grid)), replace=False)
        self.points = grid[chosen, ::-1].astype(np.float64)
        self.here = self._at(self.points)

    def alike(self, direction: Floats, orders: Sequence[int]) -> dict[int, float]:
        """For each order the least correlation with the map turned by a multiple of 360 / order, the barrel taken off."""
        barrel = np.mean([self._turned(direction, turn * 360.0 / TURNS) for turn in range(TURNS)], axis=0)
        here = self.here - barrel
        found = {}
        for order in orders:
            turns = (
                self._turned(direction, turn * 360.0 / order) - barrel for turn in range(1, order // 2 + 1)
            )
            found[order] = min(_correlation(here, there) for there in turns)
        return found

    def roughly(self, direction: Floats, order: int) -> float:
        """Correlation with the map turned by the largest multiple of 360 / order, the barrel left in."""
        return _correlation(self.here, self._turned(direction, (order // 2) * 360.0 / order))

    def _turned(self, direction: Floats, degrees: float) -> Floats:
        return self._at(self.points @ about_axis(direction, degrees).T)

    def _at(self, points: Floats) -> Floats:
        places = points[:, ::-1].T + self.centre
        return np.asarray(
            scipy.ndimage.map_coordinates(self.values, places, order=3, prefilter=False), dtype=np.float64
        )


def _refined(compared: _Compared, direction: Floats, order: int) -> Floats:
    """The direction near this one about which the map is most like itself."""
    helper = np.array([1.0, 0.0, 0.0]) if abs(direction[0]) < 0.9 else np.array([0.0, 1.0, 0.0])
    across = np.cross(direction, helper)
    across /= np.linalg.norm(across)
    other = np.cross(direction, across)

    def turned(at: Floats) -> Floats:
        moved = direction + at[0] * across + at[1] * other
        return np.asarray(moved / np.linalg.norm(moved))

    best = scipy.optimize.minimize(
        lambda at: -compared.roughly(turned(at), order), np.zeros(2), method="Nelder-Mead",
        options={"initial_simplex": [[0, 0], [0.05, 0], [0, 0.05]], "xatol": 1e-3, "fatol": 1e-4, "maxfev": 40},
    )  # fmt: skip
    return turned(best.x)


def _axis(compared: _Compared, direction: Floats, order: int) -> Axis | None:
    """The axis there with the largest order that it has, a multiple of this one; None where there is none."""
    values = compared.alike(direction, range(order, max(MOST, order) + 1, order))
    # A 4-fold axis is a 2-fold one too, and as good a one.
    best = max((one for one in values if values[one] >= max(values.values()) - AS_GOOD), default=order)
    return Axis(best, _upward(direction), values[best]) if values[best] >= ALIKE else None


def _others(axes: list[Axis], axis: Axis) -> list[Axis]:
    return [one for one in axes if _angle(np.asarray(one.direction), np.asarray(axis.direction)) >= APART]


def _group(axes: list[Axis]) -> str:
    """The group whose axes these are; the largest that they prove."""
    if not axes:
        return "C1"
    several = {order: sum(axis.order == order for axis in axes) for order in (3, 4, 5)}
    if several[5] > 1:
        return "I"
    if several[4] > 1:
        return "O"
    if several[3] > 1:
        return "T"
    principal = np.asarray(axes[0].direction)
    across = [
        axis
        for axis in axes[1:]
        if axis.order % 2 == 0 and _angle(np.asarray(axis.direction), principal) > 80
    ]
    return f"{'D' if across else 'C'}{axes[0].order}"


def _correlation(a: Floats, b: Floats) -> float:
    a, b = a - a.mean(), b - b.mean()
    spread = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / spread if spread > 0.0 else 0.0


def _angle(a: Floats, b: Floats) -> float:
    """Between two axes, 0 to 90 degrees."""
    return float(np.degrees(np.arccos(min(1.0, abs(float(a @ b))))))


def _upward(direction: Floats) -> tuple[float, float, float]:
    x, y, z = (float(part) for part in (direction if direction[2] >= 0 else -direction))
    return x, y, z


def _half_sphere(degrees: float) -> Floats:
    """(n, 3): directions of the upper half, about so far apart, along a spiral."""
    count = round(2 * np.pi / np.radians(degrees) ** 2)
    z = (np.arange(count) + 0.5) / count
    turn = np.arange(count) * np.pi * (3 - np.sqrt(5))
    across = np.sqrt(1 - z**2)
    return np.stack([across * np.cos(turn), across * np.sin(turn), z], axis=1)


def _radii(size: int) -> Floats:
    at = (np.arange(size) - size // 2) ** 2
    return np.asarray(np.sqrt(at[:, None, None] + at[None, :, None] + at[None, None, :]))


def _without_spheres(values: Floats) -> Floats:
    """The map less its average over each sphere about the centre, 0 outside of the largest."""
    # By a straight line between shells: whole voxels' shells would leave the grid's own, cubic, symmetry.
    radii = _radii(values.shape[0])
    below = np.floor(radii).astype(int)
    part = radii - below
    count = int(below.max()) + 2
    total, weight = (
        np.bincount(below.ravel(), ((1 - part) * what).ravel(), count)
        + np.bincount(below.ravel() + 1, (part * what).ravel(), count)
        for what in (values, np.ones_like(values))
    )
    means = total / np.maximum(weight, 1e-12)
    smooth = (1 - part) * means[below] + part * means[below + 1]
    return np.asarray(np.where(radii < values.shape[0] // 2, values - smooth, 0.0))
