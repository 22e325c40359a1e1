"""Optics groups: the table that says what is common to many items, and how older files get one.

Layout: RELION 3.1, one row a group, numbered from 1. Tables come in and tables go out; no file is
touched.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from cryoloom import star
from cryoloom.errors import DatasetError

NUMBER = "rlnOpticsGroup"
NAME = "rlnOpticsGroupName"

# What RELION 3.0 said of each particle and 3.1 says of its optics group.
_MOVED = ("rlnVoltage", "rlnSphericalAberration", "rlnAmplitudeContrast", "rlnBeamTiltX", "rlnBeamTiltY")
_MAGNIFICATION = ("rlnMagnification", "rlnDetectorPixelSize")
PIXEL_SIZE = {"particles": "rlnImagePixelSize", "micrographs": "rlnMicrographPixelSize"}
_ITEMS = ("rlnImageName", "rlnMicrographName", "rlnMicrographMovieName")
PIXEL_TOLERANCE = 0.02  # of the whole: what a calibration may change
# Lengths in pixels of the image, and the labels that say them in Å: those that relion_convert_star knows.
_SHIFTS_PX = {
    **{f"rlnOrigin{axis}": f"rlnOrigin{axis}Angst" for axis in "XYZ"},
    **{f"rlnOrigin{axis}Prior": f"rlnOrigin{axis}PriorAngst" for axis in "XYZ"},
    "rlnHelicalTrackLength": "rlnHelicalTrackLengthAngst",
}


def upgraded_to_31(blocks: Mapping[str, Any], file: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Optics table and items (particles or micrographs) of a file, in RELION 3.1's layout.

    A file of 3.1 is given back as it is. From one of 3.0 or older, groups are made of equal
    voltage, Cs, amplitude contrast, beam tilt and pixel size; the pixel size is
    10,000 x rlnDetectorPixelSize / rlnMagnification (μm to Å); shifts, their priors and track lengths become Å. That
    size is the images', which may be binned: how large the micrographs' pixels were, particles of 3.0 do not say.

    Raises:
        DatasetError: no table of items, or no pixel size to be found.
    """
    tables = star.tables_of(blocks)
    optics = tables.pop("optics", None)
    # Single values without the name of an item are no item.
    tables = {
        name: table
        for name, table in tables.items()
        if isinstance(blocks[name], pl.DataFrame) or any(label in table.columns for label in _ITEMS)
    }
    if not tables:
        raise DatasetError(f"{file}", found="without a table", expected="a table of particles")
    particles = tables.get("particles", next(iter(tables.values())))
    pixel_size = PIXEL_SIZE[items_name(particles)]
    if optics is not None:
        check_groups(optics[NUMBER].to_list(), particles, file)
        return optics, particles
    angpix = _pixel_sizes(particles, file)
    keys = [name for name in _MOVED if name in particles.columns]
    tagged = particles.with_columns(angpix.alias(pixel_size))
    keys = [*keys, pixel_size]
    groups = tagged.select(keys).unique(maintain_order=True)
    numbers = list(range(1, groups.height + 1))
    groups = groups.with_columns(
        pl.Series(NAME, [f"opticsGroup{number}" for number in numbers]), pl.Series(NUMBER, numbers)
    )
    moved = tagged.join(groups.select(*keys, NUMBER), on=keys, how="left", maintain_order="left")
    shifts = [
        (pl.col(old) * pl.col(pixel_size)).alias(new)
        for old, new in _SHIFTS_PX.items()
        if old in moved.columns and pixel_size == PIXEL_SIZE["particles"]
    ]
    moved = moved.with_columns(shifts)
    gone = [*keys, *_MAGNIFICATION, *(old for old, new in _SHIFTS_PX.items() if new in moved.columns)]
    if pixel_size == PIXEL_SIZE["particles"]:
        optics = groups.with_columns(pl.lit(2).alias("rlnImageDimensionality"))
    else:
        optics = groups.with_columns(pl.col(pixel_size).alias("rlnMicrographOriginalPixelSize"))
    first = [NAME, NUMBER]
    optics = optics.select(*first, *(name for name in optics.columns if name not in first))
    return optics, moved.drop([name for name in gone if name in moved.columns])


def items_name(items: pl.DataFrame) -> str:
    """The block that a table belongs in: particles have images, micrographs none."""
    return "particles" if "rlnImageName" in items.columns else "micrographs"


def downgraded_to_30(optics: pl.DataFrame, items: pl.DataFrame, file: Path) -> tuple[pl.DataFrame, list[str]]:
    """Items with their optics beside them, as RELION 3.0 and older programs want them.

    The pixel size is told by a magnification of 10,000 and a detector pixel of as many μm as the
    pixel has Å; shifts become pixels.

    Returns:
        The table, and the labels of the optics groups that 3.0 has no place for.
    Raises:
        DatasetError: an item's group is not in the optics table, or that has no pixel size.
    """
    check_groups(optics[NUMBER].to_list(), items, file)
    pixel_size = PIXEL_SIZE[items_name(items)]
    if pixel_size not in optics.columns:
        raise DatasetError(f"{file}: data_optics", found=f"without {pixel_size}", expected="a pixel size")
    kept = [name for name in _MOVED if name in optics.columns]
    joined = items.join(
        optics.select(NUMBER, *kept, pixel_size), on=NUMBER, how="left", maintain_order="left"
    )
    joined = joined.with_columns(
        *(
            (pl.col(new) / pl.col(pixel_size)).alias(old)
            for old, new in _SHIFTS_PX.items()
            if new in items.columns
        ),
        rlnMagnification=pl.lit(10_000.0),
        rlnDetectorPixelSize=pl.col(pixel_size),
    )
    gone = [NUMBER, pixel_size, *(new for new in _SHIFTS_PX.values() if new in items.columns)]
    told = {NAME, NUMBER, pixel_size, "rlnImageDimensionality", "rlnMicrographOriginalPixelSize", *kept}
    return joined.drop(gone), [name for name in optics.columns if name not in told]


def _pixel_sizes(particles: pl.DataFrame, file: Path) -> pl.Series:
    if all(name in particles.columns for name in _MAGNIFICATION):
        magnification, detector = (particles[name].cast(pl.Float64) for name in _MAGNIFICATION)
        return (detector * 1e4 / magnification).round(6)
    for name in ("rlnImagePixelSize", "rlnMicrographPixelSize", "rlnPixelSize"):
        if name in particles.columns:
            return particles[name].cast(pl.Float64)
    raise DatasetError(
        f"{file}",
        found="without a pixel size",
        expected="rlnMagnification and rlnDetectorPixelSize, or data_optics",
    )


def check_groups(known: Sequence[int], particles: pl.DataFrame, file: Path | str) -> None:
    """That each item's optics group is one of those known.

    Raises:
        DatasetError: the first row whose group is not, and how many there are.
    """
    if NUMBER not in particles.columns or not particles.height:
        return  # of a table without rows nobody can say that its numbers are any
    strays = particles.with_row_index("row", offset=1).filter(~pl.col(NUMBER).is_in(known))
    if strays.height:
        row, group = strays.select("row", NUMBER).row(0)
        raise DatasetError(
            f"{file}: {NUMBER} in row {row}",
            found=f"{group} (first of {strays.height} such rows)",
            expected=f"one of {sorted(known)}, the groups in data_optics",
            hint=f"Add group {group} to data_optics, or import the file with its own optics.",
        )


def check_form(optics: pl.DataFrame, items: pl.DataFrame, file: Path | str) -> None:
    """That items beside optics groups say what they say as RELION 3.1 reads it, not as 3.0 did.

    Shifts in pixels are not read any more, nor is a magnification: particles would be where they were before.

    Raises:
        DatasetError: shifts in px without those in Å, or another pixel size than the group's.
    """
    for old, new in _SHIFTS_PX.items():
        if old in items.columns and new not in items.columns:
            raise DatasetError(
                f"{file}", found=f"{old}, px, as RELION 3.0 wrote it", expected=f"{new}, Å, which 3.1 reads",
                hint=f"{old} is not read: multiply by the pixel size. `cryoloom star convert` does so with files of 3.0.",
            )  # fmt: skip
    pixel_size = PIXEL_SIZE[items_name(items)]
    if not all(name in items.columns for name in _MAGNIFICATION) or pixel_size not in optics.columns:
        return
    told = _pixel_sizes(items, Path(file))
    both = items.select(NUMBER, told.alias("told")).with_row_index("row", offset=1)
    both = both.join(optics.select(NUMBER, pixel_size), on=NUMBER, how="left", maintain_order="left")
    wrong = both.filter((pl.col("told") / pl.col(pixel_size) - 1).abs() > PIXEL_TOLERANCE)
    if wrong.height:
        row, size, group, group_size = wrong.select("row", "told", NUMBER, pixel_size).row(0)
        raise DatasetError(
            f"{file}: rlnDetectorPixelSize and rlnMagnification in row {row}", found=f"{size:.4g} Å/px",
            expected=f"{group_size:.4g}, the {pixel_size} of optics group {group}",
            hint="RELION 3.1 reads the group's: write data_optics too, or leave these columns out.",
        )  # fmt: skip


def with_columns_of(optics: pl.DataFrame, given: pl.DataFrame, labels: Sequence[str]) -> pl.DataFrame:
    """An optics table with columns of another, whose groups are found by their names.

    RELION's programs number groups anew; only where there are no names the numbers have to do.
    """
    wanted = [name for name in labels if name in given.columns and name not in optics.columns]
    if not wanted:
        return optics
    both = NAME in optics.columns and NAME in given.columns
    keys = [NAME] if both else [NUMBER]
    if both and given[NAME].is_duplicated().any():
        keys = [NAME, NUMBER]  # one name for several groups: together they are one to one
    return optics.join(given.select(*keys, *wanted), on=keys, how="left", maintain_order="left")
