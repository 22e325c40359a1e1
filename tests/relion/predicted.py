"""What a map predicts of particles' images: its projections with their poses and CTFs, to be held against pixels."""

import numpy as np
import polars as pl
import scipy.fft

from cryoloom.em.ctf import Microscope, ctf, frequency_grid
from cryoloom.em.poses import Floats, matrices
from cryoloom.images.mrc import image_of_reference
from cryoloom.simulate.potential import Projector


def predicted(volume: Floats, angpix: float, rows: pl.DataFrame, box: int, microscope: Microscope) -> Floats:
    """(n, box, box): white projections of a map at the rows' orientations and origins, with their CTFs."""
    projector = Projector.of(volume, angpix)
    kx, ky = frequency_grid(box, angpix)
    turns = matrices(rows.select("rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi").to_numpy())
    images = []
    for transform, row in zip(projector.slices(turns, kx, ky), rows.iter_rows(named=True), strict=True):
        wave = ctf(kx, ky, row["rlnDefocusU"], row["rlnDefocusV"], row["rlnDefocusAngle"], microscope)
        # RELION's origin is what brings the particle to the middle.
        x, y = -row["rlnOriginXAngst"], -row["rlnOriginYAngst"]
        moved = transform * wave * np.exp(-2j * np.pi * (kx * x + ky * y))
        images.append(np.fft.fftshift(scipy.fft.irfft2(moved, (box, box))))
    return np.asarray(images)


def images_of(rows: pl.DataFrame, project: str) -> Floats:
    """The rows' images, (n, y, x)."""
    from pathlib import Path

    return np.asarray(
        [image_of_reference(name, Path(project)) for name in rows["rlnImageName"]], dtype=np.float64
    )


def correlations(images: Floats, predictions: Floats, window: Floats | None = None) -> Floats:
    """The correlation of each image with its prediction, where the window is 1."""
    inside = np.ones(images.shape[1:], bool) if window is None else window > 0.5
    a, b = images[:, inside], predictions[:, inside]
    a, b = a - a.mean(axis=1, keepdims=True), b - b.mean(axis=1, keepdims=True)
    return np.asarray((a * b).sum(axis=1) / np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1)))


def shares(images: Floats, parts: list[Floats]) -> Floats:
    """(n, parts): how much of each part's prediction each image has, by least squares; 1 where it has all of it."""
    found = []
    for number, image in enumerate(images):
        columns = np.stack([part[number].ravel() for part in parts] + [np.ones(image.size)], axis=1)
        found.append(np.linalg.lstsq(columns, image.ravel(), rcond=None)[0][:-1])
    return np.asarray(found)
