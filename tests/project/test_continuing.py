"""A continued job is a new one that refers to the old: its files, its parameters but for those that may change."""

import json
from pathlib import Path

import numpy as np
import pytest

from cryoloom.errors import ParameterError, ProjectError
from cryoloom.images.mrc import write_mrc
from cryoloom.project.attempts import make_attempt
from cryoloom.project.continuing import continue_job
from cryoloom.project.entry import JobEntry
from cryoloom.project.folder import ProjectFolder
from cryoloom.project.forms import pipeline as pipe
from cryoloom.project.forms.jobstar import read_job_star
from cryoloom.project.iterations import whole_iterations
from cryoloom.project.jobspec import read_spec
from cryoloom.project.lineage import dependents_of
from cryoloom.protocol.datasets import Particles


def add_iterations(folder: Path, numbers: range, root: str = "run") -> None:
    """As RELION leaves them: a blank line behind each table."""
    for number in numbers:
        stem = f"{root}_it{number:03d}_"
        data = "data_optics\n\nloop_\n_rlnOpticsGroup #1\n1\n \n\ndata_particles\n\nloop_\n_rlnImageName #1\n"
        texts = {
            "data": data + "".join(f"{row}@p.mrcs\n" for row in range(1, 9)) + " \n",
            "model": f"data_model_classes\n\nloop_\n_rlnReferenceImage #1\n1@X/{stem}classes.mrcs\n \n",
            "optimiser": "data_optimiser_general\n\n_rlnA 1\n \n",
            "sampling": "data_sampling_general\n\n_rlnA 1\n \n",
        }
        for part, text in texts.items():
            if number or part != "sampling":
                (folder / f"{stem}{part}.star").write_text(text)
        write_mrc(folder / f"{stem}classes.mrcs", np.zeros((5, 8, 8), np.float32), 1.0)


@pytest.fixture
def classified(project: ProjectFolder) -> JobEntry:
    """A classification of which five iterations are there, the last one half written."""
    (project.root / "p.star").touch()
    entry = project.create_job(
        "relion.class2d", {"nr_iter": 8, "nr_classes": 5}, {"fn_img": Particles("p.star")}, alias="avg"
    )
    add_iterations(entry.folder, range(6))
    (entry.folder / "run_it005_data.star").write_text("data_x\n\n_rln")
    return entry


def test_the_newest_whole_iteration_is_gone_on_from(project: ProjectFolder, classified: JobEntry) -> None:
    entry = continue_job(project, "avg", {"nr_iter": 12}, {})

    assert entry.spec is not None and classified.spec is not None
    assert entry.name == "Class2D/job002"
    assert entry.spec.continues == "Class2D/job001"
    assert entry.spec.label == "avg from iteration 4"
    assert entry.spec.inputs["fn_cont"].path == "Class2D/job001/run_it004_optimiser.star"
    assert dict(entry.spec.params) == {**classified.spec.params, "nr_iter": 12}
    # So RELION names the files of a continuation.
    assert entry.spec.outputs["classes"].path == "Class2D/job002/run_ct4_it012_model.star"
    assert dependents_of(project.entries(), ["Class2D/job001"]) == ["Class2D/job002"]


def test_relion_s_form_of_it_is_a_continued_job(project: ProjectFolder, classified: JobEntry) -> None:
    entry = continue_job(project, "1", {}, {}, iteration=2)

    assert "_rlnJobIsContinue                       1" in (entry.folder / "job.star").read_text()
    _, options = read_job_star(entry.folder / "job.star")
    assert options["fn_cont"] == "Class2D/job001/run_it002_optimiser.star"
    assert ("Class2D/job001/run_it002_optimiser.star", "Class2D/job002/") in pipe.read_pipeline(
        project.root
    ).input_edges


def test_a_continued_job_is_continued_in_its_turn(project: ProjectFolder, classified: JobEntry) -> None:
    second = continue_job(project, "1", {"nr_iter": 12}, {})
    add_iterations(second.folder, range(5, 13), "run_ct4")

    third = continue_job(project, second.name, {"nr_iter": 20}, {})

    assert third.spec is not None
    assert third.spec.inputs["fn_cont"].path == "Class2D/job002/run_ct4_it012_optimiser.star"
    assert third.spec.outputs["classes"].path == "Class2D/job003/run_ct12_it020_model.star"


@pytest.mark.parametrize(
    ("values", "iteration", "error", "said"),
    [
        ({"nr_classes": 7}, None, ParameterError, r"nr_classes is not read again.*cryoloom copy"),
        ({"nr_iter": 4}, None, ParameterError, r"expected more than 4.*nr_iter=5"),
        ({}, 5, ProjectError, r"without iteration 5, expected one of 1, 2, 3, 4"),
    ],
)
def test_what_cannot_be_continued_is_refused_and_nothing_is_made(
    project: ProjectFolder,
    classified: JobEntry,
    values: dict[str, int],
    iteration: int | None,
    error: type[Exception],
    said: str,
) -> None:
    with pytest.raises(error, match=said):
        continue_job(project, "1", values, {}, iteration=iteration)
    assert len(project.entries()) == 1


def test_the_file_that_an_iteration_lacks_is_named(project: ProjectFolder, classified: JobEntry) -> None:
    (classified.folder / "run_it003_sampling.star").unlink()
    data = classified.folder / "run_it002_data.star"
    data.write_bytes(data.read_bytes()[:40])

    for number, lost in ((3, "run_it003_sampling.star"), (2, "run_it002_data.star")):
        with pytest.raises(ProjectError, match=f"Of iteration {number} it lacks {lost}, or it is cut short"):
            continue_job(project, "1", {}, {}, iteration=number)


def test_a_job_without_iterations_and_a_running_one_are_refused(
    project: ProjectFolder, classified: JobEntry
) -> None:
    project.create_job("import.movies", {"fn_in_raw": "*.mrc"}, {})
    make_attempt(classified.folder)

    with pytest.raises(ProjectError, match=r"import\.movies, which has no iterations"):
        continue_job(project, "2", {}, {})
    with pytest.raises(ProjectError, match=r"is running.*Stop it first"):
        continue_job(project, "1", {}, {})


def test_a_job_that_relion_made_is_continued_too(project: ProjectFolder, classified: JobEntry) -> None:
    (classified.folder / "job.json").unlink()

    entry = continue_job(project, "1", {"nr_iter": 9}, {})

    assert entry.spec is not None
    assert (entry.spec.params["nr_classes"], entry.spec.params["nr_iter"]) == (5, 9)
    assert entry.spec.inputs["fn_img"].path == "p.star"


def test_a_job_json_of_an_earlier_version_names_no_job_that_it_continues(classified: JobEntry) -> None:
    path = classified.folder / "job.json"
    content = json.loads(path.read_text())
    del content["continues"]
    path.write_text(json.dumps(content))

    assert read_spec(classified.folder).continues == ""


@pytest.mark.parametrize(
    ("file", "left"),
    [
        ("data.star", 0.8),  # within a row
        ("data.star", -4),  # the blank line is missing: some rows may be, too
        ("model.star", -4),
        ("optimiser.star", 0.0),
        ("sampling.star", None),
        ("classes.mrcs", 0.0),
        ("classes.mrcs", 0.5),
        ("classes.mrcs", None),
    ],
)
def test_an_iteration_that_is_cut_short_anywhere_is_none_to_go_on_from(
    tmp_path: Path, file: str, left: float | None
) -> None:
    add_iterations(tmp_path, range(4))
    path = tmp_path / f"run_it003_{file}"
    content = path.read_bytes()
    path.unlink()
    if left is not None:
        lines = content.splitlines(keepends=True)
        path.write_bytes(b"".join(lines[: int(left)]) if left < 0 else content[: int(left * len(content))])

    assert [*whole_iterations(tmp_path)] == [1, 2]


def test_an_iteration_with_fewer_particles_than_another_is_not_whole(tmp_path: Path) -> None:
    add_iterations(tmp_path, range(4))
    path = tmp_path / "run_it003_data.star"
    path.write_text(path.read_text().replace("7@p.mrcs\n8@p.mrcs\n", ""))

    assert [*whole_iterations(tmp_path)] == [1, 2]


def test_of_an_iteration_that_is_there_twice_the_continuation_s_counts(tmp_path: Path) -> None:
    add_iterations(tmp_path, range(4))
    add_iterations(tmp_path, range(2, 5), "run_ct2")

    assert whole_iterations(tmp_path) == {
        1: "run_it001_optimiser.star",
        2: "run_ct2_it002_optimiser.star",
        3: "run_ct2_it003_optimiser.star",
        4: "run_ct2_it004_optimiser.star",
    }
