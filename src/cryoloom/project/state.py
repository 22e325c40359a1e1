"""A job's state, folded from its files; never stored, so that it cannot contradict the facts."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from cryoloom.project.attempts import Attempt, newest_attempt, read_control
from cryoloom.project.disk import why_not_writable
from cryoloom.project.journal import FILE as JOURNAL
from cryoloom.project.journal import JobHistory, read_history
from cryoloom.project.jsonfile import read_json_if_there
from cryoloom.project.notes import marked_state
from cryoloom.project.pipeline import STATES

State = Literal["scheduled", "running", "succeeded", "failed", "aborted"]
ENDED = ("succeeded", "failed", "aborted")


@dataclass(frozen=True, slots=True)
class JobStatus:
    """What is known of a job now."""

    state: State
    why: str = ""
    history: JobHistory = field(default_factory=JobHistory)
    attempt: Attempt | None = None
    wanted: str = "run"
    stream: str = "open"
    resumable: bool = False  # ended without a verdict: the scheduler may try again
    damage: str = ""  # why its files do not tell its state: what stands here is the last that was known

    def last_word(self) -> str:
        """How a running attempt ended by its journal, "" while it goes on: its process lives a moment longer."""
        if self.state != "running" or self.attempt is None or self.history.attempt != self.attempt.number:
            return ""  # what the journal says of an earlier attempt counts no more: the job was resumed
        return self.history.state


def job_status(folder: Path, history: JobHistory | None = None) -> JobStatus:
    """The state of one of our jobs.

    Args:
        folder: the job's, with `job.json`.
        history: what an earlier look folded, to read on from there.
    Raises:
        UnreadableError: one of its files is there and cannot be read now.
        ProjectError: its journal is damaged.
    """
    history = read_history(folder, history)
    attempt = newest_attempt(folder)
    control = read_control(folder)
    wanted, stream, fresh = control["wanted"], control["stream"], control["fresh"]

    def status(state: State, why: str = "", resumable: bool = False) -> JobStatus:
        return JobStatus(state, why, history, attempt, wanted, stream, resumable)

    if attempt is None or (attempt.number <= fresh and attempt.ended):
        # `fresh`: a resume or restart asked for a new attempt after this one.
        if wanted == "stop":
            return status("aborted", "stopped by the user" if history.attempts else "stopped before it began")
        return status("scheduled", "", resumable=True)
    if not attempt.ended:
        if attempt.vanished():
            why = why_not_writable(folder) or "`cryoloom resume` goes on with it"
            return status("running", f"interrupted: its process is gone; {why}")
        host = (attempt.claim or {}).get("host")
        if attempt.claim is not None and attempt.lives() is None:
            return status(
                "running", f"on {host}; only there, or by `cryoloom resume --take-over`, is it called lost"
            )
        return status("running", history.waiting)
    ended_by = (attempt.exit or {}).get("ended_by", "")
    given_up = read_json_if_there(attempt.folder / "given_up.json")
    if history.attempt <= fresh < attempt.number > 1 and wanted != "stop" and given_up is None:
        # It was to go on with what had ended, and died before it could say that it did.
        return status("scheduled", _how_it_ended(attempt), resumable=True)
    if history.state == "succeeded":
        return status("succeeded", history.why)
    if wanted == "stop" and (ended_by == "cancel" or history.state != "failed"):
        return status("aborted", "stopped by the user")
    if history.state == "failed":
        return status("failed", history.why)
    if history.state == "aborted":
        return status("aborted", history.why)
    if given_up is not None:
        return status("failed", str(given_up["why"]))
    if history.suspended:
        return status("scheduled", history.suspended, resumable=True)
    return status("scheduled", _how_it_ended(attempt), resumable=True)


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
    state = marked_state(folder) or STATES[pipeline_status]
    return JobStatus(next(known for known in get_args(State) if known == state))
