"""Batches: every item is given out once at a time, units whole and by one lane alone, calls unmixed."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryoloom.protocol.jobs import ITEM_ID
from cryoloom.runner.batcher import Batched, Batcher


def items(*rows: tuple[int, str, int]) -> pl.DataFrame:
    """(number, unit, call) an item."""
    return pl.DataFrame(
        [(f"i{number}", unit, call) for number, unit, call in rows],
        schema={ITEM_ID: pl.String, "unit": pl.String, "call": pl.Int64},
        orient="row",
    )


def ids(batch: Batched | None) -> list[str]:
    assert batch is not None
    return batch.items[ITEM_ID].to_list()


def test_half_of_a_batch_that_failed_is_tried_again_down_to_single_items() -> None:
    batcher = Batcher(4)
    batcher.add(items(*((n, "", 0) for n in range(4))), 0.0)
    whole = batcher.next(1, 0.0, closed=True, is_last=True)
    assert whole is not None and not whole.is_unit
    assert batcher.ended(whole, [])

    halves = [batcher.next(1, 0.0, closed=True, is_last=True) for _ in range(2)]

    assert [ids(half) for half in halves] == [["i0", "i1"], ["i2", "i3"]]
    assert batcher.ended(halves[0], ["i0"])  # type: ignore[arg-type]
    single = batcher.next(1, 0.0, closed=True, is_last=True)
    assert ids(single) == ["i1"] and single is not None and single.is_unit
    assert not batcher.ended(single, [])


def test_a_unit_is_never_divided_by_size_lanes_or_failure() -> None:
    batcher = Batcher(2, unit_of=lambda rows: rows["unit"].to_list())
    batcher.add(items((0, "a", 0), (1, "b", 0), (2, "a", 0), (3, "b", 0), (4, "a", 0)), 0.0)

    first = batcher.next(2, 0.0, closed=True, is_last=True)
    second = batcher.next(1, 0.0, closed=True, is_last=True)

    assert ids(first) == ["i0", "i2", "i4"] and first is not None and first.is_unit
    assert ids(second) == ["i1", "i3"]
    assert not batcher.ended(first, ["i0"])


def test_more_of_a_unit_waits_for_the_lane_that_works_at_it_and_is_told_of_it() -> None:
    batcher = Batcher(9, unit_of=lambda rows: rows["unit"].to_list())
    batcher.add(items((0, "a", 0)), 0.0)
    first = batcher.next(1, 0.0, closed=False, is_last=False)
    assert first is not None and not first.begun
    batcher.add(items((1, "a", 0)), 0.0)

    assert batcher.next(1, 0.0, closed=False, is_last=False) is None
    batcher.ended(first, ["i0"])
    second = batcher.next(1, 0.0, closed=False, is_last=False)
    assert second is not None and second.begun == {"a"}


def test_items_that_are_through_since_before_make_their_unit_a_begun_one() -> None:
    batcher = Batcher(9, unit_of=lambda rows: rows["unit"].to_list())

    batcher.add(items((0, "a", 0), (1, "a", 0), (2, "b", 0)), 0.0, done={"i0"})

    batch = batcher.next(1, 0.0, closed=True, is_last=True)
    assert ids(batch) == ["i1", "i2"] and batch is not None and batch.begun == {"a"}


def test_items_wait_for_their_partners_and_for_others_to_fill_a_batch() -> None:
    there: set[str] = set()
    batcher = Batcher(2, 10.0, is_ready=lambda rows: pl.Series([item in there for item in rows[ITEM_ID]]))
    batcher.add(items((0, "", 0), (1, "", 0)), 0.0)
    assert batcher.next(1, 0.0, closed=True, is_last=False) is None

    there.add("i1")
    batcher.look_again(5.0)

    assert batcher.next(1, 14.9, closed=False, is_last=False) is None  # it has waited since its partner came
    assert ids(batcher.next(1, 15.1, closed=False, is_last=False)) == ["i1"]
    assert batcher.left()[ITEM_ID].to_list() == ["i0"]


@given(
    rows=st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 1)), min_size=1, max_size=14),
    bad=st.sets(st.integers(0, 13)),
    size=st.integers(0, 5),
    lanes=st.integers(1, 3),
    steps=st.lists(st.integers(0, 2), max_size=40),
    arrivals=st.integers(1, 4),
)
def test_whatever_fails_each_item_comes_through_or_is_given_up_once(
    rows: list[tuple[str, int]], bad: set[int], size: int, lanes: int, steps: list[int], arrivals: int
) -> None:
    """A model of the job around it: bad items make their whole batch fail, as a program's call does."""
    batcher = Batcher(
        size, unit_of=lambda frame: frame["unit"].to_list(), call_of=lambda frame: frame["call"]
    )
    # All items of a unit belong to one call, as all particles of a micrograph do.
    calls: dict[str, int] = {}
    frame = items(*((n, unit, calls.setdefault(unit, call)) for n, (unit, call) in enumerate(rows)))
    parts = [frame.slice(start, arrivals) for start in range(0, frame.height, arrivals)]
    busy: list[Batched] = []
    through: list[str] = []
    given_up: list[str] = []

    def end_one() -> None:
        batch = busy.pop(0)
        names = ids(batch)
        failed = any(f"i{number}" in names for number in bad)
        done = [] if failed else names
        through.extend(done)
        if not batcher.ended(batch, done) and failed:
            given_up.extend(names)

    for step in [*steps, *[0] * len(parts), *[1, 2] * 400]:
        if step == 0 and parts:
            batcher.add(parts.pop(0), 0.0)
        elif step == 1 and len(busy) < lanes:
            batch = batcher.next(lanes - len(busy), 0.0, closed=not parts, is_last=not parts)
            if batch is not None:
                assert batch.items["call"].n_unique() == 1
                units = set(batch.items["unit"])
                assert not any(units & set(other.items["unit"]) for other in busy)
                assert batch.is_unit == (len(units) == 1)
                assert batch.begun == {u for u in units if any(rows[int(i[1:])][0] == u for i in through)}
                busy.append(batch)
        elif step == 2 and busy:
            end_one()

    assert not busy and not batcher.left().height and not batcher.has_again
    assert sorted(through + given_up) == sorted(frame[ITEM_ID])


@pytest.mark.parametrize("lanes", [1, 2, 3])
def test_what_is_there_is_shared_among_the_lanes_that_have_nothing_to_do(lanes: int) -> None:
    batcher = Batcher(100)
    batcher.add(items(*((n, "", 0) for n in range(6))), 0.0)

    assert len(ids(batcher.next(lanes, 0.0, closed=False, is_last=False))) == 6 // lanes
