"""Power spectra for CTF fitting: averaged over tiles, freed of their smooth decay.

Tile sizes are physical (Å): 512 Å averages best for the fit; at high defocus the rings of such a
tile run together, and 1024 Å are needed.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cryoloom.errors import ImageError

Floats = NDArray[np.float64]

_CLIP = (0.02, 99.98)  # percentiles; beyond them lie hot pixels and ice
_SMALLEST = 64  # px a side


@dataclass(frozen=True, slots=True)
class Spectrum:
    """A power spectrum and the frequencies of its pixels."""

    power: Floats  # (n, n // 2 + 1), rfft2 layout
    k: Floats  # the same shape, 1/Å
    angle: Floats  # radians from the x axis towards increasing rows
    step: float  # 1/Å a pixel


def tile_spectrum(image: NDArray[Any], angpix: float, tile_angst: float) -> Spectrum:
    """Mean power spectrum of half-overlapping tapered tiles.

    Args:
        image: (y, x).
        angpix: Å/px.
        tile_angst: length of a tile's side; cut to the image.
    Raises:
        ImageError: constant, not finite, or too small.
    """
    image = np.asarray(image, dtype=np.float32)
    if image.ndim != 2 or min(image.shape) < _SMALLEST:
        raise ImageError(
            "micrograph", found=f"of shape {image.shape}", expected=f"at least {_SMALLEST} px a side"
        )
    # The whole image: one nan in a tile makes the spectrum nan.
    bad = image.size - int(np.count_nonzero(np.isfinite(image)))
    if bad:
        raise ImageError(
            "micrograph", found=f"with {bad} pixels that are no numbers", expected="finite values"
        )
    sample = image[:: max(1, image.shape[0] // 1024), :: max(1, image.shape[1] // 1024)]
    low, high = np.percentile(sample, _CLIP)
    if high <= low:
        raise ImageError("micrograph", found=f"constant ({low:g})", expected="an image")
    from scipy import fft  # as in fit.py

    size = min(fft.next_fast_len(round(tile_angst / angpix), real=True), *image.shape)
    size -= size % 2
    starts = [
        np.unique(np.linspace(0, n - size, max(1, round(2 * n / size) - 1)).astype(int)) for n in image.shape
    ]
    window = np.hanning(size + 2)[1:-1].astype(np.float32)
    taper = window[:, None] * window[None, :]
    total = np.zeros((size, size // 2 + 1))
    for y in starts[0]:
        row = np.stack([image[y : y + size, x : x + size] for x in starts[1]])
        row = np.clip(row, low, high)
        row = (row - row.mean(axis=(1, 2), keepdims=True)) * taper
        total += np.sum(np.abs(fft.rfft2(row)) ** 2, axis=0, dtype=np.float64)
    kx = np.fft.rfftfreq(size, angpix)[None, :]
    ky = np.fft.fftfreq(size, angpix)[:, None]
    power = total / (len(starts[0]) * len(starts[1]))
    return Spectrum(power, np.hypot(kx, ky), np.arctan2(ky, kx + 0 * ky), 1.0 / (size * angpix))


def given_spectrum(amplitudes: NDArray[Any], angpix: float, tile_angst: float) -> Spectrum:
    """A spectrum of amplitudes that another program has summed, its pixels averaged to the steps of a tile's.

    Args:
        amplitudes: (n, n), the origin at n // 2.
        angpix: Å/px of an image whose transform they are.
        tile_angst: length of a tile's side; the whole box where it is smaller.
    Raises:
        ImageError: not square, not finite, constant, or too small.
    """
    amplitudes = np.asarray(amplitudes, dtype=np.float64)
    n = amplitudes.shape[0]
    if amplitudes.ndim != 2 or n != amplitudes.shape[1] or n < _SMALLEST or n % 2:
        raise ImageError(
            "power spectrum",
            found=f"of shape {amplitudes.shape}",
            expected=f"a square of {_SMALLEST} px or more, even",
        )
    around = amplitudes.copy()
    around[n // 2, n // 2] = around[n // 2, n // 2 - 1]  # the mean of the image, whatever it is
    if not np.isfinite(around).all() or around.max() <= around.min():
        raise ImageError("power spectrum", found="constant, or not finite", expected="amplitudes")
    from scipy.ndimage import uniform_filter

    power = np.fft.ifftshift(around) ** 2
    every = max(1, int(n * angpix / tile_angst))
    size = n // every - n // every % 2
    if size < _SMALLEST:
        every, size = 1, n
    power = uniform_filter(power, every | 1, mode="wrap")  # odd: it keeps its middle
    rows = np.fft.fftfreq(size, 1 / size).astype(int) * every
    power = power[np.ix_(rows, np.arange(size // 2 + 1) * every)]
    step = 1.0 / (n * angpix) * every
    kx, ky = np.arange(size // 2 + 1)[None, :] * step, np.fft.fftfreq(size, 1 / size)[:, None] * step
    return Spectrum(power, np.hypot(kx, ky), np.arctan2(ky, kx + 0 * ky), step)


def in_ring(spectrum: Spectrum, low: float, high: float) -> NDArray[np.bool_]:
    """Pixels between two frequencies, each pair of Friedel mates once, both axes left out.

    The axes carry the detector's lines and the tiles' edges.
    """
    n = spectrum.power.shape[0]
    columns = np.arange(spectrum.power.shape[1])[None, :] + np.zeros((n, 1), int)
    rows = np.arange(n)[:, None] + np.zeros_like(columns)
    keep = (columns > 0) & (rows > 0) & (columns < n // 2)
    return np.asarray(keep & (spectrum.k >= low) & (spectrum.k <= high))


def radial_mean(values: Floats, bins: NDArray[np.int64], count: int) -> Floats:
    """Mean of pixels by bin; empty bins take their neighbours' values."""
    numbers = np.bincount(bins, minlength=count)
    sums = np.bincount(bins, weights=values, minlength=count)
    filled = numbers > 0
    means = np.zeros(count)
    means[filled] = sums[filled] / numbers[filled]
    return np.asarray(np.interp(np.arange(count), np.flatnonzero(filled), means[filled]))


def smooth_basis(x: Floats, count: int) -> Floats:
    """Cubic B-splines over the range of x: (len(x), count)."""
    from scipy import interpolate

    low, high = float(x.min()), float(x.max()) + 1e-12
    inner = np.linspace(low, high, count - 2)[1:-1]
    knots = np.concatenate([[low] * 4, inner, [high] * 4])
    return np.asarray(interpolate.BSpline.design_matrix(np.clip(x, low, high - 1e-12), knots, 3).toarray())


def whitened(values: Floats, k: Floats, bins: NDArray[np.int64], count: int, splines: int) -> Floats:
    """Power over its smooth radial decay, minus one."""
    means = radial_mean(values, bins, count)
    centres = radial_mean(k, bins, count)
    basis = smooth_basis(centres, splines)
    weights = np.sqrt(np.bincount(bins, minlength=count).astype(float))
    coefficients = np.linalg.lstsq(basis * weights[:, None], np.log(means) * weights, rcond=None)[0]
    return np.asarray(values / np.exp((basis @ coefficients)[bins]) - 1.0)
