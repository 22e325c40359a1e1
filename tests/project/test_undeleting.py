"""What was deleted comes back as it was: files, row, edges, alias; nothing comes back without what it was made of."""

import shutil
from pathlib import Path

import pytest

from cryoloom.errors import ProjectError
from cryoloom.project.deleting import delete_jobs
from cryoloom.project.entry import JobEntry
from cryoloom.project.folder import ProjectFolder
from cryoloom.project.forms import pipeline as pipe
from cryoloom.project.undeleting import deleted_jobs, undelete_jobs

MOVIES = {"fn_in_raw": "raw/*.mrc", "angpix": 1.0}


@pytest.fixture
def chain(project: ProjectFolder) -> list[JobEntry]:
    movies = project.create_job("import.movies", MOVIES, {}, alias="mine")
    out = project.root / movies.outputs()["movies"].path
    out.touch()
    motion = project.create_job("relion.motioncorr", {}, {"input_star_mics": movies.outputs()["movies"]})
    return [movies, motion]


def test_a_deleted_job_comes_back_with_its_row_its_edges_and_its_alias(
    project: ProjectFolder, chain: list[JobEntry]
) -> None:
    before = pipe.read_pipeline(project.root)
    delete_jobs(project, ["1"], dependents=True)
    assert deleted_jobs(project.root) == {
        "Import/job001": "Trash/Import/job001",
        "MotionCorr/job002": "Trash/MotionCorr/job002",
    }

    assert undelete_jobs(project, ["2", "Import/job001"]) == ["Import/job001", "MotionCorr/job002"]

    after = pipe.read_pipeline(project.root)
    assert after.processes == before.processes
    assert sorted(after.nodes) == sorted(before.nodes)
    assert sorted(after.input_edges) == sorted(before.input_edges)
    assert sorted(after.output_edges) == sorted(before.output_edges)
    assert (project.root / "Import/mine/job.json").exists()
    assert deleted_jobs(project.root) == {}


def test_a_job_does_not_come_back_without_what_it_was_made_of(
    project: ProjectFolder, chain: list[JobEntry]
) -> None:
    delete_jobs(project, ["1"], dependents=True)

    with pytest.raises(
        ProjectError, match=r"movies\.star.*not there.*undelete Import/job001 MotionCorr/job002"
    ):
        undelete_jobs(project, ["2"])
    assert project.entries() == []
    assert (project.root / "Trash/MotionCorr/job002/job.json").exists()


def test_an_alias_that_another_job_has_got_meanwhile_stays_with_that_one(
    project: ProjectFolder, chain: list[JobEntry]
) -> None:
    delete_jobs(project, ["1"], dependents=True)
    project.create_job("import.movies", MOVIES, {}, alias="mine")

    undelete_jobs(project, ["1"])

    assert {entry.name: entry.alias for entry in project.entries()} == {
        "Import/job001": "",
        "Import/job003": "mine",
    }


def test_of_two_of_one_name_the_newest_comes_back_and_a_place_that_is_taken_is_told(
    project: ProjectFolder, chain: list[JobEntry]
) -> None:
    (project.root / "Trash/Import").mkdir(parents=True)
    shutil.copytree(project.root / "Import/job001", project.root / "Trash/Import/job001")
    (project.root / "Trash/Import/job001/old").touch()
    with pytest.raises(ProjectError, match="Import/job001 is there already"):
        undelete_jobs(project, ["1"])
    delete_jobs(project, ["1"], dependents=True)

    undelete_jobs(project, ["1"])

    assert not (project.root / "Import/job001/old").exists()
    assert Path(project.root / "Trash/Import/job001/old").exists()


def test_what_only_lost_files_to_the_trash_is_no_deleted_job(project: ProjectFolder) -> None:
    (project.root / "Trash/Class2D/job008").mkdir(parents=True)
    (project.root / "Trash/Class2D/job008/run_it003_data.star").touch()

    with pytest.raises(ProjectError, match="not in the trash"):
        undelete_jobs(project, ["8"])
