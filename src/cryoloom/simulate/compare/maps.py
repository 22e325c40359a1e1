"""A map against the true one, after all that a reconstruction leaves open has been taken off.

That is hand, setting of the axes, small turns and shifts, and scale: before magnification refinement a map
may be a percent off, and one percent costs the outer shells.
"""

from dataclasses import dataclass

import numpy as np
import scipy.fft
import scipy.ndimage
import scipy.optimize
from numpy.typing import NDArray

from cryoloom.em.fourier import (
    fourier_shell_correlation,
    low_pass,
    mirrored,
    resample,
    resolution_at,
    transformed,
)
from cryoloom.em.poses import Floats, about_axis
from cryoloom.em.symmetry import settings

_COARSE_ANGST = 16.0  # hand and setting show at this resolution
_FINE_ANGST = 9.0  # the rest is refined at this one
_OVERSAMPLED = 2  # before the last interpolation, so that it costs nothing at Nyquist


@dataclass(frozen=True, slots=True)
class MapScore:
    """How a map agrees with the truth where it agrees best."""

    correlation: float  # within the mask
    fsc: Floats  # shells of the map's own box, masked maps
    resolution: float  # where the FSC falls below 0.5, Å
    at_nyquist: bool  # it never does
    flipped: bool
    setting: int
    scale: float  # of the map, 1 is right


def compare_maps(
    volume: Floats, angpix: float, true: Floats, mask: Floats, true_angpix: float, symmetry: str
) -> MapScore:
    """Score a map, of any box and pixel size, against the true one.

    Args:
        volume: cube at `angpix` Å/px.
        true, mask: cubes at `true_angpix`; the mask from 0 to 1.
    """
    size = volume.shape[0]
    target = resample(true, true_angpix, size, angpix)
    window = np.clip(resample(mask, true_angpix, size, angpix), 0.0, 1.0)
    coarse = low_pass(target, angpix, max(_COARSE_ANGST, 2.0 * angpix))
    candidates = []
    for flipped in (False, True):
        own = np.asarray(mirrored(volume) if flipped else volume, dtype=np.float64)
        blurred = low_pass(own, angpix, max(_COARSE_ANGST, 2.0 * angpix))
        for number, turn in enumerate(settings(symmetry)):
            score = _correlation(transformed(blurred, turn), coarse, window)
            candidates.append((score, flipped, number, own, turn))
    _, flipped, number, own, turn = max(candidates, key=lambda candidate: candidate[0])
    matrix, shift = _refined(own, turn, target, window, angpix)
    placed = _placed(own, matrix, shift)
    fsc = fourier_shell_correlation(placed * window, target * window)
    resolution, at_nyquist = resolution_at(fsc, 0.5, size * angpix)
    return MapScore(
        correlation=_correlation(placed, target, window),
        fsc=fsc,
        resolution=resolution,
        at_nyquist=at_nyquist,
        flipped=flipped,
        setting=number,
        scale=float(np.cbrt(np.linalg.det(matrix))),
    )


def _correlation(a: Floats, b: Floats, window: Floats) -> float:
    """Pearson's, weighted by a window."""
    a = a - np.average(a, weights=window)
    b = b - np.average(b, weights=window)
    norm = np.sqrt(np.sum(window * a * a) * np.sum(window * b * b))
    return float(np.sum(window * a * b) / norm) if norm > 0.0 else 0.0


def _refined(
    volume: Floats, turn: Floats, target: Floats, window: Floats, angpix: float
) -> tuple[Floats, Floats]:
    """The affine map (matrix on x, y, z and shift in px) that brings the volume upon the target best."""
    resolution = max(_FINE_ANGST, 2.5 * angpix)
    smooth = scipy.ndimage.spline_filter(low_pass(volume, angpix, resolution), order=3)
    inside = window > 0.5
    middle = volume.shape[0] // 2
    xyz = np.argwhere(inside)[:, ::-1].T - float(middle)
    wanted = _standard(low_pass(target, angpix, resolution)[inside])

    def residuals(parameters: Floats) -> Floats:
        matrix, shift = _affine(parameters, turn)
        places = (matrix @ xyz + shift[:, None] + middle)[::-1]
        return np.asarray(
            _standard(scipy.ndimage.map_coordinates(smooth, places, order=3, prefilter=False)) - wanted
        )

    # Turns in units of 1/100 rad, scale in percent, so that one step fits all parameters.
    found = scipy.optimize.least_squares(residuals, np.zeros(7), diff_step=0.02, x_scale=1.0, max_nfev=12)
    return _affine(np.asarray(found.x), turn)


def _affine(parameters: Floats, turn: Floats) -> tuple[Floats, Floats]:
    angle = float(np.linalg.norm(parameters[:3])) * 0.01
    small = about_axis(parameters[:3], np.degrees(angle)) if angle > 0.0 else np.eye(3)
    return np.exp(0.01 * parameters[6]) * turn @ small, np.asarray(parameters[3:6])


def _standard(values: NDArray[np.float64]) -> NDArray[np.float64]:
    values = values - values.mean()
    norm = float(np.linalg.norm(values))
    return np.asarray(values / norm) if norm > 0.0 else values


def _placed(volume: Floats, matrix: Floats, shift: Floats) -> Floats:
    """The volume under an affine map, interpolated from a finer grid."""
    size = volume.shape[0]
    fine = size * _OVERSAMPLED
    spectrum = scipy.fft.fftshift(scipy.fft.fftn(scipy.fft.ifftshift(volume)))
    padded = np.zeros((fine,) * 3, dtype=np.complex128)
    first = fine // 2 - size // 2
    padded[first : first + size, first : first + size, first : first + size] = spectrum
    finer = scipy.fft.fftshift(scipy.fft.ifftn(scipy.fft.ifftshift(padded)).real) * _OVERSAMPLED**3
    grid = np.stack(np.meshgrid(*[np.arange(size) - size // 2] * 3, indexing="ij")).reshape(3, -1)
    places = (matrix @ grid[::-1] + shift[:, None])[::-1] * _OVERSAMPLED + fine // 2
    return np.asarray(scipy.ndimage.map_coordinates(finer, places, order=3).reshape(volume.shape))
