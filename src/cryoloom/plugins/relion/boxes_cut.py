"""What was cut is looked at: a box of one value, or of none, is no image of a particle."""

from pathlib import Path

import numpy as np
import polars as pl

from cryoloom.images.mrc import read_mrc
from cryoloom.protocol.jobs import Remark

IMAGE, MICROGRAPH = "rlnImageName", "rlnMicrographName"
NO_NUMBERS = "with pixels that are no numbers"
CONSTANT = "with one value in every pixel"


def boxes_without_image(root: Path, rows: pl.DataFrame) -> pl.Series:
    """Why each particle is left out, "" where its box has an image.

    Args:
        root: below which the names of stacks count.
        rows: particles, with `rlnImageName`.
    """
    names = [str(name).partition("@") for name in rows[IMAGE].to_list()]
    stacks = {stack: _faults(root / stack) for stack in dict.fromkeys(stack for _, _, stack in names)}
    return pl.Series("why", [stacks[stack][int(number) - 1] for number, _, stack in names], dtype=pl.String)


def remarks_on(rows: pl.DataFrame, why: pl.Series) -> list[Remark]:
    """What is to be said of the particles that are left out."""
    lost = rows.select(MICROGRAPH).with_columns(why.alias("why")).filter(pl.col("why") != "")
    counts = lost.group_by(MICROGRAPH, "why", maintain_order=True).len()
    return [
        Remark(str(name).rpartition("/")[2], f"{words} left out", int(count), "image")
        for name, words, count in counts.iter_rows()
    ]


def _faults(stack: Path) -> list[str]:
    pixels = read_mrc(stack)
    return [_fault(np.asarray(image)) for image in (pixels if pixels.ndim == 3 else pixels[None])]


def _fault(image: np.ndarray) -> str:
    low, high = image.min(), image.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        return NO_NUMBERS
    return CONSTANT if low == high else ""
