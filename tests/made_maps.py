"""A project of maps whose truth is known: a ball, small blobs at known places, one value for each x."""

import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cryoloom import Project
from cryoloom.images.mrc import write_mrc

BALL, BLOBS, GRADIENT, BARE, DARK, SHIFTED, LOCAL = 1, 2, 3, 4, 5, 6, 7  # the numbers of the jobs
BALL_PX, BALL_ANGPIX, BALL_RADIUS = 64, 1.5, 20  # px, Å, px
BALL_VOLUME = 4 / 3 * np.pi * (BALL_RADIUS * BALL_ANGPIX) ** 3  # Å³
BLOBS_SIZE, BLOBS_ANGPIX = (48, 40, 56), 2.0  # x, y, z
BLOB_AT = (10, 28, 40)  # x, y, z, px; of the larger one
SMALL_AT = (36, 10, 14)
NAME = "result.mrc"


def ball(px: int = BALL_PX, radius: float = BALL_RADIUS) -> NDArray[np.float32]:
    """(z, y, x): 1 inside and 0 outside, its half at the radius about the voxel px // 2."""
    z, y, x = np.mgrid[:px, :px, :px] - px // 2
    return np.asarray(np.clip(0.5 + (radius - np.sqrt(x**2 + y**2 + z**2)) / 4, 0, 1), dtype=np.float32)


def blobs() -> NDArray[np.float32]:
    """(z, y, x): a large blob and a small one far from it; no two sides of the box are equal."""
    nx, ny, nz = BLOBS_SIZE
    z, y, x = np.mgrid[:nz, :ny, :nx]

    def one(at: tuple[int, int, int], width: float, height: float) -> NDArray[Any]:
        squares = (x - at[0]) ** 2 + (y - at[1]) ** 2 + (z - at[2]) ** 2
        return np.asarray(height * np.exp(-squares / (2 * width**2)))

    return (one(BLOB_AT, 3, 1.0) + one(SMALL_AT, 1.2, 0.8)).astype(np.float32)


def made_maps(folder: Path) -> Project:
    """The project; each map is the output `result` of a job."""
    project = Project.create(folder)
    gradient = np.broadcast_to(np.arange(BALL_PX, dtype=np.float32) * BALL_ANGPIX, (BALL_PX,) * 3)
    maps: list[tuple[str, NDArray[Any], float]] = [
        ("ball", ball(), BALL_ANGPIX),
        ("blobs", blobs(), BLOBS_ANGPIX),
        ("gradient", gradient, BALL_ANGPIX),
        ("bare", ball(32, 10), 1.0),
        ("dark", -ball(), BALL_ANGPIX),
        ("shifted", ball(32, 10), 3.0),
    ]
    for title, volume, angpix in maps:
        with project.external(title, outputs={"result": "volume"}) as job:
            write_mrc(job.file("result"), ball(8, 2), angpix, is_volume=True)
        # A job's map has to be a cube: one that is none tells which axis is which.
        write_mrc(project.jobs()[-1].dataset().file, volume, angpix, is_volume=True)
    with project.external("local", outputs={"result": "final map", "resolution": "local resolution"}) as job:
        write_mrc(job.file("result"), ball(), BALL_ANGPIX, is_volume=True)
        # As RELION writes it: nothing in the corners, 100 where nothing is known.
        local = np.where(gradient > 90, 100, 4 + gradient / 48).astype(np.float32)
        local[:4, :4, :4] = 0
        write_mrc(job.file("resolution"), local, BALL_ANGPIX, is_volume=True)
    change(project.job(BARE).dataset().file, 40, "<3f", 0, 0, 0)  # its cell: nobody knows its pixel size
    change(project.job(SHIFTED).dataset().file, 196, "<3f", 30.0, -12.0, 6.0)
    return project


def change(path: Path, place: int, form: str, *values: float) -> None:
    """Other values at a place of a file."""
    with path.open("r+b") as file:
        file.seek(place)
        file.write(struct.pack(form, *values))
