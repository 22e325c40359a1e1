"""What this machine has for us: cores and GPUs, as far as the system and the settings allow."""

import functools
import os
import subprocess
from pathlib import Path


def usable_cores(limit: int | None = None) -> int:
    """Cores we may use: affinity, CPU quota of our control groups, the batch job's share, the setting."""
    counts = [len(os.sched_getaffinity(0)), *_quotas()]
    for name in ("SLURM_CPUS_ON_NODE", "PBS_NCPUS", "NSLOTS", "LSB_DJOB_NUMPROC"):
        if os.environ.get(name, "").isdigit():
            counts.append(int(os.environ[name]))
    if limit:
        counts.append(limit)
    return max(1, min(counts))


@functools.cache
def gpus() -> tuple[str, ...]:
    """Indices of the machine's NVIDIA GPUs, in the order of the PCI bus; empty without a driver."""
    try:
        out = subprocess.run(
            ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            timeout=10,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return tuple(out.stdout.split()) if out.returncode == 0 else ()


def gpus_of_string(text: str, present: tuple[str, ...]) -> frozenset[str]:
    """The GPUs that RELION's string takes hold of; for counting only, the string itself is passed on.

    `:` separates MPI ranks, `,` devices within a rank; empty means all that are visible.
    """
    named = frozenset(word.strip() for rank in text.split(":") for word in rank.split(",") if word.strip())
    return named or frozenset(present)


def _quotas() -> list[int]:
    found: list[int] = []
    try:
        group = next(
            line.rpartition(":")[2]
            for line in Path("/proc/self/cgroup").read_text().splitlines()
            if "::" in line
        )
    except (OSError, StopIteration):
        return found
    path = Path("/sys/fs/cgroup") / group.strip("/")
    while path != path.parent and str(path).startswith("/sys/fs/cgroup"):
        try:
            quota, period = (path / "cpu.max").read_text().split()
            if quota != "max":
                found.append(max(1, int(quota) // int(period)))
        except (OSError, ValueError):
            pass
        path = path.parent
    return found
