"""What is told when a command is interrupted, or could not have its job started."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from waiting import until

from cryoloom import Project
from cryoloom.errors import ProjectError
from cryoloom.images.mrc import write_mrc
from cryoloom.project.attempts import newest_attempt


@pytest.mark.slow
def test_ctrl_c_on_wait_says_that_jobs_go_on_and_how_to_stop_one(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p")
    write_mrc(tmp_path / "a.mrc", np.eye(16, dtype=np.float32), 1.0)
    words = [
        "import.micrographs",
        f"fn_in_raw={tmp_path}/*.mrc",
        "stream=Yes",
        "--wait",
        "--project",
        str(project.path),
    ]
    command = subprocess.Popen(
        [sys.executable, "-m", "cryoloom", "run", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    until(lambda: project.jobs() and project.jobs()[0].entry.status().history.done, 60)
    time.sleep(0.5)

    command.send_signal(signal.SIGINT)
    _, said = command.communicate(timeout=60)

    assert command.returncode == 130
    assert "jobs go on" in said and "cryoloom stop JOB" in said
    assert project.jobs()[0].state == "running"
    project.jobs()[0].stop(stream=True)
    project.wait(timeout_s=60)


def test_no_job_is_made_with_settings_that_cannot_be_read(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p")
    (project.path / ".cryoloom/config.toml").write_text("[environment\n")

    with pytest.raises(ProjectError, match=r"config\.toml is not usable"):
        project.run("import.micrographs", fn_in_raw="*.mrc")

    assert not project.jobs()


@pytest.mark.slow
def test_a_job_waits_while_settings_are_broken_and_says_so(tmp_path: Path) -> None:
    write_mrc(tmp_path / "a.mrc", np.eye(16, dtype=np.float32), 1.0)
    project = Project.create(tmp_path / "p")
    job = project.run("import.micrographs", fn_in_raw=f"{tmp_path}/*.mrc", start=False)
    other = project.run("import.micrographs", fn_in_raw=f"{tmp_path}/*.mrc", stream=True)
    until(lambda: other.state == "running", 60)
    (project.path / ".cryoloom/config.toml").write_text("[environment\n")

    job.resume()
    until(lambda: "config.toml is not usable" in job.summary().why, 60)
    assert job.state == "scheduled" and newest_attempt(job.folder) is None

    (project.path / ".cryoloom/config.toml").write_text("")
    other.stop(stream=True)
    job.resume()
    project.wait(timeout_s=60)
    assert job.state == "succeeded"
