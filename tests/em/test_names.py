"""A name stands for one movie or micrograph, and what RELION makes of it is named as RELION names it."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryoloom.em.names import (
    Names,
    Partners,
    file_of_micrograph,
    key,
    meant,
    micrograph_of_movie,
    readable,
    several_words,
)
from cryoloom.em.places import micrograph_key

# What relion_autopick and relion_preprocess of RELION 3.1.3 made of these, measured by hand; of motion correction
# tests/relion/test_movie_names.py asks it again.
MADE = {
    "Movies/job001/a.mrc": "a",
    "MotionCorr/job002/Movies/job001/a.mrc": "Movies/job001/a",
    "x/y/job003/z/b.mrc": "z/b",
    "x/job12/b1.mrc": "x/job12/b1",
    "x/job1234/b2.mrc": "b2",
    "data/jobs/b3.mrc": "data/jobs/b3",
    "26.11.2026/c.mrc": "26.11.2026/c",
    "dot.ted/c.d.mrc": "dot.ted/c.d",
    "job001/e.mrc": "e",
    "q/myjob001/h.mrc": "q/myjob001/h",
    "q/job001x/i.mrc": "i",
    "M/job001/N/job002/f.x.mrc": "N/job002/f.x",
}


@pytest.mark.parametrize(("micrograph", "made"), MADE.items())
def test_files_of_a_micrograph_lie_where_relion_puts_them(micrograph: str, made: str) -> None:
    assert file_of_micrograph(micrograph, "_autopick.star") == f"{made}_autopick.star"


def test_a_movie_with_dots_has_a_micrograph_with_underscores_and_the_same_key() -> None:
    movie = "Movies/job001/26.11.2026/m_1.5.tif"

    micrograph = micrograph_of_movie("MotionCorr/job002/", movie)

    assert micrograph == "MotionCorr/job002/Movies/job001/26_11_2026/m_1_5.mrc"
    assert key(micrograph) == key(movie) == "Movies/job001/26_11_2026/m_1_5"


parts = st.text("ab_.1j", min_size=1, max_size=4).filter(lambda part: part.strip("."))
names = st.lists(
    st.one_of(parts, st.sampled_from(["Movies", "job001", "job12", "MotionCorr"])), min_size=1, max_size=5
)


@given(names)
def test_the_key_of_a_column_is_the_key_of_each_of_its_names(words: list[str]) -> None:
    name = "/".join(words)

    column = pl.DataFrame({"rlnMicrographName": [name]}).select(micrograph_key()).item()

    assert column == key(name)


@given(st.lists(st.tuples(st.integers(0, 5), st.text("ab. _@", min_size=1, max_size=4)), max_size=12))
def test_no_two_sources_get_names_that_a_later_job_takes_for_one(wanted: list[tuple[int, str]]) -> None:
    names = Names()

    given_names = {str(source): names.give(str(source), f"{text}.mrc") for source, text in wanted}

    keys = [key(f"Movies/job001/{name}") for name in given_names.values()]
    assert len(set(keys)) == len(keys)
    assert all(readable(name) == name for name in given_names.values())
    assert all(names.give(source, "other.mrc") == name for source, name in given_names.items())


def test_a_name_is_numbered_beside_those_that_were_given_before_and_elsewhere() -> None:
    names = Names()
    names.know("day1/a.mrc")

    assert names.give("x", "day1/a.tif") == "day1/a_2.tif"
    assert names.give("y", "day2/a.mrc", lambda name: name != "day2/a.mrc") == "day2/a_2.mrc"


def test_an_exact_name_counts_before_one_that_is_equal_below_its_job_and_two_of_those_are_ambiguous() -> None:
    partners = Partners()
    partners.add(["MotionCorr/job002/Movies/job001/a.mrc", "MotionCorr/job005/Movies/job001/a.mrc"])

    assert partners.of("MotionCorr/job005/Movies/job001/a.mrc") == ("MotionCorr/job005/Movies/job001/a.mrc",)
    assert len(partners.of("MotionCorr/job009/Movies/job001/a.mrc")) == 2
    assert not partners.of("MotionCorr/job002/Movies/job001/b.mrc")


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("MotionCorr/job002/Movies/job001/m_1.mrc", [0]),
        ("m_1", [0, 1]),  # of two sessions
        ("Movies/job009/m_1.tiff", [1]),
        ("job001/m_1.mrc", [0]),
        ("Movies/job005/m_1.mrc", []),  # of a third one
        ("m_1.5", [2]),
        ("m_1.5.mrc", [2]),
        ("m_1.7", []),
        ("m_2", []),
        ("m_25", [3]),
        ("m_25.tif", [3]),
        ("25", [3]),
        ("5", [2]),
        ("25_Fr", []),
        ("m_", [0, 1, 2, 3]),
    ],
)
def test_what_is_asked_for_and_not_there_is_no_other(asked: str, found: list[int]) -> None:
    names = [
        f"MotionCorr/job002/Movies/{name}.mrc"
        for name in ("job001/m_1", "job009/m_1", "job001/m_1.5", "job001/m_25")
    ]
    assert meant(asked, names) == [names[number] for number in found]


def test_digits_with_a_zero_before_them_are_a_part_of_a_name_and_a_plain_number_counts() -> None:
    singles = [f"M/single_{number:04d}.mrc" for number in (1, 2, 4, 7, 12, 40, 41)]
    assert meant("0004", singles) == [singles[2]] == meant("single_0004", singles)
    assert meant("4", singles) == [singles[3]]
    assert meant("8", singles) == meant("0003", singles) == []
    assert meant("004", singles) == []  # no whole number of any, and no part cuts a number
    # RELION's and others' counts that begin with 0: both may be meant.
    plain = [f"M/a_{number}.mrc" for number in (0, 1, 2)]
    assert meant("2", plain) == [plain[1], plain[2]]
    assert several_words("2", meant("2", plain)) == (
        "two that may be meant: M/a_1.mrc is number 2 of them, M/a_2.mrc has 2 in its name"
    )
    assert meant("3", plain) == [plain[2]] and meant("a_2", plain) == [plain[2]]
    assert meant("26", [f"M/26_{number}.mrc" for number in range(3)]) != []  # a date that all have, no count
    assert meant("1", ["M/1_x.mrc", "M/1_y.mrc"]) == ["M/1_x.mrc"]
    assert meant("a_1.5", ["a_1.mrc", "a_1.5.mrc"]) == ["a_1.5.mrc"]
