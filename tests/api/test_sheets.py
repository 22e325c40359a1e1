"""Pictures of picks: each is in the middle of its square, wherever on the micrograph it was set."""

import io
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from cryoloom import star
from cryoloom.api.browsing import Browsed
from cryoloom.api.dataset import Dataset
from cryoloom.api.sheets import sheet
from cryoloom.images.mrc import write_mrc
from cryoloom.protocol.datasets import Coordinates

PLACES = [(150, 100), (6, 100), (295, 4), (3, 196)]  # x, y


def test_a_pick_is_in_the_middle_of_its_square_also_near_an_edge(tmp_path: Path) -> None:
    image = np.zeros((200, 300), np.float32)
    for x, y in PLACES:
        image[y - 2 : y + 3, x - 2 : x + 3] = 10
    write_mrc(tmp_path / "a.mrc", image, 5.0)
    star.write(
        tmp_path / "a_pick.star",
        {
            "": pl.DataFrame(PLACES, schema=["rlnCoordinateX", "rlnCoordinateY"], orient="row").cast(
                pl.Float64
            )
        },
    )
    (tmp_path / "coords_suffix_pick.star").write_text("gone.star\n")
    table = pl.DataFrame(
        {"rlnMicrographName": ["a.mrc"], "rlnMicrographCoordinates": ["a_pick.star"], "cryoloomCount": [4]}
    )
    star.write(tmp_path / "coordinates.star", {"coordinates": table})

    picture = sheet(Browsed(Dataset(tmp_path, Coordinates("coords_suffix_pick.star"))), range(4), tile_px=80)

    page = np.asarray(Image.open(io.BytesIO(picture)).convert("L")).astype(float)
    for number in range(4):
        tile = page[:80, 80 * number : 80 * number + 80]
        y, x = np.argwhere(tile > 200).mean(axis=0)
        assert (x, y) == pytest.approx((40.5, 39.5), abs=1.5)
