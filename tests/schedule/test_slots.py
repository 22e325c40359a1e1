"""Slots are given once, to the most urgent first; a refusal says by whom they are held."""

from cryoloom.schedule.slots import HOLD_S, Machine, Request, Use, why_after, why_not

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


def test_the_more_urgent_request_goes_first_though_a_smaller_one_would_fit() -> None:
    urgent = Request("u", cores=2, priority=1, since=5.0)
    held = [use("a")]

    assert why_after(Request("b", since=1.0), [urgent], held, TWO, 6.0) == "after u, which waits for slots"
    assert not why_after(urgent, [Request("b", since=1.0)], held, TWO, 6.0)


def test_a_large_request_is_overtaken_but_not_for_ever() -> None:
    large = Request("large", cores=2, since=0.0)
    small = Request("small", cores=1, since=1.0)
    held = [use("a")]

    assert not why_after(small, [large], held, TWO, now=2.0)
    assert why_after(small, [large], held, TWO, now=HOLD_S + 1.0)
