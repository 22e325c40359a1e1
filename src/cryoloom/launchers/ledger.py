"""Who uses which cores and GPUs of this machine: one file for the user, over all projects.

Changed under `flock` on a local disk. An entry belongs to a process; entries of dead processes are
dropped by whoever looks next, so a killed job gives its cores back without anybody's help.
"""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryoloom.launchers.machine import gpus
from cryoloom.project.processes import is_alive, start_ticks


@dataclass(frozen=True, slots=True)
class Use:
    """One process' share of the machine."""

    pid: int
    start: int
    job: str
    cores: int
    gpus: tuple[str, ...] = ()


def ledger_file() -> Path:
    """The user's ledger; its folder is made with mode 0700 and must be ours."""
    base = os.environ.get("CRYOLOOM_LEDGER_DIR") or os.environ.get("XDG_RUNTIME_DIR")
    folder = Path(base) / "cryoloom" if base and Path(base).is_dir() else Path(f"/tmp/cryoloom-{os.getuid()}")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to another user")
    return folder / "slots.json"


def uses() -> list[Use]:
    """What living processes hold now."""
    with _locked() as entries:
        return list(entries)


def take(job: str, cores: int, limit: int, gpu_ids: frozenset[str] = frozenset()) -> bool:
    """Try to take cores and GPUs for this process; False when they are not free.

    A request larger than the machine is granted when nothing else runs.
    """
    with _locked() as entries:
        others = [use for use in entries if use.pid != os.getpid()]
        if not fits(others, cores, limit, gpu_ids):
            return False
        entries[:] = [*others, Use(os.getpid(), start_ticks(os.getpid()), job, cores, tuple(sorted(gpu_ids)))]
        return True


def give_back() -> None:
    """Release what this process holds."""
    with _locked() as entries:
        entries[:] = [use for use in entries if use.pid != os.getpid()]


def fits(others: list[Use], cores: int, limit: int, gpu_ids: frozenset[str] = frozenset()) -> bool:
    """Whether a request fits beside what others hold; pure."""
    held = frozenset(gpu for use in others for gpu in use.gpus)
    if gpu_ids & held:
        return False
    used = sum(use.cores for use in others)
    return used + min(cores, limit) <= limit


def why_not(others: list[Use], cores: int, limit: int, gpu_ids: frozenset[str] = frozenset()) -> str:
    """The sentence that says what a request waits for; "" when it fits. Pure."""
    if fits(others, cores, limit, gpu_ids):
        return ""
    holders = ", ".join(f"{use.job} holds {use.cores}" for use in others if use.cores)
    held = [use for use in others if set(use.gpus) & gpu_ids]
    if held:
        return (
            "needs GPU "
            + ", ".join(sorted(gpu_ids))
            + "; "
            + ", ".join(f"{use.job} holds {', '.join(use.gpus)}" for use in held)
        )
    free = max(0, limit - sum(use.cores for use in others))
    return f"needs {min(cores, limit)} cores; {free} of {limit} free ({holders})"


def present_gpus() -> tuple[str, ...]:
    return gpus()


@contextlib.contextmanager
def _locked() -> Iterator[list[Use]]:
    path = ledger_file()
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        data = os.read(handle, 1 << 20)
        before = _parse(data)
        entries = [use for use in before if is_alive(use.pid, use.start)]
        yield entries
        text = json.dumps([[u.pid, u.start, u.job, u.cores, list(u.gpus)] for u in entries]).encode()
        if text != data:
            os.lseek(handle, 0, os.SEEK_SET)
            os.ftruncate(handle, 0)
            os.write(handle, text)
    finally:
        os.close(handle)


def _parse(data: bytes) -> list[Use]:
    try:
        return [
            Use(pid, start, job, cores, tuple(ids))
            for pid, start, job, cores, ids in json.loads(data or b"[]")
        ]
    except (ValueError, TypeError):
        return []  # a ledger torn by a crash says nothing; living jobs write themselves in again
