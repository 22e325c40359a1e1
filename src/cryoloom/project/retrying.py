"""Trying failed items again: a new attempt in the same job, which keeps what is through.

Also of jobs that ended: their outputs are opened again, and what comes through now is appended. Jobs
that follow row by row can be opened likewise and then treat only the new items; programs that take
a whole set have to be restarted.
"""

import functools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from cryoloom.errors import CryoloomError, ProjectError, UnreadableError
from cryoloom.project.attempts import change_control, newest_attempt, read_control
from cryoloom.project.entry import JobEntry
from cryoloom.project.folder import ProjectFolder
from cryoloom.project.jobspec import FILE as SPEC_FILE
from cryoloom.protocol.protocols import ItemProtocol, Protocol, RowProtocol, SourceProtocol


@dataclass(frozen=True, slots=True)
class Retry:
    """What trying again means for a job and those that need it."""

    job: str
    failed: int  # items that are tried again
    followers: tuple[str, ...]  # jobs that ended without these items and can take them one by one
    wholes: tuple[str, ...]  # jobs that ended without them and take a set as a whole
    reopened: bool = False  # whether the followers go on too

    def as_dict(self) -> dict[str, object]:
        return {
            "job": self.job,
            "failed": self.failed,
            "reopened": list(self.followers) if self.reopened else [],
            "ended_without": [*(() if self.reopened else self.followers), *self.wholes],
            "restart": list(self.wholes),
        }


def plan_retry(project: ProjectFolder, job: str, *, dependents: bool = False) -> Retry:
    """What is tried again; nothing is changed.

    Raises:
        ProjectError: the job has no items that could fail alone, or none that failed.
    """
    entry = project.entry(job)
    protocol = _protocol(entry)
    if not isinstance(protocol, ItemProtocol | SourceProtocol):
        raise ProjectError(
            f"{entry.name}", found=f"a job of {entry.protocol}, in which no single item can fail",
            expected="an import, or a job that treats items one by one",
            hint=f"cryoloom resume {entry.name} goes on with it, cryoloom restart {entry.name} begins anew.",
        )  # fmt: skip
    failed = len(entry.status().history.failed)
    followers, wholes = _needing(project.entries(), entry.name)
    if not failed and not (dependents and followers):
        raise ProjectError(
            f"{entry.name}", found="without failed items", expected="some to try again",
            hint=f"cryoloom resume {entry.name} "
            + ("takes its stream up again." if is_import(entry) else "goes on with a job that stopped."),
        )  # fmt: skip
    return Retry(entry.name, failed, followers, wholes, dependents)


def reopen(
    entry: JobEntry, *, stream: Literal["stop", "open"] = "stop", followers: Sequence[JobEntry] = ()
) -> None:
    """Ask for a new attempt at a job; what is through stays so. One that runs is ended by the scheduler first.

    All that is wished is one write: a command that dies has asked for everything or for nothing.

    Args:
        entry: the job.
        followers: jobs that ended and are opened again as soon as this one is.
        stream: of an import whose stream is over: "stop" looks at the failed files and waits for no further ones,
            "open" takes the stream up again.
    """
    status = entry.status()
    wishes: dict[str, object] = _anew(status.attempt.number if status.attempt else 0)
    if status.state == "succeeded" and is_import(entry):
        wishes["stream"] = stream
    more = numbers_of(followers)
    change_control(entry.folder, lambda known: {**wishes, "opens": known["opens"] | more})


def numbers_of(followers: Sequence[JobEntry]) -> dict[str, int]:
    """The newest attempt of each: that is what is asked to be followed by another."""
    attempts = {entry.name: newest_attempt(entry.folder) for entry in followers}
    return {name: attempt.number if attempt else 0 for name, attempt in attempts.items()}


def open_followers(root: Path, job: str) -> None:
    """Open the jobs again that a job's wishes name; what is done is taken off the wishes, one by one.

    Who dies in the middle leaves the rest, and what is done twice is done once: an attempt that came since stays.
    """
    for name, number in read_control(root / job)["opens"].items():
        folder = root / name
        if (folder / SPEC_FILE).exists():  # it may have been deleted
            change_control(folder, functools.partial(_raised, _anew(number)))
        change_control(root / job, functools.partial(_without, name))


def opened_by(folder: Path) -> Collection[str]:
    """The jobs that are still to be opened with this one; one whose wishes cannot be read says so elsewhere."""
    try:
        return tuple(read_control(folder)["opens"])
    except UnreadableError:
        return ()


def _anew(number: int) -> dict[str, Any]:
    return {"wanted": "run", "fresh": number, "reopen": number}


def _raised(wishes: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    return {**wishes, **{name: max(known[name], wishes[name]) for name in ("fresh", "reopen")}}


def _without(name: str, known: Mapping[str, Any]) -> dict[str, Any]:
    return {"opens": {one: number for one, number in known["opens"].items() if one != name}}


def is_import(entry: JobEntry) -> bool:
    """Whether its items come from outside."""
    return isinstance(_protocol(entry), SourceProtocol)


def followers_of(project: ProjectFolder, job: str) -> tuple[str, ...]:
    """Jobs that followed a job's stream, one after the other, and have ended."""
    return _needing(project.entries(), job)[0]


def wholes_of(project: ProjectFolder, job: str) -> tuple[str, ...]:
    """Jobs that took as a whole what a job, or those that followed it, made, and have ended."""
    return _needing(project.entries(), job)[1]


def _needing(entries: Sequence[JobEntry], job: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Jobs that ended without the items: those that follow a stream, and those that take sets whole.

    Beyond the latter nothing is named: what comes after them waits for their restart anyway.
    """
    reached, followers, wholes = {job}, [], []
    is_over = any(entry.name == job and entry.look().state == "succeeded" for entry in entries)
    for entry in entries:
        protocol = _protocol(entry)
        if protocol is None or entry.name == job:
            continue
        read = [name for name, dataset in protocol.given.items() if dataset.job in reached]
        if not read:
            continue
        state = entry.look().state
        # Who still runs though its input has ended has seen that end.
        ended = state in ("succeeded", "failed") or (state == "running" and is_over)
        if isinstance(protocol, ItemProtocol | RowProtocol) and any(
            protocol.input_spec(name).streams for name in read
        ):
            reached.add(entry.name)
            if ended:
                followers.append(entry.name)
        elif ended:
            wholes.append(entry.name)
    return tuple(followers), tuple(wholes)


def _protocol(entry: JobEntry) -> Protocol | None:
    try:
        return entry.make_protocol()
    except CryoloomError:
        return None  # RELION's own, or of a plugin that is not installed
