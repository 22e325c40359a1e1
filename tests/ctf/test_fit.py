"""Defocus, astigmatism and its angle are found in images of which they are known."""

import numpy as np
import pytest
import rings

from cryoloom.errors import ImageError, ParameterError
from cryoloom.plugins.ctf.fit import check_fit, estimate_ctf

SIZE, ANGPIX = 768, 1.6
OPTICS = {"angpix": ANGPIX, "voltage_kv": 300.0, "cs_mm": 2.7, "amplitude_contrast": 0.1}


def micrograph(u: float, v: float, angle: float, **more: float) -> np.ndarray:
    return rings.micrograph(SIZE, ANGPIX, u, v, angle, **more)  # type: ignore[arg-type]


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


RANGE = {"min_defocus": 5000.0, "max_defocus": 50000.0}


@pytest.mark.parametrize("phase", [False, True])
@pytest.mark.parametrize("seed", [3, 4, 5])
def test_noise_alone_is_no_fit(seed: int, phase: bool) -> None:
    noise = np.random.default_rng(seed).normal(size=(SIZE, SIZE))

    nothing = estimate_ctf(noise, **OPTICS, find_phase_shift=phase)

    with pytest.raises(ImageError, match=r"significance of [0-9.]+, expected rings of at least"):
        check_fit(nothing, **RANGE, find_phase_shift=phase)


def test_rings_are_a_fit() -> None:
    check_fit(estimate_ctf(micrograph(15000, 14800, 10, seed=4), **OPTICS), **RANGE)


@pytest.mark.parametrize("defocus", [3000.0, 4900.0, 50100.0, 60000.0])
def test_a_defocus_outside_the_range_is_no_fit_and_the_range_is_named(defocus: float) -> None:
    image = micrograph(defocus + 100, defocus - 100, 30, seed=1)

    fit = estimate_ctf(image, **OPTICS)

    with pytest.raises(ImageError, match="widen dfmin and dfmax"):
        check_fit(fit, **RANGE)


@pytest.mark.parametrize("phase", [3.0, 90.0, 177.0])
def test_a_phase_shift_keeps_the_sign_of_the_ctf(phase: float) -> None:
    fit = estimate_ctf(
        micrograph(9000, 8800, 10, seed=2, noise=0.3, phase=phase), **OPTICS, find_phase_shift=True
    )

    assert 0 <= fit.phase_shift_deg < 180
    assert abs(fit.phase_shift_deg - phase) < 3


def test_one_pixel_that_is_no_number_is_an_error_wherever_it_lies() -> None:
    image = np.random.default_rng(0).standard_normal((2100, 2100)).astype(np.float32)
    image[1, 1] = np.nan

    with pytest.raises(ImageError, match="1 pixels that are no numbers"):
        estimate_ctf(image, **OPTICS)


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
