"""A job's life can be told from its files alone."""

import json
from pathlib import Path

from cryoloom.project.attempts import attempts_folder
from cryoloom.project.events import AttemptStarted, ItemsDone, ItemsKnown, JobEnded, ParamsChanged, Waiting
from cryoloom.project.folder import ProjectFolder
from cryoloom.project.journal import JournalWriter
from cryoloom.project.story import story


def told(project: ProjectFolder, name: str) -> list[str]:
    entry = project.entry(name)
    assert entry.spec is not None
    return [line.partition("  ")[2] for line in story(entry.folder, entry.spec)]


def ended(folder: Path, number: int, ended_by: str, why: str = "") -> None:
    attempt = attempts_folder(folder) / f"{number:04d}"
    attempt.mkdir(parents=True, exist_ok=True)
    (attempt / "exit.json").write_text(json.dumps({"ended_by": ended_by, "why": why}))


def test_a_story_names_attempts_items_reasons_and_the_end(project: ProjectFolder) -> None:
    entry = project.create_job("loomtest.nothing", {}, {}, label="first try")
    journal = JournalWriter(entry.folder, 1)
    journal.write(AttemptStarted(host="gpu3", pid=7))
    for item in ("a", "b", "c"):
        journal.write(ItemsKnown(total=3))
        failed = [{"item": item, "why": "torn"}] if item == "b" else []
        journal.write(ItemsDone(items=[] if failed else [item], failed=failed, outputs={}))
    journal.close()
    ended(entry.folder, 1, "killed", "its process was killed by signal 9")
    journal = JournalWriter(entry.folder, 2)
    journal.write(AttemptStarted(host="gpu3", pid=8))
    journal.write(ParamsChanged(version=1, values={"seconds": 2}, of_all=False))
    journal.write(Waiting(why="needs 2 cores"))
    journal.write(JobEnded(state="failed", why="no more"))
    journal.close()
    ended(entry.folder, 2, "exit")

    assert told(project, entry.name) == [
        "made: loomtest.nothing (first try)",
        "attempt 1 began on gpu3 (process 7)",
        "2 items, 1 failed",
        "attempt 1 ended: its process was killed by signal 9",
        "attempt 2 began on gpu3 (process 8)",
        "changed to seconds=2, for the items to come",
        "waited: needs 2 cores",
        "failed: no more",
    ]


def test_a_torn_last_line_is_no_part_of_the_story(project: ProjectFolder) -> None:
    entry = project.create_job("loomtest.nothing", {}, {})
    (entry.folder / "journal.jsonl").write_text('{"seq": 0, "kind": "att')

    assert told(project, entry.name) == ["made: loomtest.nothing"]
