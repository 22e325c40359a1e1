"""Orientations in RELION's convention: Euler angles, matrices, quaternions and the angles between them.

`A = matrices(rot, tilt, psi)` turns the *specimen's* axes into the image's: A = Z(psi) Y(tilt) Z(rot),
each factor a passive rotation, `Z(a) = [[cos a, sin a, 0], [-sin a, cos a, 0], [0, 0, 1]]`. A point at
`r` of the map (from its centre) appears at the first two components of `A r`, and the image's
Fourier transform is the map's on the plane `A^T (kx, ky, 0)`. Angles are in degrees.

Origins: a particle whose centre lies at `c + d` in its image, `c` the pixel `n // 2`, has
`rlnOriginX/Y = -d`; in the micrograph it lies at `rlnCoordinate - rlnOrigin`.

Source: Heymann, Chagoyen & Belnap (2005), J. Struct. Biol. 151, 196.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats: TypeAlias = NDArray[np.float64]

# Below this sine of the tilt, rot and psi turn about the same axis and only their sum is known: rot is then 0.
# The matrix differs by no more than this.
_DEGENERATE = 1e-12

# The hand of a map cannot be seen in projections: the mirrored map explains each image as well,
# with A replaced by MIRROR A.
MIRROR = np.diag([-1.0, -1.0, 1.0])


def matrices(angles: ArrayLike) -> Floats:
    """Euler angles as rotation matrices.

    Args:
        angles: (..., 3), rot, tilt, psi in degrees.
    Returns:
        (..., 3, 3), `A` of this module's docstring.
    """
    rot, tilt, psi = np.moveaxis(np.radians(np.asarray(angles, dtype=np.float64)), -1, 0)
    ca, cb, cg = np.cos(rot), np.cos(tilt), np.cos(psi)
    sa, sb, sg = np.sin(rot), np.sin(tilt), np.sin(psi)
    rows = [
        [cg * cb * ca - sg * sa, cg * cb * sa + sg * ca, -cg * sb],
        [-sg * cb * ca - cg * sa, -sg * cb * sa + cg * ca, sg * sb],
        [sb * ca, sb * sa, cb],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def euler_angles(a: ArrayLike) -> Floats:
    """The Euler angles of rotation matrices, the inverse of `matrices`.

    Where the tilt is 0 or 180 degrees only one angle in the plane is defined: rot is then 0.

    Args:
        a: (..., 3, 3).
    Returns:
        (..., 3), rot, tilt, psi in degrees; tilt in [0, 180], the others in [-180, 180].
    """
    a = np.asarray(a, dtype=np.float64)
    sin_tilt = np.hypot(a[..., 2, 0], a[..., 2, 1])
    tilt = np.arctan2(sin_tilt, a[..., 2, 2])
    rot = np.where(sin_tilt > _DEGENERATE, np.arctan2(a[..., 2, 1], a[..., 2, 0]), 0.0)
    # The second column of A Z(rot)^T = Z(psi) Y(tilt) is (sin psi, cos psi, 0) at any tilt. Near the axis, where
    # rot has few digits, psi takes up what rot lost; the third column of A alone would not.
    cos, sin = np.cos(rot), np.sin(rot)
    psi = np.arctan2(
        a[..., 0, 1] * cos - a[..., 0, 0] * sin,
        a[..., 1, 1] * cos - a[..., 1, 0] * sin,
    )
    return np.asarray(np.degrees(np.stack([rot, tilt, psi], axis=-1)))


def rotation_angle(a: ArrayLike, b: ArrayLike) -> Floats:
    """Angle of the rotation that leads from one orientation to the other.

    Args:
        a, b: (..., 3, 3), broadcast against each other.
    Returns:
        (...), degrees in [0, 180].
    """
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    # The Frobenius distance keeps its digits for small angles, where arccos of the trace loses them.
    distance = np.sqrt(np.sum((a - b) ** 2, axis=(-2, -1)))
    return np.asarray(np.degrees(2.0 * np.arcsin(np.clip(distance / np.sqrt(8.0), 0.0, 1.0))))


def symmetric_angle(a: ArrayLike, b: ArrayLike, operators: ArrayLike) -> Floats:
    """Least angle between two orientations of a symmetric particle: min over g of angle(a, b g).

    Args:
        a, b: (n, 3, 3).
        operators: (m, 3, 3), the point group (`symmetry.operators`).
    Returns:
        (n,), degrees.
    """
    images = np.einsum("nij,gjk->ngik", np.asarray(b), np.asarray(operators))
    return np.asarray(rotation_angle(np.asarray(a)[:, None], images).min(axis=1))


def quaternions(a: ArrayLike) -> Floats:
    """Rotation matrices as unit quaternions.

    Args:
        a: (..., 3, 3).
    Returns:
        (..., 4), w, x, y, z with w >= 0, such that `matrices_of_quaternions` gives `a` back.
    """
    a = np.asarray(a, dtype=np.float64)
    diagonal = np.stack([a[..., 0, 0], a[..., 1, 1], a[..., 2, 2]], axis=-1)
    trace = diagonal.sum(axis=-1, keepdims=True)
    # Four times each squared component; the signs follow from the outer product with the largest.
    squares = np.concatenate([1.0 + trace, 1.0 - trace + 2.0 * diagonal], axis=-1)
    x = a[..., 2, 1] - a[..., 1, 2]
    y = a[..., 0, 2] - a[..., 2, 0]
    z = a[..., 1, 0] - a[..., 0, 1]
    xy = a[..., 0, 1] + a[..., 1, 0]
    xz = a[..., 0, 2] + a[..., 2, 0]
    yz = a[..., 1, 2] + a[..., 2, 1]
    w2, x2, y2, z2 = np.moveaxis(squares, -1, 0)
    outer = np.stack(
        [
            np.stack(row, axis=-1)
            for row in ([w2, x, y, z], [x, x2, xy, xz], [y, xy, y2, yz], [z, xz, yz, z2])
        ],
        axis=-2,
    )
    largest = np.argmax(squares, axis=-1)
    row = np.take_along_axis(outer, largest[..., None, None], axis=-2)[..., 0, :]
    unit = row / np.linalg.norm(row, axis=-1, keepdims=True)
    return np.asarray(np.where(unit[..., :1] < 0.0, -unit, unit))


def matrices_of_quaternions(q: ArrayLike) -> Floats:
    """Quaternions (..., 4), w, x, y, z, of any length but zero, as matrices (..., 3, 3)."""
    q = np.asarray(q, dtype=np.float64)
    w, x, y, z = np.moveaxis(q / np.linalg.norm(q, axis=-1, keepdims=True), -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def random_matrices(rng: np.random.Generator, n: int) -> Floats:
    """`n` orientations, uniform over all rotations: (n, 3, 3)."""
    return matrices_of_quaternions(rng.standard_normal((n, 4)))


def about_axis(axis: ArrayLike, degrees: float) -> Floats:
    """Active rotation of vectors by `degrees` about `axis`, anticlockwise seen from its tip: (3, 3)."""
    x, y, z = np.asarray(axis, dtype=np.float64) / np.linalg.norm(np.asarray(axis, dtype=np.float64))
    half = np.radians(degrees) / 2.0
    return matrices_of_quaternions([np.cos(half), x * np.sin(half), y * np.sin(half), z * np.sin(half)])


def of_mirror_image(a: ArrayLike) -> Floats:
    """Orientations under which the mirror image of a map has the same projections.

    A projection does not tell the hand: V(-r), projected under Z(180) A, is what V is under A. The mirror image that RELION
    makes (`relion_image_handler --invert_hand`) is V(-x, y, z), which is V(-r) turned by 180 degrees about x.

    Args:
        a: (..., 3, 3), orientations of the map.
    Returns:
        (..., 3, 3), those of its mirror image along x.
    """
    half_z, half_x = np.diag([-1.0, -1.0, 1.0]), np.diag([1.0, -1.0, -1.0])
    return np.asarray(half_z @ np.asarray(a, dtype=np.float64) @ half_x)
