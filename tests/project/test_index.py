"""The index saves time and says nothing of its own: lost, broken or old, the list of jobs is the same."""

import json
import os
import sqlite3
from pathlib import Path

import pytest

from cryoloom import Project
from cryoloom.project.attempts import write_control
from cryoloom.project.events import AttemptStarted, JobEnded
from cryoloom.project.index import FILE, cache_folder, drop_index, read_index
from cryoloom.project.journal import JournalWriter

JOBS = 4


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project of jobs that have ended, without a process of theirs."""
    made = Project.create(tmp_path / "p", seed=1)
    for number in range(JOBS):
        entry = made.folder.create_job("loomtest.nothing", {}, {}, label=f"n{number}")
        attempt = entry.folder / ".cryoloom/attempts/0001"
        attempt.mkdir(parents=True)
        (attempt / "claim").write_text("{}")
        (attempt / "exit.json").write_text(json.dumps({"ended_by": "exit", "code": 0}))
        journal = JournalWriter(entry.folder, 1)
        journal.write(AttemptStarted(id=entry.name))
        journal.write(JobEnded(state="succeeded" if number else "failed", why="" if number else "a reason"))
        journal.close()
    return made


def dump(project: Project) -> list[str]:
    with sqlite3.connect(cache_folder(project.path) / FILE) as base:
        return list(base.iterdump())


def listed(project: Project) -> list[dict[str, object]]:
    return [summary.as_dict() for summary in project.summaries()]


def test_the_list_from_the_index_is_the_list_from_the_files(project: Project) -> None:
    from_files = listed(project)

    assert len(read_index(project.path)) == JOBS
    assert listed(project) == from_files
    assert [job["state"] for job in from_files] == ["failed", *["succeeded"] * (JOBS - 1)]


def test_an_index_that_grew_is_the_index_made_anew(project: Project) -> None:
    listed(project)
    project.folder.set_alias("External/job002", "two")
    listed(project)
    grown = dump(project)

    drop_index(project.path)
    listed(project)

    assert dump(project) == grown


def test_wishes_aliases_and_lost_jobs_are_seen_at_once(project: Project) -> None:
    listed(project)
    write_control(project.job("1").folder, wanted="run", fresh=1)
    project.folder.set_alias("External/job002", "two")

    now = listed(project)

    assert [job["state"] for job in now[:2]] == ["scheduled", "succeeded"]
    assert now[1]["alias"] == "two"
    project.delete("External/job004")
    assert [job["name"] for job in listed(project)] == [f"External/job00{n}" for n in (1, 2, 3)]
    assert "External/job004" not in read_index(project.path)


@pytest.mark.parametrize("content", [b"", b"no database at all" * 100])
def test_a_broken_index_is_made_anew(project: Project, content: bytes) -> None:
    before = listed(project)
    (cache_folder(project.path) / FILE).write_bytes(content)

    assert listed(project) == before
    assert listed(project) == before
    assert len(read_index(project.path)) == JOBS


def test_looking_changes_no_byte_of_the_project(project: Project) -> None:
    def state() -> dict[str, int]:
        return {
            str(Path(folder) / name): (Path(folder) / name).stat().st_mtime_ns
            for folder, _, names in os.walk(project.path)
            for name in names
        }

    before = state()
    listed(project)

    assert state() == before


def test_a_damaged_job_is_told_and_the_others_are_listed(project: Project) -> None:
    (project.path / "External/job002/job.json").write_text("{")

    now = project.summaries()

    assert [summary.state for summary in now] == ["failed", "failed", "succeeded", "succeeded"]
    assert now[1].why.startswith("damaged: ")
