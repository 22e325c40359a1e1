"""Start an attempt on this machine: a detached shepherd whose child is the job's process."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Collection, Mapping
from pathlib import Path

from cryoloom.launchers.commands import TOKEN
from cryoloom.launchers.launcher import Standing
from cryoloom.launchers.surroundings import inherited
from cryoloom.project.processes import boot_id, host_name, is_alive, start_ticks

SHEPHERD = Path(__file__).parents[1] / "shepherd.py"


class Local:
    """The launcher that is there everywhere. Its ids name a process: host, boot, pid and start."""

    name = "local"
    comes_late = False

    def __init__(self) -> None:
        self._started: list[subprocess.Popen[bytes]] = []

    def submit(self, attempt: Path) -> str:
        """Start the shepherd; the claim lets only one through."""
        shepherd = subprocess.Popen(
            [sys.executable, "-I", "-S", str(SHEPHERD), str(attempt)],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env={key: value for key, value in inherited(os.environ).items() if key != TOKEN},
        )
        self._started.append(shepherd)
        return f"{host_name()} {boot_id()} {shepherd.pid} {start_ticks(shepherd.pid)}"

    def poll(self, ids: Collection[str]) -> Mapping[str, Standing]:
        """Whether they run; of those of another host nothing is known."""
        found = {id: _process(id) for id in ids}
        return {
            id: "running" if is_alive(*process) else "over"
            for id, process in found.items()
            if process is not None
        }

    def reap(self) -> None:
        """Let go of shepherds that have ended: else they stay behind as zombies."""
        self._started = [one for one in self._started if one.poll() is None]

    def cancel(self, id: str) -> None:
        """End the shepherd, which ends what is below it."""
        process = _process(id)
        if process is not None and is_alive(*process):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process[0], signal.SIGTERM)

    def said_of(self, id: str) -> str:
        """Nothing: it begins at once."""
        return ""


def _process(id: str) -> tuple[int, int] | None:
    """Pid and start of a process of this boot; None of any other."""
    host, boot, pid, start = id.split(" ")
    return (int(pid), int(start)) if (host, boot) == (host_name(), boot_id()) else None
