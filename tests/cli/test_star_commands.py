"""`cryoloom star`: looking into STAR files, asking and checking them, without a text editor."""

import json
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner

from cryoloom import star
from cryoloom.cli.main import app
from cryoloom.errors import CryoloomError, ParameterError, StarError


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


@pytest.fixture
def with_optics(tmp_path: Path) -> Path:
    optics = pl.DataFrame({
        "rlnOpticsGroup": [1, 2], "rlnOpticsGroupName": ["a", "b"], "rlnVoltage": [300.0, 200.0],
        "rlnImagePixelSize": [1.5, 1.5],
    })  # fmt: skip
    items = pl.DataFrame(
        {"rlnImageName": [f"{n}@x.mrcs" for n in range(7)], "rlnOpticsGroup": [1, 1, 2, 1, 2, 1, 1]}
    )
    star.write(tmp_path / "all.star", {"optics": optics, "particles": items})
    return tmp_path / "all.star"


@pytest.mark.parametrize(
    ("words", "sizes"),
    [(["-n", 3], [3, 2, 2]), (["-n", 2, "--random", 5], [4, 3]), (["--by", "rlnOpticsGroup"], [5, 2])],
)
def test_what_is_split_is_joined_again(with_optics: Path, words: list[object], sizes: list[int]) -> None:
    folder = with_optics.parent
    whole = star.read(with_optics)

    say("split", with_optics, *words, "-o", folder / "part.star")
    parts = sorted(folder.glob("part_*.star"))
    said = say("join", *parts, "-o", folder / "again.star")
    again = star.read(folder / "again.star")

    assert [len(star.read(part)["particles"]) for part in parts] == sizes
    assert "7 items" in said and "2 optics groups" in said
    assert isinstance(again["particles"], pl.DataFrame) and isinstance(whole["particles"], pl.DataFrame)
    assert again["particles"].sort("rlnImageName").equals(whole["particles"])
    assert again["optics"].equals(whole["optics"])  # type: ignore[union-attr, arg-type]


def test_of_items_that_come_twice_the_first_is_kept_where_asked(with_optics: Path, tmp_path: Path) -> None:
    said = say("join", with_optics, with_optics, "--unique", "rlnImageName", "-o", tmp_path / "once.star")

    assert "7 items of 2 files" in said and "7 with the rlnImageName of another are left out" in said


def test_a_file_is_converted_there_and_back(with_optics: Path, tmp_path: Path) -> None:
    assert "7 particles" in say("convert", with_optics, "--to", "3.0", "-o", tmp_path / "old.star")
    assert "in 2 optics groups" in say("convert", tmp_path / "old.star", "-o", tmp_path / "new.star")
    with pytest.raises(CryoloomError, match="expected a table of particles"):
        (tmp_path / "none.star").write_text("data_a\n_x 1\n")
        say("convert", tmp_path / "none.star", "-o", tmp_path / "x.star")


def test_what_is_no_number_is_null_for_programs(tmp_path: Path) -> None:
    """`NaN` is no JSON: the program that reads it ends there."""
    file = tmp_path / "a.star"
    file.write_text("data_\n\nloop_\n_rlnCtfMaxResolution\n1.5\nnan\n\n")

    shown = say("show", file, "--json")

    found = json.loads(shown, parse_constant=lambda word: pytest.fail(word))
    assert [row["rlnCtfMaxResolution"] for row in found["content"]] == [1.5, None]
