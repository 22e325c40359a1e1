"""Whatever happens to jobs and schedulers, what the scheduler decides keeps its promises.

A model of the world invents ends, losses, kills of the scheduler, wishes and full disks; after every decision the
promises hold: no job has two attempts at once, none starts before its needs or on a full disk, slots are never given
twice, and when nothing disturbs any more all jobs end.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryoloom.schedule.decide import (
    CallLost,
    Cancel,
    GiveUp,
    JobFacts,
    Launch,
    LaunchAgain,
    Need,
    SlotFacts,
    State,
    decide,
)
from cryoloom.schedule.slots import Machine, Request, Use, held_by, why_after, why_not

CORES = 3
MACHINE = Machine(cores=CORES)


@dataclass
class Job:
    """A job as the world knows it."""

    name: str
    cores: int
    needs: tuple[Need, ...]
    priority: int
    state: State = "scheduled"
    attempt: int = 0
    lives: bool = False  # its process
    holds: bool = False  # its process was given its slots
    asks_since: float | None = None  # its process has begun, and waits for them
    has_ended: bool = True  # the attempt has its exit file
    is_open: bool = False
    lost: int = 0
    wants_stop: bool = False
    since_end: float = 1e9
    began: list[int] = field(default_factory=list)

    def facts(self, is_full: bool) -> JobFacts:
        is_gone = self.state == "running" and not self.lives
        return JobFacts(
            self.name, self.state, needs=self.needs, open_outputs=frozenset({"o"} if self.is_open else ()),
            wants_stop=self.wants_stop, attempt=self.attempt, attempt_ended=self.has_ended, claimed=True,
            starting_s=1.0 if self.lives and not self.holds and self.asks_since is None else None,
            lives=self.lives, lost_in_a_row=self.lost, since_end_s=self.since_end,
            request=self.request(), priority=self.priority,
            blocked="the disk is full" if is_full and (is_gone or self.state == "scheduled") else "",
        )  # fmt: skip

    def request(self) -> Request:
        return Request(self.name, cores=min(self.cores, CORES), priority=self.priority)


class World:
    def __init__(self, shapes: list[tuple[int, int, int, bool]]) -> None:
        self.jobs: dict[str, Job] = {}
        self.is_full = False  # the disk
        self.now = 1.0
        self.announced: dict[str, Request] = {}
        for number, (cores, parent, priority, streams) in enumerate(shapes):
            name = f"j{number:02d}"
            needs = (Need(f"j{parent % number:02d}", "o", streams),) if number and parent >= 0 else ()
            self.jobs[name] = Job(name, cores, needs, priority)

    def uses(self) -> tuple[Use, ...]:
        return tuple(held_by(job.request()) for job in self.jobs.values() if job.lives and job.holds)

    def waiting(self) -> tuple[Request, ...]:
        asking = [
            replace(job.request(), since=job.asks_since, looked=self.now)
            for job in self.jobs.values()
            if job.lives and not job.holds and job.asks_since is not None
        ]
        return (*self.announced.values(), *asking)

    def announce(self, wants: Mapping[str, Request]) -> None:
        """As the ledger does: who is announced again keeps its age."""
        known = {name: request.since for name, request in self.announced.items()}
        self.announced = {
            name: replace(request, since=known.get(name, self.now), looked=self.now)
            for name, request in wants.items()
        }

    def ask(self, job: Job) -> None:
        """The job's process looks whether it may take its slots."""
        announced = self.announced.get(job.name)
        job.asks_since = job.asks_since or (announced.since if announced else self.now)
        request = replace(job.request(), since=job.asks_since)
        refused = why_not(request, self.uses(), MACHINE) or why_after(
            request, self.waiting(), self.uses(), MACHINE, self.now
        )
        job.holds = not refused

    def decide(self) -> bool:
        """One look of a scheduler, and what it does; whether it did anything."""
        decision = decide(
            {job.name: job.facts(self.is_full) for job in self.jobs.values()},
            SlotFacts(MACHINE, self.uses(), self.waiting(), self.now),
        )
        self.now += 1.0
        for action in decision.actions:
            job = self.jobs[action.job]
            match action:
                case Launch():
                    assert job.has_ended and not job.lives, "two attempts at once"
                    assert not job.wants_stop
                    assert not self.is_full, "started where nothing can be written"
                    for need in job.needs:
                        parent = self.jobs[need.job]
                        ready = parent.state == "succeeded" or (need.streams and parent.is_open)
                        assert ready, "started before its needs"
                    job.attempt += 1
                    job.began.append(job.attempt)
                    job.state, job.lives, job.has_ended = "running", True, False
                    job.holds, job.asks_since = False, None
                case CallLost():
                    assert not job.lives and not self.is_full
                    self._lose(job)
                case Cancel():
                    assert job.lives, "nobody is there to end it"
                    job.lives, job.has_ended, job.state, job.is_open = False, True, "aborted", False
                case GiveUp():
                    job.state = "failed"
                case LaunchAgain():
                    raise AssertionError("every attempt was claimed")
        self.announce(decision.wants_slots)
        assert sum(use.cores for use in self.uses()) <= CORES, "slots given twice"
        for job in self.jobs.values():
            assert job.began == list(range(1, len(job.began) + 1))
            if job.name in decision.waits:
                assert job.state == "scheduled" or self.is_full
                assert decision.waits[job.name]
        return bool(decision.actions)

    def _lose(self, job: Job) -> None:
        job.has_ended, job.state, job.since_end = True, "aborted" if job.wants_stop else "scheduled", 0.0
        job.lost += 1

    def happen(self, what: str, which: int) -> None:
        job = list(self.jobs.values())[which % len(self.jobs)]
        if what == "kill" and job.lives:
            job.lives = False  # nobody wrote an exit file: the next look finds it
        elif what == "ask" and job.lives and not job.holds:
            self.ask(job)
        elif what == "progress" and job.lives and job.holds:
            job.is_open, job.lost = True, 0
        elif what == "succeed" and job.lives and job.holds and self._may_end(job):
            job.lives, job.has_ended, job.state, job.is_open = False, True, "succeeded", True
        elif what == "fail" and job.lives:
            job.lives, job.has_ended, job.state = False, True, "failed"
        elif what == "stop":
            job.wants_stop = job.state == "running"
        elif what == "resume" and job.state in ("failed", "aborted"):
            job.state, job.wants_stop, job.lost, job.since_end = "scheduled", False, 0, 1e9
        elif what in ("fill", "room"):
            self.is_full = what == "fill"
        elif what == "time":
            for one in self.jobs.values():
                one.since_end += 60.0

    def _may_end(self, job: Job) -> bool:
        return all(self.jobs[need.job].state == "succeeded" for need in job.needs)


shapes = st.lists(
    st.tuples(st.integers(1, 4), st.integers(-1, 5), st.integers(-1, 1), st.booleans()),
    min_size=1,
    max_size=6,
)
happenings = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "kill",
                "ask",
                "progress",
                "succeed",
                "fail",
                "stop",
                "resume",
                "time",
                "fill",
                "room",
                "look",
                "look",
            ]
        ),
        st.integers(0, 5),
    ),
    max_size=60,
)


@given(shapes, happenings)
def test_promises_hold_whatever_happens_and_all_ends_when_nothing_disturbs(
    made: list[tuple[int, int, int, bool]], story: list[tuple[str, int]]
) -> None:
    world = World(made)
    for what, which in story:
        if what == "look":
            world.decide()
        else:
            world.happen(what, which)
    world.happen("room", 0)
    for _ in range(100):
        for which in range(len(world.jobs)):
            world.happen("resume", which)
            world.happen("ask", which)
            world.happen("progress", which)
            world.happen("succeed", which)
        world.happen("time", 0)
        world.decide()

    assert {job.state for job in world.jobs.values()} == {"succeeded"}


@pytest.mark.parametrize("looks", [2, 5])
def test_looking_again_without_news_decides_nothing_new(looks: int) -> None:
    world = World([(1, -1, 0, True), (1, 0, 0, True)])
    world.decide()

    assert not any(world.decide() for _ in range(looks))
