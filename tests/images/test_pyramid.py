"""A micrograph's picture is the same whatever tiles and scale it is seen in, and lies as its file does."""

import numpy as np
import pytest

from cryoloom.images.pyramid import TILE_PX, halved, picture_of, power_spectrum, pyramid_of

NOISE = np.random.default_rng(1).normal(size=(600, 700)).astype(np.float32)


def test_the_first_row_of_a_file_is_the_lowest_of_its_picture() -> None:
    pixels = np.arange(12, dtype=np.int16).reshape(3, 4)

    assert picture_of(pixels)[-1].tolist() == [0.0, 1.0, 2.0, 3.0]


def test_a_pixel_that_is_no_number_spoils_no_other() -> None:
    pixels = NOISE.copy()
    pixels[3, 4] = np.nan

    tile = pyramid_of(picture_of(pixels)).tile(0, 2, 2, contrast=3)

    assert 40 < tile.std() < 45  # a deviation is 127.5 / 3


def test_tiles_put_together_are_the_whole_level_without_a_seam() -> None:
    pyramid = pyramid_of(picture_of(NOISE))
    rows, columns = (-(-size // TILE_PX) for size in NOISE.shape)

    whole = np.vstack(
        [np.hstack([pyramid.tile(0, x, y, contrast=3) for x in range(columns)]) for y in range(rows)]
    )

    assert whole.shape == NOISE.shape
    expected = np.clip(NOISE[::-1] / NOISE.std() * 42.5 + 127.5, 0, 255)
    assert np.abs(whole - expected).max() < 3
    assert np.array_equal(
        255 - pyramid.tile(0, 1, 1, contrast=3), pyramid.tile(0, 1, 1, contrast=3, invert=True)
    )


def test_each_level_has_the_means_of_the_one_before_also_where_sizes_are_odd() -> None:
    image = np.arange(15, dtype=np.float32).reshape(3, 5)

    assert halved(image).tolist() == [[3.0, 5.0, 6.5], [10.5, 12.5, 14.0]]


def test_a_low_pass_takes_fine_detail_and_leaves_what_is_coarse() -> None:
    # Waves of 80 Å and of 5 Å at 1 Å a pixel: only the first is to be seen at 20 Å.
    x = np.arange(512)
    waves = {
        period: np.tile(np.cos(2 * np.pi * x / period), (512, 1)).astype(np.float32) for period in (80, 5)
    }

    left = {period: pyramid_of(wave, angpix=1.0, lowpass=20.0) for period, wave in waves.items()}

    assert left[80].finest == left[5].finest == 1
    assert left[80].levels[0][:, 20:-20].std() == pytest.approx(waves[80].std(), rel=0.06)
    assert left[5].levels[0].std() < 0.01
    # At the filter's own resolution a half is left.
    own = np.tile(np.cos(2 * np.pi * x / 20), (512, 1)).astype(np.float32)
    filtered = pyramid_of(own, angpix=1.0, lowpass=20.0).levels[0][:, 20:-20]
    assert filtered.std() == pytest.approx(own.std() / 2, rel=0.06)


def test_a_wave_is_in_the_spectrum_at_its_own_frequency_and_direction() -> None:
    # 8 px along x and y together, growing to the right and upwards in the file.
    y, x = np.mgrid[:512, :512]
    pixels = np.cos(2 * np.pi * (x + y) / 8).astype(np.float32) + 0.1 * NOISE[:512, :512]

    spectrum = power_spectrum(picture_of(pixels))

    n = spectrum.shape[0]
    brightest = {(int(row) - n // 2, int(column) - n // 2) for row, column in np.argwhere(spectrum == 255)}
    # Upwards in the file is upwards in the picture: to the right and up.
    assert (-n // 8, n // 8) in brightest and (n // 8, -n // 8) in brightest
    assert (n // 8, n // 8) not in brightest
