"""A world of jobs without files: what would stand on disk is plain data, and every process moves only when it is told to.

What is judged is the product's own: states come from `schedule/state.py`, facts from `schedule/facts.py`, decisions from
`schedule/decide.py`. The promises are checked here by other means than those.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from cryoloom.schedule.decide import CallLost, Cancel, GiveUp, Launch, LaunchAgain, OpenFollowers, decide
from cryoloom.schedule.facts import Ages, Asked, JobFacts, Need, Outputs, SlotFacts, facts_of
from cryoloom.schedule.slots import Machine, Request, Use, held_by, why_after, why_not
from cryoloom.schedule.state import (
    ENDED,
    AttemptFacts,
    JobState,
    State,
    Told,
    Wishes,
    is_done,
    opens_again,
    state_of,
)

CORES = 3
MACHINE = Machine(cores=CORES)
PLENTY, LITTLE, NONE = 3, 1, 0  # of room on the disk
BROKEN_BATCH = 2  # the room that a job which found none asks for
# What brings a job forward, what may come between, and what users wish.
COURSE = ("arrive", "speak", "ask", "progress", "succeed", "exit", "look_once", "wait")
FAULTS = (
    "go_astray", "lose_next_launch", "find_no_room", "run_out_of_time", "give_way", "fail", "kill", "fail_at_last",
    "succeed_at_last", "come_to_nothing", "be_cut_short", "vanish", "look_and_die", "fill", "leave_little", "make_room",
)  # fmt: skip
WISHES = ("stop", "resume", "retry", "restart")


@dataclass
class Attempt:
    """The folder of an attempt, and its processes."""

    number: int
    began: float
    on_way: int = 1  # shepherds that were started and have not come
    claimed: bool = False
    lives: bool = False  # the shepherd, and with it the job's process
    holds: bool = False  # its process was given its slots
    asks_since: float | None = None  # it waits for them
    cancel: bool = False
    ended_by: str | None = None
    ended: float = 0.0
    given_up: str | None = None
    seen_unclaimed: float | None = None  # by the scheduler, for the first time

    def facts(self) -> AttemptFacts:
        lives = self.lives if self.claimed and self.ended_by is None else None
        return AttemptFacts(
            self.number,
            self.claimed,
            lives,
            ended_by=self.ended_by,
            how="nobody knows",
            given_up=self.given_up,
        )


@dataclass
class Job:
    """A job's folder."""

    name: str
    cores: int
    needs: tuple[Need, ...]
    priority: int
    attempts: list[Attempt] = field(default_factory=list)
    told: Told = field(default_factory=Told)
    is_open: bool = False  # its output has rows
    is_closed: bool = False
    wishes: Wishes = field(default_factory=Wishes)
    opens: dict[str, int] = field(default_factory=dict)
    fruitless: int = 0  # attempts in a row, counted as they end

    @property
    def newest(self) -> Attempt | None:
        return self.attempts[-1] if self.attempts else None

    def known(self) -> JobState:
        return state_of((attempt.facts() for attempt in reversed(self.attempts)), self.told, self.wishes)

    @property
    def state(self) -> State:
        return self.known().state

    @property
    def is_complete(self) -> bool:
        """Whether its output is, and nobody asked for more of it."""
        return self.is_closed and not 0 < self.told.attempt <= self.wishes.reopen

    def working(self) -> Attempt | None:
        """The attempt whose process goes on with its work."""
        newest = self.newest
        is_at_it = newest is not None and newest.lives and self.told.attempt == newest.number
        return newest if is_at_it and not self.told.state and not self.told.suspended else None

    def request(self) -> Request | None:
        """What it takes as a whole; who follows a stream takes slots batch by batch, and is not told of here."""
        if any(need.streams for need in self.needs):
            return None
        return Request(self.name, cores=min(self.cores, CORES), priority=self.priority)


class World:
    """Jobs, a disk, a machine and a scheduler."""

    def __init__(self, shapes: list[tuple[int, int, int, bool]]) -> None:
        """Each shape: cores, number of the parent (or below 0), priority, whether the parent's stream is followed."""
        self.jobs: dict[str, Job] = {}
        self.room = PLENTY
        self.now = 1.0
        self.announced: dict[str, Request] = {}
        self.next_launch_is_lost = False
        self.opened: set[str] = set()  # by what a user said of the job before them
        for number, (cores, parent, priority, streams) in enumerate(shapes):
            name = f"j{number:02d}"
            needs = (Need(f"j{parent % number:02d}", "o", streams),) if number and parent >= 0 else ()
            self.jobs[name] = Job(name, cores, needs, priority)

    # What the scheduler sees and does.

    def look(self, deeds: int = 99) -> bool:
        """One look of a scheduler, which is killed after so many deeds; whether there was anything to do."""
        facts = {job.name: self._facts(job) for job in self.jobs.values()}
        decision = decide(facts, SlotFacts(MACHINE, self.uses(), self.waiting(), self.now))
        self.now += 1.0
        for name, why in decision.waits.items():
            assert why and (facts[name].state == "scheduled" or facts[name].blocked)
        if not decision.busy and not decision.actions:
            left = [job for job in self.jobs.values() if job.state not in ENDED]
            assert all(self._is_dead_above(job) for job in left), "the scheduler goes to sleep too early"
        for action in decision.actions[:deeds]:
            job = self.jobs[action.job]
            match action:
                case Launch():
                    self._launch(job)
                case LaunchAgain():
                    assert job.newest and not job.newest.claimed and job.newest.ended_by is None
                    assert not job.wishes.stop, "a stopped job is started again"
                    job.newest.on_way, job.newest.seen_unclaimed = job.newest.on_way + 1, self.now
                case CallLost():
                    assert job.newest and not job.newest.lives, "called lost, and it lives"
                    assert not (job.newest.claimed and self.room == NONE), (
                        "called lost where nobody can write"
                    )
                    self._end(job, "lost")
                case Cancel():
                    assert job.newest and (job.wishes.stop or job.wishes.reopen >= job.newest.number)
                    job.newest.cancel = True
                case GiveUp():
                    assert job.fruitless >= 3, "given up too early"
                    assert job.newest
                    job.newest.given_up = action.why
                    assert job.state in ENDED, "given up, and not told so"
                case OpenFollowers():
                    for name, number in job.opens.items():
                        other = self.jobs[name].wishes
                        self.jobs[name].wishes = Wishes(
                            False, max(other.fresh, number), max(other.reopen, number)
                        )
                        self.jobs[name].fruitless = 0
                        self.opened.add(name)
                    job.opens = {}
        self._announce(decision.wants_slots)
        return bool(decision.actions)

    def _facts(self, job: Job) -> JobFacts:
        known, newest = job.known(), job.newest
        if newest is not None and not newest.claimed and newest.seen_unclaimed is None:
            newest.seen_unclaimed = self.now
        is_gone = known.attempt is not None and known.attempt.vanished
        lacks_room = self.room < max(1, known.needs_free)
        ages = Ages()
        if newest is not None:
            ages = Ages(
                self.now - newest.began,
                self.now - (newest.seen_unclaimed or self.now),
                self.now - newest.ended if newest.ended_by is not None else 0.0,
            )
        return facts_of(
            job.name,
            known,
            Asked(job.needs, opens=(*job.opens,), request=job.request(), priority=job.priority),
            Outputs(frozenset("o" if job.is_open else ()), frozenset("o" if job.is_closed else ())),
            ages,
            blocked="no room" if lacks_room and (is_gone or known.state == "scheduled") else "",
        )

    def _launch(self, job: Job) -> None:
        newest = job.newest
        assert newest is None or newest.ended_by is not None, "two attempts at once"
        assert not any(attempt.lives for attempt in job.attempts), "two processes at once"
        assert not job.wishes.stop, "a stopped job is started again"
        assert job.state not in ENDED
        assert self.room, "started where nothing can be written"
        if newest is not None and newest.number > job.wishes.fresh and job.told.cause == "disk":
            assert self.room >= BROKEN_BATCH, "started where what it needs does not fit"
        assert job.fruitless < 3, "started once more though nothing comes of it"
        for need in job.needs:
            parent = self.jobs[need.job]
            is_to_come = parent.state == "running" or not self._is_dead(parent)
            flows = need.streams and parent.is_open and is_to_come
            assert parent.state == "succeeded" or parent.is_complete or flows, "started before its needs"
        job.attempts.append(Attempt(len(job.attempts) + 1, self.now, on_way=not self.next_launch_is_lost))
        self.next_launch_is_lost = False

    def _is_dead(self, job: Job) -> bool:
        """Whether a job goes on only when a user says so."""
        return job.state in ("failed", "aborted") or (job.state == "scheduled" and self._is_dead_above(job))

    def _is_dead_above(self, job: Job) -> bool:
        parents = [self.jobs[need.job] for need in job.needs]
        return any(self._is_dead(parent) and not parent.is_complete for parent in parents)

    # Slots, as the ledger keeps them.

    def uses(self) -> tuple[Use, ...]:
        return tuple(
            held_by(request)
            for job in self.jobs.values()
            if job.newest and job.newest.lives and job.newest.holds and (request := job.request())
        )

    def waiting(self) -> tuple[Request, ...]:
        asking = [
            replace(request, since=job.newest.asks_since, looked=self.now)
            for job in self.jobs.values()
            if job.newest and job.newest.lives and not job.newest.holds and job.newest.asks_since is not None
            if (request := job.request())
        ]
        return (*self.announced.values(), *asking)

    def _announce(self, wants: Mapping[str, Request]) -> None:
        """Who is announced again keeps its age."""
        known = {name: request.since for name, request in self.announced.items()}
        self.announced = {
            name: replace(request, since=known.get(name, self.now), looked=self.now)
            for name, request in wants.items()
        }

    # What happens.

    def happen(self, what: str, which: int) -> None:
        """One event; nothing where it cannot be now."""
        job = list(self.jobs.values())[which % len(self.jobs)]
        self.opened.clear()
        before = {one.name: one.state for one in self.jobs.values()}
        getattr(self, f"_{what}")(job)
        for one in self.jobs.values():
            if one.state in ("succeeded", "failed") and not one.wishes.stop:
                is_new = one.told.attempt > one.wishes.fresh
                assert is_new or (one.newest and one.newest.given_up), (
                    "ended by what was said before it was resumed"
                )
        for name, state in before.items():
            if state in ENDED and not (what in WISHES and name == job.name) and name not in self.opened:
                assert self.jobs[name].state == state, "what had ended is another by itself"
        assert sum(use.cores for use in self.uses()) <= CORES, "slots given twice"

    def _arrive(self, job: Job) -> None:
        """A shepherd comes, perhaps late: the first one has the attempt, unless it was given up."""
        attempt = next((one for one in job.attempts if one.on_way), None)
        if attempt is not None:
            attempt.on_way -= 1
            if not attempt.claimed:
                attempt.claimed, attempt.lives = True, attempt.ended_by is None

    def _go_astray(self, job: Job) -> None:
        if job.newest is not None and job.newest.on_way:
            job.newest.on_way -= 1

    def _lose_next_launch(self, job: Job) -> None:
        """The scheduler is killed between the attempt's folder and its shepherd."""
        self.next_launch_is_lost = True

    def _speak(self, job: Job) -> None:
        newest = job.newest
        if newest is None or not newest.lives or job.told.attempt == newest.number:
            return
        if is_done(job.told, job.wishes):
            self._end(job, "exit")
            return
        if opens_again(job.told, job.wishes):
            job.is_closed = False
        job.told = Told(newest.number, last_progress=job.told.last_progress)

    def _ask(self, job: Job) -> None:
        """Its process looks whether it may take its slots."""
        attempt = job.working()
        if attempt is None or attempt.holds:
            return
        announced = self.announced.get(job.name)
        attempt.asks_since = attempt.asks_since or (announced.since if announced else self.now)
        request = job.request()
        if request is not None:
            request = replace(request, since=attempt.asks_since)
            refused = why_not(request, self.uses(), MACHINE) or why_after(
                request, self.waiting(), self.uses(), MACHINE, self.now
            )
            attempt.holds = not refused
        else:
            attempt.holds = True

    def _progress(self, job: Job) -> None:
        attempt = job.working()
        if attempt is not None and attempt.holds and not job.is_closed:
            job.is_open, job.fruitless = True, 0
            job.told = replace(job.told, last_progress=attempt.number)

    def _find_no_room(self, job: Job) -> None:
        if job.working() is not None:
            job.told = replace(job.told, suspended="no room", cause="disk", needs_free=BROKEN_BATCH)

    def _run_out_of_time(self, job: Job) -> None:
        if job.working() is not None:
            job.told = replace(job.told, suspended="no time", cause="walltime")

    def _give_way(self, job: Job) -> None:
        """Its input does not go on: that is no fault of its own."""
        attempt = job.working()
        if attempt is not None and self._is_dead_above(job):
            job.told = replace(job.told, suspended="input stopped", last_progress=attempt.number)
            job.fruitless = 0

    def _succeed(self, job: Job) -> None:
        attempt = job.working()
        followed = [self.jobs[need.job] for need in job.needs if need.streams]
        if attempt is not None and attempt.holds and all(one.is_closed for one in followed):
            job.told, job.is_open, job.is_closed = replace(job.told, state="succeeded"), True, True

    def _fail(self, job: Job) -> None:
        if job.working() is not None:
            job.told = replace(job.told, state="failed", why="no more")

    def _exit(self, job: Job) -> None:
        """The shepherd writes how it ended, where it has: its process is through, or is to stop."""
        newest = job.newest
        if newest is not None and newest.lives:
            has_spoken = job.told.attempt == newest.number
            if newest.cancel:
                self._end(job, "cancel")
            elif has_spoken and (job.told.state or job.told.suspended):
                self._end(job, "exit")

    def _kill(self, job: Job) -> None:
        if job.newest is not None and job.newest.lives:
            self._end(job, "killed")

    def _fail_at_last(self, job: Job) -> None:
        """A whole attempt, to its verdict."""
        self._come_through(job, self._fail)

    def _succeed_at_last(self, job: Job) -> None:
        self._come_through(job, self._succeed)

    def _come_through(self, job: Job, verdict: Callable[[Job], None]) -> None:
        self.now += 60.0
        self.look()
        for step in (self._arrive, self._speak, self._ask, self._progress, verdict, self._exit):
            step(job)

    def _come_to_nothing(self, job: Job) -> None:
        """Whole attempts, one after the other: each is begun, and killed before it could say that it was."""
        for _ in range(4):
            self.now += 60.0
            self.look()
            self._arrive(job)
            self._kill(job)

    def _be_cut_short(self, job: Job) -> None:
        """The same with attempts that say so."""
        for _ in range(4):
            self.now += 60.0
            self.look()
            self._arrive(job)
            self._speak(job)
            self._find_no_room(job)
            self._exit(job)

    def _vanish(self, job: Job) -> None:
        """The shepherd dies, and all with it; nobody writes how."""
        if job.newest is not None:
            job.newest.lives = False

    def _end(self, job: Job, ended_by: str) -> None:
        newest = job.newest
        assert newest is not None
        newest.lives, newest.ended_by, newest.ended = False, ended_by, self.now
        has_fruit = job.told.last_progress >= newest.number
        if ended_by != "cancel" and newest.number > job.wishes.fresh and not has_fruit:
            job.fruitless += 1

    # What users wish.

    def _stop(self, job: Job) -> None:
        if job.state not in ENDED:
            job.wishes = replace(job.wishes, stop=True)

    def _resume(self, job: Job) -> None:
        number = len(job.attempts)
        if job.state in ("failed", "aborted", "scheduled"):
            job.wishes, job.fruitless = replace(job.wishes, stop=False, fresh=number), 0
        elif job.state == "running":
            job.wishes = replace(job.wishes, stop=False)

    def _retry(self, job: Job) -> None:
        """Also the jobs that followed, when this one is open again."""
        if job.told.attempt:
            number = len(job.attempts)
            job.wishes, job.fruitless = Wishes(False, number, number), 0
            followed = [
                other for other in self.jobs.values() if any(need.job == job.name for need in other.needs)
            ]
            job.opens = {
                other.name: len(other.attempts)
                for other in followed
                if other.state in ("succeeded", "failed")
            }

    def _restart(self, job: Job) -> None:
        """Refused while one reads from it, directly or by others."""
        if all(other.state != "running" for other in self._with_dependents(job)):
            fresh = Job(job.name, job.cores, job.needs, job.priority, opens=job.opens)
            self.jobs[job.name] = fresh

    def _with_dependents(self, job: Job) -> list[Job]:
        found = [job]
        for other in self.jobs.values():  # parents come first
            if any(need.job == one.name for need in other.needs for one in found):
                found.append(other)
        return found

    def _fill(self, job: Job) -> None:
        self.room = NONE

    def _leave_little(self, job: Job) -> None:
        self.room = LITTLE

    def _make_room(self, job: Job) -> None:
        self.room = PLENTY

    def _wait(self, job: Job) -> None:
        self.now += 60.0

    def _look_once(self, job: Job) -> None:
        self.look()

    def _look_and_die(self, job: Job) -> None:
        self.look(deeds=1)
