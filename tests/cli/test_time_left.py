"""The time left is told by the pace of what runs now, whatever pauses there were before."""

from cryoloom.api.summary import seconds_left
from cryoloom.project.events import fold, read_event
from cryoloom.project.history import JobHistory


def history(*events: tuple[float, str, dict[str, object]]) -> JobHistory:
    found = JobHistory()
    attempt = 0
    for seq, (t, kind, more) in enumerate(events, start=1):
        attempt += kind == "attempt.started"
        fold(found, *read_event({"seq": seq, "t": t, "kind": kind, "attempt": attempt, **more}))
    return found


def test_a_pause_between_two_attempts_does_not_count() -> None:
    iteration = {"iteration": None, "text": "", "of": 20}
    paused = history(
        (0.0, "attempt.started", {}), (10.0, "progress", {**iteration, "done": 5}),
        (1000.0, "attempt.started", {}), (1010.0, "progress", {**iteration, "done": 10}),
    )  # fmt: skip

    assert seconds_left(paused, "running") == 20.0
    assert seconds_left(paused, "scheduled") is None


def test_before_the_first_item_of_an_attempt_nothing_is_told() -> None:
    def done(item: str) -> dict[str, object]:
        return {"items": [item], "failed": [], "outputs": {}}

    first = [(0.0, "attempt.started", {}), (1.0, "items.known", {"total": 4}), (2.0, "items.done", done("a"))]
    again = [(100.0, "attempt.started", {}), (101.0, "items.known", {"total": 4})]

    assert seconds_left(history(*first), "running") == 6.0
    assert seconds_left(history(*first, *again), "running") is None
    assert seconds_left(history(*first, *again, (103.0, "items.done", done("b"))), "running") == 6.0
