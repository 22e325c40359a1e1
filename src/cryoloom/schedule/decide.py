"""The scheduler's judgement: from what is known of all jobs to what is to be done now.

Facts and actions are frozen; time is a field of the facts. One loop outside (`engine`) gathers the
facts and does what the actions say.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from cryoloom.schedule.facts import JobFacts, SlotFacts
from cryoloom.schedule.slots import Request, Use, held_by, why_after, why_not
from cryoloom.schedule.state import ENDED
from cryoloom.schedule.waiting import Waits

# Seconds to wait before the next attempt, by the number of lost attempts in a row.
BACK_OFF_S = (0.0, 1.0, 5.0, 30.0, 120.0)
MAX_LOST = 3
UNCLAIMED_S = 20.0
# So long the slots of a launched job are kept for its process, which is about to ask for them.
LAUNCH_S = 5.0


@dataclass(frozen=True, slots=True)
class Launch:
    """Start the next attempt."""

    job: str
    attempt: int


@dataclass(frozen=True, slots=True)
class LaunchAgain:
    """Start the shepherd of an attempt that nobody claimed; harmless when one comes late."""

    job: str
    attempt: int


@dataclass(frozen=True, slots=True)
class CallLost:
    """The attempt's processes are gone without a word."""

    job: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Cancel:
    """The user wants it stopped."""

    job: str
    attempt: int


@dataclass(frozen=True, slots=True)
class OpenFollowers:
    """Jobs that followed this one are to go on with what it makes from now on."""

    job: str


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Too many attempts were lost without progress."""

    job: str
    attempt: int
    why: str


# `attempt` is the newest when it was decided, 0 before the first: of a later one something else is to be judged.
Action: TypeAlias = Launch | LaunchAgain | CallLost | Cancel | OpenFollowers | GiveUp


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do now, and for each job that waits one sentence why."""

    actions: tuple[Action, ...]
    waits: Mapping[str, str]
    busy: bool  # something runs or can still start
    # Of jobs that wait for nothing else, and of those just launched.
    wants_slots: Mapping[str, Request] = field(default_factory=dict)


def decide(
    jobs: Mapping[str, JobFacts], slots: SlotFacts | None = None, live: Collection[str] | None = None
) -> Decision:
    """Judge all jobs at one moment; those of higher priority first, then in the order of their numbers.

    Args:
        jobs: all of a project, in the order of their numbers.
        slots: of this machine; None: there is room for all.
        live: those that may not have ended, where that is known: of ten thousand jobs few.
    """
    actions: list[Action] = []
    waits: dict[str, str] = {}
    wants: dict[str, Request] = {}
    launched: list[Use] = []
    waiting = Waits(jobs.get)
    busy = False
    in_pool: Counter[str] = Counter()
    judged = [job for job in map(jobs.get, jobs if live is None else live) if job is not None]
    # A job whose protocol is not known is not ours to run, and waits for its plugin.
    waits.update(
        (job.name, job.why) for job in judged if job.foreign and job.state == "scheduled" and job.why
    )
    # Also of a job that has ended: nothing of its own may have been left to do.
    actions += [OpenFollowers(job.name) for job in judged if job.opens]
    ours = [job for job in judged if job.state not in ENDED and not job.foreign]
    in_pool.update(job.pool for job in ours if job.state == "running" and not job.attempt_ended)
    for job in sorted(ours, key=lambda job: -job.priority):
        if job.blocked:
            waits[job.name] = job.blocked
            busy = True
        elif job.state == "running":
            busy = True
            action = _of_running(job)
            if job.said:
                waits[job.name] = job.said
            if action is not None:
                actions.append(action)
            elif job.request is not None and _is_about_to_ask(job, slots):
                wants[job.name] = job.request
        elif job.state == "scheduled":
            wait = waiting.of(job)
            if job.lost_in_a_row >= MAX_LOST:
                actions.append(
                    GiveUp(
                        job.name,
                        job.attempt,
                        f"{job.lost_in_a_row} attempts were lost without progress; {job.why}",
                    )
                )
            elif wait.why:
                waits[job.name] = wait.why
                busy = busy or not wait.in_vain
            elif 0 < job.pool_most <= in_pool[job.pool]:
                waits[job.name] = f"at most {job.pool_most} at once in {job.pool}"
                busy = True
            elif refused := _refused(job, slots, launched):
                waits[job.name] = refused
                if job.request is not None:
                    wants[job.name] = job.request
                busy = True
            elif job.since_end_s < BACK_OFF_S[min(job.lost_in_a_row, len(BACK_OFF_S) - 1)]:
                waits[job.name] = f"{job.why}; starts again shortly"
                busy = True
            else:
                actions.append(Launch(job.name, job.attempt))
                in_pool[job.pool] += 1
                if job.request is not None:
                    wants[job.name] = job.request
                    launched.append(held_by(job.request))
                busy = True
    return Decision(tuple(actions), waits, busy, wants)


def without_launches(decision: Decision, why: str) -> Decision:
    """The decision where no job can be started; those that would be say why they wait."""
    kept = tuple(action for action in decision.actions if not isinstance(action, Launch | LaunchAgain))
    held = {action.job: why for action in decision.actions if isinstance(action, Launch | LaunchAgain)}
    wants = {job: request for job, request in decision.wants_slots.items() if job not in held}
    return replace(decision, actions=kept, waits={**decision.waits, **held}, wants_slots=wants)


def _is_about_to_ask(job: JobFacts, slots: SlotFacts | None) -> bool:
    """Whether its process was launched just now and does not hold its slots yet: nobody is to be faster."""
    if job.launched_s is None or job.launched_s >= LAUNCH_S or job.request is None:
        return False
    uses = slots.uses if slots is not None else ()
    mine = (job.request.project, job.request.job)
    return all((use.project, use.job) != mine for use in uses)


def _refused(job: JobFacts, slots: SlotFacts | None, launched: list[Use]) -> str:
    """Why its slots are not free, beside what was launched just now; "" when they are."""
    if slots is None or job.request is None:
        return ""
    uses = [*slots.uses, *launched]
    own = [other.since for other in slots.waiting if other.is_of_job_of(job.request)]
    request = replace(job.request, since=min(own, default=slots.now))
    return why_not(request, uses, slots.machine) or why_after(
        request, slots.waiting, uses, slots.machine, slots.now
    )


def _of_running(job: JobFacts) -> Action | None:
    if job.claimed and job.lives is False and not job.attempt_ended:
        return CallLost(job.name, job.attempt)  # also where it is to stop: nobody is left who could
    if job.wants_stop or (job.wants_anew and not job.attempt_ended):
        # An attempt that nobody ever claimed has nobody to end it.
        is_nobodys = not job.claimed and job.seen_unclaimed_s > UNCLAIMED_S
        return CallLost(job.name, job.attempt) if is_nobodys else Cancel(job.name, job.attempt)
    if not job.claimed:
        return LaunchAgain(job.name, job.attempt) if job.seen_unclaimed_s > UNCLAIMED_S else None
    return None
