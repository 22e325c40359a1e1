"""Point groups by RELION's names, on RELION's axes, and what a symmetry leaves undetermined.

| name | axes |
| --- | --- |
| Cn | n-fold on z |
| Dn | n-fold on z, 2-fold on x |
| T | 3-fold on z, 2-fold on (0, 0.8165, 0.5774) |
| O | 4-fold on z, 3-fold on (1, 1, 1) |
| I, I2 | 2-folds on x, y and z, 5-fold in the xz plane |
| I1 | I2 turned by 90 degrees about z's 2-fold setting; 5-fold at (0.85, 0, -0.53) |
| I3, I4 | 5-fold on z; a 2-fold in the xz plane on either side |

Rotations only: a molecule has a hand, so mirrors are no symmetry of it.
"""

from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cryoloom.em.point_groups import check_point_group
from cryoloom.em.poses import Floats, about_axis, symmetric_angle

T_TWOFOLD = (0.0, np.sqrt(2.0 / 3.0), np.sqrt(1.0 / 3.0))

# The tangent of half of these angles is the golden ratio, as everywhere in an icosahedron.
_SHORT = float(np.sqrt((5.0 - np.sqrt(5.0)) / 10.0))  # 0.5257
_LONG = float(np.sqrt((5.0 + np.sqrt(5.0)) / 10.0))  # 0.8507

_POLYHEDRAL: dict[str, tuple[tuple[int, tuple[float, float, float]], ...]] = {
    "T": ((3, (0.0, 0.0, 1.0)), (2, T_TWOFOLD)),
    "O": ((4, (0.0, 0.0, 1.0)), (3, (1.0, 1.0, 1.0))),
    "I1": ((2, (1.0, 0.0, 0.0)), (5, (_LONG, 0.0, -_SHORT))),
    "I2": ((2, (0.0, 0.0, 1.0)), (5, (-_SHORT, 0.0, _LONG))),
    "I3": ((5, (0.0, 0.0, 1.0)), (2, (-_SHORT, 0.0, _LONG))),
    "I4": ((5, (0.0, 0.0, 1.0)), (2, (_SHORT, 0.0, _LONG))),
}


@cache
def operators(name: str) -> Floats:
    """All rotations of a point group.

    Args:
        name: `C1`, `C7`, `D2`, `T`, `O`, `I`, `I1` to `I4`; upper or lower case.
    Returns:
        (order, 3, 3), the identity first; not to be written to.
    Raises:
        ParameterError: no point group of that name.
    """
    check_point_group(name)
    generators = [about_axis(axis, 360.0 / fold) for fold, axis in _axes(name.strip().upper())]
    group = [np.eye(3)]
    tried = 0
    while tried < len(group):
        for generator in generators:
            product = group[tried] @ generator
            if all(np.abs(product - member).max() > 1e-6 for member in group):
                group.append(product)
        tried += 1
    found = np.stack(group)
    found.setflags(write=False)
    return found


def settings(name: str) -> Floats:
    """Turns of a map that keep its symmetry axes where they are: one of each coset of the group.

    A map refined from scratch may come out in any of these settings; all have the right axes. T has two
    (it lies twice in O), all others here one, apart from turns about z that Cn leaves free.

    Returns:
        (m, 3, 3), the identity first.
    Raises:
        ParameterError: no point group of that name.
    """
    operators(name)
    if name.strip().upper() == "T":
        return np.stack([np.eye(3), about_axis(T_TWOFOLD, 90.0)])
    return np.eye(3)[None]


def are_equivalent(a: ArrayLike, b: ArrayLike, name: str, *, degrees: float = 1e-3) -> NDArray[np.bool_]:
    """Whether two poses show a particle of this symmetry alike.

    Args:
        a, b: (n, 3, 3), RELION's matrices (`poses.matrices`).
        degrees: the largest angle between them that still counts as none.
    Returns:
        (n,).
    Raises:
        ParameterError: no point group of that name.
    """
    return np.asarray(symmetric_angle(a, b, operators(name)) <= degrees)


def representatives(a: ArrayLike, name: str) -> Floats:
    """Of all poses that the symmetry makes equal, the smallest rotation: one of each class.

    Args:
        a: (n, 3, 3).
    Returns:
        (n, 3, 3), `a` times an operator. On the border between two units either may come.
    Raises:
        ParameterError: no point group of that name.
    """
    images = np.einsum("nij,gjk->ngik", np.asarray(a, dtype=np.float64), operators(name))
    # The trace is 1 + 2 cos(angle): the largest belongs to the smallest rotation.
    best = np.argmax(np.trace(images, axis1=-2, axis2=-1), axis=1)
    return np.asarray(images[np.arange(len(images)), best])


def _axes(group: str) -> tuple[tuple[int, tuple[float, float, float]], ...]:
    group = "I2" if group == "I" else group
    if group in _POLYHEDRAL:
        return _POLYHEDRAL[group]
    about_z = (int(group[1:]), (0.0, 0.0, 1.0))
    return (about_z,) if group[0] == "C" else (about_z, (2, (1.0, 0.0, 0.0)))
