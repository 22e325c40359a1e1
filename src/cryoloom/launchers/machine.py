"""What this machine has for us: cores, memory and GPUs, as far as the system and the settings allow."""

import functools
import math
import os
import subprocess
from pathlib import Path

from cryoloom.errors import ProjectError
from cryoloom.project.settings import Settings
from cryoloom.schedule.slots import Machine

# A control group without a limit shows a number near 2^63.
_NO_LIMIT = 1 << 60
# From so many cores on one is kept for streams: a long refinement must not stop a session at the microscope.
LIVE_FROM = 4


def this_machine(settings: Settings) -> Machine:
    """What jobs may take here.

    Raises:
        ProjectError: a setting is no number, or too small for any job to run.
    """
    if os.environ.get("CRYOLOOM_ALLOCATION") == "1":
        # What is said of the workstation or the login node says nothing of a node.
        settings = Settings(
            {name: one for name, one in settings.values.items() if not name.startswith("machine.")}
        )
    cores, memory = settings.get("machine.cores"), settings.get("machine.memory_gb")
    limits = {name: _number(f"limits.{name}", value, 1) for name, value in settings.under("limits").items()}
    count = usable_cores(None if cores is None else int(_number("machine.cores", cores, 1)))
    live = settings.get("machine.live_cores")
    kept = int(_number("machine.live_cores", live, 0)) if live is not None else int(count >= LIVE_FROM)
    return Machine(
        count,
        usable_memory_mb(None if memory is None else _number("machine.memory_gb", memory, 0.1)),
        usable_gpus(settings),
        {name: int(limit) for name, limit in limits.items()},
        min(kept, count - 1),
    )


def usable_cores(limit: int | None = None) -> int:
    """Cores we may use: affinity, CPU quota of our control groups, the batch job's share, the setting."""
    counts = [len(os.sched_getaffinity(0)), *_quotas()]
    for name in ("SLURM_CPUS_ON_NODE", "PBS_NCPUS", "NSLOTS", "LSB_DJOB_NUMPROC"):
        if os.environ.get(name, "").isdigit():
            counts.append(int(os.environ[name]))
    if limit:
        counts.append(limit)
    return max(1, min(counts))


def usable_memory_mb(limit_gb: float | None = None) -> int:
    """Memory we may use: the machine's, that of our control groups, the setting."""
    sizes = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for folder in _control_groups():
        try:
            text = (folder / "memory.max").read_text().strip()
        except OSError:
            continue
        if text.isdigit() and int(text) < _NO_LIMIT:
            sizes.append(int(text))
    if limit_gb:
        sizes.append(int(limit_gb * (1 << 30)))
    return min(sizes) >> 20


def usable_gpus(settings: Settings) -> tuple[str, ...]:
    """The GPUs that jobs may take: the setting `machine.gpus` ("0,1", or "none"), else those that are there."""
    given = settings.get("machine.gpus")
    if given is None:
        return gpus()
    words = [str(word) for word in given] if isinstance(given, list) else str(given).replace(",", " ").split()
    return () if words == ["none"] else (*words,)


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


def _control_groups() -> list[Path]:
    """Our control group and all above it (version 2)."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    group = next((line.rpartition(":")[2] for line in lines if "::" in line), None)
    if group is None:
        return []
    top = Path("/sys/fs/cgroup")
    path = top / group.strip("/")
    return [path, *(folder for folder in path.parents if folder.is_relative_to(top))]


def _quotas() -> list[int]:
    found: list[int] = []
    for folder in _control_groups():
        try:
            quota, period = (folder / "cpu.max").read_text().split()
            if quota != "max":
                found.append(max(1, int(quota) // int(period)))
        except (OSError, ValueError):
            continue
    return found


def _number(name: str, value: object, least: float) -> float:
    try:
        number = float(str(value))
    except ValueError:
        number = math.nan
    if not least <= number < math.inf:
        raise ProjectError(
            f"setting {name}", found=repr(value), expected=f"a number, {least:g} or more",
            hint="`cryoloom doctor` shows where it comes from.",
        )  # fmt: skip
    return number
