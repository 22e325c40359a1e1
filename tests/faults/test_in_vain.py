"""Nothing waits for what cannot come, nothing stays behind that was ended, and a give-up is told."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from waiting import until

from cryoloom import Project
from cryoloom.engine.deeds import do
from cryoloom.engine.facts import FactGatherer
from cryoloom.launchers.at_hand import AtHand
from cryoloom.launchers.local import Local
from cryoloom.launchers.machine import this_machine
from cryoloom.project.attempts import attempt_numbers, make_attempt
from cryoloom.project.events import AttemptStarted, JobSuspended
from cryoloom.project.folder import ProjectFolder
from cryoloom.project.journal import JournalWriter
from cryoloom.project.settings import load_settings
from cryoloom.protocol.command import Command
from cryoloom.runner import programs
from cryoloom.schedule.decide import decide

pytestmark = pytest.mark.timeout(120)


def test_a_wait_ends_when_a_grandchild_of_a_stopped_job_is_all_that_is_left(tmp_path: Path) -> None:
    from test_surroundings import micrographs  # type: ignore[import-not-found]

    project = Project.create(tmp_path / "p")
    source = project.run("import.micrographs", fn_in_raw=micrographs(tmp_path / "raw", 3), angpix=1.0)
    source.wait(60)
    first = project.run("loomtest.stage", input=source, batch_size=1, seconds=2.0)
    middle = project.run("loomtest.stage", input=first, batch_size=1)
    last = project.run("loomtest.stage", input=middle, batch_size=1)
    until(lambda: middle.entry.status().history.done and last.state == "running")

    first.stop()
    shown = project.wait(timeout_s=60)

    states = {summary.name: summary.state for summary in shown}
    assert states == {
        source.name: "succeeded",
        first.name: "aborted",
        middle.name: "scheduled",
        last.name: "scheduled",
    }
    assert all(summary.stuck for summary in shown[2:])
    assert len(attempt_numbers(last.folder)) == 1  # not started again and again, to find the same
    first.resume()
    assert {summary.state for summary in project.wait(timeout_s=60)} == {"succeeded"}


def test_a_job_of_a_protocol_that_nobody_has_is_not_waited_for(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p")
    job = project.run("loomtest.nothing", start=False)
    content = json.loads((job.folder / "job.json").read_text())
    (job.folder / "job.json").write_text(json.dumps(content | {"protocol": "nobodys.thing"}))
    (job.folder / ".cryoloom/control.json").unlink()

    [summary] = Project(project.path).wait(timeout_s=30)

    assert summary.stuck and "nobodys.thing" in summary.why


def test_children_of_a_program_that_hangs_die_with_it_whatever_session_they_began(tmp_path: Path) -> None:
    mark = f"{347}.{os.getpid()}"
    command = Command("sh", ("-c", f"sleep {mark} & setsid sleep {mark} & wait"))

    ended = programs.run(
        command, load_settings(None), cwd=tmp_path, out=tmp_path / "o", err=tmp_path / "e", limit_s=0.5
    )

    assert ended.hung
    until(lambda: subprocess.run(["pgrep", "-f", f"sleep {mark}"], capture_output=True).returncode == 1, 5)


def test_three_suspensions_for_want_of_room_end_in_a_give_up_that_is_told(project: ProjectFolder) -> None:
    entry = project.create_job("loomtest.nothing", {}, {})
    for number in (1, 2, 3):
        attempt = make_attempt(entry.folder)
        assert attempt is not None
        journal = JournalWriter(entry.folder, number)
        journal.write(AttemptStarted(id="x"))
        journal.write(JobSuspended(why="no space left on the disk", cause="disk", needs_free=0))
        journal.close()
        (attempt / "claim").write_text(
            json.dumps({"host": "x", "boot": "b", "pid": 1, "start": 1, "token": "t"})
        )
        (attempt / "exit.json").write_text('{"ended_by": "exit", "code": 0, "why": ""}')
    gatherer = FactGatherer(project, AtHand.only(Local()), this_machine(load_settings(project.root)))

    for action in decide(gatherer.look(), None, gatherer.live).actions:
        do(project, AtHand.only(Local()), action)

    assert entry.status().state == "failed"
    assert "3 attempts were lost without progress; no space left" in entry.status().why
    assert decide(gatherer.look(), None, gatherer.live).actions == ()
    shutil.rmtree(entry.folder)
