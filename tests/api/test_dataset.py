"""A dataset in Python: chosen columns and rows of its table, its images with their pixel size, a map."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from cryoloom import star
from cryoloom.api.dataset import Dataset
from cryoloom.errors import ImageError, ProjectError, StarError
from cryoloom.images.mrc import write_mrc
from cryoloom.protocol.datasets import Particles, Volume


@pytest.fixture
def particles(tmp_path: Path) -> Dataset:
    stack = np.arange(3 * 4 * 4, dtype=np.float32).reshape(3, 4, 4)
    write_mrc(tmp_path / "s.mrcs", stack, 9.0)
    optics = pl.DataFrame({"rlnOpticsGroup": [1, 2], "rlnImagePixelSize": [1.5, 2.0]})
    items = pl.DataFrame({
        "rlnImageName": ["3@s.mrcs", "1@s.mrcs", "2@s.mrcs"], "rlnOpticsGroup": [1, 1, 2], "rlnDefocusU": [3.0, 1.0, 2.0],
    })  # fmt: skip
    star.write(tmp_path / "p.star", {"optics": optics, "particles": items})
    return Dataset(tmp_path, Particles("p.star"))


def test_a_table_has_the_columns_and_rows_that_are_asked_for(particles: Dataset) -> None:
    chosen = particles.table(["rlnDefocusU"], where="rlnOpticsGroup = 1")

    assert chosen.to_dict(as_series=False) == {"rlnDefocusU": [3.0, 1.0]}
    assert particles.table().width == 3 and len(particles) == 3
    with pytest.raises(StarError, match="rlnNothing"):
        particles.table(["rlnNothing"])


def test_images_come_in_the_order_of_the_rows_with_the_pixel_size_of_their_group(particles: Dataset) -> None:
    first = particles.images(particles.table(where="rlnOpticsGroup = 1"))

    # Of the group, not of the stack's header, which nobody keeps.
    assert first.angpix == 1.5 and first.pixels[:, 0, 0].tolist() == [32.0, 0.0]
    with pytest.raises(ProjectError, match=r"1.5, 2 Å.*one optics group"):
        particles.images()
    with pytest.raises(ImageError, match="3 images"):
        particles.images(
            particles.table(where="rlnOpticsGroup = 2").with_columns(rlnImageName=pl.lit("4@s.mrcs"))
        )


def test_a_map_comes_with_its_pixel_size(tmp_path: Path) -> None:
    write_mrc(tmp_path / "m.mrc", np.ones((4, 4, 4), np.float32), 1.25, is_volume=True)

    volume = Dataset(tmp_path, Volume("m.mrc")).volume()

    with pytest.raises(ProjectError, match=r"images\(\)"):
        Dataset(tmp_path, Particles("p.star")).volume()
    assert volume.angpix == 1.25 and volume.pixels.shape == (4, 4, 4)


def test_one_label_is_no_list_of_letters_and_what_are_no_rows_is_told(particles: Dataset) -> None:
    assert particles.table("rlnDefocusU").to_dict(as_series=False) == {"rlnDefocusU": [3.0, 1.0, 2.0]}

    with pytest.raises(ProjectError, match=r"a list, expected rows of its table.*table\(\)\[:3\]"):
        particles.images([0, 1])  # type: ignore[arg-type]
