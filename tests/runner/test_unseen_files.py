"""What no job of ours made is looked at before RELION misreads it: values, images, pixels; by way of set operations too."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from running import run_in

from cryoloom import star
from cryoloom.errors import CryoloomError, DatasetError
from cryoloom.images.headers import read_header
from cryoloom.images.misread import misread
from cryoloom.images.mrc import write_mrc
from cryoloom.project.folder import ProjectFolder
from cryoloom.project.references import resolve_input
from cryoloom.project.registry import find_protocol
from cryoloom.runner.given import check_given

NOISE = np.random.default_rng(0).normal(size=(4, 16, 16)).astype(np.float32)
LARGE = np.full((4, 16, 16), 40000, np.uint16)


def write_stack(path: Path, pixels: NDArray[Any]) -> None:
    path.parent.mkdir(exist_ok=True)
    write_mrc(path, pixels, 3.0)


def write_particles(
    root: Path, names: list[str], defocus: list[Any], *, box: int = 16, name: str = "p.star"
) -> str:
    optics = pl.DataFrame({
        "rlnOpticsGroup": [1], "rlnOpticsGroupName": ["a"], "rlnImagePixelSize": [3.0], "rlnImageSize": [box],
        "rlnVoltage": [300.0], "rlnSphericalAberration": [2.7], "rlnAmplitudeContrast": [0.1],
        "rlnMicrographPixelSize": [3.0],
    })  # fmt: skip
    items = pl.DataFrame({
        "rlnImageName": names, "rlnMicrographName": "m.mrc", "rlnOpticsGroup": 1, "rlnCoordinateX": 5.0,
        "rlnDefocusV": 1e4, "rlnDefocusAngle": 0.0,
    })  # fmt: skip
    words = [str(one) for one in defocus]
    items = items.with_columns(pl.Series("rlnDefocusU", words))
    star.write(root / name, {"optics": optics, "particles": items})
    return name


def look(project: ProjectFolder, protocol: str, **given: str) -> list[str]:
    """As a job does when it begins."""
    kind = find_protocol(protocol)
    inputs = {
        key: resolve_input(project, kind.inputs[key], given.pop(key), protocol)
        for key in [*given]
        if key in kind.inputs
    }
    return check_given(project.root, kind(given, inputs))


@pytest.mark.parametrize("value", [float("nan"), "null", "1,5", "inf"])
def test_a_value_that_is_no_number_comes_through_no_set_operation(project: ProjectFolder, value: Any) -> None:
    file = write_particles(project.root, ["1@a.mrcs", "2@a.mrcs", "3@a.mrcs"], [1e4, value, 2e4])
    ok = write_particles(project.root, ["4@a.mrcs"], [3e4], name="ok.star")

    kept = run_in(project, "sets.filter", input=file, expression="rlnCoordinateX > 1")
    joined = run_in(project, "sets.join", input=[file, ok])
    taken_out = run_in(project, "sets.filter", input=file, expression="rlnDefocusU < 1e9")

    for ran in (kept, joined):
        assert ran.history.state == "failed"
        assert ".star, row 2: rlnDefocusU is" in ran.said and f"star check {file}" in ran.said
    assert taken_out.history.state == "succeeded", taken_out.said
    assert taken_out.items("kept")["rlnImageName"].to_list() == ["1@a.mrcs", "3@a.mrcs"]
    with pytest.raises(DatasetError, match="rlnDefocusU in data_particles"):
        look(project, "relion.class2d", fn_img=f"{taken_out.name}:rejected")


def test_what_is_no_number_holds_no_condition(project: ProjectFolder) -> None:
    file = write_particles(project.root, ["1@a.mrcs", "2@a.mrcs"], [1e4, float("nan")])

    for condition in ("rlnDefocusU > 1", "rlnDefocusU < 1e9", "not (rlnDefocusU < 1)"):
        ran = run_in(project, "sets.filter", input=file, expression=condition)
        assert ran.items("kept").height == 1 and ran.items("rejected").height == 1, condition


def test_a_set_operation_that_makes_what_is_no_number_fails(project: ProjectFolder) -> None:
    file = write_particles(project.root, ["1@a.mrcs", "2@a.mrcs"], [1e4, 2e4])

    ran = run_in(project, "sets.edit", input=file, set="rlnDefocusU = rlnDefocusU / (rlnCoordinateX - 5)")
    some = run_in(project, "sets.edit", input=file, set="rlnClassNumber = 2", where="rlnDefocusU > 1e4")

    assert ran.history.state == "failed"
    assert "row 1: rlnDefocusU is 'inf' (first of 2 such values)" in ran.said
    assert some.history.state == "failed" and "row 1: rlnClassNumber is" in some.said


def test_a_group_s_value_that_is_no_number_is_refused_by_sets_too(project: ProjectFolder) -> None:
    file = project.root / write_particles(project.root, ["1@a.mrcs"], [1e4])
    file.write_text(file.read_text().replace("2.7", "nan", 1))

    ran = run_in(project, "sets.filter", input="p.star", expression="rlnDefocusU > 1")

    assert ran.history.state == "failed" and "rlnSphericalAberration in data_optics" in ran.said


@pytest.mark.parametrize(
    ("names", "box", "words"),
    [
        (["0@a.mrcs", "1@a.mrcs"], 16, "counts from 0"),
        (["1@a.mrcs", "5@a.mrcs"], 16, "image 5 of a.mrcs .*expected a number from 1 to 4"),
        (["1@a.mrcs", "1@b.mrcs"], 16, "boxes of 16 px .a.mrcs. and of 24 px"),
        (["1@a.mrcs"], 64, "rlnImageSize of optics group 1 is 64, expected 16"),
        (["1@u.mrcs"], 16, "unsigned 16-bit pixels .up to 40000.*import.particles"),
    ],
)
@pytest.mark.parametrize("protocol", ["relion.class2d", "sets.sort"])
def test_images_of_particles_are_looked_at_as_their_import_does(
    project: ProjectFolder, protocol: str, names: list[str], box: int, words: str
) -> None:
    write_stack(project.root / "a.mrcs", NOISE)
    write_stack(project.root / "b.mrcs", np.pad(NOISE, ((0, 0), (4, 4), (4, 4))))
    write_stack(project.root / "u.mrcs", LARGE)
    given = {
        "fn_img" if protocol == "relion.class2d" else "input": write_particles(
            project.root, names, [1e4] * len(names), box=box
        )
    }

    with pytest.raises(DatasetError, match=words):
        look(project, protocol, **given)


def test_images_that_are_right_or_not_there_are_no_reason_to_refuse(project: ProjectFolder) -> None:
    write_stack(project.root / "a.mrcs", NOISE)

    look(
        project,
        "relion.class2d",
        fn_img=write_particles(project.root, ["1@a.mrcs", "4@a.mrcs", "1@gone.mrcs"], [1e4] * 3),
    )


@pytest.mark.parametrize(
    ("pixels", "words"),
    [
        (LARGE[0], "unsigned 16-bit pixels.*import.micrographs"),
        (np.where(NOISE[0] > 2, np.float32("nan"), NOISE[0]), "no numbers.*import.micrographs"),
        (NOISE[0] * 0, "one value in every pixel.*import.micrographs"),
    ],
)
def test_micrographs_that_relion_would_misread_are_refused(
    project: ProjectFolder, pixels: NDArray[Any], words: str
) -> None:
    write_stack(project.root / "m.mrc", pixels)
    optics = pl.DataFrame(
        {"rlnOpticsGroup": [1], "rlnOpticsGroupName": ["a"], "rlnMicrographPixelSize": [3.0]}
    )
    items = pl.DataFrame({"rlnMicrographName": ["m.mrc", "gone.mrc"], "rlnOpticsGroup": 1})
    star.write(project.root / "mics.star", {"optics": optics, "micrographs": items})

    with pytest.raises(DatasetError, match=words):
        look(project, "ctf.estimate", input_star_mics="mics.star")


@pytest.mark.parametrize(
    ("pixels", "words"),
    [
        (np.zeros((16, 16, 16), np.float32), "0 in each voxel"),
        (np.full((16, 16, 16), np.nan, np.float32), "no numbers"),
        (np.pad(LARGE, ((0, 12), (0, 0), (0, 0))), "unsigned 16-bit pixels.*import.volume"),
    ],
)
@pytest.mark.parametrize(
    ("protocol", "name"),
    [("relion.class3d", "fn_ref"), ("relion.refine3d", "fn_ref"), ("relion.autopick", "fn_ref3d_autopick")],
)
def test_a_reference_that_holds_nothing_or_is_misread_is_refused(
    project: ProjectFolder, protocol: str, name: str, pixels: NDArray[Any], words: str
) -> None:
    write_mrc(project.root / "ref.mrc", pixels, 3.0, is_volume=True)

    with pytest.raises(CryoloomError, match=words):
        look(project, protocol, **{name: "ref.mrc"})


def test_a_gain_reference_that_relion_would_misread_is_refused_with_what_converts_it(
    project: ProjectFolder,
) -> None:
    write_stack(project.root / "gain.mrc", LARGE[0])

    with pytest.raises(DatasetError, match=r"unsigned 16-bit pixels.*import\.movies fn_gain_ref="):
        look(project, "relion.motioncorr", fn_gain_ref="gain.mrc")


def test_misread_says_what_a_copy_would_be_made_for(tmp_path: Path) -> None:
    write_stack(tmp_path / "ok.mrcs", NOISE)
    write_stack(tmp_path / "u.mrcs", LARGE)

    assert misread(tmp_path / "ok.mrcs", read_header(tmp_path / "ok.mrcs")) == ""
    assert misread(tmp_path / "u.mrcs", read_header(tmp_path / "u.mrcs")) == (
        "unsigned 16-bit pixels (up to 40000), which RELION reads as signed"
    )
