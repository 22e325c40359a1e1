"""What an image file says of itself: size, frames, type, pixel size; and whether all of it is there.

Only headers are read, so that thousands of movies can be checked while they come in.
"""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from cryoloom.errors import ImageError

# MRC mode → numpy type; bytes a pixel. Mode 101 packs two 4-bit pixels into a byte.
MRC_TYPES: dict[int, np.dtype[Any]] = {
    0: np.dtype("i1"), 1: np.dtype("i2"), 2: np.dtype("f4"), 4: np.dtype("c8"), 6: np.dtype("u2"), 12: np.dtype("f2"),
}  # fmt: skip
_MRC_HEADER = 1024
_IMOD = 1146047817  # the stamp of IMOD's programs and SerialEM, whose flags say whether bytes are signed
_NO_IMAGES = {3: "complex 16-bit pixels, a Fourier transform", 16: "colours"}


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """Facts of a file's header."""

    format: str  # "MRC", "TIFF" or "EER"
    mode: str  # the MRC mode's number, or the TIFF compression's name
    dtype: str
    size: tuple[int, int]  # (x, y), px
    frames: int  # sections of an MRC, pages of a TIFF, hardware frames of an EER
    angpix: float | None  # None where the header has none
    expected_bytes: int | None
    problems: tuple[str, ...] = ()
    offset: int = 0  # where the pixels begin; MRC only
    byte_order: Literal["<", ">"] = "<"
    axes: tuple[int, int, int] = (1, 2, 3)  # MRC: which of x, y, z the columns, rows and sections are
    is_volume: bool = False  # MRC: whether z is an axis of space
    bad_extended: bool = False  # MRC: the length of its extended header is impossible


def read_header(path: Path | str) -> ImageHeader:
    """The header of an MRC, TIFF or EER file.

    Raises:
        ImageError: missing, empty, cut short, or no image.
    """
    path = Path(path)
    try:
        size = path.stat().st_size
        if path.is_dir():
            raise ImageError(f"{path}", found="a folder", expected="an image file")
        with path.open("rb") as file:
            start = file.read(_MRC_HEADER)
    except FileNotFoundError:
        raise ImageError(f"{path}", found="missing", expected="an image file") from None
    except PermissionError:
        raise ImageError(f"{path}", found="not readable", expected="a file you may read") from None
    if size == 0:
        raise ImageError(f"{path}", found="empty (0 bytes)", expected="an image")
    if start[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return _tiff_header(path, size)
    if size < _MRC_HEADER:
        raise ImageError(
            f"{path}", found=f"{size} bytes long", expected="an MRC or TIFF file; an MRC header has 1024"
        )
    return _mrc_header(path, start, size)


def _mrc_header(path: Path, start: bytes, size: int) -> ImageHeader:
    orders: tuple[Literal["<", ">"], ...] = ("<", ">")
    for order in orders:
        nx, ny, nz, mode = struct.unpack(f"{order}4i", start[:16])
        if (mode in MRC_TYPES or mode == 101) and 0 < nx < 1 << 20 and 0 < ny < 1 << 20 and 0 < nz < 1 << 26:
            break
    else:
        mode = struct.unpack("<i", start[12:16])[0]
        if start[208:212] == b"MAP " and mode in _NO_IMAGES:
            raise ImageError(
                f"{path}",
                found=f"{_NO_IMAGES[mode]} (MRC mode {mode})",
                expected="an image of one number a pixel",
            )
        raise ImageError(
            f"{path}", found="neither MRC nor TIFF", expected="an image file (.mrc, .mrcs, .tiff, .eer)"
        )
    problems = []
    extended = struct.unpack(f"{order}i", start[92:96])[0]
    bad_extended = not 0 <= extended <= size
    if bad_extended:
        problems.append("its extended header's length makes no sense and was taken for 0")
        extended = 0
    if start[208:212] != b"MAP ":
        problems.append("its header lacks the word MAP")
    if mode == 101:
        expected = _MRC_HEADER + extended + (nx + 1) // 2 * ny * nz
        dtype = "uint4"
    else:
        expected = _MRC_HEADER + extended + nx * ny * nz * MRC_TYPES[mode].itemsize
        dtype = MRC_TYPES[mode].name
        if mode == 0 and _are_unsigned(start, order):
            dtype = "uint8"
    if size < expected:
        whole = max(0, size - _MRC_HEADER - extended) * nz // max(1, expected - _MRC_HEADER - extended)
        raise ImageError(
            f"{path}", found=f"cut short: {size} bytes, about {whole} of {nz} sections",
            expected=f"{expected} bytes, as its header promises", hint="Copy the file again.",
        )  # fmt: skip
    if size > expected:
        problems.append(f"{size - expected} bytes stand behind the {nz} sections that its header promises")
    mx = struct.unpack(f"{order}i", start[28:32])[0]
    axes = struct.unpack(f"{order}3i", start[64:76])
    # Programs that leave the axes out mean the usual ones.
    axes = axes if sorted(axes) == [1, 2, 3] else (1, 2, 3)
    # Movies have mz == nz, too: the space group alone tells.
    is_volume = nz > 1 and struct.unpack(f"{order}i", start[88:92])[0] > 0
    cell = struct.unpack(f"{order}f", start[40:44])[0]
    angpix = float(cell / mx) if mx > 0 and np.isfinite(cell) and cell > 0 else None
    return ImageHeader(
        "MRC", str(mode), dtype, (nx, ny), nz, round(angpix, 6) if angpix else None, expected, tuple(problems),
        _MRC_HEADER + extended, order, axes, is_volume, bad_extended,
    )  # fmt: skip


def _are_unsigned(start: bytes, order: str) -> bool:
    """Whether the bytes of mode 0 are unsigned: as IMOD's flags say, else where the largest is beyond a signed one."""
    stamp, flags = struct.unpack(f"{order}2i", start[152:160])
    if stamp == _IMOD:
        return not flags & 1
    low, high = struct.unpack(f"{order}2f", start[76:84])
    return bool(127 < high <= 255 and low >= 0)


def _check_chain(path: Path, size: int) -> None:
    """Follow the pages' directories; the libraries take a chain that leaves the file for its end."""
    with path.open("rb") as file:
        start = file.read(16)
        order = "<" if start[:2] == b"II" else ">"
        big = start[2:4] in (b"+\0", b"\0+")
        number, entry, offset = ("Q", 20, "Q") if big else ("H", 12, "I")
        width, step = struct.calcsize(offset), struct.calcsize(number)
        (place,) = struct.unpack(f"{order}{offset}", start[8:16] if big else start[4:8])
        pages = 0
        seen: set[int] = set()
        while place:
            if place in seen:
                raise ImageError(
                    f"{path}", found=f"a TIFF whose page {pages} is followed by an earlier one", expected="an end",
                    hint="Copy the file again.",
                )  # fmt: skip
            seen.add(place)
            file.seek(place)
            head = file.read(step)
            tail = b""
            if len(head) == step:
                file.seek(place + step + struct.unpack(f"{order}{number}", head)[0] * entry)
                tail = file.read(width)
            if len(tail) < width:
                raise ImageError(
                    f"{path}",
                    found=f"cut short: {size} bytes, {pages} whole pages",
                    expected="as many as its directories promise",
                    hint="Copy the file again.",
                )
            pages += 1
            (place,) = struct.unpack(f"{order}{offset}", tail)


def _tiff_header(path: Path, size: int) -> ImageHeader:
    import tifffile

    _check_chain(path, size)
    try:
        with tifffile.TiffFile(path) as file:
            page = file.pages.first
            frames = len(file.pages)
            ends = [
                offset + count
                for one in (page, file.pages[frames - 1])
                for offset, count in zip(one.dataoffsets, one.databytecounts, strict=True)
            ]
            compression = (
                page.compression.name if hasattr(page.compression, "name") else str(page.compression)
            )
            facts = (page.imagewidth, page.imagelength, str(page.dtype))
            is_eer = path.suffix.lower() == ".eer" or int(page.compression) in (65000, 65001, 65002)
    except (tifffile.TiffFileError, ValueError, IndexError, struct.error, KeyError, OSError) as error:
        raise ImageError(f"{path}", found=f"a broken TIFF ({error})", expected="a whole one") from None
    if ends and max(ends) > size:
        raise ImageError(
            f"{path}", found=f"cut short: {size} bytes", expected=f"at least {max(ends)}, as its pages promise",
            hint="Copy the file again.",
        )  # fmt: skip
    return ImageHeader(
        "EER" if is_eer else "TIFF",
        compression,
        facts[2],
        (facts[0], facts[1]),
        frames,
        None,
        max(ends, default=None),
    )
