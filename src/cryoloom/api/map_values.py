"""What a map's values say to who looks at it, and its voxels as they are sent.

Both are made once for a file as it is, and kept while there is room.
"""

import hashlib
import zlib
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from cryoloom.errors import ImageError, ParameterError
from cryoloom.images.volumes import (
    Codes,
    Placement,
    Values,
    Voxels,
    blocks_of,
    doubled,
    framed,
    halved,
    placement_of,
    read_voxels,
)

MOST_BYTES = 800_000_000  # of voxels in memory: a map of 512³ has 134 MB
MOST_SENT_BYTES = 300_000_000
MOST_VOXELS = 1 << 30
FIRST_PX = 128  # a first surface needs no more
COARSE_PX = 100  # of a smaller map one would see voxels, and not density: it is drawn of twice as many along each axis
OUTLINED_PX = 400  # a picture with an outline has as many px: of a small slice it would cover all
MASK_EDGE = 0.5
# RELION writes 0 in the corners of the box and 100 where it knows nothing.
KNOWN_RESOLUTIONS = (0.0, 99.0)
ANYTHING = (-np.inf, np.inf)
GREY = (0.5, 99.8)  # percentiles that are black and white
OUTLINE = (255, 176, 0)  # what is drawn on a picture is amber
DARK = 1.5  # so much farther from the solvent lie dark values than bright ones, in a map whose contrast may be inverted

Kept = TypeVar("Kept")


@dataclass(frozen=True, slots=True)
class MapFacts:
    """What is known of a map before it is drawn."""

    placement: Placement
    values: Values
    low: float  # between these two all values are shown
    high: float
    counts: tuple[int, ...]  # voxels of each of the 255 values from `low` to `high`
    level: float  # a first one
    black: float
    white: float
    bins: tuple[float, ...]  # sides of voxels, px, in which it can be had; the first is drawn first
    doubts: tuple[str, ...]


class _Lately(Generic[Kept]):
    """What was made lately; what was not asked for longest goes first."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._kept: OrderedDict[Hashable, tuple[Kept, int]] = OrderedDict()
        self._lock = Lock()
        self.making = Lock()  # one after the other: two would take the memory of both

    def get(self, key: Hashable) -> Kept | None:
        with self._lock:
            if key not in self._kept:
                return None
            self._kept.move_to_end(key)
            return self._kept[key][0]

    def keep(self, key: Hashable, made: Kept, size: int) -> None:
        with self._lock:
            self._kept[key] = (made, size)
            while len(self._kept) > 1 and sum(size for _, size in self._kept.values()) > self._most:
                self._kept.popitem(last=False)


_voxels: _Lately[Voxels] = _Lately(MOST_BYTES)
_sent: _Lately[bytes] = _Lately(MOST_SENT_BYTES)


def stamp_of(path: Path) -> str:
    """Of a file as it is now; what is made of it holds as long as this is the same.

    Raises:
        ImageError: it is not there.
    """
    try:
        stat = path.stat()
    except OSError:
        raise ImageError(f"{path}", found="missing", expected="a map") from None
    # The inode too: a program may put another file of the same size in its place within the clock's grain.
    text = f"{path} {stat.st_mtime_ns} {stat.st_size} {stat.st_ino}"
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def voxels_of(path: Path, kind: str) -> Voxels:
    """A map in bytes, read once for each state of its file.

    Raises:
        ImageError: no map, one without any number, or one that is too large to be drawn.
    """
    key = (stamp_of(path), kind)
    with _voxels.making:
        found = _voxels.get(key)
        if found is None:
            size = placement_of(path).size
            if size[0] * size[1] * size[2] > MOST_VOXELS:
                raise ImageError(
                    f"{path}", found=" x ".join(map(str, size)) + " px", expected="at most 1024³ to be drawn",
                    hint="Bin it with relion.image_handler, or open it in ChimeraX.",
                )  # fmt: skip
            found = read_voxels(path, KNOWN_RESOLUTIONS if kind == "local resolution" else ANYTHING)
            _voxels.keep(key, found, found.bytes)
        return found


def sent_voxels(path: Path, kind: str, bin_px: float) -> bytes:
    """A map as a page takes it, deflated (zlib): the least and the largest value of each block of 8³ cells, then the voxels.

    The voxels are those of the map in a frame of one voxel without a number, binned; each part in the order z, y, x.

    Raises:
        ImageError: as `voxels_of`.
        ParameterError: a binning that is not offered.
    """
    key = (stamp_of(path), kind, bin_px)
    found = _sent.get(key)
    if found is not None:
        return found
    voxels = voxels_of(path, kind)
    if bin_px not in bins_of(voxels.placement):
        expected = ", ".join(f"{one:g}" for one in bins_of(voxels.placement))
        raise ParameterError("bin", found=f"{bin_px:g}", expected=f"one of {expected}")
    codes = voxels.codes
    if bin_px < 1:
        codes = doubled(codes)
    while bin_px > 1:
        codes, bin_px = halved(codes), bin_px / 2
    framing = framed(codes)
    least, largest = blocks_of(framing)
    # The fastest: what is gained by more would take longer than it saves on the way.
    packing = zlib.compressobj(1)
    made = b"".join(
        [
            *(packing.compress(np.ascontiguousarray(part).data) for part in (least, largest, framing)),
            packing.flush(),
        ]
    )
    _sent.keep(key, made, len(made))
    return made


def bins_of(placement: Placement) -> tuple[float, ...]:
    """Sides of voxels in px: first what a first surface is drawn of, then the finest."""
    if max(placement.size) <= COARSE_PX:
        return (1, 0.5)
    first = 1
    while max(placement.size) > first * FIRST_PX:
        first *= 2
    return (first, 1) if first > 1 else (1,)


def facts_of(voxels: Voxels, kind: str) -> MapFacts:
    """What is known of a map before it is drawn; `kind`: of `cryoloom.api.maps.KINDS`."""
    level, said = _level(voxels, kind)
    return MapFacts(
        voxels.placement,
        voxels.values,
        voxels.low,
        voxels.high,
        (*(int(one) for one in voxels.counts[1:]),),
        level,
        voxels.percentile(GREY[0]),
        voxels.percentile(GREY[1]),
        bins_of(voxels.placement),
        (*_doubts(voxels), *said),
    )


def _doubts(voxels: Voxels) -> list[str]:
    placement, values = voxels.placement, voxels.values
    said = []
    if not placement.has_pixel_size:
        said.append(
            "Its header says no pixel size: one pixel is drawn as 1 Å, and no length or volume is known."
        )
    elif len(set(placement.voxel)) > 1:
        sides = " x ".join(f"{side:g}" for side in placement.voxel)
        said.append(f"Its voxels are no cubes: {sides} Å.")
    if values.not_numbers:
        said.append(f"{values.not_numbers} of its voxels have no value, and lie outside of every surface.")
    if values.largest <= values.least:
        said.append(f"All its values are {values.least:g}: nothing is in it.")
    return [*said, *(problem[0].upper() + problem[1:] + "." for problem in voxels.problems)]


def _level(voxels: Voxels, kind: str) -> tuple[float, list[str]]:
    """A first level, and what is to be said of it."""
    from cryoloom.api.suggesting import threshold_of_densest

    if kind == "mask":
        return MASK_EDGE, []
    if kind == "local resolution":
        return voxels.percentile(50), []
    middle = tuple(slice(size // 2 - size // 4, size // 2 + size // 4) for size in voxels.codes.shape)
    inner: NDArray[Any] = voxels.value_of(voxels.codes[middle])
    inner = inner[np.isfinite(inner)]
    if not inner.size:
        return voxels.high, []
    solvent = voxels.percentile(50)
    dark, bright = (abs(float(np.percentile(inner, percent)) - solvent) for percent in (1, 99))
    said = []
    if dark > DARK * bright:
        said.append(
            "Its middle is darker than what is around it: the contrast may be inverted, and no level encloses the molecule. "
            "relion.image_handler multiplies it by -1."
        )
    level = threshold_of_densest(inner)
    return (level if voxels.low < level < voxels.high else (voxels.low + voxels.high) / 2), said


def slice_picture(
    voxels: Voxels, axis: str, place: int, *, black: float, white: float, level: float | None = None
) -> bytes:
    """A slice as PNG, y or z upwards; with the outline of what a level encloses.

    Raises:
        ParameterError: a place beyond the map.
    """
    size = voxels.placement.size["xyz".index(axis)]
    if not 0 <= place < size:
        raise ParameterError("place", found=str(place), expected=f"0 to {size - 1}, as the map has in {axis}")
    codes = voxels.slice(axis, place)
    return _png(
        codes, voxels.code_of(black), voxels.code_of(white), None if level is None else voxels.code_of(level)
    )


def projection_picture(voxels: Voxels, axis: str) -> bytes:
    """The mean along an axis as PNG, y or z upwards."""
    image = voxels.projection(axis)
    black, white = np.percentile(image, GREY)
    return _png(image, float(black), float(white), None)


def _png(image: "NDArray[Any] | Codes", black: float, white: float, level: float | None) -> bytes:
    from PIL import Image

    from cryoloom.images.thumbnails import to_png

    values = image.astype(np.float32)
    if level is not None and max(values.shape) < OUTLINED_PX:
        times = -(-OUTLINED_PX // max(values.shape))
        larger = Image.fromarray(values).resize(
            (times * values.shape[1], times * values.shape[0]), Image.Resampling.BILINEAR
        )
        values = np.asarray(larger)
    grey = np.clip((values - black) / max(white - black, 1e-6) * 255, 0, 255).astype(np.uint8)
    if level is None:
        return to_png(grey)
    inside = np.pad(values >= level, 1)
    core = inside[1:-1, 1:-1]
    edge = core & ~(inside[:-2, 1:-1] & inside[2:, 1:-1] & inside[1:-1, :-2] & inside[1:-1, 2:])
    coloured = np.stack([grey] * 3, axis=-1)
    coloured[edge] = OUTLINE
    return to_png(coloured)
