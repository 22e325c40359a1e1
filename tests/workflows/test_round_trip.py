"""Exported, imported elsewhere and exported again a workflow is the same, and says nothing of the machine."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from cryoloom import Project, star
from cryoloom.api.workflow_diff import diff_of
from cryoloom.api.workflows import check_for_new_project
from cryoloom.images.mrc import write_mrc

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.json"))
# What examples ask for that is neither a pattern nor a table; files lie in the project, so that they mean the same in another.
SPECIAL = {"gain": "raw/movie_0001.mrc", "ctffind": "true"}


def given_to(example: Path, names: list[str], *projects: Project) -> dict[str, str]:
    """Something for each placeholder that has no default: a file that is there, a pattern, a number."""
    placeholders = json.loads(example.read_text()).get("placeholders", {})
    for project in projects:
        raw = project.path / "raw"
        raw.mkdir()
        write_mrc(raw / "movie_0001.mrc", np.ones((2, 64, 64), np.float32), 1.0)
        table = pl.DataFrame({"rlnMicrographMovieName": ["movie_0001.mrc"], "rlnOpticsGroup": [1]})
        star.write(raw / "groups.star", {"": table})
    files = {"path": "raw/groups.star", "str": "raw/*.mrc"}
    return {name: SPECIAL.get(name, files.get(placeholders[name].get("type", "str"), "1")) for name in names}


def ids(project: Project) -> list[str]:
    return [job.entry.known_spec.id for job in project.jobs() if job.entry.known_spec]


def exported(project: Project, file: Path) -> dict[str, Any]:
    project.export_workflow(out=file)
    content: dict[str, Any] = json.loads(file.read_text())
    return content


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_s_project_gives_a_file_that_makes_the_same_project(example: Path, tmp_path: Path) -> None:
    checked = check_for_new_project(example, {})
    assert checked.faults == ()
    first, second = Project.create(tmp_path / "first"), Project.create(tmp_path / "elsewhere/second")
    values = given_to(example, [one.name for one in checked.to_be_given], first, second)
    first.import_workflow(example, **values)
    content = exported(first, tmp_path / "w.json")
    assert diff_of(str(example), str(first.path), None, values).differences == ()

    second.import_workflow(tmp_path / "w.json")

    assert exported(second, tmp_path / "w2.json") | {"title": content["title"]} == content
    assert diff_of(str(first.path), str(second.path), None, {}).differences == ()
    assert ids(second) == ids(first) and len(ids(first)) == len(content["jobs"])


def test_comments_wishes_and_order_survive(tmp_path: Path) -> None:
    jobs = [
        {
            "name": "a",
            "protocol": "loomtest.nothing",
            "comment": "First line.\n\nÅ second one.",
            "priority": 5,
        },
        {"name": "b", "protocol": "loomtest.nothing", "wait_for": ["a"], "alone": True, "memory_gb": 8},
    ]
    file = tmp_path / "w.json"
    file.write_text(json.dumps({"jobs": jobs}))
    project = Project.create(tmp_path / "p")
    made = project.import_workflow(file)
    assert "First line." in made[0].note()
    # What Cryoloom and RELION write into the note is no comment.
    with (made[0].folder / "note.txt").open("a") as note:
        note.write("\nauto: angpix=1\n\n ++++ Executing new job on Sat Nov 28 08:00:00 2026\n ++++ with the following"
                   " command(s): \nrelion_x --o y\n ++++ \n")  # fmt: skip

    assert exported(project, file)["jobs"] == jobs
    made[1].note("Found out later.")
    assert exported(project, file)["jobs"][1]["comment"] == "Found out later."


def test_a_job_of_another_version_of_its_protocol_is_told(tmp_path: Path) -> None:
    file = tmp_path / "w.json"
    file.write_text(json.dumps({"jobs": [{"name": "a", "protocol": "loomtest.nothing", "version": "7"}]}))

    (remark,) = check_for_new_project(file, {}).remarks

    assert remark.endswith("job a was written for version 7 of loomtest.nothing; this is 1")


@pytest.mark.relion
@pytest.mark.slow
def test_a_finished_project_comes_out_without_its_machine_and_is_made_again_with_its_ids(
    tiny: Project, tmp_path: Path
) -> None:
    shutil.copytree(tiny.path, tmp_path / "mine", symlinks=True)
    mine, other = Project(tmp_path / "mine"), Project.create(tmp_path / "elsewhere/other")
    mine.job("class2d").note("Three classes are enough.")

    content = exported(mine, tmp_path / "w.json")

    text = (tmp_path / "w.json").read_text()
    for path in (mine.path, tiny.path, Path.home(), Path(__file__).parents[2]):
        assert str(path) not in text
    assert {job["name"]: job.get("comment") for job in content["jobs"]}[
        "class2d"
    ] == "Three classes are enough."
    assert check_for_new_project(tmp_path / "w.json", {}).faults == ()
    other.import_workflow(tmp_path / "w.json")
    assert exported(other, tmp_path / "w2.json") | {"title": content["title"]} == content
    assert ids(other) == ids(mine)


@pytest.mark.shared
def test_relion_s_tutorial_comes_out_with_its_links_by_our_names(shared_data: Path, tmp_path: Path) -> None:
    archive = shared_data / "relion31_tutorial" / "relion_tutorial_files.tar.xz"
    (tmp_path / "t").mkdir()
    subprocess.run(["tar", "xJf", str(archive), "-C", str(tmp_path / "t")], check=True)

    project = Project(tmp_path / "t")
    project.job("polish").note("These parameters are of 4000 particles.")
    content = project.export_workflow(out=tmp_path / "w.json")

    jobs = {job["name"]: job for job in content["jobs"]}
    assert jobs["polish"]["comment"] == "These parameters are of 4000 particles."
    assert "comment" not in jobs["train"]
    assert jobs["polish"]["inputs"]["opt_params"] == "train:parameters"
    # Values that RELION's form keeps without effect are not there.
    assert jobs["magnification"]["params"].keys() & {"do_trefoil", "do_defocus"} == set()
    # What was chosen in RELION's window is told, and asked for where it is needed.
    assert {name.partition("/")[0] for name in content["left_out"]} == {"MotionCorr", "ManualPick", "Select"}
    assert "symC1_fn_img" in content["placeholders"]
    text = (tmp_path / "w.json").read_text()
    assert (
        "/public" not in text.partition('"jobs"')[2] and str(tmp_path) not in text.partition('"left_out"')[0]
    )
    found = check_for_new_project(tmp_path / "w.json", {}).faults
    machine = [one for one in found if "GPU support" not in one.found]
    assert [(one.job, one.field) for one in machine] == [("movies", "parameter fn_mtf")]
