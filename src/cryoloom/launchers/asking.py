"""What a job asks of a batch system: from its protocol's values and its user's wishes; what it leaves open the site says."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from cryoloom.launchers.auto_cores import RANKS, THREADS
from cryoloom.launchers.machine import gpus_of_string
from cryoloom.launchers.site import minutes_of
from cryoloom.protocol.declare import AUTO
from cryoloom.protocol.protocols import ItemProtocol, Protocol


@dataclass(frozen=True, slots=True)
class Asks:
    """0 and None: as the site has it."""

    ranks: int = 0
    threads: int = 0
    memory_mb: int = 0
    gpus: int | None = 0  # how many; None: it runs on GPUs and names none
    queue: str = ""
    walltime_min: int = 0
    extra: Mapping[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """For `command.json`."""
        return asdict(self)


def asks_of(protocol: Protocol, control: Mapping[str, Any]) -> Asks:
    """What a job asks for; batches that are worked at side by side ask for cores of their own.

    Args:
        protocol: with the job's values.
        control: its user's wishes.
    Raises:
        LaunchError: a walltime that is none.
    """
    ranks, threads = (protocol.values.get(name) for name in (RANKS, THREADS))
    at_once = int(protocol.values.get("workers", 1) or 1) if isinstance(protocol, ItemProtocol) else 1
    named = protocol.gpus()
    wishes: Mapping[str, Any] = control["batch"]
    memory = control["memory_gb"]
    if AUTO in (ranks, threads):
        per_rank = 0 if threads == AUTO else int(threads or 1)
    else:
        per_rank = -(-protocol.cores() // int(ranks or 1))
    return Asks(
        ranks=0 if ranks == AUTO else int(ranks or 1) * at_once,
        threads=per_rank,
        memory_mb=int(memory * 1024) if memory else protocol.memory_mb() * at_once,
        gpus=0 if named is None else len(gpus_of_string(named, ())) or None,
        queue=str(wishes.get("queue", "")),
        walltime_min=minutes_of(str(wishes.get("walltime", ""))),
        extra={name: str(value) for name, value in wishes.items() if name not in ("queue", "walltime")},
    )


def asks_of_command(command: Mapping[str, Any]) -> Asks:
    """What stands in an attempt's `command.json`."""
    return Asks(**command.get("asks", {}))
