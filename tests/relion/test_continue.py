"""A new job goes on from an iteration of an old one, with the real RELION."""

import shutil
import time

import pytest
from conftest_tiny import cryoloom, job

from cryoloom import Project
from cryoloom.project.iterations import whole_iterations

pytestmark = [pytest.mark.relion, pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def copied(tiny: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of the tiny project, so that others find it as it was."""
    folder = tmp_path_factory.mktemp("continued") / "p"
    shutil.copytree(tiny.path, folder, symlinks=True)
    return Project(folder)


def test_a_classification_gets_more_iterations_and_its_classes_can_be_chosen(copied: Project) -> None:
    old = job(copied, "class2d")
    before = {path.name: path.stat().st_mtime_ns for path in (copied.path / old).iterdir()}

    done = cryoloom("continue", old, "--from-iteration", "4", "nr_iter=8", "--wait", "-p", str(copied.path))
    assert done.returncode == 0, done.stdout + done.stderr
    new = copied.jobs()[-1]
    chosen = copied.run("sets.classes", fn_model=new, min_fraction=0.03).wait(timeout_s=120)

    names = sorted(path.name for path in new.folder.glob("*_optimiser.star"))
    assert names == [f"run_ct4_it00{number}_optimiser.star" for number in (4, 5, 6, 7, 8)]
    assert new.dataset("classes").path == f"{new.name}/run_ct4_it008_model.star"
    assert chosen.state == "succeeded"
    assert {path.name: path.stat().st_mtime_ns for path in (copied.path / old).iterdir()} == before
    assert "Continuing job" in (new.folder / "note.txt").read_text()
    assert [block.name for block in new.views()] == [block.name for block in copied.job(old).views()]


def test_a_continued_job_that_was_stopped_resumes_within_its_own_iterations(copied: Project) -> None:
    new = copied.continue_from(job(copied, "class2d"), nr_iter=60, nr_threads=1)
    deadline = time.monotonic() + 60
    while len(whole_iterations(new.folder)) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    new.stop()
    new.wait(timeout_s=60, check=False)
    assert new.state == "aborted"
    reached = max(whole_iterations(new.folder))
    assert 6 < reached < 60

    new.resume().wait(timeout_s=300)

    assert new.state == "succeeded"
    commands = [line for line in (new.folder / "note.txt").read_text().splitlines() if "--continue" in line]
    assert f"--continue {new.name}/run_ct6_it" in commands[-1]
    assert (new.folder / "run_ct6_it060_model.star").exists()


def test_an_initial_model_gets_more_final_iterations(copied: Project) -> None:
    new = copied.continue_from(job(copied, "inimodel"), iteration=60, sgd_fin_iter=8).wait(timeout_s=300)

    assert new.state == "succeeded"
    assert new.dataset("volume").path == f"{new.name}/run_ct60_it078_class001.mrc"


def test_a_refinement_goes_on_from_an_early_iteration_to_its_half_maps(copied: Project) -> None:
    old = job(copied, "refine")
    new = copied.continue_from(old, iteration=5).wait(timeout_s=300)

    assert new.state == "succeeded"
    assert new.dataset("half_maps").file.name == "run_ct5_half1_class001_unfil.mrc"
    refused = cryoloom("delete", old, "-p", str(copied.path))
    assert refused.returncode == 2
    assert new.name in refused.stderr
