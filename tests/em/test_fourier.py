"""Shell correlations and changes of sampling agree with what is known without them."""

import numpy as np
import pytest

from cryoloom.em import fourier, poses
from cryoloom.errors import DatasetError


def _blobs(size: int, angpix: float) -> np.ndarray:
    """Blobs whose places are given in Å about the centre, so that any grid shows the same."""
    z, y, x = (np.mgrid[:size, :size, :size] - size // 2) * angpix
    places = [(20.0, -8.0, 4.0), (-10.0, 22.0, -16.0), (3.0, 6.0, 25.0)]
    return sum(np.exp(-((x - a) ** 2 + (y - b) ** 2 + (z - c) ** 2) / 60.0) for a, b, c in places)


def test_a_map_against_itself_has_an_fsc_of_one() -> None:
    volume = np.random.default_rng(0).standard_normal((24, 24, 24))

    assert np.allclose(fourier.fourier_shell_correlation(volume, 3.0 * volume), 1.0)


def test_independent_noise_has_an_fsc_near_zero() -> None:
    a, b = np.random.default_rng(1).standard_normal((2, 32, 32, 32))

    assert np.abs(fourier.fourier_shell_correlation(a, b)[8:]).max() < 0.1


def test_maps_of_two_sizes_are_refused() -> None:
    with pytest.raises(DatasetError, match="box"):
        fourier.fourier_shell_correlation(np.zeros((8, 8, 8)), np.zeros((9, 9, 9)))


def test_a_resolution_lies_between_the_shells_where_the_curve_falls() -> None:
    assert fourier.resolution_at(np.array([1.0, 1.0, 0.75, 0.25]), 0.5, 100.0) == (pytest.approx(40.0), False)


def test_a_curve_that_never_falls_is_limited_by_nyquist() -> None:
    assert fourier.resolution_at(np.ones(17), 0.143, 64.0) == (4.0, True)


@pytest.mark.parametrize(("size", "angpix"), [(48, 2.0), (24, 4.0), (33, 2.5)])
def test_a_map_on_another_grid_is_the_same_map(size: int, angpix: float) -> None:
    resampled = fourier.resample(_blobs(40, 2.5), 2.5, size, angpix)

    assert np.corrcoef(resampled.ravel(), _blobs(size, angpix).ravel())[0, 1] > 0.99


def test_a_mirrored_map_is_inverted_through_its_centre() -> None:
    volume = _blobs(40, 2.5)

    flipped = fourier.mirrored(volume)

    assert flipped[20 + 3, 20 - 5, 20 + 7] == volume[20 - 3, 20 + 5, 20 - 7]
    assert np.array_equal(fourier.mirrored(flipped), volume)


def test_a_turned_map_shows_at_r_what_was_at_the_turned_place() -> None:
    volume, turn = _blobs(48, 2.0), poses.about_axis([0.0, 0.0, 1.0], 90.0)

    turned = fourier.transformed(volume, turn)

    # x -> y: what the turned map shows at (5, 0, 0) was at (0, 5, 0).
    assert turned[24, 24, 29] == pytest.approx(volume[24, 29, 24], abs=1e-6)
