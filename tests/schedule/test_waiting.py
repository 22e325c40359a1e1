"""Who waits in vain is told so, and neither started nor waited for."""

from cryoloom.schedule.decide import decide
from cryoloom.schedule.facts import JobFacts, Need
from cryoloom.schedule.waiting import Wait, Waits


def waits(*jobs: JobFacts) -> dict[str, Wait]:
    known = {job.name: job for job in jobs}
    waiting = Waits(known.get)
    return {job.name: waiting.of(job) for job in jobs if job.state == "scheduled"}


def follows(name: str, parent: str, **more: object) -> JobFacts:
    return JobFacts(name, "scheduled", needs=(Need(parent, "o", True),), **more)  # type: ignore[arg-type]


def test_who_follows_one_that_waits_in_vain_is_not_started_again_and_again() -> None:
    stopped = JobFacts("a", "aborted", open_outputs=frozenset({"o"}))
    middle = follows("b", "a", attempt=1, open_outputs=frozenset({"o"}))
    last = follows("c", "b", attempt=1)

    decision = decide({job.name: job for job in (stopped, middle, last)})

    assert decision.actions == () and not decision.busy
    assert decision.waits["c"] == "waits for b, which waits in vain"


def test_who_follows_one_that_goes_on_by_itself_is_started() -> None:
    parent = JobFacts(
        "a", "scheduled", attempt=1, open_outputs=frozenset({"o"}), since_end_s=0, lost_in_a_row=1
    )

    assert waits(parent, follows("b", "a"))["b"] == Wait()


def test_what_is_waited_for_in_vain_is_told_before_what_will_come() -> None:
    needs = (Need("a", "o", False), Need("b", "o", False))
    jobs = (JobFacts("a", "running"), JobFacts("b", "failed"), JobFacts("c", "scheduled", needs=needs))

    assert waits(*jobs)["c"] == Wait("needs b, which failed; cryoloom resume b", end="b")


def test_a_closed_output_of_a_job_that_failed_is_not_waited_for() -> None:
    parent = JobFacts("a", "failed", closed_outputs=frozenset({"o"}), open_outputs=frozenset({"o"}))

    assert waits(parent, follows("b", "a"))["b"] == Wait()


def test_the_name_of_the_job_to_take_up_is_found_however_long_the_chain() -> None:
    chain = [JobFacts("j0", "failed"), *(follows(f"j{n}", f"j{n - 1}") for n in range(1, 3000))]

    assert waits(*reversed(chain))["j2999"] == Wait("waits for j2998, which waits in vain", end="j0")


def test_a_job_of_a_protocol_that_nobody_has_is_waited_for_in_vain_and_one_of_relion_s_is_not() -> None:
    unknown = JobFacts("a", "scheduled", "protocol nobodys.thing: not found", foreign=True)

    assert waits(unknown, follows("b", "a"))["b"].end == "a"
    assert waits(JobFacts("a", "scheduled", foreign=True), follows("b", "a"))["b"] == Wait(
        "waits for a (scheduled)"
    )


def test_a_job_that_is_gone_is_waited_for_in_vain() -> None:
    job = JobFacts("b", "scheduled", wait_for=("a",))

    assert waits(job)["b"] == Wait("waits for a, which is not in the project", end="a")
