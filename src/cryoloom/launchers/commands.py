"""`command.json`: what an attempt's shepherd is to start, whoever starts the shepherd."""

import os
import sys
import uuid
from pathlib import Path

from cryoloom.launchers.surroundings import job_environment
from cryoloom.project.jsonfile import write_json
from cryoloom.project.settings import load_settings

FILE = "command.json"
# By this the processes of one attempt are known.
TOKEN = "CRYOLOOM_ATTEMPT"


def write_command(root: Path, job: str, attempt: Path, module: str) -> None:
    """Describe an attempt's process, with its whole environment; nothing where that was done.

    Args:
        root: the project.
        job: its name.
        attempt: its folder.
        module: that of the job's protocol.
    Raises:
        ProjectError: the settings of the environment are none.
    """
    if (attempt / FILE).exists():
        return
    environment = job_environment(os.environ, load_settings(root))
    environment.pop(TOKEN, None)
    command = {
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
    write_json(attempt / FILE, command, sync=True)
    (attempt / "heartbeat").touch()
