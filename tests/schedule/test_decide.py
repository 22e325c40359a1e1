"""What may start, what waits and why: facts in, actions out."""

from dataclasses import replace

from cryoloom.schedule.decide import (
    LAUNCH_S,
    CallLost,
    Cancel,
    GiveUp,
    Launch,
    LaunchAgain,
    OpenFollowers,
    decide,
)
from cryoloom.schedule.facts import JobFacts, Need, SlotFacts
from cryoloom.schedule.slots import Machine, Request, Use, held_by


def judged(*jobs: JobFacts):  # type: ignore[no-untyped-def]
    return decide({job.name: job for job in jobs})


def test_a_job_without_needs_starts() -> None:
    assert judged(JobFacts("a", "scheduled")).actions == (Launch("a", 0),)


def test_a_streaming_job_starts_when_its_input_is_open_and_another_waits_for_its_end() -> None:
    producer = JobFacts("a", "running", open_outputs=frozenset({"movies"}))
    streaming = JobFacts("b", "scheduled", needs=(Need("a", "movies", True),))
    whole = JobFacts("c", "scheduled", needs=(Need("a", "movies", False),))

    decision = judged(producer, streaming, whole)

    assert decision.actions == (Launch("b", 0),)
    assert decision.waits == {"c": "waits for a (running)"}


def test_a_chain_begins_as_one_where_nothing_of_the_input_is_needed_to_start() -> None:
    source = JobFacts("a", "running", gives_early=True)
    early = JobFacts("b", "scheduled", needs=(Need("a", "movies", True, early=True),))
    auto = JobFacts("c", "scheduled", needs=(Need("a", "movies", True),))
    behind_a_program = JobFacts("e", "scheduled", needs=(Need("d", "particles", True, early=True),))

    decision = judged(source, early, auto, JobFacts("d", "running"), behind_a_program)

    assert decision.actions == (Launch("b", 0),)
    assert decision.waits == {"c": "waits for a (running)", "e": "waits for d (running)"}


def test_a_job_below_a_failed_one_says_what_to_do_and_nothing_is_busy() -> None:
    failed = JobFacts("a", "failed")
    child = JobFacts("b", "scheduled", needs=(Need("a", "x", True),))
    grandchild = JobFacts("c", "scheduled", needs=(Need("b", "x", True),))

    decision = judged(failed, child, grandchild)

    assert decision.waits["b"] == "needs a, which failed; cryoloom resume a"
    assert not decision.busy and not decision.actions


def test_a_stop_ends_an_attempt_that_nobody_claims_too() -> None:
    fresh = JobFacts("a", "running", wants_stop=True, claimed=False, attempt_ended=False, seen_unclaimed_s=1)
    old = JobFacts("a", "running", wants_stop=True, claimed=False, attempt_ended=False, seen_unclaimed_s=60)

    assert judged(fresh).actions == (Cancel("a", 0),)
    assert judged(old).actions == (CallLost("a", 0),)


def test_a_stop_of_an_attempt_whose_process_is_gone_calls_it_lost() -> None:
    gone = JobFacts("a", "running", wants_stop=True, attempt=1, attempt_ended=False, lives=False)
    elsewhere = JobFacts("a", "running", wants_stop=True, attempt=1, attempt_ended=False, lives=None)

    assert judged(gone).actions == (CallLost("a", 1),)
    assert judged(elsewhere).actions == (Cancel("a", 1),)


def test_wait_for_means_success() -> None:
    assert judged(JobFacts("a", "running"), JobFacts("b", "scheduled", wait_for=("a",))).waits == {
        "b": "waits for a (running)"
    }
    assert judged(JobFacts("a", "succeeded"), JobFacts("b", "scheduled", wait_for=("a",))).actions == (
        Launch("b", 0),
    )


def test_a_job_whose_cores_are_taken_says_by_whom() -> None:
    job = JobFacts("a", "scheduled", request=Request("a", cores=2))

    decision = decide({"a": job}, SlotFacts(Machine(2), uses=(Use(1, 1, "", "x", 2),)))

    assert decision.waits["a"] == "needs 2 cores; 0 of 2 free (x holds 2)"
    assert decision.wants_slots == {"a": job.request}
    assert decision.busy


def test_slots_are_given_once_in_one_look_and_to_the_most_urgent_first() -> None:
    jobs = {
        name: JobFacts(
            name, "scheduled", request=Request(name, cores=2, priority=priority), priority=priority
        )
        for name, priority in (("a", 0), ("b", 1))
    }

    decision = decide(jobs, SlotFacts(Machine(2)))

    assert decision.actions == (Launch("b", 0),)
    assert decision.waits == {"a": "needs 2 cores; 0 of 2 free (b holds 2)"}


def test_the_slots_of_a_launched_job_are_kept_until_its_process_asks_for_them() -> None:
    request = Request("a", cores=2)
    scheduled = JobFacts("a", "scheduled", request=request)
    launched = replace(scheduled, state="running", attempt=1, attempt_ended=False, launched_s=0.1)
    held = replace(held_by(request), pid=7)

    def wanted(job: JobFacts, *uses: Use) -> dict[str, Request]:
        return dict(decide({"a": job}, SlotFacts(Machine(2), uses)).wants_slots)

    assert wanted(scheduled) == wanted(launched) == {"a": request}
    assert wanted(launched, held) == {}, "it has asked"
    assert wanted(launched, replace(held, project="another")) == {"a": request}
    assert wanted(replace(launched, launched_s=LAUNCH_S + 1)) == {}, "its process hangs"
    assert wanted(replace(launched, launched_s=None)) == {}, "it has ended"


def test_a_job_does_not_start_before_one_that_has_waited_longer_for_the_same_slots() -> None:
    older = Request("x", cores=2, since=1.0, looked=5.0)
    job = JobFacts("a", "scheduled", request=Request("a", cores=2))

    decision = decide({"a": job}, SlotFacts(Machine(2), waiting=(older,), now=5.0))

    assert decision.waits == {"a": "after x, which waits for slots"}


def test_a_lost_attempt_is_called_lost_and_the_next_one_waits_longer_each_time() -> None:
    assert judged(JobFacts("a", "running", attempt=1, attempt_ended=False, lives=False)).actions == (
        CallLost("a", 1),
    )
    soon = JobFacts("a", "scheduled", attempt=2, lost_in_a_row=2, since_end_s=1.0)
    later = JobFacts("a", "scheduled", attempt=2, lost_in_a_row=2, since_end_s=6.0)
    assert judged(soon).actions == ()
    assert judged(later).actions == (Launch("a", 2),)


def test_three_lost_attempts_without_progress_are_enough() -> None:
    [action] = judged(JobFacts("a", "scheduled", why="killed", attempt=3, lost_in_a_row=3)).actions

    assert isinstance(action, GiveUp) and "3 attempts" in action.why


def test_an_attempt_that_nobody_claims_is_launched_again_under_its_number() -> None:
    young = JobFacts("a", "running", attempt=1, attempt_ended=False, claimed=False, seen_unclaimed_s=2)
    old = JobFacts("a", "running", attempt=1, attempt_ended=False, claimed=False, seen_unclaimed_s=30)

    assert judged(young).actions == ()
    assert judged(old).actions == (LaunchAgain("a", 1),)


def test_a_running_job_that_is_not_wanted_is_cancelled() -> None:
    assert judged(JobFacts("a", "running", attempt=1, attempt_ended=False, wants_stop=True)).actions == (
        Cancel("a", 1),
    )


def test_a_job_of_relion_s_is_waited_for_but_never_touched_and_keeps_nobody_busy() -> None:
    foreign = JobFacts("a", "scheduled", foreign=True)
    ours = JobFacts("b", "scheduled", needs=(Need("a", "particles", False),))

    decision = judged(foreign, ours)

    assert decision.actions == ()
    assert decision.waits == {"b": "waits for a (scheduled)"}
    assert decision.busy, "ours is to be started when RELION's has ended"
    assert not judged(foreign).busy


def test_a_job_on_another_host_is_left_alone() -> None:
    assert judged(JobFacts("a", "running", attempt=1, attempt_ended=False, lives=None)).actions == ()


def test_a_job_that_is_tried_again_while_it_runs_is_ended_first_and_once() -> None:
    running = JobFacts("a", "running", wants_anew=True, attempt=1, attempt_ended=False)

    assert decide({"a": running}).actions == (Cancel("a", 1),)
    assert decide({"a": replace(running, lives=False)}).actions == (CallLost("a", 1),)
    again = replace(running, state="scheduled", attempt_ended=True)
    assert decide({"a": again}).actions == (Launch("a", 1),)


def test_who_followed_is_opened_by_a_job_that_has_ended_too() -> None:
    ended = JobFacts("a", "succeeded", opens=("b",))

    assert decide({"a": ended, "b": JobFacts("b", "succeeded")}).actions == (OpenFollowers("a"),)
