"""Pictures of micrographs at any scale: made once, kept while there is room, given as tiles.

A picture's name is made of its file, what changes when that does, and how it is filtered: a tile never shows other pixels than
those that were asked for. The largest micrographs have half a GB, so that few stay in memory; small pictures are files.
"""

import hashlib
import io
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from cryoloom.api.micrographs import micrograph_file
from cryoloom.errors import ImageError
from cryoloom.images.headers import read_header
from cryoloom.images.mrc import read_mrc
from cryoloom.images.pyramid import TILE_PX, Pyramid, halved, picture_of, power_spectrum, pyramid_of
from cryoloom.images.thumbnails import Bytes8, binned, grey, to_png
from cryoloom.project.index import cache_folder

if TYPE_CHECKING:
    from cryoloom.api.job import Job

MOST_BYTES = 600_000_000
MOST_NAMES = 20_000
SMALL_PX = 104  # 52 px on a screen of double density
SMALL = "micrographs"
HUFFMAN_ONLY = 2  # zlib's number


@dataclass(frozen=True, slots=True)
class MicrographPicture:
    """A picture of a micrograph, as it is asked for by tiles."""

    name: str  # of its tiles
    width: int  # px
    height: int
    angpix: float  # Å per px; 0 where nobody says
    levels: int  # level 0 has all pixels, each further one half as many along a side
    finest: int  # the first level that there is: a filtered picture has nothing to show in finer ones
    tile_px: int


@dataclass(frozen=True, slots=True)
class _Asked:
    path: Path
    stamp: tuple[int, int]
    angpix: float
    lowpass: float


class MicrographPictures:
    """Pictures that were looked at lately; those not asked for longest go first."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most = most_bytes
        self._asked: OrderedDict[str, _Asked] = OrderedDict()
        self._made: OrderedDict[str, Pyramid] = OrderedDict()
        self._spectra: OrderedDict[str, bytes] = OrderedDict()
        self._lock = Lock()
        self._making = Lock()  # one after the other: two would take the memory of both

    def open(self, path: Path, angpix: float = 0.0, lowpass: float = 0.0) -> MicrographPicture:
        """A picture of a micrograph.

        Args:
            path: an MRC file of one image.
            angpix: Å per px as its optics group says; 0: as its header does.
            lowpass: Å; what is finer is not shown; 0: all is.
        Raises:
            ImageError: missing, or no image of one section.
        """
        header = read_header(path)
        if header.format != "MRC" or header.frames != 1:
            found = f"a {header.format} file of {header.frames} images"
            raise ImageError(f"{path}", found=found, expected="an MRC file of one micrograph")
        size = angpix or header.angpix or 0.0
        asked = _Asked(path, _stamp(path), size, lowpass if size else 0.0)
        text = f"{path} {asked.stamp} {size} {asked.lowpass}"
        name = hashlib.sha256(text.encode()).hexdigest()[:24]
        with self._lock:
            self._asked[name] = asked
            self._asked.move_to_end(name)
            while len(self._asked) > MOST_NAMES:
                self._asked.popitem(last=False)
        made = self._pyramid(name, asked)
        high, wide = made.shape
        return MicrographPicture(name, wide, high, size, made.count, made.finest, TILE_PX)

    def tile(
        self, name: str, level: int, x: int, y: int, *, contrast: float = 3.0, invert: bool = False
    ) -> bytes:
        """A tile as PNG.

        Raises:
            ImageError: a picture that was forgotten, or whose file is another one now; a tile that it does not have.
        """
        made = self._pyramid(name, self._known(name))
        if not made.finest <= level < made.count:
            expected = f"one from {made.finest} to {made.count - 1}"
            raise ImageError(f"picture {name}", found=f"no level {level}", expected=expected)
        pixels = made.tile(level, x, y, contrast=contrast, invert=invert)
        if not pixels.size:
            raise ImageError(
                f"picture {name}, level {level}", found=f"no tile {x}, {y}", expected="one within it"
            )
        return _png(pixels)

    def spectrum(self, name: str) -> bytes:
        """The power spectrum as PNG: zero frequency in the middle, Nyquist at the edges.

        Raises:
            ImageError: as `tile`.
        """
        asked = self._known(name)
        with self._lock:
            if name in self._spectra:
                return self._spectra[name]
        plain = self.open(asked.path, asked.angpix).name if asked.lowpass else name
        made = _png(power_spectrum(self._pyramid(plain, self._known(plain)).levels[0]))
        with self._lock:
            self._spectra[name] = made
            while len(self._spectra) > 64:
                self._spectra.popitem(last=False)
        return made

    def _known(self, name: str) -> _Asked:
        with self._lock:
            asked = self._asked.get(name)
        if asked is None or _stamp(asked.path) != asked.stamp:
            found = "forgotten" if asked is None else "of a file that is another one now"
            raise ImageError(
                f"picture {name}", found=found, expected="one that was opened", hint="Open it once more."
            )
        return asked

    def _pyramid(self, name: str, asked: _Asked) -> Pyramid:
        with self._making:
            with self._lock:
                if name in self._made:
                    self._made.move_to_end(name)
                    return self._made[name]
            pixels = read_mrc(asked.path)
            made = pyramid_of(picture_of(pixels), angpix=asked.angpix, lowpass=asked.lowpass)
            with self._lock:
                self._made[name] = made
                while len(self._made) > 1 and sum(one.bytes for one in self._made.values()) > self._most:
                    self._made.popitem(last=False)
            return made


def small_picture(job: "Job", output: str, asked: str = "") -> bytes:
    """A small picture of a micrograph as PNG, made once for all.

    Raises:
        CryoloomError: as `micrograph_file`; ImageError: missing, or no image of one section.
    """
    path = micrograph_file(job, output, asked).path
    name = hashlib.sha256(f"{path.resolve()} {_stamp(path)} {SMALL_PX}".encode()).hexdigest()[:24]
    file = cache_folder(job.project.path) / SMALL / f"{name}.png"
    if file.exists():
        return file.read_bytes()
    image = read_mrc(path)
    if image.ndim != 2:
        raise ImageError(f"{path}", found=f"{len(image)} images", expected="one micrograph")
    # Halved first: means over strides are slow, and a page asks for a dozen at once.
    while min(image.shape) >= 4 * SMALL_PX:
        image = halved(np.asarray(image, dtype=np.float32))
    made = to_png(grey(binned(image, SMALL_PX)))
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_suffix(f".{id(made)}.tmp")
    beside.write_bytes(made)
    beside.replace(file)
    return made


def _stamp(path: Path) -> tuple[int, int]:
    try:
        stat = path.stat()
    except OSError:
        return 0, 0
    return stat.st_mtime_ns, stat.st_size


def _png(pixels: Bytes8) -> bytes:
    out = io.BytesIO()
    # Noise repeats nothing: to look for what does takes half as long again, and finds none.
    Image.fromarray(pixels).save(out, "PNG", compress_level=1, compress_type=HUFFMAN_ONLY)
    return out.getvalue()
