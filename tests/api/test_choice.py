"""A choice is one condition, says the same when it is read again, and a lasso is what lies inside its border."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryoloom.api.choice import MOST_BY_HAND, Choice, within
from cryoloom.errors import ParameterError
from cryoloom.star.expressions import rows_that_hold

RULES = [
    "",
    "false",
    "x < 3",
    "not (x < 3)",
    "x < 1 or y > 2",
    "cryoloomItemId in ('a', 'b')",
    "(x < 1) or y in (1, 2)",
]
ids = st.lists(st.text("ab'_1)(, ", min_size=1, max_size=6), max_size=4, unique=True).map(tuple)


@given(st.sampled_from(RULES), ids, ids)
def test_a_choice_is_read_from_its_condition_as_it_was(
    rule: str, added: tuple[str, ...], removed: tuple[str, ...]
) -> None:
    choice = Choice(rule, added if rule else (), removed)

    again = Choice.of(choice.condition)

    assert again.condition == choice.condition
    if "cryoloomItemId" not in rule:
        assert again == choice


@given(st.sampled_from(RULES), st.sets(st.integers(0, 9)), st.sets(st.integers(0, 9)))
def test_by_hand_goes_before_the_rule_also_where_the_rule_cannot_be_judged(
    rule: str, added: set[int], removed: set[int]
) -> None:
    values = [None, float("nan"), *range(8)]
    frame = pl.DataFrame(
        {"x": values, "y": [float(n) for n in range(10)], "cryoloomItemId": [f"i{n}" for n in range(10)]},
        strict=False,
    )
    choice = Choice(rule, tuple(f"i{n}" for n in sorted(added)), tuple(f"i{n}" for n in sorted(removed)))

    held = rows_that_hold(frame, choice.condition or "true")

    by_rule = rows_that_hold(frame, rule) if rule else pl.Series([True] * 10)
    assert held.to_list() == [(by_rule[n] or n in added) and n not in removed for n in range(10)]


def test_a_choice_of_too_many_by_hand_is_refused_and_a_rule_asked_for() -> None:
    with pytest.raises(ParameterError, match="rule"):
        _ = Choice("x > 1", tuple(f"i{n}" for n in range(MOST_BY_HAND + 1))).condition


corners = st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), min_size=3, max_size=8)


@given(corners)
def test_a_lasso_holds_what_lies_inside_its_border(border: list[tuple[int, int]]) -> None:
    # Between the whole numbers, so that no point lies on the border.
    at = np.arange(-9.5, 10, 1.0) + 0.0137
    xs, ys = (axis.ravel() for axis in np.meshgrid(at, at + 0.0071))
    if len({y for _, y in border}) == 1:
        with pytest.raises(ParameterError, match="a line"):
            within("x", "y", border)
        return

    held = rows_that_hold(pl.DataFrame({"x": xs, "y": ys}), within("x", "y", border)).to_numpy()

    assert held.tolist() == [crossings(x, y, border) % 2 == 1 for x, y in zip(xs, ys, strict=True)]


def crossings(x: float, y: float, border: list[tuple[int, int]]) -> int:
    """How often a ray to the right meets the border."""
    count = 0
    for (x1, y1), (x2, y2) in zip(border, border[1:] + border[:1], strict=True):
        if (y1 > y) != (y2 > y):
            count += x < (x2 - x1) * (y - y1) / (y2 - y1) + x1
    return count


def test_a_lasso_over_what_is_no_label_is_refused() -> None:
    with pytest.raises(ParameterError, match="label"):
        within("x) or (true", "y", [(0, 0), (1, 0), (1, 1)])
