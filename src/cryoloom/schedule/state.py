"""A job's state: one fold of what its attempts, its journal and its user say.

No file is read here. `project/state.py` reads them for the scheduler and for `ls`, the model test invents them, and all
three are told the same. Nothing of the result is stored, so that it cannot contradict the facts.
"""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

State: TypeAlias = Literal["scheduled", "running", "succeeded", "failed", "aborted"]
Cause: TypeAlias = Literal["", "disk", "quota", "walltime", "wishes"]
ENDED: tuple[State, ...] = ("succeeded", "failed", "aborted")


@dataclass(frozen=True, slots=True)
class AttemptFacts:
    """What the files of one attempt say."""

    number: int
    claimed: bool = False  # by a shepherd, whatever became of it
    lives: bool | None = None  # whether that shepherd runs; None: there is none, or on another host
    host: str = ""  # where it runs, or ran
    ended_by: str | None = None  # the word of `exit.json`; None: there is no such file, so it has not ended
    how: str = ""  # the sentence about an end without a verdict
    given_up: str | None = None  # why no further one follows by itself

    @property
    def ended(self) -> bool:
        return self.ended_by is not None

    @property
    def vanished(self) -> bool:
        """Whether its shepherd is gone without a word: killed, or lost with the machine's power."""
        return self.claimed and self.lives is False and not self.ended


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user wants of the job."""

    stop: bool = False
    fresh: int = 0  # attempts up to this one are done with: another is to follow
    reopen: int = 0  # one up to this is ended where it still runs, and the next opens again what was closed


@dataclass(frozen=True, slots=True)
class Told:
    """What the journal says of the last attempt that could say anything."""

    attempt: int = 0  # its number; 0: none has begun
    state: State | Literal[""] = ""  # "" while it has not ended
    why: str = ""
    waiting: str = ""  # for which slots
    suspended: str = ""  # why it ended without a verdict
    cause: Cause = (
        ""  # of that, where it was none that got anything done: no room, no time, wishes that cannot be read
    )
    needs_free: int = 0  # bytes without which it cannot go on
    last_progress: int = 0  # the last attempt that finished an item, a step or an iteration


@dataclass(frozen=True, slots=True)
class JobState:
    """The judgement. A job that is scheduled is one that the scheduler may start (again)."""

    state: State
    why: str = ""
    attempt: AttemptFacts | None = None  # the newest
    last_word: State | Literal[""] = (
        ""  # how a running one ended by its journal: its process lives a moment longer
    )
    lost_in_a_row: int = 0  # attempts of a scheduled job that got nothing done, since the last that did
    cause: Cause = ""  # what a scheduled job ran short of
    needs_free: int = 0  # bytes, with it
    wants_stop: bool = False
    wants_anew: bool = False  # its attempt is to be ended where it runs, and another to follow
    reopening: bool = False  # its outputs look closed until the next attempt says that they are not

    @property
    def has_ended(self) -> bool:
        """Whether nothing of it goes on: its verdict is there, and its process is not."""
        return self.state in ENDED and (self.attempt is None or self.attempt.ended)


def state_of(attempts: Iterable[AttemptFacts], told: Told, wishes: Wishes) -> JobState:
    """Fold what is known of one of our jobs.

    Args:
        attempts: the newest first; read no further than is needed.
        told: by the journal, which was read after them: what an ended attempt had to say is in it.
        wishes: of the user.
    """
    earlier = iter(attempts)
    newest = next(earlier, None)
    number = newest.number if newest is not None else 0
    state, why = _judge(newest, told, wishes)
    goes_on = state == "scheduled" and newest is not None and number > wishes.fresh
    return JobState(
        state,
        why,
        newest,
        # What the journal says of an earlier attempt counts no more: the job was resumed.
        last_word=told.state if state == "running" and told.attempt == number else "",
        lost_in_a_row=_lost(newest, earlier, told, wishes) if newest is not None and goes_on else 0,
        # Where it was asked for anew the next attempt tells what it needs.
        cause=told.cause if goes_on else "",
        needs_free=told.needs_free if goes_on else 0,
        wants_stop=wishes.stop,
        wants_anew=0 < number <= wishes.reopen,
        reopening=opens_again(told, wishes) and state != "succeeded",
    )


def opens_again(told: Told, wishes: Wishes) -> bool:
    """Whether the next attempt opens again what an earlier one closed: to try what failed, or to go on."""
    return told.state == "succeeded" or 0 < told.attempt <= wishes.reopen


def is_done(told: Told, wishes: Wishes) -> bool:
    """Whether an attempt that begins has nothing to do: the job has succeeded, and nobody asked for more."""
    return told.state == "succeeded" and told.attempt > wishes.fresh


def _judge(newest: AttemptFacts | None, told: Told, wishes: Wishes) -> tuple[State, str]:
    if newest is None or (newest.number <= wishes.fresh and newest.ended):
        # `fresh`: a resume or restart asked for a new attempt after this one.
        if wishes.stop:
            return "aborted", "stopped by the user" if told.attempt else "not started"
        return "scheduled", ""
    if not newest.ended:
        return "running", _of_running(newest, told)
    was_silent = told.attempt <= wishes.fresh < newest.number > 1
    if was_silent and not wishes.stop:
        # It was to go on with what had ended, and died before it could say that it did: how that had ended counts no more.
        return ("scheduled", newest.how) if newest.given_up is None else ("failed", newest.given_up)
    if told.state == "succeeded":
        return "succeeded", told.why
    if wishes.stop and (newest.ended_by == "cancel" or told.state != "failed"):
        return "aborted", "stopped by the user"
    if told.state:
        return told.state, told.why
    if newest.given_up is not None:
        return "failed", newest.given_up
    return "scheduled", told.suspended or newest.how


def _of_running(newest: AttemptFacts, told: Told) -> str:
    if newest.vanished:
        return "interrupted: its process is gone"
    if newest.claimed and newest.lives is None:
        return f"on {newest.host}; only there, or by `cryoloom resume --take-over`, is it called lost"
    return told.waiting


def _lost(newest: AttemptFacts, earlier: Iterable[AttemptFacts], told: Told, wishes: Wishes) -> int:
    """Attempts that ended without a verdict since the last one that got anything done."""
    through = max(wishes.fresh, told.last_progress)
    since = itertools.islice(itertools.chain([newest], earlier), max(0, newest.number - through))
    return sum(attempt.ended and attempt.ended_by != "cancel" for attempt in since)
