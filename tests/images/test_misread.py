"""What RELION would misread is right in the project's copy, pixel by pixel, or it does not come in; RELION is asked."""

import re
import shutil
import struct
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from cryoloom.errors import ImageError
from cryoloom.images.headers import read_header
from cryoloom.images.misread import convert_for_relion
from cryoloom.images.mrc import image_of_reference, read_mrc, write_mrc

IMOD = struct.pack("<i", 1146047817)


def mrc(path: Path, pixels: NDArray[Any], mode: int, *patches: tuple[int, bytes]) -> Path:
    """An MRC file with a header that is patched."""
    write_mrc(path, pixels.real.astype(np.float32), 3.0)
    head = bytearray(path.read_bytes()[:1024])
    struct.pack_into("<i", head, 12, mode)
    for offset, data in patches:
        head[offset : offset + len(data)] = data
    path.write_bytes(bytes(head) + pixels.tobytes())
    return path


def stats_of_relion(path: Path) -> tuple[float, float]:
    """Least and largest pixel, as RELION reads the file."""
    done = subprocess.run(
        ["relion_image_handler", "--i", path.name, "--stats"],
        cwd=path.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    found = re.search(r"minval= (\S+) maxval= (\S+);", done.stdout)
    assert found, done.stdout
    return float(found[1]), float(found[2])


def test_unsigned_pixels_are_converted_when_one_is_beyond_a_signed_one(tmp_path: Path) -> None:
    image = np.arange(256, dtype="u1").reshape(16, 16)
    words = (image.astype("<u2") * 257).reshape(4, 8, 8)  # a movie
    cases = {
        "flag.mrc": mrc(tmp_path / "flag.mrc", image, 0, (152, IMOD + bytes(4))),
        "range.mrc": mrc(tmp_path / "range.mrc", image, 0),
        "words.mrc": mrc(tmp_path / "words.mrc", words, 6),
        "low.mrc": mrc(tmp_path / "low.mrc", words // 2, 6),
    }

    said = {name: convert_for_relion(path, tmp_path / f"c_{name}") for name, path in cases.items()}

    assert "up to 255" in said["flag.mrc"] and "up to 255" in said["range.mrc"]
    assert "up to 65535" in said["words.mrc"]
    assert said["low.mrc"] == ""  # RELION reads them rightly
    assert np.array_equal(read_mrc(tmp_path / "c_flag.mrc"), image)
    assert np.array_equal(read_mrc(tmp_path / "c_range.mrc"), image)
    assert np.array_equal(read_mrc(tmp_path / "c_words.mrc"), words)
    assert read_header(tmp_path / "c_words.mrc").frames == 4


def test_signed_bytes_stay_as_they_are(tmp_path: Path) -> None:
    image = np.arange(-128, 128, dtype="i1").reshape(16, 16)
    plain = mrc(tmp_path / "plain.mrc", image, 0)
    stamped = mrc(tmp_path / "stamped.mrc", image, 0, (152, IMOD + struct.pack("<i", 1)))

    assert convert_for_relion(plain, tmp_path / "a") == convert_for_relion(stamped, tmp_path / "b") == ""
    assert int(np.asarray(read_mrc(stamped)).min()) == -128


def test_a_map_with_swapped_axes_is_put_straight(tmp_path: Path) -> None:
    straight = np.random.default_rng(0).normal(size=(4, 6, 8)).astype("<f4")  # z, y, x
    for columns, rows, sections in ((3, 2, 1), (2, 1, 3), (2, 3, 1)):
        swapped = straight.transpose([3 - sections, 3 - rows, 3 - columns])
        path = mrc(tmp_path / "a.mrc", swapped, 2, (64, struct.pack("<3i", columns, rows, sections)))

        assert "x, y, z" in convert_for_relion(path, tmp_path / "b.mrc", is_map=True)
        assert np.array_equal(read_mrc(tmp_path / "b.mrc"), straight)


def test_half_floats_odd_4_bit_pixels_and_a_wrong_extended_header_are_mended(tmp_path: Path) -> None:
    image = np.arange(64, dtype="f4").reshape(8, 8)
    half = mrc(tmp_path / "half.mrc", image.astype("<f2"), 12)
    extended = mrc(tmp_path / "extended.mrc", image, 2, (92, struct.pack("<i", -5)))

    assert "16-bit floats" in convert_for_relion(half, tmp_path / "a.mrc")
    assert "extended header" in convert_for_relion(extended, tmp_path / "b.mrc")
    assert np.array_equal(read_mrc(tmp_path / "a.mrc"), image)
    assert np.array_equal(read_mrc(tmp_path / "b.mrc"), image)


@pytest.mark.parametrize(
    ("mode", "kind", "words"),
    [(3, "<i4", "complex"), (4, "<c8", "complex"), (16, "<u4", "colours")],
)
def test_what_is_no_image_is_refused_by_its_name(tmp_path: Path, mode: int, kind: str, words: str) -> None:
    path = mrc(tmp_path / "a.mrc", np.zeros((8, 8), kind), mode)

    with pytest.raises(ImageError, match=words):
        convert_for_relion(path, tmp_path / "b.mrc")


def test_pixels_that_are_no_numbers_are_refused_and_counted(tmp_path: Path) -> None:
    image = np.zeros((8, 8), "<f4")
    image[3, 4], image[5, 5] = np.nan, np.inf
    path = mrc(tmp_path / "a.mrc", image, 2)

    with pytest.raises(ImageError, match=r"2 of 64 pixels"):
        convert_for_relion(path, tmp_path / "b.mrc")


@pytest.mark.skipif(shutil.which("relion_image_handler") is None, reason="RELION is not installed")
def test_relion_reads_each_copy_as_it_was_meant_and_misreads_the_original(tmp_path: Path) -> None:
    image = np.full((16, 16), 200, "u1")
    image[0, 0] = 250
    high = image.astype("<u2") * 200
    extended = mrc(tmp_path / "e.mrc", image.astype("<f4"), 2, (92, struct.pack("<i", -5)))
    byte, word = mrc(tmp_path / "byte.mrc", image, 0), mrc(tmp_path / "word.mrc", high, 6)
    low = mrc(tmp_path / "low.mrc", high // 2, 6)

    assert stats_of_relion(byte) == (-56, -6)
    assert stats_of_relion(word)[0] < 0
    assert stats_of_relion(extended) != (200, 250)
    assert stats_of_relion(low) == (20000, 25000)
    for path, expected in ((byte, (200, 250)), (word, (40000, 50000)), (extended, (200, 250))):
        assert convert_for_relion(path, tmp_path / "c.mrc")
        assert stats_of_relion(tmp_path / "c.mrc") == expected


def test_an_image_number_beyond_the_stack_is_no_other_image(tmp_path: Path) -> None:
    write_mrc(tmp_path / "s.mrcs", np.arange(12, dtype=np.float32).reshape(3, 2, 2), 1.0)

    assert image_of_reference("000003@s.mrcs", tmp_path)[0, 0] == 8
    for name in ("000000@s.mrcs", "4@s.mrcs"):
        with pytest.raises(ImageError, match="3 images"):
            image_of_reference(name, tmp_path)
