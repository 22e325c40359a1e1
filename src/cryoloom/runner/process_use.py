"""What a program takes while it runs: processor time and memory of it and of all below it, MPI ranks too.

The kernel tells what a process took only when somebody has waited for it: of a program that is stopped, or whose `mpirun`
was killed, nobody has. So it is looked at now and then.
"""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass

# The first look comes late: most programs of a batch are over by then.
FIRST_S, SAMPLE_S = 1.0, 2.0
_TICKS_S, _PAGE_MB = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE") / 2**20


@dataclass(slots=True)
class ProcessMeter:
    """Samples a process and its descendants."""

    pid: int
    cpu_s: float = 0.0  # since the program began
    peak_mb: float = 0.0  # the largest sum over all processes; what they share counts for each
    _next: float = 0.0

    def look(self) -> bool:
        """Take a sample when it is time; whether one was taken."""
        now = time.monotonic()
        self._next = self._next or now + FIRST_S
        if now < self._next:
            return False
        self._next = now + SAMPLE_S
        cpu_s = memory_mb = 0.0
        for pid in tree(self.pid):
            try:
                stat = _read(f"/proc/{pid}/stat")
                memory_mb += int(_read(f"/proc/{pid}/statm").split()[1]) * _PAGE_MB
            except (OSError, IndexError):
                continue  # it has just ended
            # The name may hold blanks and brackets; its own time, and that of children that it has waited for.
            fields = stat[stat.rindex(b")") + 2 :].split()
            cpu_s += sum(map(int, fields[11:15])) / _TICKS_S
        # A rank that ended with nobody to wait for it takes its time with it.
        self.cpu_s, self.peak_mb = max(self.cpu_s, cpu_s), max(self.peak_mb, memory_mb)
        return True


def tree(pid: int) -> Iterator[int]:
    """A process and all below it, also those with process groups or sessions of their own."""
    yield pid
    try:
        tasks = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return
    for task in tasks:
        try:
            children = _read(f"/proc/{pid}/task/{task}/children").split()
        except OSError:
            continue
        for child in children:
            yield from tree(int(child))


def _read(path: str) -> bytes:
    handle = os.open(path, os.O_RDONLY)
    try:
        return os.read(handle, 65536)
    finally:
        os.close(handle)
