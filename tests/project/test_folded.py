"""A long journal is folded once: new looks read on, and give what a whole fold gives."""

import time
from pathlib import Path

import pytest

from cryoloom.project.events import AttemptStarted, CommandEnded, ItemsDone, OutputOpened
from cryoloom.project.folded import LEAST_BYTES, remember, remembered
from cryoloom.project.folder import ProjectFolder
from cryoloom.project.history import JobHistory
from cryoloom.project.journal import FILE, JournalWriter, read_history

OUTPUT = {
    "output": "o",
    "file": "o.star",
    "table": "t",
    "labels": ["a"],
    "generation": 1,
    "start": 9,
    "end": 9,
}


def written(folder: Path, items: int) -> JournalWriter:
    """A journal of an attempt that does items, and fails at every hundredth."""
    folder.mkdir(parents=True, exist_ok=True)
    journal = JournalWriter(folder, 1)
    journal.write(AttemptStarted(format=1, pid=1))
    journal.write(OutputOpened(**OUTPUT))
    journal.write(CommandEnded(step="program", code=0, cpu_s=1.0))
    do(journal, range(items))
    return journal


def do(journal: JournalWriter, numbers: range) -> None:
    for number in numbers:
        failed = [{"item": f"i{number:015d}", "name": "m.mrc", "why": "bad"}] if number % 100 == 7 else []
        done = [] if failed else [f"i{number:015d}"]
        outputs = {"o": {"generation": 1, "end": 10 + number, "items": number}}
        journal.write(ItemsDone(items=done, failed=failed, outputs=outputs))


def look(root: Path, job: Path) -> tuple[JobHistory, int]:
    """A history as a new process finds it, and up to where it was known."""
    history = remembered(root, job)
    known_to = history.offset if history else 0
    history = read_history(job, history)
    remember(root, job, history, known_to)
    return history, known_to


def test_a_new_look_reads_on_and_finds_what_the_whole_journal_says(tmp_path: Path) -> None:
    job = tmp_path / "External/job001"
    journal = written(job, 3000)
    assert look(tmp_path, job)[1] == 0
    do(journal, range(3000, 3010))

    history, known_to = look(tmp_path, job)

    assert known_to > LEAST_BYTES
    assert history == read_history(job)
    assert (len(history.done), len(history.failed), history.steps_done) == (2979, 31, {"program"})


@pytest.mark.parametrize("what", ["anew", "by hand", "cache"])
def test_what_does_not_fit_is_folded_from_the_beginning(what: str, tmp_path: Path) -> None:
    job = tmp_path / "External/job001"
    written(job, 3000)
    look(tmp_path, job)
    if what == "anew":
        (job / FILE).unlink()
        time.sleep(0.002)
        written(job, 3500)
    elif what == "by hand":
        lines = (job / FILE).read_bytes().splitlines(keepends=True)
        (job / FILE).write_bytes(b"".join(lines[:1000] + lines[1001:]))
        do(JournalWriter(job, 1), range(3000, 3005))
    else:
        from cryoloom.project.index import cache_folder

        for file in (cache_folder(tmp_path) / "folded").iterdir():
            file.write_text(file.read_text()[:-50])

    history, known_to = look(tmp_path, job)

    assert known_to == 0
    assert history == read_history(job)


def test_a_short_journal_leaves_nothing_in_the_cache(tmp_path: Path) -> None:
    job = tmp_path / "External/job001"
    written(job, 10)
    look(tmp_path, job)

    assert remembered(tmp_path, job) is None


def test_the_last_look_at_many_items_costs_a_small_part_of_the_first(tmp_path: Path) -> None:
    project = ProjectFolder.create(tmp_path / "p", seed=1)
    entry = project.create_job("loomtest.nothing", {}, {})
    written(entry.folder, 20_000)

    def seconds() -> float:
        began = time.process_time()
        assert project.entry(entry.name).status().history.count == 19_800
        return time.process_time() - began

    first = seconds()

    assert min(seconds() for _ in range(3)) < first / 3
