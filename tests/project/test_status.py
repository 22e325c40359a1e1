"""A job's state is true however its files change while they are read."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cryoloom.project import state
from cryoloom.project.attempts import make_attempt
from cryoloom.project.events import AttemptStarted, JobEnded
from cryoloom.project.folder import ProjectFolder
from cryoloom.project.journal import JournalWriter
from cryoloom.project.state import job_status


def end(folder: Path, journal: JournalWriter) -> None:
    journal.write(JobEnded(state="failed", why="no more"))
    (folder / ".cryoloom/attempts/0001/exit.json").write_text(json.dumps({"ended_by": "exit"}))


def test_a_job_that_ends_while_it_is_looked_at_is_never_taken_for_one_that_ended_without_a_word(
    project: ProjectFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = project.create_job("loomtest.nothing", {}, {})
    make_attempt(entry.folder)
    journal = JournalWriter(entry.folder, 1)
    journal.write(AttemptStarted(id="x"))
    ends = [lambda: end(entry.folder, journal)]

    def and_then_it_ends(read: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*given: Any) -> Any:
            found = read(*given)
            if ends:
                ends.pop()()
            return found

        return wrapped

    for name in ("newest_attempt", "read_history"):
        monkeypatch.setattr(state, name, and_then_it_ends(getattr(state, name)))

    assert job_status(entry.folder).state == "running"
    assert job_status(entry.folder).why == "no more"


def test_an_attempt_that_begins_while_its_job_is_looked_at_is_seen(
    project: ProjectFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = project.create_job("loomtest.nothing", {}, {})
    make_attempt(entry.folder)
    (entry.folder / ".cryoloom/attempts/0001/exit.json").write_text(json.dumps({"ended_by": "killed"}))
    read = state.read_history

    def begun_meanwhile(*given: Any) -> Any:
        if make_attempt(entry.folder) is not None:
            JournalWriter(entry.folder, 2).write(AttemptStarted(id="x"))
        return read(*given)

    monkeypatch.setattr(state, "read_history", begun_meanwhile)

    assert job_status(entry.folder).state == "running"
