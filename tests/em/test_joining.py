"""Joined sets: groups that say the same become one, groups that differ stay apart, no item is lost."""

import polars as pl

from cryoloom.em.joining import joined, with_changed_groups


def groups(*rows: tuple[int, str, float]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=["rlnOpticsGroup", "rlnOpticsGroupName", "rlnVoltage"], orient="row")


def items(numbers: list[int], **more: list[object]) -> pl.DataFrame:
    names = [f"{number}.mrc" for number in numbers]
    return pl.DataFrame({"rlnMicrographName": names, "rlnOpticsGroup": numbers, **more})


def test_groups_are_joined_by_content_not_by_name() -> None:
    first = groups((1, "opticsGroup1", 300.0), (2, "b", 200.0)), items([1, 2, 2])
    second = groups((1, "opticsGroup1", 120.0), (5, "other", 300.0)), items([5, 1])

    optics, whole, lacking = joined([first, second])

    assert optics["rlnOpticsGroup"].to_list() == [1, 2, 3]
    assert optics["rlnOpticsGroupName"].to_list() == ["opticsGroup1", "b", "opticsGroup1_2"]
    assert optics["rlnVoltage"].to_list() == [300.0, 200.0, 120.0]
    assert whole["rlnOpticsGroup"].to_list() == [1, 2, 2, 1, 3]
    assert whole["rlnMicrographName"].to_list() == ["1.mrc", "2.mrc", "2.mrc", "5.mrc", "1.mrc"]
    assert lacking == []


def test_labels_that_a_set_lacks_are_named_and_their_cells_empty() -> None:
    first = groups((1, "a", 300.0)), items([1], rlnDefocusU=[1.5])
    beam_tilt = groups((1, "a", 300.0)).with_columns(rlnBeamTiltX=pl.lit(0.1))
    second = beam_tilt, items([1], rlnClassNumber=[7])

    optics, whole, lacking = joined([first, second])

    assert optics.height == 2  # one says a beam tilt, the other none
    assert lacking == ["rlnDefocusU", "rlnClassNumber"]
    assert whole["rlnDefocusU"].to_list() == [1.5, None]
    assert whole["rlnClassNumber"].to_list() == [None, 7]


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


def test_groups_of_other_names_stay_apart_and_one_may_say_more() -> None:
    known = groups((1, "a", 300.0), (2, "a_1", 300.0))

    assert with_changed_groups(known, known.reverse()) == (None, {1: 1, 2: 2})
    assert with_changed_groups(known, known.with_columns(rlnBeamTiltX=pl.lit(0.1))) == (None, {1: 1, 2: 2})
    assert with_changed_groups(None, known) == (known, {})
