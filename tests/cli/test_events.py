"""The stream of events of a project goes on whatever becomes of a journal."""

from cryoloom.api.events import events
from cryoloom.project.events import Note
from cryoloom.project.folder import ProjectFolder
from cryoloom.project.journal import JournalWriter


def test_following_goes_on_with_the_first_event_of_a_journal_that_was_begun_anew(
    project: ProjectFolder,
) -> None:
    entry = project.create_job("loomtest.nothing", {}, {}, wishes={"wanted": "stop"})
    journal = JournalWriter(entry.folder, 1)
    journal.write(Note(text="a"))
    journal.close()
    stream = events(project.root, follow=True)
    assert next(stream)["text"] == "a"

    (entry.folder / "journal.jsonl").unlink()
    journal = JournalWriter(entry.folder, 1)
    for number in range(5):
        journal.write(Note(text=f"new {number} " * 20))

    assert [next(stream)["seq"] for _ in range(5)] == [0, 1, 2, 3, 4]
    journal.write(Note(text="more"))
    assert next(stream)["text"] == "more"


def test_following_sees_jobs_that_are_made_later(project: ProjectFolder) -> None:
    first = project.create_job("loomtest.nothing", {}, {}, wishes={"wanted": "stop"})
    JournalWriter(first.folder, 1).write(Note(text="first"))
    stream = events(project.root, follow=True)
    assert next(stream)["job"] == first.name

    second = project.create_job("loomtest.nothing", {}, {}, wishes={"wanted": "stop"})
    JournalWriter(second.folder, 1).write(Note(text="second"))

    assert next(stream)["job"] == second.name
