"""Poses of other programs, and alignments in the plane.

RELION says of a particle: `A = matrices(rot, tilt, psi)` and an origin `s` in Å, and means that the point
`r` of the map appears in the image at `p = A r - s`, both from their centres (see `poses.py`).

cryoSPARC says the same by a rotation vector `v` in radians, `A = exp([v]x)`: a turn by `|v|` about `v`,
anticlockwise seen from its tip; and by a shift in pixels with RELION's sign.

In the plane (2D classes) rot and tilt are 0, and `r = R (p + s)` with `R = A^T`: first the image is shifted by
`s`, then it is turned by psi about its centre. As one matrix: `T = [[R, R s], [0, 1]]`.
"""

import numpy as np
from numpy.typing import ArrayLike

from cryoloom.em.poses import Floats, euler_angles, matrices, matrices_of_quaternions, quaternions


def rotation_vectors(a: ArrayLike) -> Floats:
    """Rotation matrices (..., 3, 3) as rotation vectors (..., 3) in radians, of length 0 to pi."""
    q = quaternions(a)
    size = np.linalg.norm(q[..., 1:], axis=-1, keepdims=True)
    angle = 2.0 * np.arctan2(size, q[..., :1])
    # For small turns the half angle and its sine are the same: 2 keeps all digits.
    scale = np.divide(angle, size, out=np.full_like(size, 2.0), where=size > 1e-12)
    return np.asarray(q[..., 1:] * scale)


def matrices_of_rotation_vectors(vectors: ArrayLike) -> Floats:
    """Rotation vectors (..., 3) in radians as matrices (..., 3, 3)."""
    v = np.asarray(vectors, dtype=np.float64)
    angle = np.linalg.norm(v, axis=-1, keepdims=True)
    # sin(x / 2) / x, which is 1 / 2 at 0.
    scale = 0.5 * np.sinc(angle / (2.0 * np.pi))
    return matrices_of_quaternions(np.concatenate([np.cos(angle / 2.0), v * scale], axis=-1))


def cryosparc_poses(angles: ArrayLike) -> Floats:
    """RELION's rot, tilt, psi (..., 3) in degrees as `alignments3D/pose` (..., 3) in radians."""
    return rotation_vectors(matrices(angles))


def relion_angles(poses: ArrayLike) -> Floats:
    """`alignments3D/pose` (..., 3) in radians as RELION's rot, tilt, psi (..., 3) in degrees."""
    return euler_angles(matrices_of_rotation_vectors(poses))


def cryosparc_shifts(origins_angst: ArrayLike, angpix: ArrayLike) -> Floats:
    """`rlnOriginXAngst`, `rlnOriginYAngst` (..., 2) as `alignments3D/shift` (..., 2) in pixels of `angpix` Å (...)."""
    origins = np.asarray(origins_angst, dtype=np.float64)
    return np.asarray(origins / np.asarray(angpix, dtype=np.float64)[..., None])


def relion_origins(shifts_px: ArrayLike, angpix: ArrayLike) -> Floats:
    """`alignments3D/shift` (..., 2) in pixels of `alignments3D/psize_A` (...) as origins (..., 2) in Å."""
    shifts = np.asarray(shifts_px, dtype=np.float64)
    return np.asarray(shifts * np.asarray(angpix, dtype=np.float64)[..., None])


def planar_matrices(psi: ArrayLike, origins: ArrayLike) -> Floats:
    """2D alignments as matrices `T` of this module's docstring.

    Args:
        psi: (...), degrees.
        origins: (..., 2), in any unit; the matrices' last column has the same.
    Returns:
        (..., 3, 3), from the raw image to the aligned one; `T2 @ T1` is T1 followed by T2.
    """
    radians, s = np.radians(np.asarray(psi, dtype=np.float64)), np.asarray(origins, dtype=np.float64)
    cos, sin = np.cos(radians), np.sin(radians)
    x, y = np.moveaxis(s, -1, 0)
    zero, one = np.zeros_like(cos), np.ones_like(cos)
    rows = [[cos, -sin, cos * x - sin * y], [sin, cos, sin * x + cos * y], [zero, zero, one]]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def planar_alignments(t: ArrayLike) -> tuple[Floats, Floats]:
    """The inverse of `planar_matrices`: psi (...) in degrees within [-180, 180], and origins (..., 2)."""
    t = np.asarray(t, dtype=np.float64)
    psi = np.degrees(np.arctan2(t[..., 1, 0], t[..., 0, 0]))
    origins = np.einsum("...ji,...j->...i", t[..., :2, :2], t[..., :2, 2])
    return np.asarray(psi), np.asarray(origins)
