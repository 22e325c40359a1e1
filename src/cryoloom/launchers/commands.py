"""`command.json`: what an attempt's shepherd is to start, whoever starts the shepherd."""

import os
import sys
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryoloom.launchers.surroundings import job_environment
from cryoloom.project.jsonfile import write_json
from cryoloom.project.settings import load_settings

FILE = "command.json"
# By this the processes of one attempt are known.
TOKEN = "CRYOLOOM_ATTEMPT"


# What the host says better where a batch system starts the job: its script's modules, the node's own folders and devices.
OF_HOST = ("PATH", "LD_LIBRARY_PATH", "TMPDIR", "XDG_RUNTIME_DIR", "CUDA_VISIBLE_DEVICES")


def write_command(
    root: Path,
    job: str,
    attempt: Path,
    module: str,
    launcher: str = "local",
    asks: Mapping[str, Any] | None = None,
    limit_s: float = 0.0,
) -> None:
    """Describe an attempt's process, with its whole environment; nothing where that was done.

    Args:
        root: the project.
        job: its name.
        attempt: its folder.
        module: that of the job's protocol.
        launcher: that it goes to.
        asks: what it asks of a batch system; None: it goes to none.
        limit_s: after so long it is told that its time is nearly over; 0: its host tells it, or nobody.
    Raises:
        ProjectError: the settings of the environment are none.
    """
    if (attempt / FILE).exists():
        return
    environment = job_environment(os.environ, load_settings(root))
    environment.pop(TOKEN, None)
    command: dict[str, Any] = {
        "argv": [
            sys.executable,
            "-m",
            "cryoloom.runner.main",
            str(root),
            job,
            str(int(attempt.name)),
            module,
        ],
        "cwd": str(root),
        "env": environment | {"PYTHONUNBUFFERED": "1"},
        "token": uuid.uuid4().hex,
    }
    if asks is not None:
        command |= {"launcher": launcher, "asks": dict(asks), "of_host": OF_HOST, "limit_s": limit_s}
    write_json(attempt / FILE, command, sync=True)
    (attempt / "heartbeat").touch()
