"""A job's state from what its attempts, its journal and its user say."""

import pytest

from cryoloom.schedule.state import AttemptFacts, Told, Wishes, is_done, state_of

LOST = AttemptFacts(1, claimed=True, ended_by="killed", how="killed by signal 9")
ENDED = AttemptFacts(1, claimed=True, ended_by="exit")
GIVEN_UP = AttemptFacts(2, claimed=True, ended_by="killed", given_up="three")
LIVES = AttemptFacts(1, claimed=True, lives=True)


def numbered(attempt: AttemptFacts, number: int) -> AttemptFacts:
    return AttemptFacts(
        number, attempt.claimed, attempt.lives, attempt.host, attempt.ended_by, attempt.how, attempt.given_up
    )


@pytest.mark.parametrize(
    ("attempts", "told", "wishes", "state", "why"),
    [
        ((), Told(), Wishes(), "scheduled", ""),
        ((), Told(), Wishes(stop=True), "aborted", "not started"),
        ((AttemptFacts(1),), Told(), Wishes(), "running", ""),
        ((LIVES,), Told(1, waiting="needs 2 cores"), Wishes(), "running", "needs 2 cores"),
        ((AttemptFacts(1, True, lives=False),), Told(1), Wishes(), "running", "interrupted: its process is gone"),
        ((LOST,), Told(1), Wishes(), "scheduled", "killed by signal 9"),
        ((ENDED,), Told(1, suspended="no room"), Wishes(), "scheduled", "no room"),
        ((ENDED,), Told(1, "succeeded"), Wishes(), "succeeded", ""),
        ((ENDED,), Told(1, "succeeded"), Wishes(stop=True), "succeeded", ""),
        ((ENDED,), Told(1, "failed", "no more"), Wishes(), "failed", "no more"),
        ((ENDED,), Told(1, "failed", "no more"), Wishes(stop=True), "failed", "no more"),
        ((LOST,), Told(1), Wishes(stop=True), "aborted", "stopped by the user"),
        ((AttemptFacts(1, True, ended_by="exit", given_up="three"),), Told(1), Wishes(), "failed", "three"),
        ((numbered(LOST, 2), ENDED), Told(1, "failed", "x"), Wishes(True, fresh=1), "failed", "x"),
        ((numbered(LOST, 2), ENDED), Told(1), Wishes(True, fresh=1), "aborted", "stopped by the user"),
        ((GIVEN_UP, ENDED), Told(1), Wishes(fresh=1), "failed", "three"),
        # More was asked of what had ended, and none of the new attempts could speak.
        ((GIVEN_UP, ENDED), Told(1, "succeeded"), Wishes(fresh=1), "failed", "three"),
        ((GIVEN_UP, ENDED), Told(1, "failed", "long ago"), Wishes(fresh=1), "failed", "three"),
        ((GIVEN_UP, ENDED), Told(1, "succeeded"), Wishes(stop=True, fresh=1), "succeeded", ""),
        # After a resume, and a new attempt that died before it could speak.
        ((ENDED,), Told(1, "failed"), Wishes(fresh=1), "scheduled", ""),
        ((numbered(LOST, 2), ENDED), Told(1, "failed"), Wishes(fresh=1), "scheduled", "killed by signal 9"),
    ],
)  # fmt: skip
def test_the_state_and_the_reason_follow_from_the_facts(
    attempts: tuple[AttemptFacts, ...], told: Told, wishes: Wishes, state: str, why: str
) -> None:
    known = state_of(attempts, told, wishes)

    assert (known.state, known.why) == (state, why)


def test_attempts_count_as_lost_back_to_the_last_that_got_something_done_or_was_asked_for() -> None:
    attempts = [numbered(LOST, number) for number in (4, 3, 2, 1)]

    assert state_of(attempts, Told(4), Wishes()).lost_in_a_row == 4
    assert state_of(attempts, Told(4, last_progress=2), Wishes()).lost_in_a_row == 2
    assert state_of(attempts, Told(4), Wishes(fresh=3)).lost_in_a_row == 1
    cancelled = AttemptFacts(4, True, ended_by="cancel")
    assert state_of([cancelled, *attempts[1:]], Told(4), Wishes()).lost_in_a_row == 3


def test_no_earlier_attempt_is_looked_at_without_need() -> None:
    def attempts():  # type: ignore[no-untyped-def]
        yield numbered(ENDED, 2)
        raise AssertionError("an earlier attempt was read")

    assert state_of(attempts(), Told(2, "succeeded"), Wishes()).lost_in_a_row == 0
    assert state_of(attempts(), Told(2, last_progress=1), Wishes()).lost_in_a_row == 1


def test_who_is_asked_for_anew_forgets_what_room_it_lacked() -> None:
    told = Told(1, suspended="no room", cause="disk", needs_free=9)

    assert state_of((ENDED,), told, Wishes()).needs_free == 9
    assert state_of((ENDED,), told, Wishes(fresh=1)).needs_free == 0


def test_the_last_word_of_an_attempt_counts_until_a_new_one_is_asked_for() -> None:
    assert state_of((LIVES,), Told(1, "failed"), Wishes()).last_word == "failed"
    assert state_of((numbered(LIVES, 2), ENDED), Told(1, "failed"), Wishes(fresh=1)).last_word == ""


def test_an_attempt_is_ended_for_another_only_where_it_was_there_when_that_was_asked() -> None:
    asked = Wishes(fresh=1, reopen=1)

    assert state_of((LIVES,), Told(1), asked).wants_anew
    assert state_of((LIVES,), Told(1), asked).state == "running"
    assert not state_of((numbered(LIVES, 2), ENDED), Told(2), asked).wants_anew


def test_outputs_that_are_opened_again_look_closed_until_the_next_attempt_speaks() -> None:
    asked = Wishes(fresh=1, reopen=1)

    assert state_of((ENDED,), Told(1, "succeeded"), asked).reopening
    assert state_of((numbered(LIVES, 2), ENDED), Told(1, "succeeded"), asked).reopening
    assert not state_of((numbered(LIVES, 2), ENDED), Told(2), asked).reopening
    assert not state_of((ENDED,), Told(1, "succeeded"), Wishes()).reopening


def test_an_attempt_at_a_job_that_has_succeeded_does_nothing_unless_more_was_asked() -> None:
    assert is_done(Told(1, "succeeded"), Wishes())
    assert not is_done(Told(1, "succeeded"), Wishes(fresh=1))
    assert not is_done(Told(1, "failed"), Wishes())
