"""MRC files: read without copying, written whole.

Arrays are in file order: (z, y, x) with x along the fast axis; y grows with the row.
"""

import os
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cryoloom.errors import ImageError
from cryoloom.images.headers import read_header

_MODES = {np.dtype(np.int8): 0, np.dtype(np.int16): 1, np.dtype(np.float32): 2, np.dtype(np.uint16): 6}


def read_mrc(path: Path | str, *, section: int | None = None) -> NDArray[Any]:
    """The pixels, memory-mapped where the format permits.

    Args:
        path: an MRC file of any mode.
        section: only this one, counted from 0.
    Returns:
        (z, y, x), or (y, x) for a single section.
    Raises:
        ImageError: no MRC file, or one without that section: -1 is not the last one.
    """
    path = Path(path)
    header = read_header(path)
    if section is not None and not 0 <= section < header.frames:
        raise ImageError(
            f"{path}",
            found=f"{header.frames} images",
            expected=f"an image number {section + 1}, counted from 1",
        )
    if header.format != "MRC":
        raise ImageError(f"{path}", found=f"a {header.format} file", expected="an MRC file")
    (nx, ny), nz = header.size, header.frames
    data: NDArray[Any]
    if header.dtype == "uint4":
        packed = np.memmap(path, np.uint8, "r", header.offset, (nz, ny, (nx + 1) // 2))
        data = np.stack([packed & 15, packed >> 4], axis=-1).reshape(nz, ny, -1)[:, :, :nx]
    else:
        kind = np.dtype(header.dtype).newbyteorder(header.byte_order)
        data = np.memmap(path, kind, "r", header.offset, (nz, ny, nx))
    if section is not None:
        data = data[section]
    elif nz == 1:
        data = data[0]
    return data


def write_mrc(path: Path | str, array: NDArray[Any], angpix: float, *, is_volume: bool = False) -> None:
    """Write an image, a stack, or a volume; the file appears whole or not at all.

    Args:
        path: the file.
        array: (y, x) or (z, y, x); float32, int16, int8 or uint16 are kept, others become float32.
        angpix: Å.
        is_volume: whether z is an axis of space (else the sections are images).
    """
    if array.dtype not in _MODES:
        array = array.astype(np.float32)
    stack = array if array.ndim == 3 else array[None]
    write_sections(path, stack, stack.shape, stack.dtype, angpix, is_volume=is_volume)


def write_sections(
    path: Path | str,
    sections: Iterable[NDArray[Any]],
    shape: tuple[int, ...],
    kind: np.dtype[Any],
    angpix: float,
    *,
    is_volume: bool = False,
) -> None:
    """The same section by section, for files that memory does not hold.

    Args:
        sections: (y, x) each, of the type `kind`.
        shape: (z, y, x).
    """
    path = Path(path)
    nz, ny, nx = shape
    low, high, total, squares = np.inf, -np.inf, 0.0, 0.0
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with beside.open("wb") as file:
            file.write(bytes(1024))
            for section in sections:
                numbers = section.astype(np.float64)
                low, high = min(low, float(numbers.min())), max(high, float(numbers.max()))
                total += float(numbers.sum())
                squares += float((numbers**2).sum())
                np.ascontiguousarray(section.astype(kind.newbyteorder("<"), copy=False)).tofile(file)
            mean = total / (nz * ny * nx)
            spread = float(np.sqrt(max(0.0, squares / (nz * ny * nx) - mean**2)))
            file.seek(0)
            file.write(_header((nx, ny, nz), _MODES[kind], angpix, (low, high, mean, spread), is_volume))
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def _header(
    size: tuple[int, int, int],
    mode: int,
    angpix: float,
    facts: tuple[float, float, float, float],
    is_volume: bool,
) -> bytes:
    """1024 bytes; `facts`: least, largest, mean, deviation."""
    nx, ny, nz = size
    depth = nz if is_volume else 1
    header = bytearray(1024)
    struct.pack_into("<10i", header, 0, nx, ny, nz, mode, 0, 0, 0, nx, ny, depth)
    struct.pack_into("<6f", header, 40, nx * angpix, ny * angpix, depth * angpix, 90.0, 90.0, 90.0)
    struct.pack_into("<3i", header, 64, 1, 2, 3)
    struct.pack_into("<3f", header, 76, *facts[:3])
    struct.pack_into("<i", header, 88, 1 if is_volume else 0)
    struct.pack_into("<i", header, 108, 20140)
    header[208:212] = b"MAP "
    header[212:216] = b"\x44\x44\0\0"
    struct.pack_into("<f", header, 216, facts[3])
    return bytes(header)


def image_of_reference(name: str, root: Path) -> NDArray[Any]:
    """The image that `000012@stack.mrcs` means (counted from 1); a bare name is the whole file."""
    number, at, stack = name.partition("@")
    return read_mrc(root / stack, section=int(number) - 1) if at else read_mrc(root / name)
