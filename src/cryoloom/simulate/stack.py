"""Particle images with known poses as stacks: what RELION's late programs read, and proofs of conventions.

Images are white particles on a background of 0, as RELION's extraction leaves them.
"""

from collections.abc import Mapping
from pathlib import Path

import mrcfile
import numpy as np
import polars as pl
import scipy.fft
from numpy.typing import NDArray

from cryoloom import star
from cryoloom.em.ctf import frequency_grid
from cryoloom.em.poses import Floats
from cryoloom.simulate.movie import object_transforms, patch_size
from cryoloom.simulate.potential import Projector
from cryoloom.simulate.presets import OpticsGroup, Preset
from cryoloom.simulate.scene import MoviePlan
from cryoloom.simulate.truth import optics_table, particle_table

_BACKGROUND = 0.75  # of half the box: beyond it lies what is normalised by, as in RELION's form


def write_particles(
    path: Path,
    preset: Preset,
    plans: list[MoviePlan],
    projectors: Mapping[int, Projector],
    *,
    noise: float = 0.0,
    offsets: Floats | None = None,
    seed: int = 1,
) -> pl.DataFrame:
    """Write all particles of some movies as one stack and a STAR file beside it, with their true poses.

    Args:
        path: the STAR file; the stack has the same name, ending in `.mrcs`. Names within it have no folder:
            run RELION where they lie.
        noise: rms of white noise, in units of the image (the ice is 1).
        offsets: (n, 2), Å by which each particle lies off the middle pixel, x and y; `rlnOrigin` says so.
    Returns:
        The particles table as written.
    """
    size = patch_size(preset.angpix)
    good = [plan for plan in plans if not plan.bad]
    transforms = np.concatenate(
        [object_transforms(plan, preset, projectors, size, preset.angpix) for plan in good]
    )
    shifts = np.zeros((len(transforms), 2)) if offsets is None else np.asarray(offsets, dtype=np.float64)
    images = images_of(transforms, size, preset.angpix, shifts)
    images += noise * np.random.default_rng(seed).standard_normal(images.shape)
    stack = path.with_suffix(".mrcs")
    write_stack(stack, images, preset.angpix)
    table = particle_table(good).with_columns(
        rlnOriginXAngst=pl.Series(-shifts[:, 0]),
        rlnOriginYAngst=pl.Series(-shifts[:, 1]),
        rlnImageName=pl.Series([f"{i:06d}@{stack.name}" for i in range(1, len(images) + 1)]),
    )
    optics = optics_table(preset.groups, preset.angpix).with_columns(
        rlnImagePixelSize=pl.lit(preset.angpix), rlnImageSize=pl.lit(size), rlnImageDimensionality=pl.lit(2)
    )
    star.write(path, {"optics": optics, "particles": table})
    return table


def images_of(
    transforms: NDArray[np.complex64], box: int, angpix: float, offsets: Floats | None = None
) -> NDArray[np.float32]:
    """Images (n, box, box) of transforms (n, size, size // 2 + 1), `box` at most `size`, without noise.

    Args:
        offsets: (n, 2), Å by which each particle lies off the middle pixel, x and y.
    """
    size = transforms.shape[1]
    first = size // 2 - box // 2
    kx, ky = frequency_grid(size, angpix)
    images = np.empty((len(transforms), box, box), dtype=np.float32)
    for i, transform in enumerate(transforms):
        if offsets is not None:
            transform = transform * np.exp(-2j * np.pi * (kx * offsets[i, 0] + ky * offsets[i, 1]))
        whole = np.fft.fftshift(scipy.fft.irfft2(transform, (size, size)))
        images[i] = -whole[first : first + box, first : first + box]
    return images


def normalised(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Images whose background, outside a circle of 0.75 half boxes, has mean 0 and standard deviation 1."""
    box = images.shape[1]
    y, x = np.mgrid[:box, :box] - box // 2
    background = images[:, np.hypot(x, y) > _BACKGROUND * box / 2.0]
    mean, deviation = background.mean(axis=1), background.std(axis=1)
    return np.asarray((images - mean[:, None, None]) / deviation[:, None, None], dtype=np.float32)


def write_stack(path: Path, images: NDArray[np.float32], angpix: float) -> None:
    """A stack of images as MRC."""
    with mrcfile.new(path, images, overwrite=True) as mrc:
        mrc.voxel_size = angpix
        mrc.set_image_stack()


def image_angpix(group: OpticsGroup, preset: Preset) -> float:
    """Pixel size of a group's particle images, Å/px."""
    return group.image_angpix or preset.angpix


def image_box(group: OpticsGroup, preset: Preset) -> int:
    """Box of a group's particle images, px: as wide as the preset's, and even."""
    return 2 * round(preset.box * preset.angpix / image_angpix(group, preset) / 2.0)


def image_optics(optics: pl.DataFrame, preset: Preset) -> pl.DataFrame:
    """The preset's optics table with what RELION has to know of the images."""
    return optics.with_columns(
        rlnImagePixelSize=pl.Series([image_angpix(group, preset) for group in preset.groups]),
        rlnImageSize=pl.Series([image_box(group, preset) for group in preset.groups]),
        rlnImageDimensionality=pl.lit(2),
    )
