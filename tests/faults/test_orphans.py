"""A shepherd that is killed leaves nobody running, not even who wiped the environment."""

import os
import signal
import subprocess
from pathlib import Path

import psutil
import pytest
from waiting import until

from cryoloom import Job, Project
from cryoloom.launchers.leftovers import left_behind
from cryoloom.project.processes import boot_id, host_name, start_ticks

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


def shepherd_of(job: Job) -> int:
    """0 before there is one."""
    attempt = job.entry.status().attempt
    return int(attempt.claim["pid"]) if attempt is not None and attempt.claim is not None else 0


def sleeps(job: Job) -> list[psutil.Process]:
    try:
        children = psutil.Process(shepherd_of(job)).children(recursive=True) if shepherd_of(job) else []
        return [process for process in children if process.name() == "sleep"]
    except psutil.NoSuchProcess:
        return []


def shadows(attempt: Path) -> list[Path]:
    return [path for path in attempt.iterdir() if path.is_dir()]


def lives(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def test_nothing_that_an_attempt_left_behind_lives_on(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p")
    source = project.run("loomtest.tick", items=2, rate=1000).wait(60)
    other = project.run("loomtest.nothing", seconds=60)
    until(lambda: sleeps(other))
    [untouched] = sleeps(other)
    job = project.run("loomtest.faulty", input=source, batch_size=1, trouble="m0000000", fault="wiped")
    until(lambda: len(sleeps(job)) == 3)
    first, before = shepherd_of(job), sleeps(job)
    attempt = job.folder / ".cryoloom/attempts/0001"
    assert shadows(attempt), "a batch is under way"

    os.kill(first, signal.SIGKILL)
    until(lambda: shepherd_of(job) != first and len(sleeps(job)) == 3)

    assert not [process for process in before if lives(process)]
    assert not shadows(attempt), "nor does its shadow of the project stay on the disk"
    job.stop()
    until(lambda: job.state == "aborted")
    assert lives(untouched)
    other.stop()
    until(lambda: other.state == "aborted")


def test_a_stop_ends_what_a_killed_shepherd_left_behind(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p")
    job = project.run("loomtest.nothing", seconds=60)
    until(lambda: sleeps(job))
    [left] = sleeps(job)
    # It cannot see that it is to end, and then it never will.
    os.kill(shepherd_of(job), signal.SIGSTOP)
    job.stop()
    attempt = job.entry.status().attempt
    assert attempt is not None
    until(lambda: (attempt.folder / "cancel").exists())
    os.kill(shepherd_of(job), signal.SIGKILL)

    until(lambda: job.state == "aborted")

    assert not lives(left)
    assert job.entry.status().history.attempts == 1


def test_a_session_whose_number_was_given_to_another_one_is_left_alone() -> None:
    with subprocess.Popen(["sh", "-c", "sleep 60 & wait"], start_new_session=True) as leader:
        until(lambda: psutil.Process(leader.pid).children())
        [child] = psutil.Process(leader.pid).children()
        claim = {
            "host": host_name(), "boot": boot_id(), "pid": leader.pid, "session": leader.pid,
            "start": start_ticks(leader.pid), "token": "none",
        }  # fmt: skip

        found = left_behind(claim)
        given_anew = left_behind({**claim, "start": claim["start"] - 1})
        before_the_boot = left_behind({**claim, "boot": "another"})
        child.kill()

    assert found == sorted([leader.pid, child.pid])
    assert given_anew == before_the_boot == []
