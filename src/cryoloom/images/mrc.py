"""MRC files: read without copying, written whole; and what RELION misreads, converted.

Arrays are in file order: (z, y, x) with x along the fast axis; y grows with the row.
"""

import os
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cryoloom.errors import ImageError
from cryoloom.images.headers import MRC_TYPES, read_header

LARGEST_INT16 = 32767


def read_mrc(path: Path | str, *, section: int | None = None) -> NDArray[Any]:
    """The pixels, memory-mapped where the format permits.

    Args:
        path: an MRC file of any mode.
        section: only this one, counted from 0.
    Returns:
        (z, y, x), or (y, x) for a single section.
    """
    path = Path(path)
    header = read_header(path)
    if header.format != "MRC":
        raise ImageError(f"{path}", found=f"a {header.format} file", expected="an MRC file")
    (nx, ny), nz = header.size, header.frames
    data: NDArray[Any]
    if header.dtype == "uint4":
        packed = np.memmap(path, np.uint8, "r", header.offset, (nz, ny, (nx + 1) // 2))
        data = np.stack([packed & 15, packed >> 4], axis=-1).reshape(nz, ny, -1)[:, :, :nx]
    else:
        kind = MRC_TYPES[int(header.mode)].newbyteorder(header.byte_order)
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
    path = Path(path)
    modes = {np.dtype(np.int8): 0, np.dtype(np.int16): 1, np.dtype(np.float32): 2, np.dtype(np.uint16): 6}
    if array.dtype not in modes:
        array = array.astype(np.float32)
    stack = array if array.ndim == 3 else array[None]
    nz, ny, nx = stack.shape
    header = bytearray(1024)
    struct.pack_into(
        "<10i", header, 0, nx, ny, nz, modes[array.dtype], 0, 0, 0, nx, ny, nz if is_volume else 1
    )
    depth = nz if is_volume else 1
    struct.pack_into("<6f", header, 40, nx * angpix, ny * angpix, depth * angpix, 90.0, 90.0, 90.0)
    struct.pack_into("<3i", header, 64, 1, 2, 3)
    numbers = stack.astype(np.float64) if stack.size < 1 << 22 else stack
    facts = (float(numbers.min()), float(numbers.max()), float(numbers.mean()), float(numbers.std()))
    struct.pack_into("<3f", header, 76, *facts[:3])
    struct.pack_into("<i", header, 88, 1 if is_volume else 0)
    struct.pack_into("<i", header, 108, 20140)
    header[208:212] = b"MAP "
    header[212:216] = b"\x44\x44\0\0"
    struct.pack_into("<f", header, 216, facts[3])
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with beside.open("wb") as file:
        file.write(header)
        np.ascontiguousarray(stack.astype(stack.dtype.newbyteorder("<"), copy=False)).tofile(file)
    beside.replace(path)


def image_of_reference(name: str, root: Path) -> NDArray[Any]:
    """The image that `000012@stack.mrcs` means (counted from 1); a bare name is the whole file."""
    number, at, stack = name.partition("@")
    return read_mrc(root / stack, section=int(number) - 1) if at else read_mrc(root / name)


def convert_for_relion(source: Path, target: Path) -> str | None:
    """Write a copy that RELION 3.1 reads rightly, where it would misread the file.

    RELION takes unsigned 16-bit pixels for signed ones and refuses 16-bit floats and 4-bit pixels.

    Returns:
        The sentence to be said; None where the file needs no conversion and nothing was written.
    """
    header = read_header(source)
    if header.mode == "6":
        pixels = read_mrc(source)
        largest = int(pixels.max())
        kind = np.int16 if largest <= LARGEST_INT16 else np.float32
        _write_converted(target, pixels, kind, header.angpix)
        return (
            f"unsigned 16-bit pixels (up to {largest}), which RELION reads as signed, were converted to "
            f"{np.dtype(kind).name} in the project's copy"
        )
    if header.mode == "12":
        _write_converted(target, read_mrc(source), np.float32, header.angpix)
        return (
            "16-bit floats, which RELION 3.1 refuses, were converted to 32-bit floats in the project's copy"
        )
    if header.mode == "101":
        _write_converted(target, read_mrc(source), np.int8, header.angpix)
        return "4-bit pixels, which RELION 3.1 refuses, were converted to 8-bit in the project's copy"
    return None


def _write_converted(target: Path, pixels: NDArray[Any], kind: Any, angpix: float | None) -> None:
    write_mrc(target, np.asarray(pixels).astype(kind), angpix or 1.0)
