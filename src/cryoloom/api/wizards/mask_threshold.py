"""The edges of a mask on slices of its map: where it is cut, and where its soft edge ends."""

from typing import Any

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

from cryoloom.api.suggesting import DA_PER_A3
from cryoloom.api.wizards.advised import Advised, Asked, taking
from cryoloom.errors import ImageError
from cryoloom.protocol.wizards import Slider
from cryoloom.views.drawn import DrawnPicture

TILE_PX = 220
CUT, END = (240, 165, 0), (90, 170, 255)


def mask_edges(asked: Asked, of: str) -> Advised:
    """Slices of the filtered map with the mask that the form would make: its cut in amber, the end of its edge in blue.

    The threshold, the filter and the widths are those of relion.maskcreate: `lowpass_filter`, `extend_inimask`,
    `width_mask_edge`.
    """
    from cryoloom.em.fourier import low_pass
    from cryoloom.images.headers import read_header
    from cryoloom.images.mrc import read_mrc

    dataset = asked.input(of)
    path = asked.root / dataset.path
    header, volume = read_header(path), np.asarray(read_mrc(path), dtype=np.float64)
    angpix = asked.number("angpix", -1) if asked.number("angpix", -1) > 0 else header.angpix or 0.0
    if volume.ndim != 3 or not angpix:
        raise ImageError(f"{path}", found="no map with a pixel size", expected="one")
    resolution = asked.number("lowpass_filter", 15)
    if resolution > 2 * angpix:
        volume = low_pass(volume, angpix, resolution)
    auto = asked.auto(asked.param)
    threshold = asked.number(asked.param, auto)
    inside = volume >= threshold
    share = float(inside.mean())
    nowhere = np.full(volume.shape, np.inf)
    distances = scipy.ndimage.distance_transform_edt(~inside) if inside.any() else nowhere
    extend, soft = asked.number("extend_inimask", 3), asked.number("width_mask_edge", 3)
    pictures = [_slice(volume, distances, extend, extend + soft, axis) for axis in range(3)]
    from cryoloom.images.thumbnails import to_png

    png = to_png(np.concatenate(pictures, axis=1))
    enclosed = share * volume.size * angpix**3
    said = (
        f"At {threshold:.4g} the map encloses {enclosed:.0f} Å³, as protein {enclosed * DA_PER_A3 / 1000:.0f} kDa, "
        f"{100 * share:.2g} % of the box. Amber: where the mask is whole, {extend:g} px beyond the cut; blue: where its "
        "edge ends."
    )
    blobs = int(scipy.ndimage.label(inside)[1])
    if blobs > 1:
        said += f" What is cut has {blobs} separate pieces: with a higher threshold, or a coarser filter, small ones go."
    words = f"{auto:.3g}"
    slider = Slider(
        asked.param, 0.0, float(f"{volume.max():.3g}"), float(f"{max(volume.max() / 200, 1e-9):.2g}")
    )
    title = (
        f"Slices through the middle, filtered to {resolution:g} Å"
        if resolution > 0
        else "Slices through the middle"
    )
    return Advised(
        [DrawnPicture(title, png)],
        said,
        [taking({asked.param: words})],
        [slider],
        now={asked.param: threshold},
    )


def _slice(
    volume: NDArray[Any], distances: NDArray[np.float64], whole: float, end: float, axis: int
) -> NDArray[np.uint8]:
    """(y, x, 3) of the middle along an axis, with both edges drawn."""
    from PIL import Image

    from cryoloom.images.thumbnails import grey

    place = volume.shape[axis] // 2
    shown = Image.fromarray(np.ascontiguousarray(grey(volume.take(place, axis)))).resize((TILE_PX, TILE_PX))
    coloured = np.stack([np.asarray(shown)] * 3, axis=-1)
    far = np.minimum(distances.take(place, axis), 1e6).astype(np.float32)
    far = np.asarray(Image.fromarray(far).resize((TILE_PX, TILE_PX), Image.Resampling.BILINEAR))
    for limit, colour in ((end, END), (whole, CUT)):
        inner = far <= limit
        edge = inner & ~scipy.ndimage.binary_erosion(inner)
        coloured[edge] = colour
    return np.asarray(coloured, dtype=np.uint8)
