"""A micrograph's motion: the specimen's own way, of the whole field and of places on it, in Å."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from cryoloom import star
from cryoloom.protocol.views import Track
from cryoloom.views.drawing import chart_bytes, draw
from cryoloom.views.drawn import DrawnChart
from cryoloom.views.resolve import drawn
from cryoloom.views.terminal import as_text

FRAMES, SIZE, ANGPIX = 4, (1000, 500), 2.0


def write(path: Path, coefficients: dict[int, float] | None) -> None:
    """RELION's file of a movie: the field goes 1 px a frame along x, back as RELION's shifts do."""
    blocks: dict[str, Any] = {
        "general": {"rlnImageSizeX": SIZE[0], "rlnImageSizeY": SIZE[1], "rlnMicrographOriginalPixelSize": ANGPIX},
        "global_shift": pl.DataFrame({
            "rlnMicrographFrameNumber": [*range(1, FRAMES + 1)], "rlnMicrographShiftX": [-float(t) for t in range(FRAMES)],
            "rlnMicrographShiftY": [0.0] * FRAMES,
        }),
    }  # fmt: skip
    if coefficients is not None:
        values = [coefficients.get(index, 0.0) for index in range(36)]
        blocks["local_motion_model"] = pl.DataFrame(
            {"rlnMotionModelCoeffsIdx": [*range(36)], "rlnMotionModelCoeff": values}
        )
    star.write(path, blocks)


def look(root: Path) -> DrawnChart:
    found = drawn(Track("Motion of a", "a.star"), root)
    assert isinstance(found, DrawnChart)
    return found


def test_the_field_goes_where_the_shifts_come_from_in_angstrom(tmp_path: Path) -> None:
    write(tmp_path / "a.star", None)

    chart = look(tmp_path)

    assert [(row["x"], row["y"]) for row in chart.spec["data"]["values"]] == [(0, 0), (2, 0), (4, 0), (6, 0)]
    assert chart.caption == "Frame 1 lies at (0, 0)."


def test_places_move_as_the_model_says_and_begin_where_they_are(tmp_path: Path) -> None:
    write(tmp_path / "a.star", {3: 2.0})  # x shifts by 2 px a frame for each whole width from the middle

    chart = look(tmp_path)
    local = chart.spec["hconcat"][1]
    rows = pl.DataFrame(local["data"]["values"])
    first, last = (rows.filter(pl.col("frame") == frame).sort("place") for frame in (1, FRAMES))

    assert first["x"].to_list()[:5] == pytest.approx([200, 600, 1000, 1400, 1800])
    assert first["y"].to_list()[::5] == pytest.approx([100, 300, 500, 700, 900])
    # The specimen goes against the shift: 3 frames, 2 px, 2 Å, by where the place is; 4.8 Å at the edge.
    moved = (last["x"] - first["x"]).to_numpy()[:5]
    factor = moved[0] / 4.8
    assert moved == pytest.approx(factor * np.array([4.8, 2.4, 0.0, -2.4, -4.8]))
    assert f"4.8 Å at most, drawn {factor:.3g} times as large" in chart.caption and factor == pytest.approx(
        20
    )
    assert (last["y"] - first["y"]).abs().max() == pytest.approx(0)
    assert (
        local["title"] == "Local motion, drawn 20 times as large"
    )  # also in a file, that has no caption below


def test_it_is_drawn_in_each_form_and_in_a_terminal(tmp_path: Path) -> None:
    write(tmp_path / "a.star", {3: 2.0, 24: -1.0})

    chart = look(tmp_path)

    assert b"Local motion" in chart_bytes(chart, "svg") and chart_bytes(chart, "png").startswith(b"\x89PNG")
    assert "0 to 0" in as_text(chart) and "Motion of a" in as_text(chart)


@pytest.mark.parametrize("words", ["", "data_general\n\n_rlnImageSizeX 10\n"])
def test_a_file_without_motion_shows_nothing(tmp_path: Path, words: str) -> None:
    (tmp_path / "a.star").write_text(words)

    assert drawn(Track("Motion of a", "a.star"), tmp_path) is None


def test_as_csv_the_field_and_the_places_are_told_apart(tmp_path: Path) -> None:
    write(tmp_path / "a.star", {3: 2.0})
    chart = look(tmp_path)

    draw([chart], tmp_path / "a.csv")

    told = pl.read_csv(tmp_path / "a.csv")
    whole, local = (part["data"]["values"] for part in chart.spec["hconcat"])
    assert told.height == len(whole) + len(local)
    places = told.filter(pl.col("chart") == "Local motion, drawn 20 times as large")
    assert places["x"].to_list() == pytest.approx([row["x"] for row in local])
    field = told.filter(pl.col("chart") != "Local motion, drawn 20 times as large")
    assert field["x"].to_list() == pytest.approx([row["x"] for row in whole])
