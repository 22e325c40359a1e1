"""How well different particles were told apart: states by classes, a moving body by its angle.

Pure functions of columns whose rows are the same particles.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

from cryoloom.em.poses import Floats, matrices
from cryoloom.errors import DatasetError


@dataclass(frozen=True, slots=True)
class Composition:
    """Classes against states."""

    states: tuple[int, ...]  # that occur, in order
    true: tuple[float, ...]  # part of the particles in each
    found: tuple[float, ...]  # the same by classes, each class counted for the state that most of it has
    purity: float  # part of the particles whose class is mostly of their state
    recall: tuple[float, ...]  # part of each state that lies in its classes


@dataclass(frozen=True, slots=True)
class BodyAngles:
    """Found amplitudes of a motion against the true angles, after the best straight line between them."""

    correlation: float  # 0 to 1; sign and scale of an amplitude mean nothing
    error: float  # rms of what is left, degrees
    spread: float  # rms of the true angles about their mean, degrees: the error of knowing nothing


def composition(classes: Sequence[int], states: Sequence[int]) -> Composition:
    """What classes say of the states.

    Raises:
        DatasetError: no particle, or not one state for each class number.
    """
    by_class, true = np.asarray(classes), np.asarray(states)
    _same_length("Classes and states", by_class, true)
    kinds, number = np.unique(true, return_inverse=True)
    assigned = np.empty(len(true), dtype=np.int64)
    for each in np.unique(by_class):
        inside = by_class == each
        assigned[inside] = np.bincount(number[inside], minlength=len(kinds)).argmax()
    right = assigned == number
    shares = [
        tuple(float(x) for x in np.bincount(x, minlength=len(kinds)) / len(true)) for x in (number, assigned)
    ]
    return Composition(
        states=tuple(int(kind) for kind in kinds),
        true=shares[0],
        found=shares[1],
        purity=float(right.mean()),
        recall=tuple(float(right[number == i].mean()) for i in range(len(kinds))),
    )


def body_angles(found: ArrayLike, true: ArrayLike) -> BodyAngles:
    """How well amplitudes, such as the weights of a principal component, follow the true angles in degrees.

    Raises:
        DatasetError: fewer than three particles, or lengths that differ.
    """
    amplitudes, degrees = np.asarray(found, dtype=np.float64), np.asarray(true, dtype=np.float64)
    _same_length("Amplitudes and angles", amplitudes, degrees, least=3)
    centred = degrees - degrees.mean()
    spread = float(np.sqrt(np.mean(centred**2)))
    moves: Floats = amplitudes - amplitudes.mean()
    power = float(moves @ moves)
    if power == 0.0 or spread == 0.0:
        return BodyAngles(0.0, spread, spread)
    left = centred - moves * float(moves @ centred) / power
    error = float(np.sqrt(np.mean(left**2)))
    return BodyAngles(float(abs(moves @ centred) / np.sqrt(power * (centred @ centred))), error, spread)


def body_turns(angles: ArrayLike) -> Floats:
    """How far each particle has turned a body, degrees about the one axis about which the body turns most: (n,).

    The mean is taken off, and the sign means nothing.

    Args:
        angles: (n, 3), rlnAngleRot, rlnAngleTilt and rlnAnglePsi of a body, from `data_images_body_N` of a multi-body
            refinement. There a tilt of 90 degrees beside two zeros is the consensus: RELION turns bodies by that much,
            so that small turns do not lie at the pole of Euler's angles.
    Raises:
        DatasetError: fewer than three particles.
    """
    given = np.asarray(angles, dtype=np.float64).reshape(-1, 3)
    _same_length("Turns of a body", given, given, least=3)
    turns = matrices([0.0, 90.0, 0.0]).T @ matrices(given)
    vectors = np.degrees(Rotation.from_matrix(turns).as_rotvec())
    vectors -= vectors.mean(axis=0)
    axis = np.linalg.svd(vectors, full_matrices=False)[2][0]
    return np.asarray(vectors @ axis)


def _same_length(what: str, a: NDArray[np.generic], b: NDArray[np.generic], least: int = 1) -> None:
    if len(a) != len(b) or len(a) < least:
        raise DatasetError(
            what, found=f"{len(a)} and {len(b)}", expected=f"one of each particle, at least {least}"
        )
