"""Particles that are imported are those of the file: no other image, number or box, and what is left out is said."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from running import Ran, run_in

from cryoloom import star
from cryoloom.images.mrc import image_of_reference, write_mrc
from cryoloom.project.folder import ProjectFolder


def stack(path: Path, value: float, *, images: int = 6, box: int = 16) -> Path:
    """A stack whose image n (from 1) has the value `value + n` in every pixel but one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.zeros((images, box, box), np.float32) + (value + np.arange(1, images + 1))[:, None, None]
    write_mrc(path.with_suffix(".mrcs"), pixels, 3.0)
    path.with_suffix(".mrcs").rename(path)
    return path


def table(
    path: Path, names: list[str], *, defocus: list[Any] | None = None, groups: list[int] | None = None
) -> str:
    """A file of particles, and how it is named to the import."""
    groups = groups or [1] * len(names)
    numbers = sorted(set(groups))
    optics = pl.DataFrame(
        {
            "rlnOpticsGroupName": [f"og{n}" for n in numbers], "rlnOpticsGroup": numbers,
            "rlnMicrographOriginalPixelSize": 3.0, "rlnVoltage": 300.0, "rlnSphericalAberration": 2.7,
            "rlnAmplitudeContrast": 0.1, "rlnImagePixelSize": 3.0, "rlnImageDimensionality": 2,
        }
    )  # fmt: skip
    items = pl.DataFrame({"rlnImageName": names, "rlnOpticsGroup": groups})
    items = items.with_columns(pl.Series("rlnDefocusU", defocus or [1e4] * len(names), strict=False))
    star.write(path, {"optics": optics, "particles": items})
    return str(path)


def imported(project: ProjectFolder, file: str, **given: Any) -> Ran:
    return run_in(project, "import.particles", fn_in_other=file, **given)


def values(ran: Ran) -> list[float]:
    """The first pixel of each particle, in the order of the rows."""
    names = ran.items("particles")["rlnImageName"].to_list()
    return [float(image_of_reference(str(name), ran.entry.root)[0, 0]) for name in names]


def test_stacks_whose_names_would_become_one_keep_their_own_images(
    project: ProjectFolder, tmp_path: Path
) -> None:
    for value, name in (
        (100, "d/a.mrc"),
        (200, "d/a.mrcs"),
        (300, "d/b c.mrcs"),
        (400, "d/b_c.mrcs"),
        (500, "e/a.mrcs"),
    ):
        stack(tmp_path / "data" / name, value)
    stack(tmp_path / "d" / "a.mrcs", 600)
    names = ["2@d/a.mrc", "3@d/a.mrcs", "5@d/b_c.mrcs", "6@e/a.mrcs", "1@../d/a.mrcs"]

    ran = imported(project, table(tmp_path / "data" / "p.star", names))

    assert values(ran) == [102, 203, 405, 506, 601], ran.said
    targets = {str(name).partition("@")[2] for name in ran.items("particles")["rlnImageName"].to_list()}
    assert len(targets) == 5


@pytest.mark.parametrize("word", ["nan", "inf", "<NA>", "10000,75", '""'])
def test_rows_with_values_that_are_no_numbers_are_left_out_with_their_line(
    project: ProjectFolder, tmp_path: Path, word: str
) -> None:
    stack(tmp_path / "a.mrcs", 0)
    file = table(tmp_path / "p.star", ["1@a.mrcs", "2@a.mrcs", "3@a.mrcs"], defocus=[1e4, 7e4, 1e4])
    Path(file).write_text(Path(file).read_text().replace("70000.0", word))
    line = next(n for n, text in enumerate(Path(file).read_text().splitlines(), 1) if "2@a" in text)

    ran = imported(project, file)

    assert values(ran) == [1, 3]
    assert ran.items("particles")["rlnDefocusU"].to_list() == [1e4, 1e4]
    assert "Found 3, took 2, left out 1" in ran.said
    assert f"line {line}: rlnDefocusU" in ran.said


def test_an_optics_group_with_a_value_that_is_no_number_is_refused(
    project: ProjectFolder, tmp_path: Path
) -> None:
    stack(tmp_path / "a.mrcs", 0)
    file = table(tmp_path / "p.star", ["1@a.mrcs"])
    Path(file).write_text(Path(file).read_text().replace(" 300.000000 ", " 300,0 "))

    assert "rlnVoltage in data_optics is '300,0'" in imported(project, file).said


@pytest.mark.parametrize(
    ("number", "words"), [("000000", "counts from 1"), ("000007", "1 to 6"), ("x", "1 to 6")]
)
def test_an_image_number_that_the_stack_does_not_have_is_refused(
    project: ProjectFolder, tmp_path: Path, number: str, words: str
) -> None:
    stack(tmp_path / "a.mrcs", 0)

    ran = imported(project, table(tmp_path / "p.star", ["1@a.mrcs", f"{number}@a.mrcs"]))

    assert ran.history.state == "failed"
    assert f"image {number} of a.mrcs" in ran.said and words in ran.said


def test_a_name_without_the_number_of_an_image_means_a_stack_of_one(
    project: ProjectFolder, tmp_path: Path
) -> None:
    stack(tmp_path / "a.mrcs", 0, images=1)
    stack(tmp_path / "b.mrcs", 0, images=3)

    one = imported(project, table(tmp_path / "one.star", ["a.mrcs"]))
    many = imported(project, table(tmp_path / "many.star", ["a.mrcs", "b.mrcs"]))

    assert values(one) == [1]
    assert many.history.state == "failed" and "no number of an image of b.mrcs" in many.said


def test_no_name_of_a_stack_is_misread_by_relion(project: ProjectFolder, tmp_path: Path) -> None:
    stack(tmp_path / "a@1 #2.mrcs", 100)
    (tmp_path / "p.star").write_text(Path(table(tmp_path / "q.star", ["2@NAME"])).read_text().replace(
        "2@NAME", "'2@a@1 #2.mrcs'"))  # fmt: skip

    ran = imported(project, str(tmp_path / "p.star"))

    assert ran.history.state == "succeeded", ran.said
    name = str(ran.items("particles")["rlnImageName"][0])
    assert name.endswith("/a_1_2.mrcs") and values(ran) == [102]


def test_the_box_is_measured_for_each_group_and_one_group_has_one_box(
    project: ProjectFolder, tmp_path: Path
) -> None:
    stack(tmp_path / "a.mrcs", 0, box=16)
    stack(tmp_path / "b.mrcs", 0, box=24)

    apart = imported(project, table(tmp_path / "p.star", ["1@a.mrcs", "1@b.mrcs"], groups=[1, 2]))
    mixed = imported(project, table(tmp_path / "q.star", ["1@a.mrcs", "1@b.mrcs"]))

    assert apart.blocks("particles")["optics"]["rlnImageSize"].to_list() == [16, 24]
    assert "16 px (a.mrcs)" in mixed.said and "24 px (b.mrcs)" in mixed.said


def test_names_of_another_machine_are_found_by_their_longest_tail(
    project: ProjectFolder, tmp_path: Path
) -> None:
    stack(tmp_path / "copied" / "J5" / "m.mrc", 100)
    stack(tmp_path / "copied" / "m.mrc", 200)
    names = ["1@/bulk/lab/J5/m.mrc", "2@>J5/m.mrc"]

    ran = imported(project, table(tmp_path / "p.star", names), stacks_below=str(tmp_path / "copied"))

    assert values(ran) == [101, 102]


def test_two_names_that_would_lead_to_one_file_are_refused(project: ProjectFolder, tmp_path: Path) -> None:
    stack(tmp_path / "copied" / "m.mrcs", 0)
    file = table(tmp_path / "p.star", ["1@/lab/J5/m.mrcs", "1@/lab/J6/m.mrcs"])

    ran = imported(project, file, stacks_below=str(tmp_path / "copied"))

    assert "/lab/J5/m.mrcs" in ran.said and "/lab/J6/m.mrcs" in ran.said


def test_a_cut_or_missing_stack_takes_only_its_own_particles_with_it(
    project: ProjectFolder, tmp_path: Path
) -> None:
    stack(tmp_path / "a.mrcs", 0)
    cut = stack(tmp_path / "cut.mrcs", 0)
    cut.write_bytes(cut.read_bytes()[:3000])

    ran = imported(project, table(tmp_path / "p.star", ["1@a.mrcs", "1@cut.mrcs", "2@gone.mrcs", "4@a.mrcs"]))

    assert values(ran) == [1, 4]
    assert "Found 4, took 2, left out 2" in ran.said and "cut short" in ran.said and "gone.mrcs" in ran.said
