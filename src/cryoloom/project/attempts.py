"""Attempts at a job: `.cryoloom/attempts/NNNN/`, and the wishes in `control.json`.

`exit.json` alone means "ended". A claim says who runs the attempt; it is alive when that very
process is. See `docs/decisions/` for the order in which these files appear.
"""

import contextlib
import copy
import fcntl
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from cryoloom.errors import UnreadableError
from cryoloom.project.jsonfile import read_json_if_there, write_json
from cryoloom.project.processes import boot_id, host_name, is_alive
from cryoloom.project.sharing import as_folder_says

Wanted = Literal["run", "stop"]
CONTROL = Path(".cryoloom/control.json")


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt as its files tell it."""

    folder: Path
    number: int
    claim: dict[str, Any] | None
    exit: dict[str, Any] | None

    @property
    def ended(self) -> bool:
        return self.exit is not None

    def lives(self) -> bool | None:
        """Whether its shepherd runs; None when another host holds it and we cannot know."""
        if self.claim is None:
            return None
        if self.claim.get("host") != host_name():
            return None
        return self.claim.get("boot") == boot_id() and is_alive(self.claim["pid"], self.claim["start"])


def attempts_folder(job: Path) -> Path:
    return job / ".cryoloom" / "attempts"


def newest_attempt(job: Path) -> Attempt | None:
    """The job's latest attempt, None before the first.

    Raises:
        UnreadableError: there may be one, and it cannot be known.
    """
    numbers = attempt_numbers(job)
    return read_attempt(job, max(numbers)) if numbers else None


def attempt_numbers(job: Path) -> list[int]:
    """The numbers of a job's attempts.

    Raises:
        UnreadableError: their folder is there and cannot be read.
    """
    try:
        return [int(name) for name in os.listdir(attempts_folder(job)) if name.isdigit()]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UnreadableError(
            f"{attempts_folder(job)}", found=f"not readable ({error.strerror})", expected="the job's attempts"
        ) from None


def read_attempt(job: Path, number: int) -> Attempt:
    """One attempt.

    Raises:
        UnreadableError: its claim or its end is there and cannot be read.
    """
    folder = attempts_folder(job) / f"{number:04d}"
    return Attempt(
        folder, number, read_json_if_there(folder / "claim"), read_json_if_there(folder / "exit.json")
    )


def make_attempt(job: Path, after: int | None = None) -> Path | None:
    """The next attempt's folder; None when another scheduler made it first.

    Args:
        job: its folder.
        after: the number of the attempt that it is to follow, 0 for none: who has judged that one must not follow another;
            None for the newest.
    """
    if after is None:
        after = max(attempt_numbers(job), default=0)
    folder = attempts_folder(job) / f"{after + 1:04d}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        folder.mkdir()
    except FileExistsError:
        return None
    return folder


def mark_lost(attempt: Attempt, why: str) -> None:
    """Say that an attempt's processes are gone; a real `exit.json` that comes first wins."""
    beside = attempt.folder / f".lost.{os.getpid()}"
    write_json(beside, {"ended_by": "lost", "why": why, "code": None}, sync=True)
    with contextlib.suppress(FileExistsError):
        os.link(beside, attempt.folder / "exit.json")
    beside.unlink()


def read_control(job: Path) -> dict[str, Any]:
    """What the user wants of a job.

    `wanted` run or stop; `stream` open or stop; `fresh`: attempts up to this one are done with;
    `reopen`: one up to this is ended where it still runs, and the next opens again what was closed;
    `opens`: jobs that followed, each with the attempt of it that this is said of when this job goes on; `priority`;
    `alone`: with nothing else on the machine; `memory_gb`: 0 for the protocol's own estimate;
    `launcher`: where it goes, "" as the settings say; `batch`: what it asks there: `queue`, `walltime`, and the template's
    own questions;
    `changes`: of parameters, while items stream: `version`, `values`, `of_all`; `asks`: what the user has to decide
    before the job is started, "" for nothing.

    Raises:
        UnreadableError: the file is there and cannot be read: then nobody knows what is wanted.
    """
    known = read_json_if_there(job / CONTROL) or {}
    for name, value in known.items():
        if name in _NO_WISHES and not _is_like(_NO_WISHES[name], value):
            raise UnreadableError(
                f"{job / CONTROL}: {name}", found=repr(value), expected=f"as in {_NO_WISHES[name]!r}",
                hint="Mend the file, or take it away: without it all is as at the beginning.",
            )  # fmt: skip
    return {**copy.deepcopy(_NO_WISHES), **known}


_NO_WISHES: dict[str, Any] = {
    "format": 1,
    "wanted": "run",
    "stream": "open",
    "fresh": 0,
    "reopen": 0,
    "opens": {},
    "priority": 0,
    "alone": False,
    "memory_gb": 0,
    "launcher": "",
    "batch": {},
    "changes": [],
    "asks": "",
}


def _is_like(default: object, value: object) -> bool:
    """Whether a value is of the kind that a wish has; a number may have a fraction."""
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(value, bool) and isinstance(default, bool)
    return isinstance(value, (int, float) if isinstance(default, int) else type(default))


def write_control(job: Path, **wishes: Any) -> None:
    """Change some wishes, keep the others."""
    change_control(job, lambda _: wishes)


def change_control(job: Path, wishes: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> dict[str, Any]:
    """Change some wishes by what they were; of two commands at once neither undoes what the other wished.

    Returns:
        All wishes as they are now.
    """
    (job / CONTROL.parent).mkdir(exist_ok=True)
    handle = os.open(job / CONTROL.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o644)
    try:
        as_folder_says(handle, (job / CONTROL).parent)
        with contextlib.suppress(OSError):  # a file system without locks: as good as it gets
            fcntl.flock(handle, fcntl.LOCK_EX)
        known = read_control(job)
        changed = known | dict(wishes(known))
        write_json(job / CONTROL, changed, sync=True)
    finally:
        os.close(handle)
    return changed
