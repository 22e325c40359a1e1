"""The images of a set, many as one picture: particles, class averages, sections of maps, micrographs, surroundings of picks."""

import contextlib
import hashlib
import itertools
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cryoloom.errors import CryoloomError, ProjectError
from cryoloom.images.headers import read_header
from cryoloom.images.mrc import read_mrc
from cryoloom.images.thumbnails import binned
from cryoloom.images.tiles import smoothed, tiles
from cryoloom.project.index import cache_folder
from cryoloom.project.paths import inside

if TYPE_CHECKING:
    from cryoloom.api.browsing import Browsed

COLUMNS = 10  # of every sheet
MOST_TILES = 200
# By the kind of set the column that names an item's image.
IMAGES = {
    "micrographs": "rlnMicrographName",
    "coordinates": "rlnMicrographName",
    "particles": "rlnImageName",
    "model": "rlnReferenceImage",
    "class averages": "rlnReferenceImage",
}
THUMBNAIL_PX = 512
_MOST_THUMBNAILS = 4000  # some 300 kB each
_AROUND_ANGST = 400.0  # edge of what is shown around a pick


@dataclass(frozen=True, slots=True)
class _Image:
    """Pixels, and how large one is; 0 where nobody knows."""

    pixels: NDArray[Any]
    angpix: float


def image_label(table: "Browsed") -> str:
    """The column that names the items' images; "" where they have none."""
    label = IMAGES.get(table.dataset.kind, "")
    return label if label in table.labels else ""


def sheet(
    table: "Browsed", rows: Sequence[int], *, tile_px: int = 128, sigma: float = 3.0, lowpass: float = 0.0
) -> bytes:
    """A JPEG of the images of some rows, ten in a row of the picture; what cannot be read leaves its square empty.

    Args:
        table: the set.
        rows: their numbers, in the order wanted.
        tile_px: the edge of a square.
        sigma: how many standard deviations the greys span on either side.
        lowpass: Å; 0: as they are.
    Raises:
        ProjectError: a set without images, or a row that is not there.
    """
    label = image_label(table)
    if not label:
        raise ProjectError(f"{table.dataset.path}", found="without images", expected="items that have some")
    beyond = [row for row in rows if row >= table.height]
    if beyond:
        raise ProjectError(
            f"{table.dataset.path}: row {beyond[0]}", found="missing", expected=f"one of {table.height}"
        )
    wanted = [int(row) for row in rows]
    names = [str(name) for name in table.frame([label])[label].gather(wanted).to_list()]
    root = table.dataset.root
    if table.dataset.kind == "coordinates":
        xs, ys = (
            table.frame([axis])[axis].gather(wanted).to_list()
            for axis in ("rlnCoordinateX", "rlnCoordinateY")
        )
        images = [_around(root, name, x, y) for name, x, y in zip(names, xs, ys, strict=True)]
    else:
        images = [_image(root, name) for name in names]
    if lowpass > 0:
        images = [_without_noise(one, lowpass) for one in images]
    # Averages stand out of a flat solvent, which is to be dark; in noise both sides mean the same.
    below = 1.0 if table.dataset.kind in ("model", "class averages") else 0.0
    return tiles(
        [one.pixels if one else None for one in images],
        columns=min(COLUMNS, max(1, len(images))),
        tile_px=tile_px,
        sigma=sigma,
        below=below,
    )


def _without_noise(image: _Image | None, lowpass: float) -> _Image | None:
    if image is None or not image.angpix:
        return image
    return _Image(smoothed(image.pixels, image.angpix, lowpass), image.angpix)


def _image(root: Path, name: str) -> _Image | None:
    """What a name means: an image of a stack, a micrograph, the section through the middle of a map; None: unreadable."""
    number, at, file = name.rpartition("@")
    try:
        path = inside(root, root / file.removesuffix(":mrc"))
        header = read_header(path)
        if at:
            return _Image(read_mrc(path, section=int(number) - 1), header.angpix or 0.0)
        if header.frames > 1:
            return _Image(read_mrc(path, section=header.frames // 2), header.angpix or 0.0)
        if max(header.size) > THUMBNAIL_PX:
            small = _thumbnail(root, path)
            return _Image(small, (header.angpix or 0.0) * max(header.size) / max(small.shape))
        return _Image(read_mrc(path), header.angpix or 0.0)
    except (CryoloomError, OSError, ValueError):
        return None


def _around(root: Path, name: str, x: object, y: object) -> _Image | None:
    """The surroundings of a pick, which is in their middle."""
    try:
        path = inside(root, root / name.removesuffix(":mrc"))
        header, image = read_header(path), read_mrc(path)
        at_x, at_y = float(str(x)), float(str(y))
    except (CryoloomError, OSError, ValueError):
        return None
    if image.ndim != 2 or not (np.isfinite(at_x) and np.isfinite(at_y)):
        return None
    half = int(np.clip(_AROUND_ANGST / 2 / (header.angpix or 1.0), 16, 256))
    left, low = round(at_x) - half, round(at_y) - half
    seen = image[max(0, low) : max(0, low + 2 * half), max(0, left) : max(0, left + 2 * half)]
    if not seen.size:
        return None
    # The pick is in the middle also near an edge; beyond the micrograph there is nothing.
    around = np.full((2 * half, 2 * half), np.mean(seen, dtype=np.float64), np.float32)
    top, side = max(0, -low), max(0, -left)
    around[top : top + seen.shape[0], side : side + seen.shape[1]] = seen
    return _Image(around, header.angpix or 0.0)


_turn = itertools.count(1)


def _thumbnail(root: Path, path: Path) -> NDArray[Any]:
    """A large image made small; kept in the cache folder, as reading the whole of it takes a tenth of a second."""
    state = path.stat()
    key = hashlib.sha256(f"{path} {state.st_mtime_ns} {state.st_size}".encode()).hexdigest()[:32]
    folder = cache_folder(root) / "thumbnails"
    file = folder / f"{key}.npy"
    with contextlib.suppress(OSError, ValueError):
        return np.asarray(np.load(file, allow_pickle=False), dtype=np.float32)
    small = binned(np.nan_to_num(np.asarray(read_mrc(path), dtype=np.float32)), THUMBNAIL_PX)
    # Half the bits: what is drawn has 256 greys. Scaled, since a half float ends at 65504.
    spread = float(np.abs(small).max()) or 1.0
    with contextlib.suppress(OSError):  # a cache that cannot be used costs time and nothing else
        folder.mkdir(parents=True, exist_ok=True)
        beside = folder / f".{key}.{os.getpid()}.{next(_turn)}.npy"
        np.save(beside, (small / spread).astype(np.float16), allow_pickle=False)
        beside.replace(file)
        if next(_turn) % 200 == 0:
            _forget_oldest(folder)
    return small / spread


def _forget_oldest(folder: Path) -> None:
    files = sorted(folder.glob("*.npy"), key=lambda one: one.stat().st_mtime)
    for file in files[:-_MOST_THUMBNAILS]:
        file.unlink(missing_ok=True)
