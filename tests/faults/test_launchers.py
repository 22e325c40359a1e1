"""Whatever a launcher does with an attempt, late, never, twice or not at all, its job runs once and ends."""

import json
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from waiting import until

from cryoloom.engine.deeds import do
from cryoloom.engine.facts import FactGatherer
from cryoloom.errors import LaunchError
from cryoloom.launchers.at_hand import AtHand
from cryoloom.launchers.launcher import Standing, read_handle
from cryoloom.launchers.local import Local
from cryoloom.launchers.machine import this_machine
from cryoloom.project.attempts import attempt_numbers, write_control
from cryoloom.project.entry import JobEntry
from cryoloom.project.folder import ProjectFolder
from cryoloom.project.settings import load_settings
from cryoloom.schedule import decide as judgement
from cryoloom.schedule import facts as known
from cryoloom.schedule.decide import Action, LaunchAgain, decide

pytestmark = pytest.mark.timeout(120)


@dataclass
class Queue:
    """A batch system that does what the test says; what it starts is started here."""

    name = "queue"
    told: Standing = "unknown"
    refuses: str = ""
    attempts: list[Path] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    at_once: Callable[[int], int] = lambda number: 0  # how many shepherds the n-th submission starts
    here: Local = field(default_factory=Local)

    def submit(self, attempt: Path) -> str:
        if self.refuses:
            raise LaunchError("sbatch", found=self.refuses, expected="a job that is taken")
        self.attempts.append(attempt)
        for _ in range(self.at_once(len(self.attempts))):
            self.here.submit(attempt)
        return str(len(self.attempts))

    comes_late = False

    def said_of(self, id: str) -> str:
        return ""

    def poll(self, ids: Collection[str]) -> Mapping[str, Standing]:
        return dict.fromkeys(ids, self.told)

    def cancel(self, id: str) -> None:
        self.cancelled.append(id)
        self.told = "over"


@dataclass
class Scheduler:
    """Looks and deeds without a process of its own, as fast as the test likes."""

    project: ProjectFolder
    queue: Queue
    done: list[Action] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.gatherer = FactGatherer(
            self.project, AtHand.only(self.queue), this_machine(load_settings(self.project.root))
        )

    def look(self) -> None:
        decision = decide(self.gatherer.look(), None, self.gatherer.live)
        for action in decision.actions:
            do(self.project, AtHand.only(self.queue), action)
            if isinstance(action, LaunchAgain):
                self.gatherer.watched[action.job].first_unclaimed = time.monotonic()
        self.done += decision.actions

    def go(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.look()
            time.sleep(0.02)

    def until(self, is_so: Callable[[], bool]) -> None:
        until(lambda: self.look() or is_so(), 30)


@pytest.fixture
def entry(project: ProjectFolder, monkeypatch: pytest.MonkeyPatch) -> JobEntry:
    monkeypatch.setattr(judgement, "UNCLAIMED_S", 0.5)
    monkeypatch.setattr(judgement, "BACK_OFF_S", (0.0,))
    return project.create_job("loomtest.nothing", {}, {})


def began(entry: JobEntry) -> int:
    """How often its process said that it began."""
    lines = (entry.folder / "journal.jsonl").read_text().splitlines()
    return sum(json.loads(line)["kind"] == "attempt.started" for line in lines)


def assert_ran_once(entry: JobEntry) -> None:
    assert entry.status().state == "succeeded", entry.status().why
    assert began(entry) == 1
    assert attempt_numbers(entry.folder) == [1]


def test_a_submission_that_starts_two_shepherds_runs_the_job_once(
    project: ProjectFolder, entry: JobEntry
) -> None:
    scheduler = Scheduler(project, Queue(at_once=lambda number: 2))

    scheduler.until(lambda: entry.status().has_ended)

    assert_ran_once(entry)


def test_a_submission_that_comes_to_nothing_is_made_again_under_the_same_number(
    project: ProjectFolder, entry: JobEntry
) -> None:
    queue = Queue(at_once=lambda number: int(number == 3))

    Scheduler(project, queue).until(lambda: entry.status().has_ended)

    assert_ran_once(entry)
    assert read_handle(queue.attempts[0]).ids == ("1", "2", "3")


def test_a_shepherd_that_comes_after_it_was_submitted_again_finds_the_attempt_taken(
    project: ProjectFolder, entry: JobEntry
) -> None:
    queue = Queue(at_once=lambda number: int(number == 2))
    scheduler = Scheduler(project, queue)

    scheduler.until(lambda: len(queue.attempts) == 2)
    queue.here.submit(queue.attempts[0])
    scheduler.until(lambda: entry.status().has_ended)
    queue.here.submit(queue.attempts[0])
    time.sleep(0.5)

    assert_ran_once(entry)


def test_what_is_in_a_queue_is_waited_for_and_not_submitted_again(
    project: ProjectFolder, entry: JobEntry
) -> None:
    queue = Queue(told="queued")
    scheduler = Scheduler(project, queue)

    scheduler.go(2.0)
    assert len(queue.attempts) == 1
    queue.told = "running"
    queue.here.submit(queue.attempts[0])
    scheduler.until(lambda: entry.status().has_ended)

    assert_ran_once(entry)
    assert len(queue.attempts) == 1


def test_what_is_stopped_in_a_queue_is_taken_out_of_it_and_one_that_comes_all_the_same_does_nothing(
    project: ProjectFolder, entry: JobEntry
) -> None:
    queue = Queue(told="queued")
    scheduler = Scheduler(project, queue)
    scheduler.go(0.3)

    write_control(entry.folder, wanted="stop")
    scheduler.until(lambda: entry.status().state == "aborted")
    queue.here.submit(queue.attempts[0])
    scheduler.go(1.0)

    assert queue.cancelled and set(queue.cancelled) == {"1"}
    assert entry.status().state == "aborted"
    assert not (entry.folder / "journal.jsonl").exists()
    assert len(queue.attempts) == 1


def test_a_refusal_is_told_with_the_launcher_s_words_and_ends_in_a_give_up(
    project: ProjectFolder, entry: JobEntry
) -> None:
    scheduler = Scheduler(project, Queue(refuses="above the partition's limit"))

    scheduler.until(lambda: entry.status().has_ended)

    assert entry.status().state == "failed"
    assert (
        "3 attempts were lost" in entry.status().why and "above the partition's limit" in entry.status().why
    )


@pytest.fixture
def elsewhere(project: ProjectFolder, entry: JobEntry, monkeypatch: pytest.MonkeyPatch) -> Scheduler:
    """A scheduler with an attempt that another host has claimed."""
    monkeypatch.setattr(known, "SILENT_S", 1.0)
    scheduler = Scheduler(project, Queue(told="queued"))
    scheduler.go(0.1)
    [attempt] = scheduler.queue.attempts
    claim = {"host": "node7", "boot": "b", "pid": 1, "start": 1, "session": 1, "token": "t"}
    (attempt / "claim").write_text(json.dumps(claim))
    return scheduler


@pytest.mark.parametrize("told", ["running", "unknown", "queued"])
def test_what_runs_elsewhere_is_not_called_lost_unless_its_launcher_says_that_it_is_over(
    elsewhere: Scheduler, entry: JobEntry, told: Standing
) -> None:
    elsewhere.queue.told = told

    elsewhere.go(2.0)

    assert entry.status().state == "running" and "on node7" in entry.status().why


def test_who_beats_is_not_called_lost_whatever_its_launcher_says(
    elsewhere: Scheduler, entry: JobEntry
) -> None:
    elsewhere.queue.told = "over"

    for count in range(20):
        (elsewhere.queue.attempts[0] / "heartbeat").write_text(json.dumps({"count": count}))
        elsewhere.go(0.1)

    assert entry.status().state == "running"


def test_who_is_over_elsewhere_and_silent_is_called_lost_and_followed_by_another(
    elsewhere: Scheduler, entry: JobEntry
) -> None:
    elsewhere.queue.told = "over"
    elsewhere.queue.at_once = lambda number: 1

    elsewhere.until(lambda: entry.status().has_ended)

    assert entry.status().state == "succeeded"
    assert attempt_numbers(entry.folder) == [1, 2]
