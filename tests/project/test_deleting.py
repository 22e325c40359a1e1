"""A deleted job lies in the trash, whole; nothing loses its input unasked."""

import pytest

from cryoloom.errors import ProjectError
from cryoloom.project.attempts import make_attempt
from cryoloom.project.deleting import delete_jobs
from cryoloom.project.entry import JobEntry
from cryoloom.project.folder import ProjectFolder
from cryoloom.project.forms import pipeline as pipe

MOVIES = {"fn_in_raw": "raw/*.mrc", "angpix": 1.0}


@pytest.fixture
def chain(project: ProjectFolder) -> list[JobEntry]:
    """Import, motion correction, CTF; and an import that nobody needs."""
    movies = project.create_job("import.movies", MOVIES, {}, alias="mine")
    motion = project.create_job(
        "relion.motioncorr", {}, {"input_star_mics": movies.outputs()["movies"]}, label="motion"
    )
    ctf = project.create_job("ctf.estimate", {}, {"input_star_mics": motion.outputs()["micrographs"]})
    return [movies, motion, ctf, project.create_job("import.movies", MOVIES, {})]


def test_a_job_that_others_need_is_not_deleted_and_they_are_named(
    project: ProjectFolder, chain: list[JobEntry]
) -> None:
    with pytest.raises(ProjectError, match=r"needed by MotionCorr/job002, CtfFind/job003.*--dependents"):
        delete_jobs(project, ["mine"])

    assert len(project.entries()) == 4
    assert chain[0].folder.is_dir()


def test_dependents_come_along_when_asked(project: ProjectFolder, chain: list[JobEntry]) -> None:
    moved = delete_jobs(project, ["mine"], dependents=True)

    assert moved == {
        "Import/job001": "Trash/Import/job001",
        "MotionCorr/job002": "Trash/MotionCorr/job002",
        "CtfFind/job003": "Trash/CtfFind/job003",
    }
    assert all((project.root / where / "job.json").exists() for where in moved.values())
    assert not (project.root / "Import/mine").is_symlink()
    assert [entry.name for entry in project.entries()] == ["Import/job004"]


def test_several_jobs_that_need_only_each_other_are_deleted_at_once(
    project: ProjectFolder, chain: list[JobEntry]
) -> None:
    assert list(delete_jobs(project, ["2", "CtfFind/job003", "4"])) == [
        "MotionCorr/job002",
        "CtfFind/job003",
        "Import/job004",
    ]
    pipeline = pipe.read_pipeline(project.root)
    assert [process.name for process in pipeline.processes] == ["Import/job001/"]
    assert pipeline.input_edges == []


def test_what_lies_in_the_trash_already_is_kept(project: ProjectFolder) -> None:
    (project.root / "Trash/Import/job001").mkdir(parents=True)
    (project.root / "Trash/Import/job001/old").touch()
    project.create_job("import.movies", MOVIES, {})

    assert delete_jobs(project, ["1"]) == {"Import/job001": "Trash/Import/job001.2"}
    assert (project.root / "Trash/Import/job001/old").exists()


def test_nothing_is_moved_while_one_of_them_runs(project: ProjectFolder, chain: list[JobEntry]) -> None:
    make_attempt(chain[2].folder)

    with pytest.raises(ProjectError, match=r"CtfFind/job003 is running.*cryoloom stop CtfFind/job003"):
        delete_jobs(project, ["1"], dependents=True)
    assert len(project.entries()) == 4
