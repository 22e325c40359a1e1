"""Joined sets: groups of one name that say the same become one, all others stay apart; nothing is filled with a meaning."""

import polars as pl
import pytest

from cryoloom.em.joining import NAME, NUMBER, Fill, joined, with_changed_groups, with_groups
from cryoloom.errors import DatasetError


def groups(*rows: tuple[int, str, float]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=["rlnOpticsGroup", "rlnOpticsGroupName", "rlnVoltage"], orient="row")


def items(numbers: list[int], **more: list[object]) -> pl.DataFrame:
    names = [f"{number}.mrc" for number in numbers]
    return pl.DataFrame({"rlnMicrographName": names, "rlnOpticsGroup": numbers, **more})


def test_groups_are_the_same_only_when_name_and_content_agree() -> None:
    first = groups((1, "opticsGroup1", 300.0), (2, "b", 200.0)), items([1, 2, 2])
    second = groups((1, "opticsGroup1", 120.0), (5, "other", 300.0), (6, "b", 200.0)), items([5, 1, 6])

    optics, whole, lacking = joined([first, second])
    merged, together, _ = joined([first, second], merge=True)

    assert optics["rlnOpticsGroup"].to_list() == [1, 2, 3, 4]
    assert optics["rlnOpticsGroupName"].to_list() == ["opticsGroup1", "b", "opticsGroup1_2", "other"]
    assert optics["rlnVoltage"].to_list() == [300.0, 200.0, 120.0, 300.0]
    assert whole["rlnOpticsGroup"].to_list() == [1, 2, 2, 4, 3, 2]
    assert whole["rlnMicrographName"].to_list() == ["1.mrc", "2.mrc", "2.mrc", "5.mrc", "1.mrc", "6.mrc"]
    assert lacking == []
    assert merged["rlnVoltage"].to_list() == [300.0, 200.0, 120.0]
    assert together["rlnOpticsGroup"].to_list() == [1, 2, 2, 1, 3, 2]


def test_a_group_that_was_renamed_is_found_again_after_a_restart() -> None:
    first, second = groups((1, "a", 300.0)), groups((1, "a", 200.0))
    known, _ = with_groups(None, first)
    known, numbers = with_groups(known, second)

    again, more = with_groups(known, second)

    assert again.equals(known) and numbers == more == {1: 2}


def test_what_a_set_lacks_gets_its_neutral_value_or_is_asked_for() -> None:
    first = groups((1, "a", 300.0)), items([1], rlnCtfScalefactor=[0.5], rlnDefocusU=[1.5])
    tilted = groups((1, "a", 300.0)).with_columns(rlnBeamTiltX=pl.lit(0.1), rlnMagMat00=pl.lit(1.01))
    second = tilted, items([1])

    with pytest.raises(DatasetError, match=r"set 2 is without rlnDefocusU.*fill='rlnDefocusU=VALUE'"):
        joined([first, second])
    optics, whole, lacking = joined([first, second], fill=Fill.parsed("rlnDefocusU=2"))
    common, least, _ = joined([first, second], common=True)

    assert optics["rlnBeamTiltX"].to_list() == [0.0, 0.1]
    assert optics["rlnMagMat00"].to_list() == [1.0, 1.01]
    assert whole["rlnDefocusU"].to_list() == [1.5, 2.0]
    assert whole["rlnCtfScalefactor"].to_list() == [0.5, 1.0]
    assert lacking == ["rlnBeamTiltX", "rlnMagMat00", "rlnCtfScalefactor", "rlnDefocusU"]
    assert common.columns == groups().columns and least.columns == ["rlnMicrographName", "rlnOpticsGroup"]


def test_a_group_that_says_something_else_becomes_another_one_and_is_found_again() -> None:
    known = groups((1, "a", 300.0), (2, "b", 300.0))

    grown, numbers = with_changed_groups(known, groups((1, "a", 200.0), (2, "b", 300.0)))
    assert grown is not None
    assert grown.rows() == [(1, "a", 300.0), (2, "b", 300.0), (3, "a_2", 200.0)]
    assert numbers == {1: 3, 2: 2}

    # Again, written and read meanwhile; then a group whose number is taken; then as it was at first.
    assert with_changed_groups(grown, groups((1, "a", 200.0000001))) == (None, {1: 3})
    more, numbers = with_changed_groups(grown, groups((3, "c", 300.0)))
    assert more is not None
    assert more.rows()[-1] == (4, "c", 300.0)
    assert numbers == {3: 4}
    assert with_changed_groups(more, known) == (None, {1: 1, 2: 2})


def test_groups_of_other_names_stay_apart_and_one_that_says_more_is_another() -> None:
    known = groups((1, "a", 300.0), (2, "a_1", 300.0))

    assert with_changed_groups(known, known.reverse()) == (None, {1: 1, 2: 2})
    assert with_changed_groups(known, known.with_columns(rlnBeamTiltX=pl.lit(0.0))) == (None, {1: 1, 2: 2})
    grown, numbers = with_changed_groups(known, known.with_columns(rlnBeamTiltX=pl.lit(0.1)))
    assert grown is not None
    assert grown["rlnBeamTiltX"].to_list() == [0.0, 0.0, 0.1, 0.1]
    assert numbers == {1: 3, 2: 4}
    assert with_changed_groups(None, known) == (known, {})


@pytest.mark.parametrize(
    ("label", "first", "second"),
    [("rlnMtfFileName", "k2.star", "k3.star"), ("rlnVoltage", 300.0, 200.0), ("cryoloomGainFlip", 0, 1)],
)
def test_a_growing_set_keeps_groups_apart_that_say_something_else_of_any_type(
    label: str, first: object, second: object
) -> None:
    known = pl.DataFrame({NAME: ["a"], NUMBER: [1], label: [first]})

    same, unchanged = with_changed_groups(known, pl.DataFrame({NAME: ["a"], NUMBER: [1], label: [first]}))
    grown, numbers = with_changed_groups(known, pl.DataFrame({NAME: ["a"], NUMBER: [1], label: [second]}))

    assert same is None and unchanged == {1: 1}
    assert grown is not None and grown.select(NAME, label).rows() == [("a", first), ("a_2", second)]
    assert numbers == {1: 2}


def test_a_growing_set_takes_no_group_for_another_whose_name_begins_alike() -> None:
    known = pl.DataFrame({NAME: ["a_b"], NUMBER: [1], "rlnVoltage": [300.0]})

    grown, numbers = with_changed_groups(
        known, pl.DataFrame({NAME: ["a"], NUMBER: [1], "rlnVoltage": [300.0]})
    )

    assert grown is not None and sorted(grown[NAME]) == ["a", "a_b"]
    assert numbers == {1: 2}


def test_a_group_whose_own_name_looks_renamed_is_not_taken_for_another() -> None:
    first = groups((1, "grid_1", 300.0), (2, "grid_1_2", 200.0)), items([1, 2])
    second = groups((1, "grid_1", 200.0)), items([1])

    optics, whole, _ = joined([first, second])
    grown, numbers = with_changed_groups(first[0], groups((1, "grid_1", 200.0), (2, "grid_1_2", 200.0)))

    assert optics["rlnOpticsGroupName"].to_list() == ["grid_1", "grid_1_2", "grid_1_3"]
    assert whole["rlnOpticsGroup"].to_list() == [1, 2, 3]
    assert grown is not None and numbers == {1: 3, 2: 2}


def test_a_table_without_rows_is_joined_as_nothing() -> None:
    some = groups((1, "a", 300.0)), items([1, 1], rlnDefocusU=[1e4, 2e4])
    empty = pl.DataFrame(
        schema={"rlnMicrographName": pl.String, "rlnOpticsGroup": pl.String, "rlnDefocusU": pl.String}
    )
    none = groups((1, "a", 300.0)), empty

    for parts in ([none, some], [some, none]):
        optics, whole, _ = joined(parts)
        assert optics.height == 1 and whole["rlnOpticsGroup"].to_list() == [1, 1]
        assert whole["rlnDefocusU"].to_list() == [1e4, 2e4]
    assert joined([none, none])[1].height == 0
