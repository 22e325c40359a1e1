"""Vectors in brackets come out as numbers and go back as text."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryoloom.errors import StarError
from cryoloom.star import vector_texts, vectors

numbers = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(st.one_of(st.none(), st.lists(numbers, max_size=5)), max_size=6))
def test_vectors_written_and_read_again_are_equal(rows: list[list[float] | None]) -> None:
    lists = pl.Series("rlnOddZernike", rows, dtype=pl.List(pl.Float64))

    assert vectors(vector_texts(lists)).to_list() == rows


def test_vectors_of_other_hands_are_read() -> None:
    texts = pl.Series("v", ["[1, 2,-3e-2]", " [ 0.5 ] ", "[]", "None"])

    assert vectors(texts).to_list() == [[1.0, 2.0, -0.03], [0.5], [], None]


def test_what_is_no_vector_is_named_by_its_row() -> None:
    with pytest.raises(StarError, match=r"v in row 2 is '\[1,x\]', expected a vector"):
        vectors(pl.Series("v", ["[1]", "[1,x]"]))
