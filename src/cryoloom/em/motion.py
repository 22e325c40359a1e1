"""The motion of a specimen during exposure, as RELION writes it: shifts that bring each frame back.

The specimen itself went the other way. Shifts are in px of the movie as it was written; frames count from the first one that
is summed.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
COEFFICIENTS = 36  # of a model of the local motion: 18 an axis
LEFT_OUT = -9990.0  # RELION writes -9999 for the shift of a frame that is not summed


def local_shifts(coefficients: Floats, places: Floats, frames: int) -> Floats:
    """RELION's polynomial of the local shifts, which come to those of the whole frame.

    Args:
        coefficients: (36,), by `rlnMotionModelCoeffsIdx`. Eighteen an axis: for each of 1, x, x², y, y², x y those of t, t²
            and t³, t the frame's number from 0.
        places: (n, 2), x and y as parts of the frame from -0.5 to 0.5.
        frames: how many.
    Returns:
        (frames, n, 2), px; 0 in the first frame.
    Source: RELION's `src/micrograph_model.cpp`, `ThirdOrderPolynomialModel`.
    """
    x, y = places.T
    space = np.stack([np.ones_like(x), x, x * x, y, y * y, x * y])
    time = np.arange(frames)[:, None] ** np.arange(1, 4)[None, :]
    return np.asarray(np.einsum("ast,sn,ft->fna", coefficients.reshape(2, 6, 3), space, time))
