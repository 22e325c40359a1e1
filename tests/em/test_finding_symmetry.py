"""The point group of a map is found however the map is turned, and none where there is none."""

import numpy as np
import pytest

from cryoloom.em.finding_symmetry import Axis, FoundSymmetry, find_symmetry
from cryoloom.em.poses import Floats, about_axis
from cryoloom.em.symmetry import operators
from cryoloom.errors import DatasetError

SIZE, ANGPIX = 48, 4.0
TURN = about_axis((0.3, 0.5, 0.81), 67.0) @ about_axis((1.0, 0.0, 0.0), 33.0)


def molecule(group: str, turn: Floats, *, noise: float = 0.0, seed: int = 2) -> Floats:
    """Twelve balls of different weight, and their mates."""
    rng = np.random.default_rng(seed)
    at = np.arange(SIZE) - SIZE // 2
    volume = noise * rng.standard_normal((SIZE, SIZE, SIZE))
    for place, weight in zip(rng.normal(size=(12, 3)) * 8.0, rng.uniform(0.5, 1.5, 12), strict=True):
        for one in operators(group):
            x, y, z = turn @ one @ place
            parts = [np.exp(-((at - centre) ** 2) / 6.0) for centre in (z, y, x)]
            volume += weight * parts[0][:, None, None] * parts[1][None, :, None] * parts[2][None, None, :]
    return np.asarray(volume)


@pytest.mark.parametrize("group", ["C1", "C2", "C4", "C7", "D2", "D3", "O"])
def test_a_group_is_found_wherever_its_axes_lie(group: str) -> None:
    found = find_symmetry(molecule(group, TURN, noise=0.1), ANGPIX)

    assert found.group == group, found.axes
    assert found.on_relions_axes == (group == "C1")
    if group != "C1":
        true = TURN @ np.array([0.0, 0.0, 1.0])
        nearest = max(abs(float(np.array(axis.direction) @ true)) for axis in found.axes)
        assert nearest > np.cos(np.radians(3))


@pytest.mark.parametrize("group", ["C5", "T", "I"])
def test_a_map_on_relion_s_axes_is_told_so(group: str) -> None:
    found = find_symmetry(molecule(group, np.eye(3)), ANGPIX)

    assert (found.group, found.on_relions_axes, found.is_clear) == (group, True, True)


def test_axes_that_make_no_group_together_are_not_clear() -> None:
    def axes(*of: tuple[int, tuple[float, float, float]]) -> FoundSymmetry:
        found = tuple(Axis(order, direction, 0.8) for order, direction in of)
        return FoundSymmetry("C3", found)

    x, y, z = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)
    assert axes((3, z)).is_clear
    assert not axes((3, z), (2, (0.0, 0.82, 0.58)), (2, x), (2, y)).is_clear


def test_a_ball_and_an_empty_box_have_no_axes() -> None:
    at = np.arange(SIZE) - SIZE // 2
    radius = np.sqrt(at[:, None, None] ** 2 + at[None, :, None] ** 2 + at[None, None, :] ** 2)
    ball = np.exp(-((radius / 12.0) ** 4)) + 0.02 * np.random.default_rng(1).standard_normal((SIZE,) * 3)

    assert find_symmetry(ball, ANGPIX).group == "C1"
    with pytest.raises(DatasetError, match="nothing that varies"):
        find_symmetry(np.zeros((SIZE,) * 3), ANGPIX)
    with pytest.raises(DatasetError, match="expected a cube"):
        find_symmetry(np.zeros((8, 8, 9)), ANGPIX)
