"""What runs and waits on this machine in all projects of a user, what it takes, and what is left."""

import shutil
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from cryoloom.api.recent import key_of, recent_projects
from cryoloom.launchers import ledger
from cryoloom.launchers.machine import this_machine
from cryoloom.project.settings import load_settings
from cryoloom.schedule.slots import Request, Use


@dataclass(frozen=True, slots=True)
class Holder:
    """A job, or a batch of one, that holds a share of the machine or waits for one."""

    job: str
    project: str  # its folder
    key: str  # by which a page names the project
    cores: int
    memory_mb: int
    gpus: tuple[str, ...]
    busy_cores: (
        float | None
    )  # what its processes really take; None while it waits, or where that cannot be seen
    resident_mb: float | None


@dataclass(frozen=True, slots=True)
class Disk:
    """A file system on which there is a project."""

    where: str  # the first project on it
    free_gb: float
    total_gb: float


@dataclass(frozen=True, slots=True)
class MachineNow:
    """The machine as jobs see it: what they may take, what is taken, who waits."""

    cores: int
    cores_taken: int
    memory_mb: int
    memory_taken_mb: int
    gpus: tuple[str, ...]
    gpus_taken: tuple[str, ...]
    load: float  # processes that wanted to run in the last minute, of all users
    free_memory_mb: int  # of the whole machine
    running: tuple[Holder, ...]
    waiting: tuple[Holder, ...]
    disks: tuple[Disk, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def machine_now(projects: Iterable[Path] = ()) -> MachineNow:
    """Look at the machine.

    Args:
        projects: whose disks are told, besides those of the projects that were opened lately.
    Raises:
        ProjectError: a setting of the user's is no number.
    """
    machine, book = this_machine(load_settings(None)), ledger.read()
    shares = [use for use in book.uses if use.cores or use.gpus]
    return MachineNow(
        cores=machine.cores,
        cores_taken=sum(use.cores for use in shares),
        memory_mb=machine.memory_mb,
        memory_taken_mb=sum(use.memory_mb for use in shares),
        gpus=machine.gpus,
        gpus_taken=tuple(sorted({gpu for use in shares for gpu in use.gpus})),
        load=psutil.getloadavg()[0],
        free_memory_mb=psutil.virtual_memory().available >> 20,
        running=tuple(_holding(use) for use in shares),
        waiting=tuple(_wanting(request) for request in book.waiting.values()),
        disks=_disks([*projects, *(known.path for known in recent_projects() if known.is_there)]),
    )


def _holding(use: Use) -> Holder:
    busy, resident = _taken_by(use.pid)
    return Holder(use.job, use.project, _key(use.project), use.cores, use.memory_mb, use.gpus, busy, resident)


def _wanting(request: Request) -> Holder:
    gpus = tuple(sorted(request.gpus))
    key = _key(request.project)
    return Holder(request.job, request.project, key, request.cores, request.memory_mb, gpus, None, None)


def _key(project: str) -> str:
    return key_of(Path(project)) if project else ""


def _taken_by(pid: int) -> tuple[float | None, float | None]:
    """Cores that a process and what it started have kept busy over their lives, and the memory that they hold now, in MB."""
    try:
        parent = psutil.Process(pid)
        family = [parent, *parent.children(recursive=True)]
        lived = max(time.time() - parent.create_time(), 1.0)
        times = [one.cpu_times() for one in family]
        resident = sum(one.memory_info().rss for one in family)
    except (psutil.Error, OSError):
        return None, None
    # Of children that have ended their parent knows the time.
    spent = sum(one.user + one.system for one in times) + times[0].children_user + times[0].children_system
    return round(spent / lived, 1), round(resident / 1e6)


def _disks(projects: Iterable[Path]) -> tuple[Disk, ...]:
    found: dict[int, Disk] = {}
    for path in projects:
        try:
            device = path.stat().st_dev
            usage = shutil.disk_usage(path)
        except OSError:
            continue
        found.setdefault(device, Disk(str(path), round(usage.free / 1e9, 1), round(usage.total / 1e9, 1)))
    return tuple(found.values())
