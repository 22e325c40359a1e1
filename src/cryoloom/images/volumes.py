"""Maps as they are looked at: where they lie in space, what their values are, and their voxels in a byte each.

Arrays are (z, y, x), whatever order of axes the file has; the voxel (0, 0, 0) lies at the header's origin, as ChimeraX has it.
A byte holds 254 equal steps between the lowest and the highest value that is shown, from 1 on; 0 is no number.
"""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cryoloom.errors import ImageError
from cryoloom.images.headers import read_header
from cryoloom.images.mrc import read_mrc

Codes = NDArray[np.uint8]
Triple = tuple[float, float, float]

STEPS = 254
BLOCK = 8  # cells along a side of a block, of which the least and the largest value are known
# So large a share of the voxels may lie beyond either end of the bytes: a hot voxel must not take their steps from all others.
TAIL = 1e-6
_FINE = 4096
_CROWDED = 16  # where nearly all voxels lie in so small a part of the values, that part gets the steps
_ONE_VALUE = 1e-6  # what differs by less, of itself, is one value
_AT_ONCE = 1 << 22  # voxels that are made float64 at a time
_SAMPLED = 1 << 24  # of more voxels, the tails are looked for in some sections


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a map's voxels lie; x, y, z each."""

    size: tuple[int, int, int]  # px
    voxel: Triple  # Å; 0 where the header says none
    origin: Triple  # Å, of the middle of the first voxel

    @property
    def has_pixel_size(self) -> bool:
        return all(side > 0 for side in self.voxel)


@dataclass(frozen=True, slots=True)
class Values:
    """What a map's values are."""

    least: float
    largest: float
    mean: float
    deviation: float
    not_numbers: int  # voxels that have none


@dataclass(frozen=True)
class Voxels:
    """A map in bytes."""

    placement: Placement
    values: Values
    low: float  # the value of byte 1
    high: float  # of byte 255
    codes: Codes  # (z, y, x)
    counts: NDArray[np.int64]  # voxels of each byte, (256,)
    problems: tuple[str, ...]

    @property
    def bytes(self) -> int:
        return self.codes.nbytes

    def value_of(self, codes: NDArray[Any]) -> NDArray[np.float32]:
        """Values of bytes; nan for 0."""
        step = (self.high - self.low) / STEPS
        found = self.low + (np.asarray(codes, dtype=np.float32) - 1) * step
        return np.where(np.asarray(codes) > 0, found, np.nan).astype(np.float32)

    def code_of(self, value: float) -> float:
        """The byte of a value, with what lies between two."""
        return 1 + (value - self.low) / (self.high - self.low) * STEPS

    def percentile(self, percent: float) -> float:
        """Of all values, as exact as a byte is."""
        counts = self.counts[1:]
        place = int(np.searchsorted(np.cumsum(counts), percent / 100 * counts.sum()))
        return float(self.value_of(np.array([min(place, STEPS) + 1]))[0])

    def slice(self, axis: str, place: int) -> Codes:
        """(y, x) across z, (z, x) across y, (z, y) across x: rows go up, columns to the right."""
        return np.asarray(np.take(self.codes, place, axis="zyx".index(axis)))

    def projection(self, axis: str) -> NDArray[np.float32]:
        """The mean along an axis, in bytes; rows and columns as of `slice`."""
        return np.asarray(self.codes.mean(axis="zyx".index(axis), dtype=np.float32))


def placement_of(path: Path) -> Placement:
    """Where a map lies, by its header.

    Raises:
        ImageError: no MRC file, or one image.
    """
    header = read_header(path)
    if header.format != "MRC" or header.frames < 2:
        raise ImageError(
            f"{path}",
            found=f"a {header.format} file of {header.frames} sections",
            expected="a map of x, y and z",
        )
    with path.open("rb") as file:
        start = file.read(256)
    order = header.byte_order
    starts = struct.unpack(f"{order}3i", start[16:28])
    cells = struct.unpack(f"{order}3i", start[28:40])
    lengths = struct.unpack(f"{order}3f", start[40:52])
    origin = struct.unpack(f"{order}3f", start[196:208])
    stored = (*header.size, header.frames)
    size = [0, 0, 0]
    first = [0, 0, 0]
    for place, axis in enumerate(header.axes):
        size[axis - 1], first[axis - 1] = stored[place], starts[place]
    voxel = tuple(
        round(float(length) / count, 6) if count > 0 and np.isfinite(length) and length > 0 else 0.0
        for length, count in zip(lengths, cells, strict=True)
    )
    if not any(origin) or not all(np.isfinite(origin)):
        # Older programs tell it in voxels.
        origin = tuple(start * side for start, side in zip(first, voxel, strict=True))
    x, y, z = (float(value) for value in origin)
    return Placement((size[0], size[1], size[2]), (voxel[0], voxel[1], voxel[2]), (x, y, z))


def read_voxels(path: Path, known: tuple[float, float] = (-np.inf, np.inf)) -> Voxels:
    """A map in bytes.

    Args:
        path: an MRC file of a volume.
        known: values that are some; what is not between them, these left out, is no number.
    Raises:
        ImageError: no map, or one without any number.
    """
    header = read_header(path)
    placement = placement_of(path)
    stored = read_mrc(path)
    # File order is (sections, rows, columns); of each the header says which axis of space it is.
    volume = stored.transpose([header.axes[::-1].index(axis) for axis in (3, 2, 1)])
    sections = max(1, _AT_ONCE // (volume.shape[1] * volume.shape[2]))
    slabs = [slice(start, start + sections) for start in range(0, len(volume), sections)]
    values = _values(volume, slabs, known)
    low, high = _shown(volume, slabs, values, known)
    codes = np.empty(volume.shape, np.uint8)
    counts = np.zeros(256, np.int64)
    for slab in slabs:
        part = _part(volume[slab], known)
        scaled = np.clip((part - low) * (STEPS / (high - low)), 0, STEPS)
        codes[slab] = np.where(np.isnan(scaled), 0, np.rint(np.nan_to_num(scaled)) + 1).astype(np.uint8)
        counts += np.bincount(codes[slab].ravel(), minlength=256)
    return Voxels(placement, values, low, high, codes, counts, header.problems)


def halved(codes: Codes) -> Codes:
    """Means of 2³ voxels; an odd last one is taken twice, and what is no number does not count."""
    for axis in range(3):
        if codes.shape[axis] % 2:
            codes = np.concatenate([codes, codes.take([-1], axis=axis)], axis=axis)
    some = codes > 0
    total, count = codes.astype(np.uint16), some.astype(np.uint16)
    for axis in range(3):
        even, odd = [slice(None)] * 3, [slice(None)] * 3
        even[axis], odd[axis] = slice(0, None, 2), slice(1, None, 2)
        total = total[tuple(even)] + total[tuple(odd)]
        count = count[tuple(even)] + count[tuple(odd)]
    return np.asarray((total + count // 2) // np.maximum(count, 1), dtype=np.uint8)


def doubled(codes: Codes) -> Codes:
    """Twice the voxels along each axis, by cubic curves through those that there are; what is no number stays so.

    Each voxel becomes eight, whose middles lie a quarter of it to either side of its own.
    """
    unknown = codes == 0
    if unknown.any() and not unknown.all():
        import scipy.ndimage

        # 0 is no low value: beside it a curve goes on as its last known voxel has it.
        near = scipy.ndimage.distance_transform_edt(unknown, return_distances=False, return_indices=True)
        codes = codes[tuple(near)]
    found = codes.astype(np.float32)
    for axis in range(3):
        found = np.moveaxis(_doubled(np.moveaxis(found, axis, 0)), 0, axis)
    rounded = np.clip(np.rint(found), 1, 255).astype(np.uint8)
    if unknown.any():
        rounded[np.kron(unknown, np.ones((2, 2, 2), bool))] = 0
    return rounded


def framed(codes: Codes) -> Codes:
    """With a voxel of 0 around: so is every surface closed, at the box's edges too."""
    return np.pad(codes, 1)


def blocks_of(codes: Codes) -> tuple[Codes, Codes]:
    """The least and the largest value of each block of 8³ cells, (z, y, x); a cell lies between eight voxels."""
    found = []
    for least in (np.minimum, np.maximum):
        part = codes
        for axis in range(3):
            part = _along(part, axis, least)
        found.append(np.ascontiguousarray(part))
    return found[0], found[1]


def _doubled(values: NDArray[np.float32]) -> NDArray[np.float32]:
    near = np.pad(values, [(2, 2), (0, 0), (0, 0)], mode="edge")
    count = len(values)
    made = np.empty((2 * count, *values.shape[1:]), np.float32)
    # Of the four voxels around a place a quarter beyond the second one (Catmull and Rom's curve).
    weights = np.array([-9, 111, 29, -3], np.float32) / 128
    made[1::2] = sum(weight * near[1 + at : 1 + at + count] for at, weight in enumerate(weights))
    made[0::2] = sum(weight * near[at : at + count] for at, weight in enumerate(weights[::-1]))
    return made


def _along(codes: Codes, axis: int, least: Any) -> Codes:
    part = np.moveaxis(codes, axis, 0)
    blocks = max(1, -(-(len(part) - 1) // BLOCK))
    lacking = blocks * BLOCK + 1 - len(part)
    if lacking > 0:
        part = np.concatenate([part, np.repeat(part[-1:], lacking, axis=0)])
    inner = part[: blocks * BLOCK].reshape(blocks, BLOCK, *part.shape[1:])
    # The last cell of a block reaches to the next one's first voxel.
    both = least(least.reduce(inner, axis=1), part[BLOCK::BLOCK])
    return np.asarray(np.moveaxis(both, 0, axis))


def _part(slab: NDArray[Any], known: tuple[float, float]) -> NDArray[np.float32]:
    part = np.asarray(slab, dtype=np.float32)
    bad = ~np.isfinite(part) | ~((part > known[0]) & (part < known[1]))
    return np.where(bad, np.float32(np.nan), part) if bad.any() else part


def _values(volume: NDArray[Any], slabs: list[slice], known: tuple[float, float]) -> Values:
    least, largest, total, squares, count = np.inf, -np.inf, 0.0, 0.0, 0
    for slab in slabs:
        part = _part(volume[slab], known).ravel()
        part = part[~np.isnan(part)]
        if part.size:
            numbers = part.astype(np.float64)
            least, largest = min(least, float(part.min())), max(largest, float(part.max()))
            total += float(numbers.sum())
            squares += float(numbers @ numbers)
            count += part.size
    if not count:
        raise ImageError("A map", found="no number in any voxel", expected="densities", hint="Make it again.")
    mean = total / count
    return Values(
        least, largest, mean, float(np.sqrt(max(0.0, squares / count - mean**2))), volume.size - count
    )


def _shown(
    volume: NDArray[Any], slabs: list[slice], values: Values, known: tuple[float, float]
) -> tuple[float, float]:
    """Between which values the steps lie."""
    if values.largest <= values.least:
        return values.least, values.least + 1.0
    sample = slabs[:: max(1, volume.size // _SAMPLED)]
    low, high = values.least, values.largest
    while True:
        scale = (_FINE - 1) / (high - low)
        some = _cumulated(volume, sample, known, low, high, scale)
        total = some[-1]
        tail = max(1.0, TAIL * total)
        first, last = _between(some, tail, np.nextafter(tail, np.inf))
        if last - first >= _FINE // _CROWDED:
            first, last = _between(some, TAIL * total, max(1.0, TAIL * total))
            return low + first / scale, min(low + (last + 1) / scale, high)
        # Nearly all lie in a few of the steps: those between which they lie are divided anew.
        low, high = low + first / scale, min(low + (last + 1) / scale, high)
        if high - low <= _ONE_VALUE * max(abs(low), abs(high)):
            return values.least, values.largest  # one value, and a few others


def _cumulated(
    volume: NDArray[Any],
    slabs: list[slice],
    known: tuple[float, float],
    low: float,
    high: float,
    scale: float,
) -> NDArray[np.int64]:
    """How many voxels lie up to the end of each of the fine steps from `low` on; the last counts those beyond too."""
    counts = np.zeros(_FINE + 1, np.int64)
    for slab in slabs:
        part = _part(volume[slab], known).ravel()
        part = part[~np.isnan(part)]
        below, beyond = part < low, part > high
        counts[0] += np.count_nonzero(below)
        counts[_FINE] += np.count_nonzero(beyond)
        inner = ((part[~(below | beyond)] - low) * scale).astype(np.int16)
        counts += np.bincount(np.clip(inner, 0, _FINE - 1), minlength=_FINE + 1)
    return np.cumsum(counts)


def _between(some: NDArray[np.int64], beyond: float, below: float) -> tuple[int, int]:
    """The first and the last step, without so many voxels at either end."""
    last = int(np.searchsorted(some, some[-1] - beyond))
    return int(np.searchsorted(some, below)), min(last, _FINE - 1)
