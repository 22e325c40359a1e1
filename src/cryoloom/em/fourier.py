"""Fourier shells and changes of sampling: what maps are compared with.

Maps are cubes (z, y, x) whose centre is the voxel `n // 2` on each axis, as in RELION. Frequencies are in
1/Å. Transforms are numpy's: forward `exp(-2 pi i k x)`, unnormalised.
"""

from typing import Any

import numpy as np
import scipy.fft
import scipy.ndimage
from numpy.typing import NDArray

from cryoloom.em.poses import Floats
from cryoloom.errors import DatasetError


def shells(size: int) -> NDArray[np.int64]:
    """Shell number (distance from zero frequency, rounded) of each coefficient of `rfftn` of a cube."""
    z = scipy.fft.fftfreq(size, 1.0 / size)
    x = scipy.fft.rfftfreq(size, 1.0 / size)
    r2 = z[:, None, None] ** 2 + z[None, :, None] ** 2 + x[None, None, :] ** 2
    return np.asarray(np.rint(np.sqrt(r2)), dtype=np.int64)


def fourier_shell_correlation(a: NDArray[Any], b: NDArray[Any]) -> Floats:
    """FSC of two cubes, from zero frequency to Nyquist: (n // 2 + 1,). Shell i is at i / (n angpix).

    Raises:
        DatasetError: the maps have different sizes or are no cubes.
    """
    if a.shape != b.shape or len(set(a.shape)) != 1 or a.ndim != 3:
        raise DatasetError(
            "The size of the second map",
            found=str(b.shape),
            expected=f"the cube {a.shape} of the first",
            hint="Bring both to one box first.",
        )
    n = a.shape[0]
    fa, fb = scipy.fft.rfftn(a), scipy.fft.rfftn(b)
    index = shells(n).ravel()
    # The half that rfftn leaves out counts twice, save the planes x = 0 and n / 2, which hold their mates.
    weight = np.full(fa.shape, 2.0)
    weight[..., 0] = 1.0
    if n % 2 == 0:
        weight[..., -1] = 1.0
    cross, own_a, own_b = (
        np.bincount(index, (weight * part).ravel(), n)[: n // 2 + 1]
        for part in (np.real(fa * np.conj(fb)), np.abs(fa) ** 2, np.abs(fb) ** 2)
    )
    scale = np.sqrt(own_a * own_b)
    return np.asarray(np.divide(cross, scale, out=np.zeros_like(cross), where=scale > 0.0))


def resolution_at(fsc: Floats, threshold: float, box_angst: float) -> tuple[float, bool]:
    """Where a curve first falls below a threshold, between shells by a straight line.

    Args:
        fsc: (m,), shell i at i / `box_angst`.
        box_angst: edge of the box, Å.
    Returns:
        The resolution in Å, and whether the curve never fell: then it is the last shell's, Nyquist.
    """
    below = np.flatnonzero(fsc[1:] < threshold) + 1
    if below.size == 0:
        return box_angst / (len(fsc) - 1), True
    i = int(below[0])
    if i == 1:
        return box_angst, False
    shell = i - 1 + (fsc[i - 1] - threshold) / (fsc[i - 1] - fsc[i])
    return float(box_angst / shell), False


def low_pass(volume: NDArray[Any], angpix: float, resolution: float) -> Floats:
    """The map without frequencies beyond 1 / `resolution` (Å); soft over two shells."""
    n = volume.shape[0]
    edge = n * angpix / resolution
    keep = np.clip(0.5 * (edge + 1.0 - shells(n)), 0.0, 1.0)
    return np.asarray(scipy.fft.irfftn(scipy.fft.rfftn(volume) * keep, volume.shape), dtype=np.float64)


def resample(volume: NDArray[Any], angpix: float, size: int, new_angpix: float) -> Floats:
    """The map on another grid about the same centre; without what the new grid cannot hold.

    Args:
        volume: cube at `angpix` Å.
        size: edge of the new cube, px; outside the old one it is 0.
    Returns:
        (size, size, size).
    """
    n = volume.shape[0]
    if size == n and abs(new_angpix - angpix) < 1e-6 * angpix:
        return np.asarray(volume, dtype=np.float64)
    volume = np.asarray(volume, dtype=np.float64)
    if new_angpix > angpix:
        volume = low_pass(volume, angpix, 2.0 * new_angpix)
    at = (np.arange(size) - size // 2) * (new_angpix / angpix) + n // 2
    grid = np.stack(np.meshgrid(at, at, at, indexing="ij"))
    return np.asarray(scipy.ndimage.map_coordinates(volume, grid, order=3))


def mirrored(volume: NDArray[Any]) -> NDArray[Any]:
    """The map of the other hand: inverted through its centre voxel."""
    flipped = volume[::-1, ::-1, ::-1]
    return np.roll(flipped, 1, axis=(0, 1, 2)) if volume.shape[0] % 2 == 0 else flipped


def transformed(
    volume: NDArray[Any], rotation: Floats, shift: Floats | None = None, *, scale: float = 1.0, order: int = 3
) -> Floats:
    """The map W(r) = V(scale R r + shift), about the centre.

    Args:
        volume: cube.
        rotation: (3, 3), R, on (x, y, z).
        shift: (3,), px along x, y, z.
    """
    n = volume.shape[0]
    # Arrays run z, y, x.
    matrix = scale * np.asarray(rotation)[::-1, ::-1]
    centre = np.full(3, float(n // 2))
    offset = centre - matrix @ centre + (np.zeros(3) if shift is None else np.asarray(shift)[::-1])
    return np.asarray(
        scipy.ndimage.affine_transform(np.asarray(volume, dtype=np.float64), matrix, offset, order=order)
    )
