"""Jobs become a workflow that means the same elsewhere, and nothing of the machine that they were made on."""

import json
from pathlib import Path
from typing import Any

import pytest

from cryoloom import Project
from cryoloom.errors import ProjectError
from cryoloom.project.events.job_events import AttemptStarted, AutoResolved, ParamsChanged
from cryoloom.project.journal import JournalWriter


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project.create(tmp_path / "p")
    (made.path / "outside.mrc").touch()
    movies = made.run(
        "import.movies", fn_in_raw="/data/session/*.tiff", angpix=0.885, alias="mine", start=False
    )
    motion = made.run("relion.motioncorr", input_star_mics=movies, patch_x=5, patch_y=5, start=False)
    made.run("ctf.estimate", input_star_mics=motion, wait_for=[movies], resmin=20, label="fit", start=False)
    return made


def asked(project: Project) -> list[tuple[Any, ...]]:
    """What was asked of each job: kind, parameters, and of which job by its place in the list each input is."""
    places = {job.name: place for place, job in enumerate(project.jobs())}
    found = []
    for job in project.jobs():
        spec = job.entry.known_spec
        assert spec is not None
        inputs = {name: (places.get(one.job), one.output) for name, one in spec.inputs.items()}
        found.append((job.protocol, dict(spec.params), inputs, [places[name] for name in spec.wait_for]))
    return found


def test_a_project_made_of_an_export_has_the_same_jobs(project: Project, tmp_path: Path) -> None:
    file = tmp_path / "w.json"
    content = project.export_workflow(out=file)

    assert content["left_out"] == {}
    assert [*content["placeholders"]] == ["mine_fn_in_raw"]
    other = Project.create(tmp_path / "other")
    made = other.import_workflow(file, mine_fn_in_raw="/data/session/*.tiff")
    assert asked(other) == asked(project)
    assert [job.entry.known_spec.label for job in made if job.entry.known_spec] == [
        "mine",
        "motioncorr_002",
        "fit",
    ]
    assert {job.summary().started for job in made} == {False}


def test_it_says_nothing_of_the_machine_and_only_what_differs_from_the_defaults(
    project: Project, tmp_path: Path
) -> None:
    file = tmp_path / "w.json"
    project.export_workflow(out=file)

    text = file.read_text()
    assert "/data" not in text and str(tmp_path) not in text and "job00" not in text
    jobs = json.loads(text)["jobs"]
    assert jobs[1] == {
        "name": "motioncorr_002", "protocol": "relion.motioncorr", "params": {"patch_x": 5, "patch_y": 5},
        "inputs": {"input_star_mics": "mine:movies"},
    }  # fmt: skip
    assert jobs[2]["wait_for"] == ["mine"]


def test_of_a_branch_what_lies_outside_becomes_a_placeholder_with_its_kind(
    project: Project, tmp_path: Path
) -> None:
    content = project.export_workflow("2", branch=True, out=tmp_path / "w.json")

    assert [job["name"] for job in content["jobs"]] == ["motioncorr_002", "fit"]
    assert content["placeholders"] == {
        "motioncorr_002_input_star_mics": {
            "type": "str", "help": "Input movies STAR file, of motioncorr_002: movies, a job or a file",
        }
    }  # fmt: skip
    # Pasted beside them: the same movies, another branch.
    project.import_workflow(tmp_path / "w.json", motioncorr_002_input_star_mics="mine")
    assert asked(project)[3][:3] == asked(project)[1][:3]


def test_what_several_jobs_take_from_outside_is_asked_for_once(project: Project, tmp_path: Path) -> None:
    movies = f"{project.job(1).name}:movies"
    project.run("relion.motioncorr", input_star_mics=movies, alias="again", start=False)

    content = project.export_workflow("2", "again", out=tmp_path / "w.json")
    assert [*content["placeholders"]] == ["motioncorr_002_input_star_mics"]
    assert content["placeholders"]["motioncorr_002_input_star_mics"]["help"] == (
        "Input movies STAR file, of motioncorr_002: movies, a job or a file; Input movies STAR file, of again"
    )
    assert [job["inputs"] for job in content["jobs"]] == [
        {"input_star_mics": "${motioncorr_002_input_star_mics}"}
    ] * 2


def test_what_was_changed_while_items_streamed_is_exported_and_auto_stays_auto(project: Project) -> None:
    job = project.job(2)
    journal = JournalWriter(job.folder, 1)
    journal.write(AttemptStarted(format=1, pid=1))
    journal.write(AutoResolved(values={"dose_per_frame": 1.277}))
    journal.write(ParamsChanged(version=1, values={"bfactor": 400.0}))

    steps = {one["name"]: one for one in project.export_workflow()["jobs"]}
    assert steps["motioncorr_002"]["params"] == {"bfactor": 400.0, "patch_x": 5, "patch_y": 5}


def test_what_was_chosen_by_eye_is_asked_for_again(project: Project) -> None:
    project.run(
        "sets.filter", input="fit", expression="cryoloomItemId in ('i1', 'i2')", label="mine2", start=False
    )
    project.run("sets.filter", input="fit", expression="rlnDefocusU > 5000", label="by_rule", start=False)
    project.run("relion.manualpick", fn_in="fit", label="picked", start=False)

    content = project.export_workflow()

    steps = {job["name"]: job for job in content["jobs"]}
    assert steps["mine2"]["params"] == {"expression": "${mine2_expression}"}
    assert "items of this project" in content["placeholders"]["mine2_expression"]["help"]
    assert steps["by_rule"]["params"] == {"expression": "rlnDefocusU > 5000"}
    assert content["left_out"] == {
        "ManualPick/job006": "what was set by hand in it: elsewhere it begins without"
    }


def test_an_unknown_job_is_told(project: Project) -> None:
    with pytest.raises(ProjectError, match="job nothing is unknown"):
        project.export_workflow("nothing")


@pytest.mark.relion
@pytest.mark.slow
def test_the_example_s_project_comes_out_as_the_workflow_that_made_it(tiny: Project, tmp_path: Path) -> None:
    tiny.export_workflow(out=tmp_path / "w.json")
    other = Project.create(tmp_path / "other")

    placeholders = json.loads((tmp_path / "w.json").read_text()).get("placeholders", {})
    assert placeholders == {}
    other.import_workflow(tmp_path / "w.json")
    assert asked(other) == asked(tiny)
