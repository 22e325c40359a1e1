"""A script that waits for a job goes on only with its results; whatever else became of the job is raised."""

import pickle
from pathlib import Path

import pytest
from waiting import until

from cryoloom import Project
from cryoloom.errors import CryoloomError, JobError, PluginError, ProjectError
from cryoloom.project.forms.pipeline import SUCCEEDED, read_pipeline

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def loom(tmp_path: Path) -> Project:
    return Project.create(tmp_path / "p")


def test_a_failed_job_is_raised_with_its_reason_and_the_next_command(loom: Project) -> None:
    job = loom.run("loomtest.nothing", code=3)

    with pytest.raises(JobError) as raised:
        job.wait(60)

    error = raised.value
    assert (error.job, error.state) == (job.name, "failed")
    assert error.why in " ".join(job.why.split()) and "ended with code 3" in error.why
    assert str(error).startswith(f"{job.name} is failed ({error.why.rstrip('.')}), expected succeeded. ")
    assert str(error).count(f"cryoloom log {job.name}") == 1
    assert error.hint.endswith(f"cryoloom resume {job.name}")
    assert isinstance(error, CryoloomError)


def test_an_unchecked_wait_gives_the_job_back_whatever_became_of_it(loom: Project) -> None:
    failed = loom.run("loomtest.nothing", code=3).wait(60, check=False)
    long = loom.run("loomtest.nothing", seconds=600)

    assert failed.state == "failed"
    assert long.wait(0.2, check=False).state in ("scheduled", "running")
    long.stop()
    assert long.wait(60, check=False).state == "aborted"


def test_a_job_that_was_stopped_or_never_started_is_raised_as_such(loom: Project) -> None:
    long = loom.run("loomtest.nothing", seconds=600)
    held = loom.run("loomtest.nothing", start=False)
    until(lambda: long.state == "running")
    long.stop()

    with pytest.raises(JobError, match=r"is aborted \(stopped by the user\).*cryoloom resume"):
        long.wait(60)
    with pytest.raises(JobError, match=r"is aborted \(not started\).*cryoloom resume"):
        held.wait(60)


def test_a_job_that_waits_in_vain_is_raised_and_names_what_holds_it(loom: Project) -> None:
    first = loom.run("loomtest.nothing", code=3)
    behind = loom.run("loomtest.nothing", wait_for=[first])

    with pytest.raises(JobError) as raised:
        behind.wait(60)

    assert raised.value.state == "scheduled" and first.name in raised.value.why


def test_the_end_of_the_time_is_a_timeout_and_the_job_goes_on(loom: Project) -> None:
    job = loom.run("loomtest.nothing", seconds=1.5)

    with pytest.raises(TimeoutError, match=rf"{job.name} is (scheduled|running).* after 0\.2 s, and goes on"):
        job.wait(0.2)

    assert job.wait(60).state == "succeeded"


def test_a_job_of_relions_that_runs_is_not_taken_for_one_that_has_ended(loom: Project) -> None:
    job = loom.run("loomtest.nothing").wait(60)
    # The scheduler tells the pipeline that it has ended, a moment later; it would say so once more.
    until(lambda: [process.status for process in read_pipeline(loom.path).processes] == [SUCCEEDED])
    job.project.folder.set_statuses({job.name: 0})  # running, by the pipeline
    for file in (job.folder / "job.json", job.folder / "journal.jsonl"):
        file.unlink()
    for mark in job.folder.glob("RELION_JOB_EXIT_*"):
        mark.unlink()

    with pytest.raises(JobError, match="RELION"):
        Project(loom.path).job(job.name).wait(5)


def test_a_job_whose_journal_is_damaged_is_not_waited_for(loom: Project) -> None:
    job = loom.run("loomtest.nothing").wait(60)
    with (job.folder / "journal.jsonl").open("ab") as journal:
        journal.write(b'{"what is this')
        journal.write(b"}\n" * 2)

    with pytest.raises(JobError, match=r"damaged.*Nothing of it is touched"):
        Project(loom.path).job(job.name).wait(5)


def test_a_job_that_was_deleted_meanwhile_is_an_error_that_names_it(loom: Project) -> None:
    job = loom.run("loomtest.nothing").wait(60)
    loom.delete(job)

    with pytest.raises(ProjectError, match=job.name):
        job.wait(5)


def test_an_error_keeps_its_parts_on_the_way_from_another_process() -> None:
    for error in (
        JobError("Class2D/job012", state="failed", why="no room", hint="Make some."),
        ProjectError("there", found="nothing", expected="something", hint="Look elsewhere."),
        PluginError("theirs", found="broken", traceback="line 3"),
    ):
        again = pickle.loads(pickle.dumps(error))

        assert (type(again), vars(again), str(again)) == (type(error), vars(error), str(error))
