"""x is x and y is y: in headers, arrays, thumbnails and circles of images that are not square."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from cryoloom.images.headers import read_header
from cryoloom.images.mrc import read_mrc, write_mrc
from cryoloom.images.thumbnails import binned, circles, grey, to_png

NX, NY = 12, 8


def ramp() -> np.ndarray:  # type: ignore[type-arg]
    """(y, x), each pixel 100 y + x."""
    y, x = np.mgrid[:NY, :NX]
    return (100 * y + x).astype(np.float32)


def test_a_header_gives_x_before_y_and_the_array_y_before_x(tmp_path: Path) -> None:
    write_mrc(tmp_path / "a.mrc", ramp(), 1.5)
    raw = (tmp_path / "a.mrc").read_bytes()

    assert read_header(tmp_path / "a.mrc").size == (NX, NY)
    assert np.frombuffer(raw[:8], "<i4").tolist() == [NX, NY]
    assert np.array_equal(read_mrc(tmp_path / "a.mrc"), ramp())
    # x is the fast axis of the file.
    assert np.frombuffer(raw[1024 : 1024 + 8], "<f4").tolist() == [0.0, 1.0]


def test_a_tiff_gives_x_before_y(tmp_path: Path) -> None:
    import tifffile

    tifffile.imwrite(tmp_path / "a.tif", np.zeros((3, NY, NX), np.int16), photometric="minisblack")

    assert read_header(tmp_path / "a.tif").size == (NX, NY)


def test_a_small_picture_averages_neighbours_of_both_axes(tmp_path: Path) -> None:
    small = binned(ramp(), NX // 2)

    assert small.shape == (NY // 2, NX // 2)
    assert small[0, 0] == np.mean([0, 1, 100, 101])
    assert small[1, 2] == np.mean([204, 205, 304, 305])


def test_a_picture_has_row_0_at_the_bottom_and_x_to_the_right() -> None:
    image = np.zeros((NY, NX), np.uint8)
    image[0, NX - 1] = 255

    page = np.asarray(Image.open(io.BytesIO(to_png(image))))

    assert page.shape == (NY, NX)
    assert np.argwhere(page == 255).tolist() == [[NY - 1, NX - 1]]


def test_a_circle_lies_around_its_x_and_y() -> None:
    page = circles(grey(np.zeros((40, 60), np.float32)), [(45.0, 10.0)], 4.0, (255, 0, 0))

    rows, columns = np.nonzero(page[..., 0] == 255)
    assert abs(columns.mean() - 45) < 1 and abs(rows.mean() - 10) < 1
