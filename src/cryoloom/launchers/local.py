"""Start an attempt on this machine: a detached shepherd whose child is the job's process."""

import os
import subprocess
import sys
import uuid
from pathlib import Path

from cryoloom.launchers.surroundings import inherited, job_environment
from cryoloom.project.jsonfile import write_json
from cryoloom.project.settings import load_settings

# By this the processes of one attempt are known.
TOKEN = "CRYOLOOM_ATTEMPT"
SHEPHERD = Path(__file__).parents[1] / "shepherd.py"


def command_of(root: Path, job: str, attempt: Path, module: str) -> dict[str, object]:
    """What the shepherd is to start, with its whole environment; `module`: that of the job's protocol.

    Raises:
        ProjectError: the settings of the environment are none.
    """
    environment = job_environment(os.environ, load_settings(root))
    environment.pop(TOKEN, None)
    return {
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


def launch(root: Path, job: str, attempt: Path, module: str) -> None:
    """Write `command.json` and start the shepherd; returns at once."""
    write_json(attempt / "command.json", command_of(root, job, attempt, module), sync=True)
    (attempt / "heartbeat").touch()
    start_shepherd(attempt)


def start_shepherd(attempt: Path) -> None:
    """Start (again) the shepherd of an attempt; the claim lets only one through."""
    subprocess.Popen(
        [sys.executable, "-I", "-S", str(SHEPHERD), str(attempt)],
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env={key: value for key, value in inherited(os.environ).items() if key != TOKEN},
    )
