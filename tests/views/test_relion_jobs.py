"""What jobs of RELION's show that no protocol of ours models: imports, masks, polishing, local resolution; 3.0's tables."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from PIL import Image

from cryoloom import star
from cryoloom.images.mrc import write_mrc
from cryoloom.protocol.views import Gallery, Metrics, Rows, TableBlock, VolumeBlock
from cryoloom.views.drawn import Drawn, DrawnChart, DrawnPicture
from cryoloom.views.foreign import views_of_files
from cryoloom.views.resolve import drawn, look_at

JOB = "Kind/job005/"
FINE, COARSE = (43, 108, 196), (215, 25, 28)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / JOB).mkdir(parents=True)
    return tmp_path


def shown(root: Path, name: str) -> list[Drawn]:
    return look_at(next(view for view in views_of_files(root, JOB) if view.name == name), root)


def pixels(part: Drawn | None) -> Any:
    assert isinstance(part, DrawnPicture)
    return np.asarray(Image.open(io.BytesIO(part.png)))


def test_an_import_shows_its_optics_groups_with_units_and_a_group_without_items(root: Path) -> None:
    optics = pl.DataFrame({
        "rlnOpticsGroupName": ["a", "b", "c"], "rlnOpticsGroup": [1, 2, 3], "rlnVoltage": [300.0, 200.0, None],
        "rlnMagMat00": [1.0, 1.002, 1.0],
    })  # fmt: skip
    items = pl.DataFrame({"rlnMicrographMovieName": ["x.tif", "y.tif", "z.tif"], "rlnOpticsGroup": [2, 1, 2]})
    star.write(root / JOB / "movies.star", {"optics": optics, "movies": items})

    [table] = shown(root, "optics")

    assert isinstance(table, TableBlock)
    assert [*table.columns] == ["group", "1", "2", "3"]
    assert [[*row] for row in table.rows] == [
        ["items", "1", "2", "0"],
        ["rlnOpticsGroupName", "a", "b", "c"],
        ["rlnVoltage (kV)", "300", "200", "nan"],
        ["rlnMagMat00", "1", "1.002", "1"],
    ]


def test_a_mask_of_relion_says_what_it_encloses(root: Path) -> None:
    mask = np.zeros((10, 10, 10), np.float32)
    mask[:5] = 1.0
    write_mrc(root / JOB / "mask.mrc", mask, 2.0, is_volume=True)

    figures, slices = shown(root, "slices")

    assert isinstance(figures, Metrics) and isinstance(slices, DrawnPicture)
    assert dict(figures.rows)["encloses"] == "50.0 % of the box"
    assert dict(figures.rows)["volume"] == "4 nm³"  # 500 voxels of 8 Å³


def test_polishing_shows_what_training_found_and_each_frame_s_factor(root: Path) -> None:
    (root / JOB / "opt_params_all_groups.txt").write_text("0.4245 1605 2.61\n")
    frames = pl.DataFrame({
        "rlnMovieFrameNumber": [0, 1, 2], "rlnBfactorUsedForSharpening": [-5.0, -1.0, -9.0],
        "rlnFittedInterceptGuinierPlot": [0.1, 0.2, -0.3],
    })  # fmt: skip
    star.write(root / JOB / "bfactors.star", {"perframe_bfactors": frames})

    [trained] = shown(root, "trained")
    factors, _ = shown(root, "bfactors")

    assert isinstance(trained, Metrics) and isinstance(factors, DrawnChart)
    assert [value for _, value in trained.rows] == ["0.4245 Å per e/Å²", "1605 Å", "2.61 Å per e/Å²"]
    layer = factors.spec["layer"][0] if "layer" in factors.spec else factors.spec
    assert [(row["frame"], row["rlnBfactorUsedForSharpening"]) for row in layer["data"]["values"]] == [
        (1, -5.0), (2, -1.0), (3, -9.0)
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["", "0.4 1605", "0.4 many 2.6", "0.4 1605 2.61 7"])
def test_parameters_that_are_not_those_three_are_not_shown(root: Path, text: str) -> None:
    (root / JOB / "opt_params_all_groups.txt").write_text(text)

    assert shown(root, "trained") == []


def test_slices_are_coloured_where_the_map_is_dense_by_its_local_resolution(root: Path) -> None:
    """Two blobs, the left one fine, the right one coarse: of the same density, on white."""
    volume = np.zeros((32, 32, 32), np.float32)
    volume[12:20, 12:20, 4:12] = volume[12:20, 12:20, 20:28] = 1.0
    resolution = np.full((32, 32, 32), 4.0, np.float32)
    resolution[:, :, 16:] = 8.0
    resolution[:, :2] = 0.0  # outside the mask
    write_mrc(root / JOB / "relion_locres_filtered.mrc", volume, 1.0, is_volume=True)
    write_mrc(root / JOB / "relion_locres.mrc", resolution, 1.0, is_volume=True)

    [picture] = shown(root, "coloured")
    [chart, metrics] = shown(root, "local_resolution")

    page = pixels(picture)
    side = 190
    assert tuple(page[2 + side // 2, 2 + side // 4]) == pytest.approx(FINE, abs=12)
    assert tuple(page[2 + side // 2, 2 + 3 * side // 4]) == pytest.approx(COARSE, abs=12)
    assert tuple(page[10, 2 + side // 2]) == (255, 255, 255)
    assert isinstance(metrics, Metrics) and isinstance(chart, DrawnChart)
    assert dict(metrics.rows)["median"] == "6.00 Å"


def test_a_resolution_of_another_box_colours_nothing(root: Path) -> None:
    write_mrc(root / JOB / "m.mrc", np.random.default_rng(1).random((8, 8, 8)), 1.0, is_volume=True)
    write_mrc(root / JOB / "r.mrc", np.full((9, 9, 9), 4.0), 1.0, is_volume=True)

    assert drawn(VolumeBlock("x", JOB + "m.mrc", coloured_by=JOB + "r.mrc"), root) is None


@pytest.mark.parametrize("block", ["", "images"])
def test_tables_of_relion_3_0_are_shown_too(root: Path, block: str) -> None:
    table = pl.DataFrame({
        "rlnMicrographName": ["a.mrc", "b.mrc", "b.mrc"], "rlnDefocusU": [1e4, 2e4, 3e4],
        "rlnDefocusV": [1e4, 2e4, 3e4], "rlnImageName": ["1@s.mrcs", "2@s.mrcs", "1@t.mrcs"],
    })  # fmt: skip
    star.write(root / JOB / "particles.star", {block: table})

    [figures] = shown(root, "particles")

    assert isinstance(figures, Metrics)
    assert dict(figures.rows) == {"particles": "3", "micrographs": "2"}


def test_below_each_image_stands_the_row_that_it_has_in_its_set(root: Path) -> None:
    """Numbers within stacks would repeat; the row is what `dataset.images` takes."""
    for name in ("s", "t"):
        write_mrc(root / JOB / f"{name}.mrcs", np.random.default_rng(1).random((2, 8, 8)), 1.0)
    names = [f"{number}@{JOB}{stack}.mrcs" for stack in ("s", "t") for number in (1, 2)]
    star.write(
        root / JOB / "p.star", {"particles": pl.DataFrame({"rlnImageName": [names[0], None, *names[2:]]})}
    )
    drawn_labels: list[str] = []

    from cryoloom.images import thumbnails

    sheet = thumbnails.sheet
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            thumbnails,
            "sheet",
            lambda images, labels, **more: (drawn_labels.extend(labels), sheet(images, labels, **more))[1],
        )
        drawn(Gallery("g", Rows(JOB + "p.star", "particles", ("rlnImageName",))), root)

    assert drawn_labels == ["1", "3", "4"]
