"""A restarted job begins anew under its id and number; what it had made lies in the trash."""

from pathlib import Path

import pytest

from cryoloom.errors import ProjectError
from cryoloom.project.attempts import make_attempt, newest_attempt, read_control, write_control
from cryoloom.project.entry import JobEntry
from cryoloom.project.events import AttemptStarted, ItemsDone, JobEnded
from cryoloom.project.folder import ProjectFolder
from cryoloom.project.forms import pipeline as pipe
from cryoloom.project.journal import JournalWriter, read_history
from cryoloom.project.jsonfile import write_json
from cryoloom.project.restarting import restart_jobs

MOVIES = {"fn_in_raw": "raw/*.mrc", "angpix": 1.0}


def ended(entry: JobEntry) -> JobEntry:
    """A job as it is after an attempt that succeeded."""
    attempt = make_attempt(entry.folder)
    assert attempt is not None
    writer = JournalWriter(entry.folder, 1)
    writer.write(AttemptStarted())
    writer.write(JobEnded(state="succeeded"))
    writer.close()
    write_json(attempt / "exit.json", {"ended_by": "exit"})
    for name in ("run.out", "RELION_JOB_EXIT_SUCCESS", "note.txt"):
        (entry.folder / name).write_text("said")
    (entry.folder / "Movies").mkdir()
    (entry.folder / "Movies/a.mrc").touch()
    return entry


@pytest.fixture
def pair(project: ProjectFolder) -> list[JobEntry]:
    movies = ended(project.create_job("import.movies", MOVIES, {}))
    motion = project.create_job("relion.motioncorr", {}, {"input_star_mics": movies.outputs()["movies"]})
    project.set_statuses({entry.name: pipe.SUCCEEDED for entry in (movies, motion)})
    return [movies, ended(motion)]


def test_results_attempts_and_journal_go_to_the_trash_and_the_job_is_scheduled(
    project: ProjectFolder, pair: list[JobEntry]
) -> None:
    asked = (pair[1].folder / "job.json").read_bytes()

    assert restart_jobs(project, "2") == {"MotionCorr/job002": "Trash/MotionCorr/job002"}

    trash = project.root / "Trash/MotionCorr/job002"
    for name in ("Movies/a.mrc", "run.out", "RELION_JOB_EXIT_SUCCESS", "journal.jsonl",
                 ".cryoloom/attempts/0001/exit.json"):  # fmt: skip
        assert (trash / name).exists(), name
    left = {path.name for path in pair[1].folder.iterdir()}
    assert left == {".cryoloom", "job.json", "job.star", "job_pipeline.star", "note.txt"}
    assert (pair[1].folder / "job.json").read_bytes() == asked
    assert newest_attempt(pair[1].folder) is None
    assert project.entry("2").status().state == "scheduled"
    assert pipe.read_pipeline(project.root).processes[1].status == pipe.SCHEDULED


def test_of_a_job_that_never_ran_nothing_goes_to_the_trash(project: ProjectFolder) -> None:
    entry = project.create_job("import.movies", MOVIES, {})
    write_control(entry.folder, wanted="stop")

    assert restart_jobs(project, "1") == {entry.name: ""}
    assert not (project.root / "Trash").exists()


def test_a_second_restart_keeps_the_results_of_the_first(
    project: ProjectFolder, pair: list[JobEntry]
) -> None:
    restart_jobs(project, "2")
    ended(pair[1])

    assert restart_jobs(project, "2") == {"MotionCorr/job002": "Trash/MotionCorr/job002.2"}


def test_a_job_that_others_need_asks_what_becomes_of_them(
    project: ProjectFolder, pair: list[JobEntry]
) -> None:
    with pytest.raises(ProjectError, match=r"needed by MotionCorr/job002.*--dependents.*--no-dependents"):
        restart_jobs(project, "1")
    assert project.entry("1").status().state == "succeeded"


@pytest.mark.parametrize(("dependents", "state"), [(True, "scheduled"), (False, "succeeded")])
def test_dependents_are_cleared_or_left_as_asked(
    project: ProjectFolder, pair: list[JobEntry], dependents: bool, state: str
) -> None:
    restart_jobs(project, "1", dependents=dependents)

    assert project.entry("1").status().state == "scheduled"
    assert project.entry("2").status().state == state


def test_a_running_job_and_one_whose_dependent_runs_are_left_alone(
    project: ProjectFolder, pair: list[JobEntry]
) -> None:
    make_attempt(pair[1].folder)

    for job in ("1", "2"):
        with pytest.raises(ProjectError, match=r"MotionCorr/job002 is running.*Stop it first"):
            restart_jobs(project, job, dependents=False)
    assert (pair[0].folder / "journal.jsonl").exists()


def test_an_earlier_stop_or_closed_stream_does_not_hold_the_new_run(
    project: ProjectFolder, pair: list[JobEntry]
) -> None:
    write_control(pair[1].folder, wanted="stop", stream="stop", fresh=1)

    restart_jobs(project, "2")

    control = read_control(pair[1].folder)
    assert (control["wanted"], control["stream"], control["fresh"]) == ("run", "open", 0)


def test_who_followed_the_old_journal_sees_that_it_is_gone(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path, 1)
    writer.write(ItemsDone(items=["i1"], failed=[], outputs={}))
    writer.close()
    seen = read_history(tmp_path)
    (tmp_path / "journal.jsonl").rename(tmp_path / "old")

    assert not read_history(tmp_path, seen).done
