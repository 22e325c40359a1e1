"""What a job takes of a machine: from its protocol's values and its user's wishes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryoloom.launchers.auto_cores import auto_cores, cores_for
from cryoloom.launchers.machine import gpus_of_string
from cryoloom.protocol.protocols import ItemProtocol, Protocol
from cryoloom.schedule.slots import UNKNOWN_MEMORY_MB, Machine, Request


def request_of(
    project: Path, job: str, protocol: Protocol, control: Mapping[str, Any], machine: Machine
) -> Request:
    """What a job, or one batch of it, takes of a machine; `control`: the user's wishes."""
    if auto := auto_cores(protocol, machine):
        protocol = protocol.with_values(auto)
    gpus, live = protocol.gpus(), isinstance(protocol, ItemProtocol)
    plugin = protocol.name.partition(".")[0]
    memory = control["memory_gb"]
    return Request(
        job,
        cores=min(protocol.cores(), cores_for(protocol, machine)),
        memory_mb=int(memory * 1024) if memory else protocol.memory_mb() or UNKNOWN_MEMORY_MB,
        gpus=frozenset() if gpus is None else gpus_of_string(gpus, machine.gpus),
        plugin=plugin,
        priority=int(control["priority"]),
        alone=bool(control["alone"]),
        project=str(project),
        most_cores=machine.cores,
        most_memory_mb=machine.memory_mb,
        most_of_plugin=machine.limits.get(plugin),
        live=live,
    )
