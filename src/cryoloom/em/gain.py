"""Which way round a gain reference lies on the frames: the pattern of the detector is in both.

A gain is what RELION multiplies frames by, so the average of many raw frames is one over it, times what the specimen and the
beam make of it, which is smooth.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

SMOOTH = 12.0  # px; what varies more slowly is the beam
CLEAR = 0.1  # of the correlation, between the best and the next, for a verdict
LEAST = 0.15  # of the correlation itself


@dataclass(frozen=True, slots=True)
class Orientation:
    """One of eight ways, by RELION's options, with the correlation of average and one over gain."""

    gain_rot: int  # times 90 degrees
    gain_flip: int  # 0: no; 1: upside down
    correlation: float


def oriented(gain: NDArray[Any], gain_rot: int, gain_flip: int) -> NDArray[Any]:
    """A gain turned and mirrored as `relion_run_motioncorr --gain_rot --gain_flip` does; measured with that program.

    Args:
        gain: (y, x), row 0 at the bottom.
        gain_rot: how often by 90 degrees, in the direction that RELION turns it.
        gain_flip: then 0: no; 1: upside down; 2: left to right.
    """
    turned = np.rot90(gain, -gain_rot)
    return {0: turned, 1: turned[::-1], 2: turned[:, ::-1]}[gain_flip]


def orientations(average: NDArray[Any], gain: NDArray[Any]) -> list[Orientation]:
    """The ways in which a gain has the frames' shape, best first.

    Args:
        average: (y, x), of raw frames.
        gain: (y, x), by which frames are multiplied; zeros are pixels that are none.
    """
    pattern = _without_slow(average)
    found = []
    for flip in (0, 1):
        for rotation in range(4):
            turned = oriented(np.asarray(gain, dtype=np.float64), rotation, flip)
            if turned.shape != average.shape:
                continue
            good = turned > 0
            inverse = np.where(good, 1 / np.where(good, turned, 1), 0)
            inverse[~good] = inverse[good].mean() if good.any() else 0
            both = pattern[good], _without_slow(inverse)[good]
            spread = float(np.std(both[0]) * np.std(both[1])) if good.any() else 0.0
            value = float(np.mean((both[0] - both[0].mean()) * (both[1] - both[1].mean()))) if spread else 0.0
            found.append(Orientation(rotation, flip, value / spread if spread else 0.0))
    return sorted(found, key=lambda one: -one.correlation)


def verdict(found: list[Orientation]) -> Orientation | None:
    """The best way where it is clear, else None: the frames are too few, corrected already, or of another detector."""
    if not found or found[0].correlation < LEAST:
        return None
    next_best = found[1].correlation if len(found) > 1 else 0.0
    return found[0] if found[0].correlation - next_best >= CLEAR else None


def _without_slow(image: NDArray[Any]) -> NDArray[np.float64]:
    values = np.asarray(image, dtype=np.float64)
    return np.asarray(values - scipy.ndimage.gaussian_filter(values, SMOOTH))
