"""`cryoloom star`: looking into STAR files, asking and checking them, without a text editor."""

import json
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from cryoloom import star
from cryoloom.cli.main import app
from cryoloom.errors import ParameterError, StarError


@pytest.fixture
def particles(tmp_path: Path) -> Path:
    frame = pl.DataFrame({
        "rlnDefocusU": [12000.0, 8000.5, 30000.0, 15000.0],
        "rlnCtfMaxResolution": [3.5, 4.5, 3.0, 3.9],
        "rlnMicrographName": ["b.mrc", "a.mrc", "a.mrc", "c d.mrc"],
    })  # fmt: skip
    star.write(tmp_path / "p.star", {"optics": pl.DataFrame({"rlnOpticsGroup": [1]}), "particles": frame})
    return tmp_path / "p.star"


def say(*words: object) -> str:
    done = CliRunner().invoke(app, ["star", *map(str, words)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_show_lists_blocks_and_the_first_rows_of_the_largest_table(particles: Path) -> None:
    said = say("show", particles, "-n", 2)

    assert "data_optics     1     1" in said and "data_particles  4     3" in said
    assert "8000.5" in said and "30000.0" not in said and "4 rows, the first 2 shown" in said
    assert "1 rows" in say("show", particles, "--block", "optics")


def test_a_query_keeps_rows_and_the_optics_groups_beside_them(particles: Path, tmp_path: Path) -> None:
    condition = "rlnCtfMaxResolution < 4 and rlnDefocusU between 5000 and 25000"

    rows = json.loads(say("query", particles, condition, "-f", "json"))
    said = say("query", particles, condition, "-o", tmp_path / "q.star")
    blocks = star.read(tmp_path / "q.star")

    assert [row["rlnMicrographName"] for row in rows] == ["b.mrc", "c d.mrc"]
    assert "2 rows of data_particles" in said
    assert list(blocks) == ["optics", "particles"] and len(blocks["particles"]) == 2


@pytest.mark.parametrize(("ending", "read"), [("csv", pl.read_csv), ("parquet", pl.read_parquet)])
def test_a_sorted_table_is_given_in_other_formats(particles: Path, ending: str, read: object) -> None:
    out = particles.with_suffix(f".{ending}")

    say("sort", particles, "rlnMicrographName", "rlnDefocusU", "-d", "-o", out)

    table = read(out)  # type: ignore[operator]
    assert table["rlnDefocusU"].to_list() == [15000.0, 12000.0, 30000.0, 8000.5]


def test_selected_columns_come_in_the_order_asked_for(particles: Path) -> None:
    said = say("select", particles, "rlnMicrographName", "rlnDefocusU", "-f", "csv")

    assert said.splitlines()[:2] == ["rlnMicrographName,rlnDefocusU", "b.mrc,12000.0"]


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["query", "rlnDefocus < 1"], "not to be judged"),
        (["query", ""], "it is empty"),
        (["select", "rlnDefocusX"], "Did you mean rlnDefocus"),
        (
            ["sort", "rlnDefocusU", "--block", "nothing"],
            "expected a table, one of data_optics, data_particles",
        ),
    ],
)
def test_a_mistake_says_what_there_is(particles: Path, words: list[str], what: str) -> None:
    with pytest.raises(StarError, match=what):
        say(words[0], particles, *words[1:])


def test_check_names_what_is_irregular_and_fails_for_what_is_broken(particles: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.star"
    broken.write_text("data_a\nloop_\n_x\n_y\n1 2\n3\n\ndata_b\n_z 1\n")

    assert "2 blocks, 5 rows" in say("check", particles)
    done = CliRunner().invoke(
        app, ["star", "check", str(particles), str(broken), str(tmp_path / "none.star")]
    )

    assert done.exit_code == 1
    assert "broken.star: 1 blocks, 1 rows; 1 broken blocks" in done.output
    assert "line 6: the number of values in block data_a is 1 (nothing for y)" in done.output
    assert "none.star is missing" in done.output


@pytest.mark.parametrize(
    "words", [["rlnDefocusU"], ["rlnDefocusU", "rlnCtfMaxResolution"], ["rlnDefocusU", "-k", "line"]]
)
def test_columns_are_drawn(particles: Path, tmp_path: Path, words: list[str]) -> None:
    said = say("plot", particles, *words, "--where", "rlnCtfMaxResolution < 4", "-o", tmp_path / "x.svg")

    assert "3 rows of data_particles" in said
    assert "rlnDefocusU" in (tmp_path / "x.svg").read_text()


def test_a_column_of_text_is_not_drawn(particles: Path, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="expected one of rlnDefocusU, rlnCtfMaxResolution"):
        say("plot", particles, "rlnMicrographName", "-o", tmp_path / "x.svg")
    with pytest.raises(ParameterError, match="expected one of histogram, scatter, line"):
        say("plot", particles, "rlnDefocusU", "-k", "pie", "-o", tmp_path / "x.svg")
