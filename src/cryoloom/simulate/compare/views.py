"""Orientations against the true ones, as far as data can tell them: up to symmetry, setting and hand."""

from dataclasses import dataclass

import numpy as np

from cryoloom.em.poses import MIRROR, Floats, matrices, symmetric_angle
from cryoloom.em.symmetry import operators, settings


@dataclass(frozen=True, slots=True)
class ViewErrors:
    """Errors in the hand and setting in which they are least."""

    degrees: Floats  # (n,)
    flipped: bool  # the map has the wrong hand
    setting: int  # number of the turn in `symmetry.settings` by which it lies


def view_errors(found: Floats, true: Floats, symmetry: str) -> ViewErrors:
    """Angles between found and true orientations, in the hand and setting that suits them best as a whole.

    Args:
        found, true: (n, 3), rot, tilt, psi in degrees, row by row the same particle.
        symmetry: point group.
    """
    a, b = matrices(found), matrices(true)
    group = operators(symmetry)
    best: ViewErrors | None = None
    for flipped in (False, True):
        handed = MIRROR @ b if flipped else b
        for number, turn in enumerate(settings(symmetry)):
            errors = ViewErrors(symmetric_angle(a, handed @ turn, group), flipped, number)
            if best is None or _wrong(errors.degrees) < _wrong(best.degrees):
                best = errors
    assert best is not None
    return best


def _wrong(degrees: Floats) -> float:
    """Mean error, where all that is beyond 20 degrees is equally wrong."""
    return float(np.minimum(degrees, 20.0).mean()) if len(degrees) else 0.0
