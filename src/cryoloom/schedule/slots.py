"""Slots of one machine: who may take cores, memory and GPUs beside those who hold them. Pure.

A request names what it takes; uses are what others hold; the sentence that refuses says by whom. Order is
priority, then age: one that does not fit may be overtaken, but not for ever. Times are the machine's monotonic clock.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

# A request that has waited so long is not overtaken any more: what gets free is kept for it.
HOLD_S = 600.0
# Who has not looked for so long is not waited for: its process is stopped, or has other things to do.
LOOK_S = 5.0
# What a job takes of whose memory nothing is known.
UNKNOWN_MEMORY_MB = 2048


@dataclass(frozen=True, slots=True)
class Request:
    """What a job, or one batch of it, wants to hold."""

    job: str
    cores: int = 1
    memory_mb: int = 0
    gpus: frozenset[str] = frozenset()
    plugin: str = ""
    priority: int = 0  # the higher the sooner
    alone: bool = False  # with nothing else on the machine
    project: str = ""  # whose job: the ledger is of all projects of a user
    since: float = 0.0  # when it began to wait
    looked: float = 0.0  # when it last looked whether it fits

    def is_of_job_of(self, other: "Request") -> bool:
        return (self.project, self.job) == (other.project, other.job)


@dataclass(frozen=True, slots=True)
class Use:
    """What a living process holds."""

    pid: int
    start: int
    slot: str  # of several of one process
    job: str
    cores: int
    memory_mb: int = 0
    gpus: tuple[str, ...] = ()
    plugin: str = ""
    alone: bool = False
    project: str = ""


@dataclass(frozen=True, slots=True)
class Machine:
    """What there is, as far as the settings allow it."""

    cores: int
    memory_mb: int = 0  # 0: not counted
    gpus: tuple[str, ...] = ()
    limits: Mapping[str, int] = field(default_factory=dict)  # plugin → at most so many at once


def why_not(request: Request, uses: Sequence[Use], machine: Machine) -> str:
    """The sentence that says what a request waits for; "" when it fits.

    A request larger than the machine fits when nothing else runs.
    """
    if request.alone and uses:
        return f"runs alone; waits for {_holders(uses, request)}"
    alone = [use for use in uses if use.alone]
    if alone:
        return f"{_holders(alone, request)} runs alone"
    limit = machine.limits.get(request.plugin)
    same = [use for use in uses if use.plugin == request.plugin]
    if limit is not None and len(same) >= limit:
        return f"at most {limit} of {request.plugin} at once; {_holders(same, request)} runs"
    held = [use for use in uses if request.gpus & set(use.gpus)]
    if held:
        wanted = ", ".join(sorted(request.gpus))
        holders = ", ".join(f"{_name(use, request)} holds {', '.join(use.gpus)}" for use in held)
        return f"needs GPU {wanted}; {holders}"
    cores = min(request.cores, machine.cores)
    free = machine.cores - sum(use.cores for use in uses)
    if cores > free:
        holders = ", ".join(f"{_name(use, request)} holds {use.cores}" for use in uses if use.cores)
        return f"needs {_count(cores, 'core')}; {max(0, free)} of {machine.cores} free ({holders})"
    memory = min(request.memory_mb, machine.memory_mb)
    room = machine.memory_mb - sum(use.memory_mb for use in uses)
    if machine.memory_mb and memory > room:
        holders = ", ".join(
            f"{_name(use, request)} holds {_gb(use.memory_mb)}" for use in uses if use.memory_mb
        )
        return (
            f"needs {_gb(memory)} of memory; {_gb(max(0, room))} of {_gb(machine.memory_mb)} free ({holders})"
        )
    return ""


def why_after(
    request: Request, waiting: Iterable[Request], uses: Sequence[Use], machine: Machine, now: float
) -> str:
    """The sentence about an earlier or more urgent request for which slots are kept; "" when there is none."""
    for other in waiting:
        if other.is_of_job_of(request) or not _goes_first(other, request, uses, machine, now):
            continue
        if why_not(request, [*uses, held_by(other)], machine):
            return f"after {_name(other, request)}, which waits for slots"
    return ""


def held_by(request: Request) -> Use:
    """What is held once a request was granted, by a process that is not known yet."""
    return Use(
        0, 0, "", request.job, request.cores, request.memory_mb, (*sorted(request.gpus),), request.plugin,
        request.alone, request.project,
    )  # fmt: skip


def _goes_first(other: Request, request: Request, uses: Sequence[Use], machine: Machine, now: float) -> bool:
    if now - other.looked > LOOK_S:
        return False
    if other.priority != request.priority:
        return other.priority > request.priority
    if other.since >= request.since:
        return False
    return now - other.since > HOLD_S or not why_not(other, uses, machine)


def _holders(uses: Sequence[Use], request: Request) -> str:
    return ", ".join(dict.fromkeys(_name(use, request) for use in uses))


def _name(other: Use | Request, request: Request) -> str:
    return other.job if other.project == request.project else f"{other.job} of {other.project}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _gb(megabytes: int) -> str:
    return f"{megabytes / 1024:.3g} GB"
