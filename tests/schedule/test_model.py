"""Whatever happens to jobs, processes, schedulers and the disk, what the scheduler decides keeps its promises.

`world.py` checks them at each step: no job has two attempts at once; none starts before its needs, without room on the disk or
once more than is worth while; slots are never given twice; what was stopped or has ended stays so until a user says otherwise;
and when nothing disturbs any more all jobs end.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from world import COURSE, FAULTS, WISHES, World

shapes = st.lists(
    st.tuples(st.integers(1, 4), st.integers(-1, 3), st.integers(-1, 1), st.booleans()),
    min_size=1,
    max_size=4,
)
# Mostly what brings a job forward, and some events in a row of the same job: else none gets far enough to be disturbed.
events = st.sampled_from([*COURSE * 2, "look_once", *FAULTS, *WISHES])
stories = st.lists(st.tuples(st.integers(0, 3), st.lists(events, min_size=1, max_size=8)), max_size=14)


@settings(max_examples=3 * settings.default.max_examples)  # most are over soon
@given(shapes, stories)
def test_promises_hold_whatever_happens_and_all_ends_when_nothing_disturbs(
    made: list[tuple[int, int, int, bool]], story: list[tuple[int, list[str]]]
) -> None:
    world = World(made)
    for which, happenings in story:
        for what in happenings:
            world.happen(what, which)

    finish(world)

    assert {job.state for job in world.jobs.values()} == {"succeeded"}


def finish(world: World) -> None:
    """Nothing disturbs any more; stops are taken back, and who fails is asked for once more."""
    world.happen("make_room", 0)
    for which in range(len(world.jobs)):
        world.happen("resume", which)
    for _ in range(60):
        for which, job in enumerate(world.jobs.values()):
            if job.state in ("failed", "aborted"):
                world.happen("resume", which)
            for what in ("arrive", "speak", "ask", "progress", "succeed", "exit"):
                world.happen(what, which)
        world.happen("wait", 0)
        world.look()


@pytest.mark.parametrize("looks", [2, 5])
def test_looking_again_without_news_decides_nothing_new(looks: int) -> None:
    world = World([(1, -1, 0, True), (1, 0, 0, True)])
    world.look()

    assert not any(world.look() for _ in range(looks))
