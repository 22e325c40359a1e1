"""Many images as one picture: squares of one size in rows of one length, without a frame or a label.

Whoever shows it cuts it apart again: tile n lies in column `n % columns` and row `n // columns`. What cannot be drawn leaves
its square empty, so that every other one keeps its place.
"""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray

Floats = NDArray[np.float32]

EMPTY = 12  # the grey of a square without an image
QUALITY = 85


def tiles(
    images: Sequence[NDArray[Any] | None],
    *,
    columns: int,
    tile_px: int,
    sigma: float = 3.0,
    below: float = 0.0,
) -> bytes:
    """A JPEG of images in squares; row 0 of each comes out at the bottom, as RELION shows it.

    Args:
        images: (y, x) each; None leaves the square empty.
        columns: squares in a row of the picture.
        tile_px: the edge of a square.
        sigma: up to how many standard deviations above its mean the greys of an image reach.
        below: and down to how many below; 0: as many.
    """
    from PIL import Image

    rows = max(1, -(-len(images) // columns))
    page = np.full((rows * tile_px, columns * tile_px), EMPTY, np.uint8)
    for place, image in enumerate(images):
        if image is None:
            continue
        tile = _squared(grey_by_sigma(image, sigma, below or sigma)[::-1], tile_px)
        top, left = place // columns * tile_px, place % columns * tile_px
        high, wide = tile.shape
        top, left = top + (tile_px - high) // 2, left + (tile_px - wide) // 2
        page[top : top + high, left : left + wide] = tile
    out = io.BytesIO()
    Image.fromarray(page).save(out, "JPEG", quality=QUALITY)
    return out.getvalue()


def grey_by_sigma(image: NDArray[Any], above: float, below: float) -> NDArray[np.uint8]:
    """Grey values 0 to 255 between so many standard deviations below and above the mean; a constant image is mid-grey."""
    values = np.nan_to_num(np.asarray(image, dtype=np.float32), posinf=0.0, neginf=0.0)
    mean, deviation = float(values.mean()), float(values.std())
    if deviation <= 0:
        return np.full(values.shape, 128, np.uint8)
    scaled = (values - (mean - below * deviation)) * (255 / ((above + below) * deviation))
    return np.asarray(np.clip(scaled, 0, 255).astype(np.uint8))


def smoothed(image: NDArray[Any], angpix: float, resolution: float) -> Floats:
    """The image without what is finer than `resolution` Å (half the amplitude is left there): a Gaussian does not ring."""
    values = np.nan_to_num(np.asarray(image, dtype=np.float32))
    y = scipy.fft.fftfreq(values.shape[0], angpix)[:, None]
    x = scipy.fft.rfftfreq(values.shape[1], angpix)[None, :]
    weight = np.exp(-np.log(2.0) * (x**2 + y**2) * resolution**2).astype(np.float32)
    return np.asarray(scipy.fft.irfft2(scipy.fft.rfft2(values) * weight, s=values.shape), dtype=np.float32)


def _squared(image: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """The image with its longer edge as long as the square's."""
    from PIL import Image

    longest = max(image.shape)
    high, wide = (max(1, round(side * one / longest)) for one in image.shape)
    shown = Image.fromarray(np.ascontiguousarray(image)).resize(
        (wide, high), Image.Resampling.BILINEAR, reducing_gap=2.0
    )
    return np.asarray(shown)
