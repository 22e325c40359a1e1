"""Defocus, astigmatism and its angle are found in images of which they are known."""

import numpy as np
import pytest

from cryoloom.em.ctf import Microscope, ctf
from cryoloom.errors import ImageError, ParameterError
from cryoloom.plugins.ctf.fit import estimate_ctf

SIZE, ANGPIX = 768, 1.6
OPTICS = {"angpix": ANGPIX, "voltage_kv": 300.0, "cs_mm": 2.7, "amplitude_contrast": 0.1}


def micrograph(u: float, v: float, angle: float, *, seed: int, noise: float = 1.0) -> np.ndarray:
    """White specimen through a CTF, with white noise: amorphous ice, no more."""
    rng = np.random.default_rng(seed)
    kx, ky = np.fft.rfftfreq(SIZE, ANGPIX)[None, :], np.fft.fftfreq(SIZE, ANGPIX)[:, None]
    kx, ky = np.broadcast_arrays(kx, ky)
    transfer = ctf(kx, ky, u, v, angle, Microscope(kv=300, cs_mm=2.7, q0=0.1))
    fall = np.exp(-30 * (kx**2 + ky**2))
    specimen = np.fft.rfft2(rng.normal(size=(SIZE, SIZE))) * transfer * fall
    return np.fft.irfft2(specimen, s=(SIZE, SIZE)) + noise * rng.normal(size=(SIZE, SIZE))


@pytest.mark.parametrize(
    ("u", "v", "angle"),
    [(12000, 11500, 30), (21000, 20300, -60), (8000, 7900, 80), (28000, 28000, 0), (15000, 14200, 5)],
)
def test_a_known_ctf_is_found(u: float, v: float, angle: float) -> None:
    fit = estimate_ctf(micrograph(u, v, angle, seed=int(u)), **OPTICS)

    assert abs(fit.mean_defocus - (u + v) / 2) < 60
    true = (u - v) / 2 * np.exp(2j * np.radians(angle))
    found = (fit.defocus_u - fit.defocus_v) / 2 * np.exp(2j * np.radians(fit.angle_deg))
    assert abs(true - found) < 60
    assert fit.defocus_u >= fit.defocus_v
    assert -90 < fit.angle_deg <= 90
    assert fit.resolution < 8


def test_noise_alone_is_told_from_rings() -> None:
    noise = np.random.default_rng(3).normal(size=(SIZE, SIZE))

    nothing = estimate_ctf(noise, **OPTICS)
    rings = estimate_ctf(micrograph(15000, 14800, 10, seed=4), **OPTICS)

    assert nothing.score < 0.5 * rings.score
    assert nothing.significance < rings.significance


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (np.ones((512, 512)), "constant"),
        (np.full((512, 512), np.nan), "no numbers"),
        (np.zeros((20, 20)), "expected at least"),
    ],
)
def test_what_cannot_have_rings_is_an_error_not_a_number(image: np.ndarray, said: str) -> None:
    with pytest.raises(ImageError, match=said):
        estimate_ctf(image, **OPTICS)


def test_a_range_beyond_the_pixel_size_is_refused() -> None:
    with pytest.raises(ParameterError, match="pixel size"):
        estimate_ctf(
            np.random.default_rng(0).normal(size=(256, 256)), **{**OPTICS, "angpix": 20.0}, min_res=30
        )
