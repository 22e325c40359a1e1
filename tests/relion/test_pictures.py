"""Groups of different pixel size are picked each in its own; a corrected movie without a picture is no micrograph."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from running import run_in

from cryoloom import star
from cryoloom.images.mrc import write_mrc
from cryoloom.project.folder import ProjectFolder

pytestmark = [pytest.mark.slow, pytest.mark.relion]

AXES = ("rlnCoordinateX", "rlnCoordinateY")


def optics(*sizes: float) -> pl.DataFrame:
    rows = [
        (f"group{n}", n, size, size, 300.0, 2.7, 0.1) for n, size in enumerate(sizes, start=1)
    ]  # fmt: skip
    labels = [
        "rlnOpticsGroupName", "rlnOpticsGroup", "rlnMicrographOriginalPixelSize", "rlnMicrographPixelSize", "rlnVoltage",
        "rlnSphericalAberration", "rlnAmplitudeContrast",
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=labels, orient="row")


def test_blobs_of_one_size_are_found_on_micrographs_of_different_pixel_sizes(tmp_path: Path) -> None:
    project = ProjectFolder.create(tmp_path, seed=1)
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:256, :256]
    names = []
    for n, angpix in enumerate((4.0, 8.0, 4.0)):
        image = rng.normal(size=(256, 256)).astype(np.float32)
        for cx, cy in ((64, 64), (190, 190)):
            image -= np.float32(3) * ((x - cx) ** 2 + (y - cy) ** 2 < (100 / angpix) ** 2)
        names.append(f"Movies/job901/m_{n}.mrc")
        (tmp_path / names[-1]).parent.mkdir(parents=True, exist_ok=True)
        write_mrc(tmp_path / names[-1], image, angpix)
    table = pl.DataFrame({"rlnMicrographName": names, "rlnOpticsGroup": [1, 2, 1]})
    star.write(tmp_path / "mics.star", {"optics": optics(4.0, 8.0), "micrographs": table})

    job = run_in(
        project,
        "relion.autopick",
        fn_input_autopick="mics.star",
        do_log=True,
        log_diam_min=190,
        log_diam_max=210,
    )

    assert job.history.state == "succeeded", job.said
    for n in range(3):
        picks = star.read(job.entry.folder / f"m_{n}_autopick.star")[""]
        assert isinstance(picks, pl.DataFrame)
        best = picks.sort("rlnAutopickFigureOfMerit", descending=True).head(2)
        found = sorted(best.select(AXES).iter_rows())
        assert np.allclose(found, [(64, 64), (190, 190)], atol=4), found


def test_a_movie_of_which_no_picture_comes_fails_with_the_reason(tmp_path: Path) -> None:
    project = ProjectFolder.create(tmp_path, seed=1)
    rng = np.random.default_rng(0)
    good = rng.normal(10, 2, (4, 64, 64)).astype(np.float32)
    bad = good.copy()
    bad[1, 5:9, 5:9] = np.nan
    names = []
    for name, frames in (("good", good), ("nan", bad), ("black", np.zeros_like(good))):
        names.append(f"Movies/job901/{name}.mrc")
        (tmp_path / names[-1]).parent.mkdir(parents=True, exist_ok=True)
        write_mrc(tmp_path / names[-1], frames, 1.0)
    table = pl.DataFrame({"rlnMicrographMovieName": names, "rlnOpticsGroup": [1, 1, 1]})
    star.write(tmp_path / "movies.star", {"optics": optics(1.0), "movies": table})

    job = run_in(project, "relion.motioncorr", input_star_mics="movies.star", batch_size=3)

    assert [name[-8:] for name in job.items("micrographs")["rlnMicrographName"]] == ["good.mrc"]
    whys = {name[14:]: why for name, why in job.history.failed.values()}
    assert "pixels that are no numbers" in whys["nan.mrc"]
    assert "0 in every pixel" in whys["black.mrc"]
