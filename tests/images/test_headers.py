"""A header tells the truth about its file, or the file is refused with a reason."""

import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile

from cryoloom.errors import ImageError
from cryoloom.images.headers import read_header
from cryoloom.images.mrc import image_of_reference, read_mrc, write_mrc


@pytest.mark.parametrize("kind", [np.int8, np.int16, np.uint16, np.float32])
def test_what_is_written_is_read_in_each_mode(tmp_path: Path, kind: type) -> None:
    stack = np.arange(3 * 4 * 6).reshape(3, 4, 6).astype(kind)
    write_mrc(tmp_path / "a.mrcs", stack, 1.25)

    header = read_header(tmp_path / "a.mrcs")

    assert (header.size, header.frames, header.angpix, header.dtype) == ((6, 4), 3, 1.25, np.dtype(kind).name)
    assert np.array_equal(read_mrc(tmp_path / "a.mrcs"), stack)
    assert np.array_equal(image_of_reference("000002@a.mrcs", tmp_path), stack[1])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"some text", "9 bytes long"),
        (b"x" * 2000, "neither MRC nor TIFF"),
    ],
)
def test_what_is_no_image_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "a.mrc").write_bytes(content)

    with pytest.raises(ImageError, match=said):
        read_header(tmp_path / "a.mrc")


def test_a_file_cut_short_says_how_much_is_there(tmp_path: Path) -> None:
    write_mrc(tmp_path / "a.mrc", np.zeros((10, 64, 64), np.int8), 1.0)
    data = (tmp_path / "a.mrc").read_bytes()
    (tmp_path / "a.mrc").write_bytes(data[: len(data) // 2])

    with pytest.raises(ImageError, match=r"about \d of 10 sections"):
        read_header(tmp_path / "a.mrc")


@pytest.mark.parametrize("compression", [None, "lzw", "deflate", "zstd"])
def test_tiff_movies_are_read_with_every_compression_and_refused_when_cut(
    tmp_path: Path, compression: str | None
) -> None:
    path = tmp_path / "a.tiff"
    rng = np.random.default_rng(1)
    tifffile.imwrite(path, rng.integers(0, 200, (5, 64, 48), dtype=np.uint8), compression=compression)

    header = read_header(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])

    assert (header.format, header.size, header.frames) == ("TIFF", (48, 64), 5)
    with pytest.raises(ImageError, match=r"TIFF|cut short"):
        read_header(path)


@pytest.mark.shared
def test_real_files_with_odd_headers_are_read(shared_data: Path) -> None:
    fei = read_header(shared_data / "micrographs" / "fei-extended.mrc")
    odd = read_header(shared_data / "particles" / "relion31.mrcs")
    emdb = read_header(shared_data / "maps" / "emd_3488.mrc")

    assert (fei.mode, fei.size) == ("6", (3838, 3710)) or fei.size == (3710, 3838)
    assert odd.frames == 5 and any("MAP" in problem for problem in odd.problems)
    assert (emdb.frames, emdb.angpix) == (100, 1.05)


@pytest.mark.timeout(20)
def test_a_tiff_whose_last_page_leads_back_to_the_first_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((4, 8, 8), np.uint8), byteorder="<", photometric="minisblack")
    data = bytearray(path.read_bytes())
    (first,) = struct.unpack_from("<I", data, 4)
    place = first
    while True:
        (entries,) = struct.unpack_from("<H", data, place)
        end = place + 2 + 12 * entries
        (following,) = struct.unpack_from("<I", data, end)
        if not following:
            break
        place = following
    struct.pack_into("<I", data, end, first)
    path.write_bytes(data)

    with pytest.raises(ImageError, match="page 4 is followed by an earlier one"):
        read_header(path)
