"""Slots are given once, to the most urgent first; a refusal says by whom they are held."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryoloom.schedule.slots import HOLD_S, LOOK_S, Machine, Request, Use, held_by, why_after, why_not

TWO = Machine(cores=2, memory_mb=8192, gpus=("0", "1"))


def use(job: str, cores: int = 1, **more: object) -> Use:
    return Use(1, 1, "", job, cores, **more)  # type: ignore[arg-type]


def test_what_is_held_is_not_given_twice() -> None:
    others = [use("a", gpus=("0",))]

    assert not why_not(Request("b"), others, TWO)
    assert why_not(Request("b", cores=2), others, TWO) == "needs 2 cores; 1 of 2 free (a holds 1)"
    assert why_not(Request("b", gpus=frozenset({"0"})), others, TWO) == "needs GPU 0; a holds 0"
    assert not why_not(Request("b", gpus=frozenset({"1"})), others, TWO)


def test_memory_counts_as_cores_do() -> None:
    others = [use("a", memory_mb=6144)]

    why = why_not(Request("b", memory_mb=4096), others, TWO)

    assert why == "needs 4 GB of memory; 2 GB of 8 GB free (a holds 6 GB)"
    assert not why_not(Request("b", memory_mb=2048), others, TWO)


def test_a_job_larger_than_the_machine_runs_alone() -> None:
    large = Request("b", cores=6, memory_mb=100_000)

    assert not why_not(large, [], TWO)
    assert why_not(large, [use("a")], TWO)


def test_a_job_that_runs_alone_waits_for_all_and_all_wait_for_it() -> None:
    assert why_not(Request("b", alone=True), [use("a")], TWO) == "runs alone; waits for a"
    assert why_not(Request("b"), [use("a", alone=True)], TWO) == "a runs alone"
    assert not why_not(Request("b", alone=True), [], TWO)


def test_a_plugin_s_limit_holds_over_all_jobs() -> None:
    machine = Machine(cores=16, limits={"motioncor": 1})
    others = [use("a", plugin="motioncor")]

    refused = why_not(Request("b", plugin="motioncor"), others, machine)
    assert refused == "at most 1 of motioncor at once; a runs"
    assert not why_not(Request("b", plugin="relion"), others, machine)


def test_a_job_of_another_project_is_named_with_it() -> None:
    theirs = use("Refine3D/job020", 2, project="/data/p2")

    why = why_not(Request("b", project="/data/p1"), [theirs], TWO)

    assert why == "needs 1 core; 0 of 2 free (Refine3D/job020 of /data/p2 holds 2)"
    assert "of /data" not in why_not(Request("b", project="/data/p2"), [theirs], TWO)


def test_the_more_urgent_request_goes_first_though_a_smaller_one_would_fit() -> None:
    urgent = Request("u", cores=2, priority=1, since=5.0, looked=6.0)
    held = [use("a")]

    assert why_after(Request("b", since=1.0), [urgent], held, TWO, 6.0) == "after u, which waits for slots"
    assert not why_after(urgent, [Request("b", since=1.0, looked=6.0)], held, TWO, 6.0)


def test_of_equals_the_one_that_has_waited_longer_goes_first() -> None:
    old, young = Request("old", since=1.0, looked=2.0), Request("young", since=2.0, looked=2.0)
    one_free = [use("a")]

    assert why_after(young, [old], one_free, TWO, 2.0) == "after old, which waits for slots"
    assert not why_after(old, [young], one_free, TWO, 2.0)
    assert not why_after(young, [old], [], TWO, 2.0), "there is room for both"


def test_who_does_not_look_any_more_is_not_waited_for() -> None:
    stopped = Request("stopped", priority=1, since=1.0, looked=2.0)

    assert why_after(Request("b", since=3.0), [stopped], [use("a")], TWO, 3.0)
    assert not why_after(Request("b", since=3.0), [stopped], [use("a")], TWO, 2.0 + LOOK_S + 0.1)


def test_a_large_request_is_overtaken_but_not_for_ever() -> None:
    large = Request("large", cores=2, since=0.0, looked=HOLD_S)
    small = Request("small", cores=1, since=1.0)
    held = [use("a")]

    assert not why_after(small, [large], held, TWO, now=2.0)
    assert why_after(small, [large], held, TWO, now=HOLD_S + 1.0)


def test_a_job_s_own_lanes_do_not_wait_for_each_other_by_name_alone() -> None:
    mine = Request("a", since=2.0, project="/p1")

    assert not why_after(mine, [Request("a", since=1.0, looked=2.0, project="/p1")], [use("x")], TWO, 2.0)
    assert why_after(mine, [Request("a", since=1.0, looked=2.0, project="/p2")], [use("x")], TWO, 2.0)


def test_lanes_of_a_job_that_runs_alone_do_not_wait_for_each_other() -> None:
    assert not why_not(Request("a", alone=True), [use("a", alone=True)], TWO)
    assert why_not(Request("b"), [use("a", alone=True)], TWO)


@pytest.mark.parametrize(
    "waits",
    [
        Request("other", cores=2, gpus=frozenset({"0"}), priority=1),
        Request("other", cores=2, gpus=frozenset({"0"})),
        Request("other", cores=2, plugin="p"),
    ],
)
def test_no_cores_are_kept_for_what_waits_for_a_gpu_or_for_another_of_its_plugin(waits: Request) -> None:
    machine = Machine(cores=4, gpus=("0",), limits={"p": 1})
    held = [use("x", gpus=("0",), plugin="p")]
    late = HOLD_S + 10
    waits = replace(waits, since=1.0, looked=late)

    assert not why_after(Request("small", since=late), [waits], held, machine, late)


def test_what_another_project_s_settings_keep_waiting_keeps_nobody_else_waiting() -> None:
    held = [use("x", plugin="p", project="/p1")]
    theirs = Request(
        "other", plugin="p", project="/p1", since=1.0, looked=2.0, most_cores=2, most_of_plugin=1
    )
    mine = Request("mine", project="/p2", since=2.0)
    no_limits = Machine(cores=2)

    assert not why_after(mine, [theirs], held, no_limits, 2.0)
    assert why_after(mine, [replace(theirs, most_of_plugin=None)], held, no_limits, 2.0)


@given(
    st.lists(
        st.tuples(st.integers(1, 3), st.integers(0, 1), st.integers(0, 2), st.booleans()),
        min_size=2,
        max_size=8,
    ),
    st.randoms(use_true_random=False),
)
def test_all_who_wait_get_their_turn_in_the_order_in_which_they_came(
    shapes: list[tuple[int, int, int, bool]], random: Random
) -> None:
    machine = Machine(cores=3, gpus=("0", "1"), limits={"p": 1})
    waiting = [
        Request(
            f"j{number}",
            cores,
            priority=priority,
            gpus=frozenset({str(gpu)} if gpu < 2 else ()),
            plugin="p" if limited else "",
            since=float(number),
        )
        for number, (cores, priority, gpu, limited) in enumerate(shapes)
    ]
    held: list[Use] = []
    now = 100.0

    while waiting:
        now += 1.0
        waiting = [replace(request, looked=now) for request in waiting]
        granted = []
        for request in random.sample(waiting, len(waiting)):
            rivals = [other for other in waiting if other is not request and other not in granted]
            if why_not(request, held, machine) or why_after(request, rivals, held, machine, now):
                continue
            with_it = [*held, held_by(request)]
            twins = [
                other for other in rivals if same_shape(other, request) and why_not(other, with_it, machine)
            ]
            assert all(request.since < other.since for other in twins), "overtaken by its equal"
            granted.append(request)
            held.append(held_by(request))
        assert sum(use.cores for use in held) <= machine.cores
        waiting = [request for request in waiting if request not in granted]
        assert held, "all wait for each other"
        held.remove(random.choice(held))


def same_shape(one: Request, other: Request) -> bool:
    return replace(one, job="", since=0.0) == replace(other, job="", since=0.0)


def test_a_long_refinement_that_wants_all_cores_leaves_the_stream_its_share() -> None:
    machine = Machine(4, live_cores=1)
    refinement = Request("refine", cores=4)
    movie = Request("motion", cores=1, live=True)

    assert not why_not(refinement, [], machine)
    held = replace(held_by(refinement), cores=3)  # as `request_of` asks for it

    assert not why_not(movie, [held], machine)
    assert (
        why_not(Request("other"), [held], machine) == "needs 1 core; 1 core kept for streams (refine holds 3)"
    )
    assert why_not(movie, [held, held_by(movie)], machine).startswith("needs 1 core; 0 of 4 free")


def test_streams_may_take_all_cores_and_then_others_wait_for_whom_they_name() -> None:
    machine = Machine(4, live_cores=1)
    movies = held_by(Request("motion", cores=4, live=True))

    assert not why_not(Request("motion", cores=4, live=True), [], machine)
    assert (
        why_not(Request("refine", cores=4), [movies], machine)
        == "needs 3 cores; 0 of 4 free (motion holds 4)"
    )
