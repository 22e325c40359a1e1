"""What the scheduler sees of a job is what its state, its outputs and its launcher say together."""

import pytest

from cryoloom.schedule.decide import decide
from cryoloom.schedule.facts import SILENT_S, Ages, Asked, JobFacts, Need, Outputs, facts_of
from cryoloom.schedule.state import AttemptFacts, Told, Wishes, state_of

MADE = Outputs(frozenset("o"), frozenset("o"), grow=True)
ENDED = AttemptFacts(1, claimed=True, ended_by="exit")
ELSEWHERE = AttemptFacts(1, claimed=True, lives=None, host="node7")


def seen(attempt: AttemptFacts, told: Told, wishes: Wishes, ages: Ages) -> JobFacts:
    return facts_of("a", state_of([attempt], told, wishes), Asked(), MADE, ages)


def test_what_is_opened_again_is_not_taken_for_complete_by_those_that_need_it() -> None:
    parent = seen(ENDED, Told(1, "succeeded"), Wishes(fresh=1, reopen=1), Ages())
    child = JobFacts("b", "scheduled", needs=(Need("a", "o", False),))

    assert not (parent.open_outputs or parent.closed_outputs or parent.gives_early)
    assert decide({"a": parent, "b": child}).waits["b"] == "waits for a (scheduled)"


def test_an_attempt_without_a_claim_is_nobodys() -> None:
    facts = seen(AttemptFacts(1), Told(), Wishes(), Ages(since_launch_s=3.0, unclaimed_s=2.0))

    assert (facts.claimed, facts.seen_unclaimed_s, facts.launched_s) == (False, 2.0, 3.0)


def test_a_launch_counts_while_the_attempt_goes_on_here_or_may() -> None:
    ages = Ages(since_launch_s=3.0)

    assert seen(AttemptFacts(1, True, lives=True), Told(1), Wishes(), ages).launched_s == 3.0
    assert seen(ELSEWHERE, Told(), Wishes(), ages).launched_s is None
    assert seen(ENDED, Told(1), Wishes(), ages).launched_s is None


@pytest.mark.parametrize(("silent_s", "lives"), [(SILENT_S - 1, None), (SILENT_S + 1, False)])
def test_a_launcher_is_believed_where_nobody_sees_the_process_and_not_at_once(
    silent_s: float, lives: bool | None
) -> None:
    assert seen(ELSEWHERE, Told(1), Wishes(), Ages(silent_s=silent_s)).lives is lives


def test_a_process_that_is_seen_lives_whatever_its_launcher_says() -> None:
    here = AttemptFacts(1, claimed=True, lives=True)

    assert seen(here, Told(1), Wishes(), Ages(silent_s=SILENT_S + 1)).lives is True
