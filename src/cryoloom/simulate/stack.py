"""Ideal particle images with known poses: proofs of conventions, and quick tests of later steps.

RELION's own programs can be run on them at once, without movies, picking or extraction.
"""

from collections.abc import Mapping
from pathlib import Path

import mrcfile
import numpy as np
import polars as pl
import scipy.fft

from cryoloom import star
from cryoloom.em.ctf import frequency_grid
from cryoloom.em.poses import Floats
from cryoloom.simulate.movie import object_transforms, patch_size
from cryoloom.simulate.potential import Projector
from cryoloom.simulate.presets import Preset
from cryoloom.simulate.scene import MoviePlan
from cryoloom.simulate.truth import optics_table, particle_table


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
    """Write all particles of some movies as a stack and a STAR file beside it, with their true poses.

    Args:
        path: the STAR file; the stack has the same name, ending in `.mrcs`. Names within it have no folder:
            run RELION where they lie.
        noise: rms of white noise, in units of the image (the ice is 1).
        offsets: (n, 2), Å by which each particle lies off the middle pixel, x and y; `rlnOrigin` says so.
    Returns:
        The particles table as written.
    """
    size = patch_size(preset)
    good = [plan for plan in plans if not plan.bad]
    transforms = np.concatenate([object_transforms(plan, preset, projectors, size) for plan in good])
    shifts = np.zeros((len(transforms), 2)) if offsets is None else np.asarray(offsets, dtype=np.float64)
    kx, ky = frequency_grid(size, preset.angpix)
    rng = np.random.default_rng(seed)
    images = np.empty((len(transforms), size, size), dtype=np.float32)
    for image, transform, (dx, dy) in zip(images, transforms, shifts, strict=True):
        moved = transform * np.exp(-2j * np.pi * (kx * dx + ky * dy))
        # White particles, as after extraction with --invert_contrast.
        image[:] = -np.fft.fftshift(scipy.fft.irfft2(moved, (size, size)))
        image += noise * rng.standard_normal(image.shape)
    stack = path.with_suffix(".mrcs")
    with mrcfile.new(stack, images, overwrite=True) as mrc:
        mrc.voxel_size = preset.angpix
        mrc.set_image_stack()
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
