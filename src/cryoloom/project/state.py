"""A job's state from its files: they are read here, and judged in `schedule/state.py`."""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cryoloom.project.attempts import Attempt, newest_attempt, read_attempt, read_control
from cryoloom.project.disk import why_not_writable
from cryoloom.project.events import Event, Stamp
from cryoloom.project.forms.pipeline import STATES
from cryoloom.project.history import JobHistory
from cryoloom.project.journal import FILE as JOURNAL
from cryoloom.project.journal import read_history
from cryoloom.project.jsonfile import read_json_if_there
from cryoloom.project.notes import marked_state
from cryoloom.schedule.state import AttemptFacts, JobState, State, Told, Wishes, state_of


@dataclass(frozen=True, slots=True)
class JobStatus:
    """What is known of a job now."""

    known: JobState
    history: JobHistory = field(default_factory=JobHistory)
    attempt: Attempt | None = None
    control: Mapping[str, Any] = field(default_factory=dict)  # the wishes, as `read_control` has them
    damage: str = ""  # why its files do not tell its state: what stands here is the last that was known

    @property
    def state(self) -> State:
        return self.known.state

    @property
    def why(self) -> str:
        return self.known.why

    @property
    def has_ended(self) -> bool:
        """Whether nothing of it goes on: its verdict is there, and its process is not."""
        return self.known.has_ended


def job_status(
    folder: Path,
    history: JobHistory | None = None,
    told: Callable[[Stamp, Event], None] | None = None,
) -> JobStatus:
    """The state of one of our jobs.

    Args:
        folder: the job's, with `job.json`.
        history: what an earlier look folded, to read on from there.
        told: hears each event that is read.
    Raises:
        UnreadableError: one of its files is there and cannot be read now.
        ProjectError: its journal is damaged.
    """
    # The attempt before the journal: what one that has ended had to say is then in what is read.
    attempt, lives = _newest(folder)
    history = read_history(folder, history, told)
    if history.attempt > (attempt.number if attempt else 0):
        attempt, lives = _newest(folder)  # another began meanwhile
    control = read_control(folder)
    known = state_of(_attempts(folder, attempt, lives), told_by(history), wishes_of(control))
    if known.attempt is not None and known.attempt.vanished:
        remedy = why_not_writable(folder) or "`cryoloom resume` goes on with it"
        known = replace(known, why=f"{known.why}; {remedy}")
    return JobStatus(known, history, attempt, control)


def told_by(history: JobHistory) -> Told:
    """What a journal says of its job's state."""
    return Told(
        history.attempt,
        history.state,
        history.why,
        history.waiting,
        history.suspended,
        history.cause,
        history.needs_free,
        history.last_progress_attempt,
    )


def wishes_of(control: Mapping[str, Any]) -> Wishes:
    """What of a job's wishes its state depends on."""
    return Wishes(control["wanted"] == "stop", control["fresh"], control["reopen"])


def _newest(folder: Path) -> tuple[Attempt | None, bool | None]:
    """The newest attempt, and whether it lives."""
    attempt = newest_attempt(folder)
    lives = attempt.lives() if attempt is not None and not attempt.ended else None
    if attempt is not None and lives is False:
        # It may have ended between reading its exit and looking at its process.
        attempt = read_attempt(folder, attempt.number)
    return attempt, lives


def _attempts(folder: Path, newest: Attempt | None, lives: bool | None) -> Iterator[AttemptFacts]:
    """The newest first; of the earlier ones a scheduled job's losses are read, as far as they are asked for."""
    if newest is None:
        return
    yield _facts(newest, lives)
    for number in range(newest.number - 1, 0, -1):
        yield _facts(read_attempt(folder, number), None)


def _facts(attempt: Attempt, lives: bool | None) -> AttemptFacts:
    given_up = read_json_if_there(attempt.folder / "given_up.json") if attempt.ended else None
    return AttemptFacts(
        attempt.number,
        attempt.claim is not None,
        lives,
        str((attempt.claim or {}).get("host", "")),
        None if attempt.exit is None else str(attempt.exit.get("ended_by", "")),
        _how_it_ended(attempt),
        None if given_up is None else str(given_up["why"]),
    )


def _how_it_ended(attempt: Attempt) -> str:
    ended = attempt.exit or {}
    if ended.get("ended_by") == "cancel":
        return "it was stopped, and the stop was taken back"
    known = ended.get("why")
    return known or f"its process ended without a word; perhaps {attempt.folder / 'log'} says why"


def stamp_of(folder: Path | str) -> tuple[int, ...]:
    """What changes whenever the state of one of our jobs may have: for those who keep it in mind."""
    stamp: list[int] = []
    # A wish is a file that is renamed in the second place, a mark of RELION's one in the third.
    for name in (f"{folder}/{JOURNAL}", f"{folder}/.cryoloom", str(folder)):
        try:
            stat = os.stat(name)  # noqa: PTH116  three times for each of ten thousand jobs
        except OSError:
            stamp += (0, 0)
        else:
            stamp += (stat.st_mtime_ns, stat.st_size)
    return (*stamp,)


def foreign_status(folder: Path, pipeline_status: int) -> JobStatus:
    """The state of a job that RELION made: its marks, else what the pipeline says."""
    return JobStatus(JobState(marked_state(folder) or STATES[pipeline_status]))
