"""Slots of one machine: who may take cores, memory and GPUs beside those who hold them. Pure.

A request names what it takes; uses are what others hold; the sentence that refuses says by whom. Order is
priority, then age: one that does not fit may be overtaken, but not for ever. Times are the machine's monotonic clock.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

# A request that has waited so long is not overtaken any more: what gets free is kept for it.
HOLD_S = 600.0
# Who has not looked for so long is not waited for: its process is stopped, or has other things to do.
LOOK_S = 5.0
# What a job takes of whose memory nothing is known.
UNKNOWN_MEMORY_MB = 2048

# What a request lacks: room that others hold, or its turn at something that there is no more of; "" nothing.
Lack: TypeAlias = Literal["", "room", "turn"]


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
    # What its project's settings let it count on: others judge by it whether it could start. 0, None: no limit.
    most_cores: int = 0
    most_memory_mb: int = 0
    most_of_plugin: int | None = None
    live: bool = False  # a batch of a stream, for which cores are kept

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
    live: bool = False


@dataclass(frozen=True, slots=True)
class Machine:
    """What there is, as far as the settings allow it."""

    cores: int
    memory_mb: int = 0  # 0: not counted
    gpus: tuple[str, ...] = ()
    limits: Mapping[str, int] = field(default_factory=dict)  # plugin → at most so many at once
    live_cores: int = 0  # of them, those that only streams may take


def why_not(request: Request, uses: Sequence[Use], machine: Machine) -> str:
    """The sentence that says what a request waits for; "" when it fits.

    A request larger than the machine fits when nothing else runs.
    """
    return _lack(request, uses, machine)[1]


def _lack(request: Request, uses: Sequence[Use], machine: Machine) -> tuple[Lack, str]:
    """What is missing for a request, and the sentence that says so; "" and "" when it fits."""
    others = [use for use in uses if (use.project, use.job) != (request.project, request.job)]
    if request.alone and others:
        return "room", f"runs alone; waits for {_holders(others, request)}"
    alone = [use for use in others if use.alone]
    if alone:
        return "turn", f"{_holders(alone, request)} runs alone"
    limit = machine.limits.get(request.plugin)
    same = [use for use in uses if use.plugin == request.plugin]
    if limit is not None and len(same) >= limit:
        return "turn", f"at most {limit} of {request.plugin} at once; {_holders(same, request)} runs"
    held = [use for use in uses if request.gpus & set(use.gpus)]
    if held:
        wanted = ", ".join(sorted(request.gpus))
        holders = ", ".join(f"{_name(use, request)} holds {', '.join(use.gpus)}" for use in held)
        return "turn", f"needs GPU {wanted}; {holders}"
    most = machine.cores if request.live else max(1, machine.cores - machine.live_cores)
    cores = min(request.cores, most)
    free = machine.cores - sum(use.cores for use in uses)
    left = most - sum(use.cores for use in uses if not use.live)  # of those that are no stream's
    if not request.live and free >= cores > left:
        holders = ", ".join(
            f"{_name(use, request)} holds {use.cores}" for use in uses if use.cores and not use.live
        )
        kept = _count(machine.live_cores, "core")
        return "room", f"needs {_count(cores, 'core')}; {kept} kept for streams ({holders})"
    if cores > free:
        holders = ", ".join(f"{_name(use, request)} holds {use.cores}" for use in uses if use.cores)
        return "room", f"needs {_count(cores, 'core')}; {max(0, free)} of {machine.cores} free ({holders})"
    memory = min(request.memory_mb, machine.memory_mb)
    room = machine.memory_mb - sum(use.memory_mb for use in uses)
    if machine.memory_mb and memory > room:
        holders = ", ".join(
            f"{_name(use, request)} holds {_gb(use.memory_mb)}" for use in uses if use.memory_mb
        )
        have = f"{_gb(max(0, room))} of {_gb(machine.memory_mb)} free ({holders})"
        return "room", f"needs {_gb(memory)} of memory; {have}"
    return "", ""


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
        request.alone, request.project, request.live,
    )  # fmt: skip


def _goes_first(other: Request, request: Request, uses: Sequence[Use], machine: Machine, now: float) -> bool:
    """Whether slots are kept for another request: one that fits, or that more room would help.

    What waits for a GPU, for another of its plugin, or for a job that runs alone, is helped by nothing that could be kept.
    """
    if now - other.looked > LOOK_S or (other.priority, -other.since) <= (request.priority, -request.since):
        return False
    lack, _ = _lack(other, uses, _as_seen_by(other, machine))
    if lack == "room":
        return other.priority > request.priority or now - other.since > HOLD_S
    return not lack


def _as_seen_by(request: Request, machine: Machine) -> Machine:
    """The machine by the settings of a request's own project, where it tells of them."""
    if not request.most_cores:
        return machine
    limit = request.most_of_plugin
    limits = {} if limit is None else {request.plugin: limit}
    return Machine(request.most_cores, request.most_memory_mb, machine.gpus, limits, machine.live_cores)


def _holders(uses: Sequence[Use], request: Request) -> str:
    return ", ".join(dict.fromkeys(_name(use, request) for use in uses))


def _name(other: Use | Request, request: Request) -> str:
    return other.job if other.project == request.project else f"{other.job} of {other.project}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _gb(megabytes: int) -> str:
    return f"{megabytes / 1024:.3g} GB"
