"""Blocks that are pictures: galleries, micrographs and maps, as PNG. None where there is nothing to be drawn."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cryoloom.errors import CryoloomError
from cryoloom.protocol.jobs import ITEM_ID
from cryoloom.protocol.views import Field, Gallery, Micrograph, VolumeBlock
from cryoloom.views.drawn import DrawnPicture
from cryoloom.views.tables import frame_of, numbers, table_of

PICTURE_PX = 620
TILE_PX, SLICE_PX, FIELD_PX = 84, 190, 220
CELLS_ACROSS = 32  # of an observation over Fourier space: finer ones are noise
ORANGE = (255, 150, 0)
SLICES = ("xy", "xz", "yz")
ALONG = ("along z", "along y", "along x")
MASK_EDGE = 0.5
SOLVENT_SIGMA = 4.0  # deviations of the solvent above its median, from which on there is something
_ROW = "number of the row"


def gallery(block: Gallery, root: Path) -> DrawnPicture | None:
    from cryoloom.images.thumbnails import sheet
    from cryoloom.star.expressions import evaluated

    frame = frame_of(root, block.rows)
    if not frame.height or block.image not in frame.columns:
        return None
    frame = frame.with_row_index(_ROW, 1).filter(pl.col(block.image).is_not_null())
    if block.order:
        frame = frame.sort(evaluated(frame, block.order), maintain_order=True)
    if frame.height > block.most:
        # Spread over all, the first and the last among them.
        frame = frame[np.linspace(0, frame.height - 1, block.most).round().astype(int).tolist()]
    images, kept = [], []
    for place, name in enumerate(frame[block.image].to_list()):
        image = _image(str(name), root)
        if image is not None:
            images.append(image)
            kept.append(place)
    if not images:
        return None
    frame = frame[kept]
    labels = [str(number) for number in frame[_ROW].to_list()]
    if block.label:
        labels = [str(text) for text in evaluated(frame, block.label).to_list()]
    pixel = block.pixel_size or _pixel_size(root, block)
    png = sheet(images, labels, columns=block.across, tile_px=TILE_PX, angpix=pixel)
    ids = [str(one) for one in frame[ITEM_ID].to_list()] if ITEM_ID in frame.columns else []
    return DrawnPicture(block.title, png, block.caption, (*ids,))


def _pixel_size(root: Path, block: Gallery) -> float:
    """Å per pixel where all optics groups have one; else 0."""
    sizes = set(numbers(table_of(root / block.rows.file, "optics"), "rlnImagePixelSize"))
    return sizes.pop() if len(sizes) == 1 else 0.0


def _image(name: str, root: Path) -> NDArray[Any] | None:
    from cryoloom.images.mrc import image_of_reference

    try:
        return image_of_reference(name, root)
    except (CryoloomError, OSError):
        return None


def micrograph(block: Micrograph, root: Path) -> DrawnPicture | None:
    from cryoloom.images.headers import read_header
    from cryoloom.images.mrc import read_mrc
    from cryoloom.images.thumbnails import binned, circles, grey, to_png, with_scale

    path = root / block.file.removesuffix(":mrc")
    try:
        header, image = read_header(path), read_mrc(path)
    except (CryoloomError, OSError):
        return None
    if image.ndim != 2:
        return None
    small = binned(image, PICTURE_PX)
    factor = -(-max(image.shape) // PICTURE_PX) or 1
    angpix = block.pixel_size or header.angpix or 0.0
    shown = grey(small, *block.percent)
    for overlay in block.overlays:
        picks = frame_of(root, overlay.rows)
        places = [
            (x / factor, y / factor)
            for x, y in zip(numbers(picks, overlay.x), numbers(picks, overlay.y), strict=True)
        ]
        radius = overlay.diameter / 2 / angpix / factor if overlay.diameter and angpix else PICTURE_PX / 28
        shown = circles(shown, places, radius, ORANGE)
    if angpix and block.has_scale:
        shown = with_scale(shown, angpix * factor)
    return DrawnPicture(block.title, to_png(shown), block.caption, angpix=angpix * factor)


def field_picture(block: Field, root: Path) -> DrawnPicture | None:
    from cryoloom.images.mrc import read_mrc
    from cryoloom.images.thumbnails import field_sheet

    try:
        planes = [np.asarray(read_mrc(root / file), dtype=np.float32) for file in block.files]
    except (CryoloomError, OSError):
        return None
    if not planes or any(plane.ndim != 2 for plane in planes):
        return None
    shown = [_in_circle(plane) for plane in planes]
    limit = float(np.nanpercentile(np.abs(shown[-1]), 98)) or 1.0
    side = max(1, round(max(planes[0].shape) / CELLS_ACROSS))
    shown[:-1] = [_averaged(plane, side) for plane in shown[:-1]]
    averaged = ", ".join(block.names[:-1])
    said = f"Means of {side} x {side} px: {averaged}. " if side > 1 and averaged else ""
    png = field_sheet(shown, block.names, limit=limit, unit=block.unit, tile_px=FIELD_PX)
    return DrawnPicture(block.title, png, f"{said}{block.caption}")


def _in_circle(plane: NDArray[Any]) -> NDArray[np.float32]:
    """A plane of Fourier space with its zero frequency at `size // 2`, as RELION writes it; nan from the Nyquist frequency on,
    whose row stands for both signs."""
    y, x = ((np.arange(size) - size // 2) / (size // 2) for size in plane.shape)
    return np.where(np.hypot(y[:, None], x[None, :]) < 1, plane, np.nan).astype(np.float32)


def _averaged(plane: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Means of squares of so many px: what is observed pixel by pixel is noise to the eye. nan where no pixel has a value."""
    from cryoloom.images.thumbnails import binned

    if side < 2:
        return plane
    edges = [(0, -size % side) for size in plane.shape]
    padded = np.pad(plane, edges, constant_values=np.nan)
    known = np.isfinite(padded).astype(np.float32)
    longest = max(padded.shape) // side
    share = binned(known, longest)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(share > 0, binned(np.nan_to_num(padded), longest) / share, np.nan).astype(np.float32)


def width_of(block: VolumeBlock, root: Path) -> float:
    """Å along the longest side of a map's box; 0 where nobody knows."""
    from cryoloom.images.headers import read_header

    try:
        header = read_header(root / block.file)
    except (CryoloomError, OSError):
        return 0.0
    return max(header.size) * (header.angpix or 0.0)


def volume_picture(block: VolumeBlock, root: Path, across: float = 0.0) -> DrawnPicture | None:
    """A map's slices or projections; `across`: Å of each square, where it is to be wider than the box."""
    from cryoloom.images.headers import read_header
    from cryoloom.images.mrc import read_mrc
    from cryoloom.images.thumbnails import sheet

    path = root / block.file
    try:
        header = read_header(path)
        volume: NDArray[Any] = np.asarray(read_mrc(path), dtype=np.float32)
    except (CryoloomError, OSError):
        return None
    if volume.ndim != 3:
        return None
    draw = partial(sheet, columns=3, tile_px=SLICE_PX, angpix=header.angpix or 0.0, across=across)
    if block.coloured_by:
        return _coloured(block, root, volume, header.angpix or 0.0, across)
    if block.how == "projections":
        images = [volume.sum(axis=axis) for axis in range(3)]
        return DrawnPicture(block.title, draw(images, ALONG), block.caption)
    return DrawnPicture(block.title, draw(central_slices(volume), SLICES), block.caption)


def _coloured(
    block: VolumeBlock, root: Path, volume: NDArray[Any], angpix: float, across: float
) -> DrawnPicture | None:
    """Slices or projections in the colours of another map; None where that is not there or of another box."""
    from cryoloom.images.mrc import read_mrc
    from cryoloom.images.thumbnails import coloured_sheet
    from cryoloom.views.maps import DENSEST, known_resolutions

    try:
        values = known_resolutions(read_mrc(root / block.coloured_by))
        mask = np.asarray(read_mrc(root / block.within)) if block.within else None
    except (CryoloomError, OSError):
        return None
    if values.shape != volume.shape or not np.isfinite(values).any():
        return None
    known = np.isfinite(values)
    # Solvent has values too, and is noise: it is no part of the picture, nor of its scales. Most of a box is solvent, so that
    # its median and the spread about it are the solvent's.
    middle = np.median(volume[known])
    floor = float(middle + SOLVENT_SIGMA * 1.4826 * np.median(np.abs(volume[known] - middle)))
    is_molecule = known & (volume >= max(floor, np.percentile(volume[known], DENSEST)))
    if mask is not None and mask.shape == volume.shape:
        values = np.where(mask > MASK_EDGE, values, np.nan)
        is_molecule &= mask > MASK_EDGE
    if not is_molecule.any():
        return None
    low, high = np.percentile(values[is_molecule & np.isfinite(values)], (5, 95))
    if block.how == "projections":
        images, colourings = _projected(volume, values, floor)
        grey_limits = (0.0, float(np.percentile(np.stack(images), 99.7)))
    else:
        images, colourings = central_slices(volume), central_slices(values)
        grey_limits = (floor, float(np.percentile(volume[is_molecule], 97)))
    # Squares of one scale, also of a box that is no cube, or smaller than the one beside which it is shown.
    side = max(*volume.shape, round(across / angpix) if angpix else 0)
    images = [_in_square(image, side, grey_limits[0]) for image in images]
    colourings = [_in_square(values, side, np.nan) for values in colourings]
    png = coloured_sheet(
        images, colourings, ALONG if block.how == "projections" else SLICES, grey_limits=grey_limits,
        limits=(float(low), float(high)), unit="Å", tile_px=SLICE_PX, angpix=angpix,
    )  # fmt: skip
    return DrawnPicture(block.title, png, block.caption)


def _in_square(image: NDArray[Any], side: int, around: float) -> NDArray[Any]:
    """An image in the middle of a square of so many px."""
    edges = [((side - size) // 2, side - size - (side - size) // 2) for size in image.shape]
    return np.pad(image, edges, constant_values=around)


def _projected(
    volume: NDArray[Any], values: NDArray[np.float64], floor: float
) -> tuple[list[NDArray[Any]], list[NDArray[Any]]]:
    """Sums along the axes of what is denser than the solvent, and the mean value there, weighted by density."""
    weight = np.where(np.isfinite(values), np.clip(volume - floor, 0, None), 0.0)
    images = [weight.sum(axis=axis) for axis in range(3)]
    weighted = weight * np.nan_to_num(values)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = [weighted.sum(axis=axis) / image for axis, image in enumerate(images)]
    return images, means


def central_slices(volume: NDArray[Any]) -> list[NDArray[Any]]:
    """The slices through the middle, by `SLICES`."""
    z, y, x = (size // 2 for size in volume.shape)
    return [volume[z], volume[:, y], volume[:, :, x]]
