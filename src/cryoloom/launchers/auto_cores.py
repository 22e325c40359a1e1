"""MPI ranks and threads that are `auto`: as many as keep busy what a job may have of this machine.

Threads share memory and ranks do not, so threads come first; RELION's gain little beyond eight. With GPUs there is a
rank for each.
"""

from cryoloom.launchers.machine import gpus_of_string
from cryoloom.protocol.declare import AUTO
from cryoloom.protocol.protocols import ItemProtocol, Protocol
from cryoloom.schedule.slots import Machine

RANKS, THREADS = "nr_mpi", "nr_threads"
MOST_THREADS = 8


def cores_for(protocol: Protocol, machine: Machine) -> int:
    """The most cores that one command of a job may have: not those that are kept for streams, unless it is one."""
    is_stream = isinstance(protocol, ItemProtocol)
    return machine.cores if is_stream else max(1, machine.cores - machine.live_cores)


def auto_cores(protocol: Protocol, machine: Machine) -> dict[str, int]:
    """The number of ranks and threads, those of them that are `auto`."""
    wanted = [name for name in (RANKS, THREADS) if protocol.values.get(name) == AUTO]
    if not wanted:
        return {}
    at_once = max(1, int(protocol.values.get("workers", 1) or 1))
    cores = max(1, cores_for(protocol, machine) // at_once)
    given = protocol.values.get(RANKS, 1)
    ranks = _ranks(protocol, machine, cores) if given == AUTO else int(given)
    working = ranks - 1 if protocol.ranks_are_led and ranks > 1 else ranks
    found = {RANKS: ranks, THREADS: max(1, cores // working)}
    return {name: found[name] for name in wanted}


def _ranks(protocol: Protocol, machine: Machine, cores: int) -> int:
    named = protocol.gpus()
    threads = protocol.values.get(THREADS)
    if named is not None:
        working = len(gpus_of_string(named, machine.gpus)) or 1
    elif threads is None:
        working = cores  # it has no threads: each rank treats items of its own
    elif threads == AUTO:
        working = -(-cores // MOST_THREADS) if protocol.ranks_are_led else 1
    else:
        working = max(1, cores // int(threads))
    # Two half sets have as many ranks each.
    working += -working % protocol.rank_groups
    is_led = protocol.ranks_are_led and (working > 1 or protocol.rank_groups > 1)
    return working + is_led
