"""Limits are read from a filter's own words, and moved without changing what else it asks."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as some

from cryoloom.api.limits import Limit, checked, condition_of
from cryoloom.errors import ParameterError
from cryoloom.plugins.sets.filter import Filter
from cryoloom.star.expressions import rows_that_hold

FIT, U = "rlnCtfMaxResolution", "rlnDefocusU"


@pytest.mark.parametrize(
    ("expression", "ranges", "limits", "rest"),
    [
        (f"{FIT} < 6 and {U} between 4000 and 40000", "", {FIT: Limit(None, 6), U: Limit(4000, 40000)}, ""),
        ("", f"{FIT}: ..5.2, {U}: 5000..", {FIT: Limit(None, 5.2), U: Limit(5000, None)}, ""),
        (f"{FIT} < 6 or {U} > 3", "", {}, f"({FIT} < 6 or {U} > 3)"),
        (f"{FIT} < 6 and rlnOpticsGroup = 1", f"{FIT}: ..5", {FIT: Limit(None, 5)}, "rlnOpticsGroup = 1"),
        (f"abs({FIT}) < 6", "", {}, f"abs({FIT}) < 6"),
    ],
)
def test_what_a_filter_asks_is_read_as_limits(
    expression: str, ranges: str, limits: dict[str, Limit], rest: str
) -> None:
    found = condition_of(expression, ranges)
    assert (found.limits, found.rest) == (limits, rest)


def test_a_side_that_is_not_moved_keeps_its_words() -> None:
    asked = condition_of(f"{FIT} < 6 and {U} > 4000 and {U} < 40000 and rlnOpticsGroup = 1")
    moved = asked.moved({U: Limit(4000, 30000)})
    assert moved.values == {
        "expression": f"{FIT} < 6 and {U} > 4000 and rlnOpticsGroup = 1",
        "ranges": f"{U}: ..30000",
    }
    assert moved.moved({U: Limit()}).limits == {FIT: Limit(None, 6)}


bounds = some.one_of(some.none(), some.floats(-50, 50).map(lambda one: round(one, 2)))


@given(some.lists(some.floats(-60, 60), min_size=1, max_size=20), bounds, bounds, bounds, bounds)
def test_a_moved_condition_keeps_what_both_the_filter_and_the_numbers_say(
    values: list[float], low: float | None, high: float | None, new_low: float | None, new_high: float | None
) -> None:
    terms = [f"x >= {low}"] * (low is not None) + [f"x <= {high}"] * (high is not None)
    moved = condition_of(" and ".join(terms)).moved({"x": Limit(new_low, new_high)})
    frame = pl.DataFrame({"x": values})
    expected = [
        (new_low is None or one >= new_low) and (new_high is None or one <= new_high) for one in values
    ]
    assert not moved.sql or rows_that_hold(frame, moved.sql).to_list() == expected
    # And the protocol that gets these parameters says the same.
    assert Filter({"expression": "y > 0", **moved.values})._condition().count("x") == moved.sql.count("x")


def test_limits_within_which_nothing_lies_are_refused() -> None:
    with pytest.raises(ParameterError, match=r"limit of x is 5\.\.3"):
        checked({"x": Limit(5, 3)})
    with pytest.raises(ParameterError):
        checked({"x": Limit(float("nan"), None)})
