"""What RELION 3.1 would misread in an image file: found, and put right in the project's copy, or refused.

What it does with each was asked of RELION 3.1.3 itself (the tests ask it again). It takes bytes and 16-bit words of
MRC files for signed ones, passes over the order of axes, takes an extended header's length as it stands, and computes
with nan. It refuses complex and half-precision pixels, some of them only when it is in the middle of a job. It reads
4-bit pixels of even width, either byte order, and the 8-bit, 16-bit and float pixels of TIFF files rightly.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cryoloom.errors import ImageError
from cryoloom.images.headers import ImageHeader, read_header
from cryoloom.images.mrc import read_mrc, write_sections

LARGEST = {0: 127, 6: 32767}  # by MRC mode: what RELION reads as a positive number
TIFF_TYPES = ("uint8", "int8", "uint16", "int16", "float32")  # those that RELION's motion correction reads
STRAIGHT = (1, 2, 3)
_PIECE = 1 << 24  # pixels that are looked at in one go


def convert_for_relion(source: Path, target: Path, *, is_map: bool = False) -> str:
    """Write a copy that RELION 3.1 reads rightly, where it would misread the file.

    For micrographs, movies, maps, masks, gain references and stacks of particles. Single images and maps of floats are looked
    through for pixels that are no numbers; movies by `check_frames`, and stacks not.

    Args:
        is_map: a map or mask, whatever its header says.
    Returns:
        The sentence to be said; "" where the file is right as it is and nothing was written.
    Raises:
        ImageError: what no copy can mend: complex pixels, pixels that are no numbers, types that RELION refuses.
    """
    header = read_header(source)
    kind, why = _misread(source, header)
    is_map = is_map or header.is_volume
    if header.format == "MRC" and is_float(header) and (header.frames == 1 or is_map):
        check_numbers(source)
    if not why:
        return ""
    pixels = read_mrc(source)
    pixels = pixels if pixels.ndim == 3 else pixels[None]
    if header.axes != STRAIGHT:
        columns, rows, sections = header.axes
        order = (sections, rows, columns)
        pixels = pixels.transpose([order.index(axis) for axis in (3, 2, 1)])
    write_sections(
        target, (np.asarray(section).astype(kind) for section in pixels), pixels.shape, kind,
        header.angpix or 1.0, is_volume=is_map,
    )  # fmt: skip
    return f"{'; '.join(why)} in the project's copy"


def misread(source: Path, header: ImageHeader) -> str:
    """What of a file RELION 3.1 would misread, as the import would say it; "" where it reads it rightly.

    The pixels are not looked through, but for the largest of unsigned ones.

    Raises:
        ImageError: what no copy can mend.
    """
    # Each says what it is, what RELION makes of it, and what was done.
    return "; ".join(re.split(", (?:were|was) ", words)[0] for words in _misread(source, header)[1])


def is_float(header: ImageHeader) -> bool:
    """Whether its pixels may be no numbers."""
    return header.dtype.startswith("float")


def looked_through(header: ImageHeader) -> tuple[int, ...]:
    """The frames of a movie of floats, from 1, in which pixels that are no numbers are looked for.

    All of a small file. Of a large one, which would keep the disk from what the microscope writes, the first, the middle one
    and the last: gain references with holes and broken detectors spoil every frame, and a bad writer mostly the ends.
    """
    last = header.frames
    if last * header.size[0] * header.size[1] <= _PIECE:
        return (*range(1, last + 1),)
    return (*sorted({1, (last + 1) // 2, last}),)


def check_frames(source: Path, header: ImageHeader) -> None:
    """That the frames of a movie which are looked through have numbers only.

    Raises:
        ImageError: the first one that has not, and how many of its pixels.
    """
    for number in looked_through(header) if is_float(header) else ():
        pixels = _frame(source, header, number)
        bad = pixels.size - int(np.count_nonzero(np.isfinite(pixels)))
        if bad:
            raise ImageError(
                f"{source}: frame {number} of {header.frames}", found=f"{bad} of {pixels.size} pixels that are no numbers "
                "(nan or infinite)", expected="numbers",
                hint="RELION computes with them, and all that comes of it is nan.",
            )  # fmt: skip


def _frame(source: Path, header: ImageHeader, number: int) -> NDArray[Any]:
    if header.format == "MRC":
        return read_mrc(source, section=number - 1)
    import tifffile

    try:
        return np.asarray(tifffile.imread(source, key=number - 1))
    except (ValueError, OSError, RuntimeError) as error:
        raise ImageError(
            f"{source}: frame {number} of {header.frames}", found=f"not readable ({error})", expected="an image",
            hint="Copy the file again.",
        ) from None  # fmt: skip


def check_numbers(source: Path) -> None:
    """That each pixel of an MRC file is a number.

    Raises:
        ImageError: some are nan or infinite; how many.
    """
    bad = total = 0
    for piece in _pieces(source):
        bad += piece.size - int(np.count_nonzero(np.isfinite(piece)))
        total += piece.size
    if bad:
        raise ImageError(
            f"{source}", found=f"{bad} of {total} pixels that are no numbers (nan or infinite)", expected="numbers",
            hint="RELION computes with them, and all that comes of it is nan.",
        )  # fmt: skip


def is_constant(source: Path) -> bool:
    """Whether each pixel of an MRC file is the same number; mostly known after its first rows."""
    first: Any = None
    for piece in _pieces(source):
        rows = piece.reshape(-1, piece.shape[-1])
        first = rows[0, 0] if first is None else first
        for part in (rows[:64], rows[64:]):
            if bool((part != first).any()):
                return False
    return True


def range_of(source: Path) -> tuple[float, float]:
    """Least and largest pixel of an MRC file, piece by piece; nan where a pixel is."""
    ranges = [(float(piece.min()), float(piece.max())) for piece in _pieces(source)]
    return float(np.min([low for low, _ in ranges])), float(np.max([high for _, high in ranges]))


def _misread(source: Path, header: ImageHeader) -> tuple[np.dtype[Any], list[str]]:
    """The type of the pixels in a copy, and all that makes one necessary.

    Raises:
        ImageError: what no copy can mend.
    """
    if header.format == "TIFF" and header.dtype not in TIFF_TYPES:
        raise ImageError(
            f"{source}", found=f"a TIFF of {header.dtype}", expected=f"one of {', '.join(TIFF_TYPES)}",
            hint="RELION reads no others.",
        )  # fmt: skip
    if header.format != "MRC":
        return np.dtype(np.float32), []
    if header.mode == "4":
        raise ImageError(
            f"{source}", found="complex pixels (MRC mode 4), a Fourier transform", expected="an image"
        )
    kind, why = _kind(source, header)
    if header.axes != STRAIGHT:
        why.append(
            f"axes in the order {' '.join(map(str, header.axes))}, which RELION passes over, were put in x, y, z"
        )
    if header.bad_extended:
        why.append("an extended header of impossible length, which RELION believes, was left out")
    return kind, why


def _kind(source: Path, header: ImageHeader) -> tuple[np.dtype[Any], list[str]]:
    """The type of the pixels in a copy, and why they need another; none where they do not."""
    own = np.dtype(header.dtype if header.dtype != "uint4" else "int8")
    # A copy that is made for another reason must be right too.
    others: dict[str, np.dtype[Any]] = {
        "uint8": np.dtype(np.int16), "uint16": np.dtype(np.int16), "float16": np.dtype(np.float32)
    }  # fmt: skip
    kept = others.get(header.dtype, own)
    if header.dtype == "float16":
        return kept, ["16-bit floats, which RELION 3.1 refuses, were converted to 32-bit floats"]
    if header.dtype == "uint4" and header.size[0] % 2:
        return kept, ["4-bit pixels of an odd width, which RELION 3.1 refuses, were converted to 8-bit ones"]
    if header.dtype in ("uint8", "uint16"):
        largest = round(range_of(source)[1])
        if largest > LARGEST[int(header.mode)]:
            kept = np.dtype(np.int16 if largest <= LARGEST[6] else np.float32)
            bits = 8 * own.itemsize
            return kept, [
                f"unsigned {bits}-bit pixels (up to {largest}), which RELION reads as signed, were converted to {kept.name}"
            ]
    return kept, []


def _pieces(source: Path) -> Iterator[NDArray[Any]]:
    """All pixels, so many sections at a time."""
    pixels = read_mrc(source)
    pixels = pixels if pixels.ndim == 3 else pixels[None]
    step = max(1, _PIECE // max(1, pixels.shape[1] * pixels.shape[2]))
    for start in range(0, pixels.shape[0], step):
        yield np.asarray(pixels[start : start + step])
