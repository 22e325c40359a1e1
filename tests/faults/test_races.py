"""Two schedulers that know nothing of each other, as on two hosts, run each job once."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cryoloom import Project
from cryoloom.engine import deeds
from cryoloom.launchers.at_hand import AtHand
from cryoloom.launchers.local import Local
from cryoloom.project.folder import ProjectFolder
from cryoloom.schedule.decide import CallLost, Cancel, GiveUp, Launch, LaunchAgain

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


def test_what_was_decided_of_an_attempt_is_not_done_to_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = ProjectFolder.create(tmp_path / "p")
    job = project.create_job("loomtest.nothing", {}, {})
    first, second = (job.folder / f".cryoloom/attempts/000{number}" for number in (1, 2))
    first.mkdir(parents=True)
    (first / "claim").write_text(
        json.dumps({"host": "gone", "boot": "b", "pid": 1, "start": 1, "session": 1})
    )
    (first / "exit.json").write_text(json.dumps({"ended_by": "lost", "why": "", "code": None}))
    launched: list[Path] = []
    monkeypatch.setattr(deeds, "submit", lambda launcher, attempt: launched.append(attempt))

    # Another scheduler makes the second attempt while this one ends what the first has left.
    monkeypatch.setattr(deeds, "end_left_behind", lambda claim: second.mkdir())
    deeds.do(project, AtHand.only(Local()), Launch(job.name, 1))
    assert launched == [] and not (job.folder / ".cryoloom/attempts/0003").exists()

    # And what was decided of the first does nothing to the second, running or ended.
    for action in (
        Cancel(job.name, 1),
        CallLost(job.name, 1),
        LaunchAgain(job.name, 1),
        GiveUp(job.name, 1, "why"),
    ):
        deeds.do(project, AtHand.only(Local()), action)
    assert launched == [] and [*second.iterdir()] == []
    (second / "exit.json").write_text(json.dumps({"ended_by": "exit", "why": "", "code": 0}))
    deeds.do(project, AtHand.only(Local()), Launch(job.name, 1))
    assert sorted(path.name for path in first.parent.iterdir()) == ["0001", "0002"]


def test_what_another_host_has_claimed_is_left_alone_until_it_is_taken_over(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p")
    job = project.run("loomtest.nothing", start=False)
    attempt = job.folder / ".cryoloom/attempts/0001"
    attempt.mkdir(parents=True)
    claim = {"host": "gpu7", "boot": "another", "pid": 1, "start": 1, "session": 1, "token": "t"}
    (attempt / "claim").write_text(json.dumps(claim))
    project.resume()
    other = project.run("loomtest.nothing").wait(60)

    assert other.state == "succeeded"
    assert job.state == "running"
    assert job.why.startswith("on gpu7")
    assert not (attempt / "exit.json").exists()
    project.resume(take_over=True)
    assert job.wait(60).state == "succeeded"
    assert job.entry.status().attempt.number == 2  # type: ignore[union-attr]
