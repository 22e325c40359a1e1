"""How large the particles of micrographs are, from the scale at which dark blobs stand out most.

A Laplacian of Gaussian, normalised by its scale (Lindeberg 1998), answers most to a disc of diameter d at the width
d / (2 sqrt 2). Particles are dark, so at their scale the highest answers are far above those of the opposite sign, which
noise and the fringes of the CTF give both alike. The difference of the two, over scales, has its peak at their diameter.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SMALLEST_A, LARGEST_A = 50.0, 600.0
SCALES = 28
# Pixels are averaged to about so many in the smallest diameter: finer ones cost time and tell nothing.
PX_IN_SMALLEST = 7
# Clipped there: hot pixels, and the edges of carbon and ice.
CLIP_SIGMA = 4.0
# So many blobs of a micrograph are looked at: of all places for one most hold noise, the more the smaller they are.
STRONGEST = 25
# Dark answers must be so many times the bright ones; of noise alone they are 0.9 to 1.1 times.
LEAST_RATIO = 1.25


def blob_diameter(images: Iterable[tuple[NDArray[Any], float]]) -> float | None:
    """The diameter of the particles, Å, from some micrographs; None where no scale stands out.

    Args:
        images: micrographs (y, x) on which particles are dark, each with its Å per pixel.
    """
    diameters = np.geomspace(SMALLEST_A, LARGEST_A, SCALES)
    answers = [_answers(image, angpix, diameters) for image, angpix in images]
    if not answers:
        return None
    # A scale counts where all micrographs are large enough for it.
    dark, bright = np.median(np.stack(answers), axis=0).T
    excess = dark - bright
    known = np.isfinite(excess)
    if not known.any():
        return None
    best = int(np.nanargmax(excess))
    # At an end of the range the peak lies beyond it, or there is none.
    if best == 0 or best == len(diameters) - 1 or not (known[best - 1] and known[best + 1]):
        return None
    if dark[best] < LEAST_RATIO * bright[best]:
        return None
    return float(np.exp(_vertex(np.log(diameters[best - 1 : best + 2]), excess[best - 1 : best + 2])))


def _answers(image: NDArray[Any], angpix: float, diameters: Floats) -> Floats:
    """The mean of the strongest dark and of the strongest bright blobs at each scale: (scales, 2); nan where none fits."""
    from scipy import fft

    small, step = _prepared(image, angpix)
    transform = fft.rfft2(small)
    high, wide = small.shape
    squares = (2 * np.pi) ** 2 * (fft.fftfreq(high)[:, None] ** 2 + fft.rfftfreq(wide)[None] ** 2)
    found = np.full((len(diameters), 2), np.nan)
    for place, diameter in enumerate(diameters / step):
        edge = int(diameter) + 1  # where the image's opposite side reaches into
        if min(small.shape) < 6 * edge:
            continue
        variance = diameter**2 / 8
        answer = fft.irfft2(transform * variance * squares * np.exp(-squares * variance / 2), s=small.shape)
        inner = answer[edge:-edge, edge:-edge]
        found[place] = [_strongest(-inner, diameter), _strongest(inner, diameter)]
    return found


def _prepared(image: NDArray[Any], angpix: float) -> tuple[Floats, float]:
    """Averaged down, without its gradients, in units of its noise; and its Å per pixel."""
    from scipy import ndimage

    factor = max(1, int(SMALLEST_A / PX_IN_SMALLEST / angpix))
    high, wide = (size // factor * factor for size in image.shape)
    cut = np.asarray(image[:high, :wide], dtype=np.float64)
    small = cut.reshape(high // factor, factor, wide // factor, factor).mean(axis=(1, 3))
    step = angpix * factor
    small = small - ndimage.gaussian_filter(small, LARGEST_A / step)
    spread = 1.4826 * float(np.median(np.abs(small - np.median(small))))
    if not spread > 0:
        return np.zeros_like(small), step
    return np.clip(small / spread, -CLIP_SIGMA, CLIP_SIGMA), step


def _strongest(answer: Floats, diameter: float) -> float:
    """The mean of the highest peaks, no two of them closer than two thirds of the diameter."""
    from scipy import ndimage

    peaks = answer[answer == ndimage.maximum_filter(answer, size=max(3, int(diameter * 0.7)))]
    ranked = np.sort(peaks)[::-1]
    return float(ranked[:STRONGEST].mean())


def _vertex(x: Sequence[float] | Floats, y: Sequence[float] | Floats) -> float:
    """Where the parabola through three points, the middle one the highest, has its top."""
    curve = np.polyfit(np.asarray(x) - x[1], y, 2)
    return float(x[1] - curve[1] / (2 * curve[0])) if curve[0] < 0 else float(x[1])
