"""Two schedulers that know nothing of each other, as on two hosts, run each job once."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cryoloom import Project

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
JOBS = int(os.environ.get("CRYOLOOM_RACE_JOBS", "60"))


def test_two_schedulers_run_each_job_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRYOLOOM_MACHINE__CORES", "8")
    project = Project.create(tmp_path / "p")
    mark = tmp_path / "marks"
    for _ in range(JOBS):
        project.run("loomtest.nothing", mark=str(mark), start=False)
    others = [
        subprocess.Popen(
            [sys.executable, "-m", "cryoloom.engine.scheduler", str(project.path)],
            env={**os.environ, "XDG_CACHE_HOME": str(tmp_path / f"cache{number}")},
        )
        for number in range(2)
    ]
    time.sleep(0.5)
    project.resume()
    shown = project.wait(timeout_s=400)
    for other in others:
        other.terminate()
        other.wait()

    assert {summary.state for summary in shown} == {"succeeded"}
    ran = [line.split()[0] for line in mark.read_text().splitlines()]
    assert len(ran) == JOBS
    assert len(set(ran)) == JOBS
    assert all(job.entry.status().history.attempts == 1 for job in project.jobs())
