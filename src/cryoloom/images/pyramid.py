"""A micrograph at all scales, as its picture is drawn: tiles of grey values, low-passed, and its power spectrum.

Arrays here are pictures: row 0 is the uppermost, which is the file's last row, as everywhere where one looks at pixels.
Level 0 has the file's pixels, each further one half as many along a side; the last fits into one tile.
"""

from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cryoloom.images.thumbnails import Bytes8

Floats32 = NDArray[np.float32]

TILE_PX = 256
SPECTRUM_PX = 512
MOST_WINDOWS = 64
# A filtered picture is made at the level whose Nyquist frequency is at least so many times that of the filter: finer pixels
# say nothing more, and to transform them takes sixteen times as long.
SPARE = 2.0
# What lies beyond is hot pixels and the darkest contamination, which would flatten all else.
OUTLIERS_PERCENT = 0.05
LOOKED_AT_PX = 512  # along a side, for mean and deviation


@dataclass(slots=True)
class Pyramid:
    """The levels of one picture; `finest` is the number of the first, and those before it are to be drawn from it enlarged."""

    shape: tuple[int, int]  # of level 0: (y, x), px
    finest: int
    levels: list[Floats32]
    _limits: dict[int, tuple[float, float]] = field(default_factory=dict)
    _looking: Lock = field(default_factory=Lock)  # the first tiles of a level are asked for at once

    @property
    def bytes(self) -> int:
        """What it holds in memory."""
        return sum(level.nbytes for level in self.levels)

    @property
    def count(self) -> int:
        """The number of levels, with those before `finest`."""
        return self.finest + len(self.levels)

    def tile(self, level: int, x: int, y: int, *, contrast: float, invert: bool = False) -> Bytes8:
        """Grey values of a tile; (y, x), smaller at the right and lower edge, of no pixel beyond them.

        Args:
            level: from `finest` on.
            x, y: number of the tile from the left and from above.
            contrast: black and white lie so many deviations of the whole level from its mean, so that tiles match.
            invert: white for black.
        """
        image = self.levels[level - self.finest]
        own = image[y * TILE_PX : (y + 1) * TILE_PX, x * TILE_PX : (x + 1) * TILE_PX]
        with self._looking:
            mean, deviation = self._limits.get(level) or self._look(level)
        scaled = (own - mean) * (127.5 / (contrast * deviation)) + 127.5
        grey = np.clip(scaled, 0, 255).astype(np.uint8)
        return np.asarray(255 - grey if invert else grey)

    def _look(self, level: int) -> tuple[float, float]:
        image = self.levels[level - self.finest]
        step = max(1, max(image.shape) // LOOKED_AT_PX)
        seen = image[::step, ::step]
        low, high = np.percentile(seen, (OUTLIERS_PERCENT, 100 - OUTLIERS_PERCENT))
        seen = np.clip(seen, low, high)
        found = float(seen.mean()), float(seen.std()) or 1.0
        self._limits[level] = found
        return found


def picture_of(pixels: NDArray[Any]) -> Floats32:
    """Pixels of a file, (y, x) in file order, as a picture; what is no number is 0."""
    # A copy: a file that is written anew while one looks at it must not take the server down.
    flipped = np.array(pixels[::-1], dtype=np.float32)
    # The sum tells whether there is any without looking at each pixel twice.
    return (
        flipped if np.isfinite(flipped.sum(dtype=np.float64)) else np.nan_to_num(flipped, posinf=0, neginf=0)
    )


def pyramid_of(picture: Floats32, *, angpix: float = 0.0, lowpass: float = 0.0) -> Pyramid:
    """All levels of a picture.

    Args:
        picture: (y, x).
        angpix: Å per pixel; 0 where nobody knows: then nothing can be filtered.
        lowpass: Å; what is finer is taken away; 0: nothing.
    """
    image, finest = picture, 0
    if lowpass > 0 and angpix > 0:
        while lowpass > 4 * SPARE * angpix * 2**finest and max(image.shape) > TILE_PX:
            image, finest = halved(image), finest + 1
        image = low_passed(image, angpix * 2**finest, lowpass)
    levels = [image]
    while max(levels[-1].shape) > TILE_PX:
        levels.append(halved(levels[-1]))
    return Pyramid((picture.shape[0], picture.shape[1]), finest, levels)


def halved(image: Floats32) -> Floats32:
    """Means of 2 x 2 px; a last odd row or column stands twice."""
    high, wide = image.shape
    if high % 2 or wide % 2:
        image = np.pad(image, ((0, high % 2), (0, wide % 2)), mode="edge")
    # Four strided sums: three times as fast as a mean over reshaped axes.
    total = image[0::2, 0::2] + image[1::2, 0::2]
    total += image[0::2, 1::2]
    total += image[1::2, 1::2]
    total *= np.float32(0.25)
    return np.asarray(total)


def low_passed(image: Floats32, angpix: float, lowpass: float) -> Floats32:
    """Without what is finer than `lowpass` Å: a Gaussian's end that has fallen to a half there."""
    import scipy.fft

    high, wide = image.shape
    # Mirrored at the edges: else the upper edge would shine through at the lower one.
    margin = min(int(2 * lowpass / angpix) + 1, high - 1, wide - 1)
    padded = np.pad(image, margin, mode="reflect") if margin > 0 else image
    shape = tuple(scipy.fft.next_fast_len(size, real=True) for size in padded.shape)
    ky = scipy.fft.fftfreq(shape[0], angpix).astype(np.float32)
    kx = scipy.fft.rfftfreq(shape[1], angpix).astype(np.float32)
    transform = scipy.fft.rfft2(padded, shape)
    decay = np.float32(-np.log(2.0) * lowpass**2)
    transform *= np.exp(decay * ky[:, None] ** 2) * np.exp(decay * kx[None, :] ** 2)
    back = scipy.fft.irfft2(transform, shape)
    return np.ascontiguousarray(back[margin : margin + high, margin : margin + wide], dtype=np.float32)


def power_spectrum(picture: Floats32) -> Bytes8:
    """Amplitudes of windows of a picture, averaged, as grey values: (n, n), zero frequency in the middle.

    The edge is the Nyquist frequency along both axes, so that a frequency k lies `k * angpix * n` px from the middle. What
    falls off with the frequency is taken away ring by ring, so that the Thon rings are seen.
    """
    import scipy.fft

    n = min(SPECTRUM_PX, *(size // 2 * 2 for size in picture.shape))
    if n < 2:
        return np.zeros((2, 2), np.uint8)
    corners = [
        (y, x)
        for y in range(0, picture.shape[0] - n + 1, max(1, n // 2))
        for x in range(0, picture.shape[1] - n + 1, max(1, n // 2))
    ]
    if len(corners) > MOST_WINDOWS:
        corners = [corners[at] for at in np.linspace(0, len(corners) - 1, MOST_WINDOWS).astype(int)]
    taper = np.hanning(n).astype(np.float32)
    window = taper[:, None] * taper[None, :]
    total = np.zeros((n, n // 2 + 1), np.float64)
    for y, x in corners:
        part = picture[y : y + n, x : x + n]
        total += np.abs(scipy.fft.rfft2((part - part.mean()) * window))
    half = np.fft.fftshift(total, axes=0)
    # Coefficient (-y, -x) has the amplitude of (y, x).
    whole = np.empty((n, n))
    whole[:, n // 2 :] = half[:, : n // 2]
    mirrored = np.roll(half[::-1], 1, axis=0)
    whole[:, : n // 2] = mirrored[:, n // 2 : 0 : -1]
    return _flattened(whole)


def _flattened(spectrum: NDArray[np.float64]) -> Bytes8:
    n = spectrum.shape[0]
    axis = np.arange(n) - n // 2
    rings = np.rint(np.hypot(axis[:, None], axis[None, :])).astype(np.int64)
    count = np.bincount(rings.ravel())
    mean = np.bincount(rings.ravel(), spectrum.ravel()) / np.maximum(count, 1)
    # The slope alone, without the rings themselves: a mean over a ring's neighbours.
    broad = max(3, n // 16)
    padded = np.pad(mean, broad, mode="edge")
    smooth = np.convolve(padded, np.ones(2 * broad + 1) / (2 * broad + 1), mode="valid")
    ratio = spectrum / np.maximum(smooth[rings], 1e-12)
    low, high = np.percentile(ratio, (1.0, 99.5))
    return np.asarray(np.clip((ratio - low) / max(high - low, 1e-12) * 255, 0, 255).astype(np.uint8))
