"""The small picture by which a job is known on its card: a map's projection, four class averages, a micrograph."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cryoloom.errors import CryoloomError
from cryoloom.protocol.views import Block, Gallery, Micrograph, View, VolumeBlock
from cryoloom.views.resolve import blocks_of

SIDE_PX = 160
ACROSS = 2  # images of a gallery
_GREATEST_BOX = 512  # of a larger map a face costs seconds


def face_of(views: Sequence[View], root: Path) -> bytes | None:
    """A PNG of `SIDE_PX` squared from the first view that is made of pixels; None where none has any yet."""
    for view in views:
        for block in blocks_of(view, root):
            if (image := _pixels(block, root)) is not None:
                return _as_png(image)
    return None


def _pixels(block: Block, root: Path) -> NDArray[np.uint8] | None:
    """8-bit, grey or colour, row 0 at the bottom; None of a block that is no picture, or whose file cannot be read."""
    try:
        match block:
            case Gallery():
                return _gallery(block, root)
            case VolumeBlock():
                return _projection(root / block.file)
            case Micrograph():
                return _micrograph(block, root)
            case _:
                return None
    except (CryoloomError, OSError):
        return None


def _gallery(block: Gallery, root: Path) -> NDArray[np.uint8] | None:
    from cryoloom.images.mrc import image_of_reference
    from cryoloom.images.thumbnails import grey
    from cryoloom.star.expressions import evaluated
    from cryoloom.views.tables import frame_of

    frame = frame_of(root, block.rows)
    if block.image not in frame.columns:
        return None
    if block.order:
        frame = frame.sort(evaluated(frame, block.order), maintain_order=True)
    names = frame[block.image].drop_nulls().to_list()[: ACROSS * ACROSS]
    if not names:
        return None
    side = SIDE_PX // ACROSS
    page = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
    for place, name in enumerate(names):
        tile = _squared(grey(image_of_reference(str(name), root)), side - 1)
        top, left = SIDE_PX - side * (place // ACROSS + 1), side * (place % ACROSS)
        page[top : top + side - 1, left : left + side - 1] = tile
    return page


def _projection(path: Path) -> NDArray[np.uint8] | None:
    from cryoloom.images.headers import read_header
    from cryoloom.images.mrc import read_mrc
    from cryoloom.images.thumbnails import grey

    if max(read_header(path).size) > _GREATEST_BOX:
        return None
    volume = np.asarray(read_mrc(path), dtype=np.float32)
    return grey(volume.sum(axis=0)) if volume.ndim == 3 else None


def _micrograph(block: Micrograph, root: Path) -> NDArray[np.uint8] | None:
    from cryoloom.images.mrc import read_mrc
    from cryoloom.images.thumbnails import binned, circles, grey
    from cryoloom.views.tables import frame_of, numbers

    image = read_mrc(root / block.file.removesuffix(":mrc"))
    if image.ndim != 2:
        return None
    # The shorter side fills the square; what is beyond it is cut off.
    factor = max(1, min(image.shape) // SIDE_PX)
    shown = grey(binned(image, -(-max(image.shape) // factor)), *block.percent)
    for overlay in block.overlays:
        picks = frame_of(root, overlay.rows)
        places = zip(numbers(picks, overlay.x), numbers(picks, overlay.y), strict=True)
        shown = circles(shown, [(x / factor, y / factor) for x, y in places], 3, (240, 165, 0))
    return shown


def _squared(image: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """The square in an image's middle, drawn `side` px wide."""
    from PIL import Image

    short = min(image.shape[:2])
    top, left = ((size - short) // 2 for size in image.shape[:2])
    square = np.ascontiguousarray(image[top : top + short, left : left + short])
    return np.asarray(Image.fromarray(square).resize((side, side)))


def _as_png(image: NDArray[np.uint8]) -> bytes:
    from cryoloom.images.thumbnails import to_png

    return to_png(_squared(image, SIDE_PX))
