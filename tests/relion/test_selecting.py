"""RELION's subset selection says how many of how many it keeps and by what, and never that nothing is a success."""

from pathlib import Path

import polars as pl
import pytest
from conftest_tiny import cryoloom

from cryoloom import Project, star
from cryoloom.errors import JobError, ParameterError

pytestmark = pytest.mark.relion


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Five particles, two of them 10 Å apart."""
    made = Project.create(tmp_path_factory.mktemp("select") / "p")
    optics = pl.DataFrame({
        "rlnOpticsGroupName": ["g"], "rlnOpticsGroup": [1], "rlnImagePixelSize": [2.0], "rlnImageSize": [64],
        "rlnMicrographPixelSize": [2.0], "rlnVoltage": [300.0], "rlnSphericalAberration": [2.7],
        "rlnAmplitudeContrast": [0.1], "rlnImageDimensionality": [2],
    })  # fmt: skip
    particles = pl.DataFrame({
        "rlnImageName": [f"{n}@a.mrcs" for n in range(1, 6)], "rlnMicrographName": ["m.mrc"] * 5,
        "rlnOpticsGroup": [1] * 5, "rlnDefocusU": [5e3, 6e3, 7e3, 8e3, 9e3],
        "rlnCoordinateX": [0.0, 100.0, 105.0, 300.0, 400.0], "rlnCoordinateY": [0.0] * 5,
        "rlnOriginXAngst": [0.0] * 5, "rlnOriginYAngst": [0.0] * 5,
    })  # fmt: skip
    star.write(made.path / "five.star", {"optics": optics, "particles": particles})
    return made


def test_how_many_are_kept_of_how_many_and_by_what_is_said(project: Project) -> None:
    by_value = {"do_select_values": True, "select_label": "rlnDefocusU", "select_minval": 6000}
    chosen = project.run("relion.select", fn_data="five.star", **by_value).wait(timeout_s=60)
    apart = project.run(
        "relion.select", fn_data="five.star", do_remove_duplicates=True, duplicate_threshold=30
    ).wait(timeout_s=60)  # fmt: skip

    assert chosen.notes() == ["4 of 5 particles were kept, those with rlnDefocusU from 6000 to 9999."]
    assert apart.notes()[-1:] == ["4 of 5 particles were kept, no two nearer to each other than 30 Å."]
    summary = chosen.summary()
    assert (summary.done, summary.total, summary.made) == (5, 5, "4 particles")
    listed = cryoloom("ls", "--project", str(project.path)).stdout.splitlines()
    [line] = [line for line in listed if line.startswith(chosen.name)]
    assert "5/5" in line and "4 particles" in line
    assert "4 of 5 particles" in cryoloom("show", chosen.name, "--project", str(project.path)).stdout


def test_a_selection_that_keeps_nothing_fails_and_says_its_condition(project: Project) -> None:
    # RELION says "Done!" and writes a file without a table, which none of its programs reads.
    with pytest.raises(JobError, match="0 of 5 particles were kept, those with rlnDefocusU from 100 to 200"):
        project.run(
            "relion.select", fn_data="five.star", do_select_values=True, select_label="rlnDefocusU",
            select_minval=100, select_maxval=200,
        ).wait(timeout_s=60)  # fmt: skip


def test_parts_are_counted_together_and_none_may_be_empty(project: Project) -> None:
    parts = project.run("relion.select", fn_data="five.star", do_split=True, nr_split=2).wait(timeout_s=60)

    assert parts.summary().made == "5 particles in 2 parts"
    for size, most in ((-1, 5), (2, 3)):
        with pytest.raises(
            ParameterError, match=rf"nr_split is 6 parts.* of 5 rows, expected at most {most}"
        ):
            project.run("relion.select", fn_data="five.star", do_split=True, nr_split=6, split_size=size)


def test_parts_of_a_set_are_counted_together_too_and_none_is_empty(project: Project) -> None:
    parts = project.run("sets.split", input="five.star", nr_parts=3).wait(timeout_s=60)
    assert parts.summary().made == "5 particles in 3 parts"

    with pytest.raises(JobError, match="nr_parts is 6, expected at most 5"):
        project.run("sets.split", input="five.star", nr_parts=6).wait(timeout_s=60)


def test_a_remark_and_a_doubt_are_said_once_by_who_waits(project: Project, tmp_path: Path) -> None:
    done = cryoloom(
        "run", "relion.select", "fn_data=five.star", "do_split=Yes", "nr_split=2", "split_size=2", "--wait",
        "--project", str(project.path),
    )  # fmt: skip

    assert done.stdout.count("1 of 5 rows are in no part") == 1
    assert done.stdout.count("succeeded") == 1
