"""Who uses which cores, memory and GPUs of this machine: one file for the user, over all projects.

Changed under `flock` on a local disk. An entry belongs to a process; entries of dead processes are
dropped by whoever looks next, so a killed job gives its share back without anybody's help. What may be
taken is judged by `schedule.slots`.

A book that was lost (deleted, emptied, cut short) is begun anew under another id. Whoever takes shares is a member as
long as it lives (`launchers.members`, which needs no file), and writes itself into the new book; before all members
have, nothing is granted.
"""

import contextlib
import errno
import fcntl
import json
import os
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from cryoloom.errors import UnreadableError
from cryoloom.launchers import members
from cryoloom.project.jsonfile import check_format
from cryoloom.project.processes import boot_id, is_alive, start_ticks
from cryoloom.schedule.slots import Machine, Request, Use, held_by, why_after, why_not

FORMAT = 1
# Who waits says so again when its last look is older than this: a part of `slots.LOOK_S`.
REFRESH_S = 1.0
# How often a member looks whether the book is still the one that it stands in.
SIGN_S = 0.5
# So long a lost book waits for members that do not sign: one of them may be stopped, or of another version.
GATHER_S = 30.0
_USE, _REQUEST = ({one.name for one in fields(kind)} for kind in (Use, Request))

Owner = tuple[int, int]  # pid and start time


@dataclass(slots=True)
class Ledger:
    """What living processes hold and wait for; a request that waits is known by (pid, slot)."""

    uses: list[Use]
    waiting: dict[tuple[int, int, str], Request]
    id: str = ""
    gathers_since: float = 0.0  # it was begun after a loss; 0 once all members stand in it
    signed: set[Owner] = field(default_factory=set)
    # Fields of a later version, by the entry's key, kept as they are.
    more: dict[tuple[int, int, str], dict[str, Any]] = field(default_factory=dict)


@dataclass(slots=True)
class _Membership:
    """What this process holds, to be written into a book that was begun anew."""

    file: Path = Path()
    book: str = ""  # its id
    uses: dict[str, Use] = field(default_factory=dict)
    thread: threading.Thread | None = None
    lock: threading.RLock = field(default_factory=threading.RLock)


_mine = _Membership()


def ledger_file() -> Path:
    """The user's book for this machine; its folder is made with mode 0700 and must be ours.

    It outlives a logout, and is the same for jobs started from a desktop, by ssh and by cron; `/var/tmp` is local.

    Raises:
        PermissionError: the folder belongs to another user.
    """
    base = os.environ.get("CRYOLOOM_LEDGER_DIR")
    folder = Path(base) / "cryoloom" if base else Path(f"/var/tmp/cryoloom-{os.getuid()}")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise PermissionError(errno.EPERM, "belongs to another user", str(folder))
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
    except UnreadableError as error:
        return str(error)
    except OSError as error:
        # What is not in the book would be given to others too.
        return f"{_name()} cannot be written ({error.strerror})"


def _name() -> str:
    try:
        return str(ledger_file())
    except OSError as error:
        return str(error.filename)


def _take(request: Request, machine: Machine, slot: str) -> str:
    me = (os.getpid(), start_ticks(os.getpid()), slot)
    now = time.monotonic()
    _join()
    with _mine.lock, _locked() as ledger:
        _sign(ledger)
        if why := _gathers(ledger, now):
            return why
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
        use = replace(held_by(request), pid=me[0], start=me[1], slot=slot)
        ledger.uses[:] = [*kept, use]
        _mine.uses[slot] = use
        return ""


def _join() -> None:
    """Be a member from the first share on."""
    file = ledger_file()
    with _mine.lock:
        if _mine.file != file:
            _mine.file, _mine.book, _mine.uses = file, "", {}
            members.join(file)
        if _mine.thread is None or not _mine.thread.is_alive():
            _mine.thread = threading.Thread(target=_stay, name="ledger", daemon=True)
            _mine.thread.start()


def _stay() -> None:
    """Write what this process holds into a book that was begun anew, whoever began it."""
    while True:
        time.sleep(SIGN_S)
        with contextlib.suppress(OSError, UnreadableError), _mine.lock:  # the next look will do
            if ledger_file() == _mine.file and _id_of(_mine.file) != _mine.book:
                with _locked() as ledger:
                    _sign(ledger)


def _id_of(path: Path) -> str:
    """The id of the book that lies there now; it stands first. "" where none lies."""
    try:
        with path.open("rb") as file:
            return file.read(64).partition(b'"id": "')[2].partition(b'"')[0].decode(errors="replace")
    except OSError:
        return ""


def _sign(ledger: Ledger) -> None:
    """Stand in the book with all that this process holds."""
    me = (os.getpid(), start_ticks(os.getpid()))
    if ledger.id == _mine.book and not ledger.gathers_since:
        return
    written = {use.slot for use in ledger.uses if (use.pid, use.start) == me}
    ledger.uses += [use for slot, use in _mine.uses.items() if slot not in written]
    ledger.signed.add(me)
    _mine.book = ledger.id


def _gathers(ledger: Ledger, now: float) -> str:
    """The sentence that says whose word a lost book waits for; "" when all members stand in it."""
    if not ledger.gathers_since:
        return ""
    absent = [owner for owner in members.living(_mine.file) if owner not in ledger.signed]
    if absent and now - ledger.gathers_since < GATHER_S:
        pids = ", ".join(str(pid) for pid, _ in absent)
        return f"the book of slots was lost; waits for what running jobs hold (process {pids})"
    ledger.gathers_since, ledger.signed = 0.0, set()
    return ""


def give_back(slot: str = "") -> None:
    """Release what this process holds under a slot, or waits for."""
    with _mine.lock:
        _mine.uses.pop(slot, None)
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
        if os.fstat(handle).st_nlink == 0:
            # Deleted between opening and locking: what is written there nobody reads.
            raise OSError(errno.ESTALE, "deleted while it was opened", str(path))
        data = os.pread(handle, os.fstat(handle).st_size, 0)
        ledger = _parse(data, path)
        owners = {(use.pid, use.start) for use in ledger.uses} | {key[:2] for key in ledger.waiting}
        living = {owner for owner in owners if is_alive(*owner)}
        ledger.uses = [use for use in ledger.uses if (use.pid, use.start) in living]
        ledger.waiting = {key: value for key, value in ledger.waiting.items() if key[:2] in living}
        entries = {(use.pid, use.start, use.slot) for use in ledger.uses} | ledger.waiting.keys()
        ledger.more = {key: value for key, value in ledger.more.items() if key in entries}
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
    uses = [
        {**ledger.more.get((use.pid, use.start, use.slot), {}), **asdict(use), "gpus": list(use.gpus)}
        for use in ledger.uses
    ]
    waiting = [
        [*key, {**ledger.more.get(key, {}), **_as_dict(request), "gpus": sorted(request.gpus)}]
        for key, request in ledger.waiting.items()
    ]
    content = {
        "id": ledger.id, "format": FORMAT, "boot": boot_id(), "gathers_since": ledger.gathers_since,
        "signed": sorted(ledger.signed), "uses": uses, "waiting": waiting,
    }  # fmt: skip
    return json.dumps(content).encode()


def _as_dict(request: Request) -> dict[str, object]:
    return {name: getattr(request, name) for name in Request.__slots__}


def _parse(data: bytes, path: Path) -> Ledger:
    """What the book says; a new one where it is empty, torn or of another boot.

    Raises:
        UnreadableError: a newer version wrote it.
    """
    try:
        content = json.loads(data)
        check_format(f"{path}", content["format"], FORMAT)
        if content["boot"] != boot_id():
            return Ledger([], {}, uuid.uuid4().hex)  # nobody lives who held anything then
        ledger = Ledger(
            [], {}, content["id"], content["gathers_since"], {(*one,) for one in content["signed"]}
        )
        for entry in content["uses"]:
            use = Use(**{**{name: entry[name] for name in _USE & entry.keys()}, "gpus": (*entry["gpus"],)})
            ledger.uses.append(use)
            _keep(ledger, (use.pid, use.start, use.slot), entry, _USE)
        for pid, start, slot, entry in content["waiting"]:
            known = {name: entry[name] for name in _REQUEST & entry.keys()}
            ledger.waiting[pid, start, slot] = Request(**{**known, "gpus": frozenset(entry["gpus"])})
            _keep(ledger, (pid, start, slot), entry, _REQUEST)
        return ledger
    except (ValueError, TypeError, AttributeError, KeyError):
        # Lost: what living members hold must be gathered before anything is granted.
        return Ledger([], {}, uuid.uuid4().hex, gathers_since=time.monotonic())


def _keep(ledger: Ledger, key: tuple[int, int, str], entry: Mapping[str, Any], known: set[str]) -> None:
    more = {name: value for name, value in entry.items() if name not in known}
    if more:
        ledger.more[key] = more
