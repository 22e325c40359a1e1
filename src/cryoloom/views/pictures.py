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
ORANGE = (255, 150, 0)
SLICES = ("xy", "xz", "yz")
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
    return DrawnPicture(block.title, to_png(shown), block.caption)


def field_picture(block: Field, root: Path) -> DrawnPicture | None:
    from cryoloom.images.mrc import read_mrc
    from cryoloom.images.thumbnails import field_sheet

    try:
        planes = [np.asarray(read_mrc(root / file), dtype=np.float32) for file in block.files]
    except (CryoloomError, OSError):
        return None
    if not planes or any(plane.ndim != 2 for plane in planes):
        return None
    scale = planes[-1]
    y, x = (np.abs(np.linspace(-1, 1, size)) for size in scale.shape)
    limit = float(np.percentile(np.abs(scale[np.hypot(y[:, None], x[None, :]) <= 1]), 98)) or 1.0
    png = field_sheet(planes, block.names, limit=limit, unit=block.unit, tile_px=FIELD_PX)
    return DrawnPicture(block.title, png, block.caption)


def volume_picture(block: VolumeBlock, root: Path) -> DrawnPicture | None:
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
    draw = partial(sheet, columns=3, tile_px=SLICE_PX, angpix=header.angpix or 0.0)
    if block.how == "projections":
        images = [volume.sum(axis=axis) for axis in range(3)]
        return DrawnPicture(block.title, draw(images, ["along z", "along y", "along x"]), block.caption)
    if block.coloured_by:
        return _coloured_slices(block, root, volume, header.angpix or 0.0)
    return DrawnPicture(block.title, draw(central_slices(volume), SLICES), block.caption)


def _coloured_slices(
    block: VolumeBlock, root: Path, volume: NDArray[Any], angpix: float
) -> DrawnPicture | None:
    """Slices in the colours of another map; None where that is not there or of another box."""
    from cryoloom.images.mrc import read_mrc
    from cryoloom.images.thumbnails import coloured_sheet
    from cryoloom.views.maps import known_resolutions

    try:
        values = known_resolutions(read_mrc(root / block.coloured_by))
    except (CryoloomError, OSError):
        return None
    if values.shape != volume.shape or not np.isfinite(values).any():
        return None
    known = np.isfinite(values)
    # Where the molecule is: the rim of the mask, much of it, would take most of the colours.
    dense = values[known & (volume >= np.percentile(volume[known], 90))]
    low, high = np.percentile(dense, (5, 95))
    png = coloured_sheet(
        central_slices(volume), central_slices(values), SLICES,
        limits=(float(low), float(high)), unit="Angstrom", tile_px=SLICE_PX, angpix=angpix,
    )  # fmt: skip
    return DrawnPicture(block.title, png, block.caption)


def central_slices(volume: NDArray[Any]) -> list[NDArray[Any]]:
    """The slices through the middle, by `SLICES`."""
    z, y, x = (size // 2 for size in volume.shape)
    return [volume[z], volume[:, y], volume[:, :, x]]
