"""The diameter that is found is that of the discs in the image, and of noise alone none is."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from cryoloom.images.blobs import blob_diameter

SIZE = 1400


def micrograph(
    diameter: float, angpix: float, *, count: int = 40, contrast: float = 0.4, seed: int = 1
) -> NDArray[np.float64]:
    """Dark soft-edged discs, none touching another, in white noise."""
    rng = np.random.default_rng(seed)
    image = rng.normal(size=(SIZE, SIZE))
    y, x = np.mgrid[:SIZE, :SIZE]
    places: list[NDArray[np.float64]] = []
    for place in rng.uniform(0, SIZE, (count * 20, 2)):
        if len(places) < count and all(
            np.hypot(*(place - other)) * angpix > 1.4 * diameter for other in places
        ):
            places.append(place)
    for cx, cy in places:
        radius = np.hypot(x - cx, y - cy) * angpix
        image -= contrast * np.clip((diameter / 2 - radius) / (0.1 * diameter) + 0.5, 0, 1)
    return image


@pytest.mark.parametrize(
    ("diameter", "angpix"), [(70, 1.0), (100, 2.0), (150, 1.0), (150, 2.0), (220, 2.0), (300, 3.0)]
)
def test_the_diameter_of_discs_is_found(diameter: float, angpix: float) -> None:
    found = blob_diameter([(micrograph(diameter, angpix), angpix)])

    assert found == pytest.approx(diameter, rel=0.15)


def test_some_images_of_different_pixel_sizes_agree_and_a_bad_one_among_them_changes_little() -> None:
    images = [(micrograph(150, angpix, seed=seed), angpix) for seed, angpix in ((1, 1.5), (2, 2.0), (3, 2.5))]
    ice = np.random.default_rng(4).normal(size=(SIZE, SIZE)) - 5 * (
        np.hypot(*np.mgrid[-700:700, -700:700]) < 120
    )

    assert blob_diameter([*images, (ice, 2.0)]) == pytest.approx(150, rel=0.15)


@pytest.mark.parametrize("smooth_px", [0, 4, 12])
def test_of_noise_alone_nothing_is_found(smooth_px: float) -> None:
    rng = np.random.default_rng(5)
    noise = [ndimage.gaussian_filter(rng.normal(size=(SIZE, SIZE)), smooth_px) for _ in range(3)]

    assert blob_diameter([(image, 2.0) for image in noise]) is None


def test_images_without_anything_and_none_at_all_say_nothing() -> None:
    assert blob_diameter([]) is None
    assert blob_diameter([(np.zeros((300, 300)), 2.0)]) is None
    assert blob_diameter([(np.random.default_rng(1).normal(size=(20, 20)), 2.0)]) is None


def test_bright_discs_are_no_particles() -> None:
    assert blob_diameter([(-micrograph(150, 2.0), 2.0)]) is None
