"""An empty thing is no result: masks, maps, half maps, curves and sets are looked at before a job has succeeded."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from running import run_in

from cryoloom import star
from cryoloom.errors import CryoloomError, DatasetError, ImageError, ParameterError
from cryoloom.images.mrc import write_mrc
from cryoloom.project.folder import ProjectFolder
from cryoloom.protocol.datasets import Dataset, HalfMaps, Mask, Model, Postprocess, Volume
from cryoloom.runner.looking import check_result

EMPTY = np.zeros((8, 8, 8), np.float32)
NOISE = np.random.default_rng(0).normal(size=(8, 8, 8)).astype(np.float32)
BALL = (np.abs(NOISE) < 1).astype(np.float32)
NAN = np.where(BALL > 0, NOISE, np.float32("nan"))


@pytest.mark.parametrize(
    ("kind", "maps", "words"),
    [
        (Mask, [EMPTY], "encloses nothing"),
        (Mask, [EMPTY + 1], "encloses everything"),
        (Mask, [NAN], "no numbers"),
        (Volume, [EMPTY], "a map with 0 in each voxel"),
        (Volume, [EMPTY + 3], "a map with 3 in each voxel"),
        (Volume, [NAN], "no numbers"),
        (HalfMaps, [NOISE, NOISE], "the same as its other half"),
        (HalfMaps, [NOISE, EMPTY], "half2.*a map with 0"),
        (Mask, [BALL], ""),
        (Volume, [NOISE], ""),
        (HalfMaps, [NOISE, -NOISE], ""),
    ],
)
def test_a_map_that_holds_nothing_is_no_result(
    tmp_path: Path, kind: type[Dataset], maps: list[NDArray[np.float32]], words: str
) -> None:
    for half, one in enumerate(maps, start=1):
        write_mrc(tmp_path / f"half{half}.mrc", one, 1.0, is_volume=True)

    if not words:
        check_result(tmp_path, "job", kind("half1.mrc"))
        return
    with pytest.raises(DatasetError, match=words):
        check_result(tmp_path, "job", kind("half1.mrc"))


def test_curves_and_class_averages_have_to_be_there(tmp_path: Path) -> None:
    star.write(tmp_path / "post.star", {"general": {"rlnFinalResolution": 4.8}})
    write_mrc(tmp_path / "classes.mrcs", EMPTY, 1.0)
    names = pl.DataFrame({"rlnReferenceImage": ["1@classes.mrcs", "2@classes.mrcs"]})
    star.write(tmp_path / "model.star", {"model_classes": names})

    with pytest.raises(DatasetError, match="without an FSC curve"):
        check_result(tmp_path, "job", Postprocess("post.star"))
    with pytest.raises(DatasetError, match="2 classes without an average"):
        check_result(tmp_path, "job", Model("model.star"))


def test_what_follows_an_empty_set_is_told_before_it_is_made(project: ProjectFolder) -> None:
    optics = pl.DataFrame({"rlnOpticsGroup": [1], "rlnOpticsGroupName": ["a"], "rlnImagePixelSize": [1.0]})
    items = pl.DataFrame({"rlnImageName": ["1@a.mrcs"], "rlnOpticsGroup": [1], "rlnDefocusU": [1.0],
                          "rlnDefocusV": [1.0], "rlnDefocusAngle": [1.0]})  # fmt: skip
    star.write(project.root / "p.star", {"optics": optics, "particles": items})

    none = run_in(project, "sets.filter", input="p.star", expression="rlnDefocusU > 5")
    with pytest.raises(
        ParameterError, match=r"Select/job001/particles.star, which has no particles.*cryoloom show"
    ):
        run_in(project, "relion.class2d", fn_img=none.name)

    assert none.history.state == "succeeded"
    assert "kept: none, and that is what the condition says" in none.said
    star.write(project.root / "p.star", {"optics": optics, "particles": items.head(0)})
    assert "p.star, which has no particles" in run_in(project, "relion.class2d", fn_img="p.star").said


@pytest.mark.parametrize(
    ("pixels", "words"), [(EMPTY, "encloses nothing"), (NAN, "no numbers"), (EMPTY + 1, "1 in each voxel")]
)
def test_an_empty_mask_does_not_come_in(
    project: ProjectFolder, tmp_path: Path, pixels: NDArray[np.float32], words: str
) -> None:
    write_mrc(tmp_path / "m.mrc", pixels, 1.0, is_volume=True)

    assert words in run_in(project, "import.mask", fn_in_other=str(tmp_path / "m.mrc")).said


def test_a_gain_reference_of_zeros_or_nan_is_refused(tmp_path: Path) -> None:
    from cryoloom.plugins.imports.gain import check_gain

    write_mrc(tmp_path / "zero.mrc", EMPTY[0], 1.0)
    write_mrc(tmp_path / "nan.mrc", NAN[0], 1.0)
    write_mrc(tmp_path / "good.mrc", NOISE[0], 1.0)

    for name, words in (("zero.mrc", "zero in every pixel"), ("nan.mrc", "no numbers")):
        with pytest.raises((ImageError, CryoloomError), match=words):
            check_gain(tmp_path / name)
    check_gain(tmp_path / "good.mrc")


def test_a_mask_of_another_box_is_refused_and_one_of_another_pixel_size_told(tmp_path: Path) -> None:
    project = ProjectFolder.create(tmp_path, seed=1)
    for half in (1, 2):
        noise = np.random.default_rng(half).normal(size=(8, 8, 8)).astype(np.float32)
        write_mrc(tmp_path / f"run_half{half}_class001_unfil.mrc", noise, 3.0, is_volume=True)
    write_mrc(tmp_path / "large.mrc", np.pad(BALL, 4), 3.0, is_volume=True)
    write_mrc(tmp_path / "coarse.mrc", BALL, 6.0, is_volume=True)
    given = {"fn_in": "run_half1_class001_unfil.mrc"}

    with pytest.raises(
        ParameterError, match=r"input fn_mask is large.mrc, a box of 16 px of 3 Å, expected 8 px of 3 Å"
    ):
        run_in(project, "relion.postprocess", fn_mask="large.mrc", **given)
    coarse = run_in(project, "relion.postprocess", fn_mask="coarse.mrc", **given)

    assert "coarse.mrc says 6 Å/px and run_half1_class001_unfil.mrc 3" in coarse.said


def test_a_constant_micrograph_does_not_come_in(project: ProjectFolder, tmp_path: Path) -> None:
    write_mrc(tmp_path / "zero.mrc", EMPTY[0], 1.0)
    write_mrc(tmp_path / "good.mrc", NOISE[0], 1.0)

    ran = run_in(project, "import.micrographs", fn_in_raw=str(tmp_path / "*.mrc"), angpix=1)

    assert ran.items("micrographs").height == 1
    [(name, why)] = ran.history.failed.values()
    assert name.endswith("zero.mrc") and "the same value in every pixel" in why


def test_a_gain_reference_that_is_converted_is_told(project: ProjectFolder, tmp_path: Path) -> None:
    write_mrc(tmp_path / "m.mrcs", NOISE[:4], 1.0)
    write_mrc(tmp_path / "gain.mrc", np.full((8, 8), 40000, np.uint16), 1.0)

    ran = run_in(
        project,
        "import.movies",
        fn_in_raw=str(tmp_path / "m.mrcs"),
        angpix=1,
        fn_gain_ref=str(tmp_path / "gain.mrc"),
    )

    assert ran.history.state == "succeeded", ran.said
    assert "gain.mrc: unsigned 16-bit pixels (up to 40000)" in ran.said


def test_boxes_of_one_value_or_none_are_no_images(tmp_path: Path) -> None:
    from cryoloom.plugins.relion.boxes_cut import boxes_without_image, remarks_on

    write_mrc(tmp_path / "s.mrcs", np.stack([NOISE[0], EMPTY[0] + 3, NAN[0]]), 1.0)
    rows = pl.DataFrame(
        {"rlnImageName": [f"{n:06d}@s.mrcs" for n in (3, 1, 2)], "rlnMicrographName": "Movies/m.mrc"}
    )

    why = boxes_without_image(tmp_path, rows)

    assert [bool(one) for one in why] == [True, False, True]
    assert [str(one) for one in remarks_on(rows, why)] == [
        "m.mrc: 1 image with pixels that are no numbers left out", "m.mrc: 1 image with one value in every pixel left out",
    ]  # fmt: skip
