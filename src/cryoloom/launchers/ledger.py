"""Who uses which cores, memory and GPUs of this machine: one file for the user, over all projects.

Changed under `flock` on a local disk. An entry belongs to a process; entries of dead processes are
dropped by whoever looks next, so a killed job gives its share back without anybody's help. What may be
taken is judged by `schedule.slots`.
"""

import contextlib
import errno
import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass, replace
from pathlib import Path

from cryoloom.project.processes import is_alive, start_ticks
from cryoloom.schedule.slots import Machine, Request, Use, held_by, why_after, why_not

# Who waits says so again when its last look is older than this: a part of `slots.LOOK_S`.
REFRESH_S = 1.0


@dataclass(slots=True)
class Ledger:
    """What living processes hold and wait for; a request that waits is known by (pid, slot)."""

    uses: list[Use]
    waiting: dict[tuple[int, int, str], Request]


def ledger_file() -> Path:
    """The user's ledger; its folder is made with mode 0700 and must be ours."""
    base = os.environ.get("CRYOLOOM_LEDGER_DIR") or os.environ.get("XDG_RUNTIME_DIR")
    folder = Path(base) / "cryoloom" if base and Path(base).is_dir() else Path(f"/tmp/cryoloom-{os.getuid()}")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to another user")
    return folder / "slots.json"


def read() -> Ledger:
    """What living processes hold and wait for now."""
    with _locked() as ledger:
        return ledger


def take(request: Request, machine: Machine, slot: str = "") -> str:
    """Try to take a share for this process; "" when it was granted, else the sentence why not.

    Until it is granted, the request waits in the ledger: later ones of lower priority see it.

    Args:
        slot: which of several shares of this process.
    """
    try:
        return _take(request, machine, slot)
    except OSError as error:
        # What is not in the book would be given to others too.
        return f"{ledger_file()} cannot be written ({error.strerror})"


def _take(request: Request, machine: Machine, slot: str) -> str:
    me = (os.getpid(), start_ticks(os.getpid()), slot)
    now = time.monotonic()
    with _locked() as ledger:
        request = replace(request, since=_since(ledger, me, request, now), looked=now)
        others = [use for use in ledger.uses if (use.pid, use.start, use.slot) != me]
        # Lanes of one job may share a GPU: an id that is listed twice.
        others = [replace(use, gpus=()) if use.pid == me[0] else use for use in others]
        rivals = [other for key, other in ledger.waiting.items() if key != me]
        why = why_not(request, others, machine) or why_after(request, rivals, others, machine, now)
        if why:
            known = ledger.waiting.get(me)
            if known is None or now - known.looked > REFRESH_S:
                ledger.waiting[me] = request
            return why
        ledger.waiting.pop(me, None)
        kept = [use for use in ledger.uses if (use.pid, use.start, use.slot) != me]
        ledger.uses[:] = [*kept, replace(held_by(request), pid=me[0], start=me[1], slot=slot)]
        return ""


def give_back(slot: str = "") -> None:
    """Release what this process holds under a slot, or waits for."""
    with _locked() as ledger:
        ledger.uses[:] = [use for use in ledger.uses if (use.pid, use.slot) != (os.getpid(), slot)]
        ledger.waiting.pop((os.getpid(), start_ticks(os.getpid()), slot), None)


def announce(requests: Mapping[str, Request]) -> None:
    """What jobs wait for that have no process yet, or one that is about to ask: all that this process announces, by job.

    Said again within `slots.LOOK_S`, or nobody waits for them.
    """
    pid, start, now = os.getpid(), start_ticks(os.getpid()), time.monotonic()
    with _locked() as ledger:
        for key, request in [*ledger.waiting.items()]:
            if key[:2] == (pid, start) and _is_announced(key, request) and request.job not in requests:
                del ledger.waiting[key]
        for job, request in requests.items():
            me = (pid, start, job)
            ledger.waiting[me] = replace(request, since=_since(ledger, me, request, now), looked=now)


def _since(ledger: Ledger, me: tuple[int, int, str], request: Request, now: float) -> float:
    """When it began to wait; a process has waited since its job was announced."""
    known = ledger.waiting.get(me)
    if known is not None:
        return known.since
    announced = [
        other.since
        for key, other in ledger.waiting.items()
        if _is_announced(key, other) and other.is_of_job_of(request)
    ]
    return min(announced, default=now)


def _is_announced(key: tuple[int, int, str], request: Request) -> bool:
    return key[2] == request.job


@contextlib.contextmanager
def _locked() -> Iterator[Ledger]:
    path = ledger_file()
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        data = os.pread(handle, os.fstat(handle).st_size, 0)
        ledger = _parse(data)
        owners = {(use.pid, use.start) for use in ledger.uses} | {key[:2] for key in ledger.waiting}
        living = {owner for owner in owners if is_alive(*owner)}
        ledger.uses = [use for use in ledger.uses if (use.pid, use.start) in living]
        ledger.waiting = {key: value for key, value in ledger.waiting.items() if key[:2] in living}
        yield ledger
        text = _text(ledger)
        if text != data:
            _replace(handle, data, text)
    finally:
        os.close(handle)


def _replace(handle: int, old: bytes, new: bytes) -> None:
    """Write the book anew; where there is no room for it, it stays as it was: a torn one would give slots twice.

    Raises:
        OSError: there is no room for it.
    """
    try:
        if os.pwrite(handle, new, 0) < len(new):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(ledger_file()))
    except OSError:
        os.pwrite(handle, old, 0)
        os.ftruncate(handle, len(old))
        raise
    os.ftruncate(handle, len(new))


def _text(ledger: Ledger) -> bytes:
    waiting = [
        [*key, {**_as_dict(request), "gpus": sorted(request.gpus)}] for key, request in ledger.waiting.items()
    ]
    return json.dumps({"uses": [astuple(use) for use in ledger.uses], "waiting": waiting}).encode()


def _as_dict(request: Request) -> dict[str, object]:
    return {name: getattr(request, name) for name in Request.__slots__}


def _parse(data: bytes) -> Ledger:
    try:
        content = json.loads(data or b"{}")
        uses = [
            Use(pid, start, slot, job, cores, memory, (*gpus,), plugin, alone, project)
            for pid, start, slot, job, cores, memory, gpus, plugin, alone, project in content.get("uses", [])
        ]
        waiting = {
            (pid, start, slot): Request(**{**request, "gpus": frozenset(request["gpus"])})
            for pid, start, slot, request in content.get("waiting", [])
        }
        return Ledger(uses, waiting)
    except (ValueError, TypeError, AttributeError, KeyError):
        return Ledger([], {})  # one torn by a crash says nothing; living jobs write themselves in again
