"""A workflow may include others: their jobs are known by both names, and what is passed in means what it does outside."""

import json
from pathlib import Path
from typing import Any

import pytest

from cryoloom import Project
from cryoloom.api.workflows import check_for_new_project
from cryoloom.errors import ParameterError
from cryoloom.project.workflows.file import load_workflow

FRONT = {
    "placeholders": {"where": {"help": "the movies"}, "patches": {"type": "int", "default": 1}},
    "jobs": [
        {"name": "movies", "protocol": "import.movies", "params": {"fn_in_raw": "${where}"}, "comment": "as they come"},
        {
            "name": "motion", "protocol": "relion.motioncorr", "params": {"patch_x": "${patches}", "patch_y": "${patches}"},
            "inputs": {"input_star_mics": "movies"},
        },
    ],
}  # fmt: skip
FIT = {
    "placeholders": {"micrographs": {"help": "what is fitted"}},
    "jobs": [{"name": "ctf", "protocol": "ctf.estimate", "inputs": {"input_star_mics": "${micrographs}"}}],
}
WHOLE = {
    "placeholders": {"data": {"help": "pattern"}},
    "jobs": [
        {"name": "front", "include": "parts/front.json", "values": {"where": "${data}", "patches": 5}},
        # Its own `motion` is another one than that of what it includes.
        {"name": "motion", "protocol": "relion.motioncorr", "inputs": {"input_star_mics": "front/movies:movies"}},
        {"name": "fit", "include": "fit.json", "values": {"micrographs": "front/motion:micrographs"}, "wait_for": ["front"]},
        {"name": "fit2", "include": "fit.json", "values": {"micrographs": "motion"}},
    ],
}  # fmt: skip


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    (tmp_path / "parts").mkdir()
    for name, content in (("parts/front.json", FRONT), ("fit.json", FIT), ("whole.json", WHOLE)):
        (tmp_path / name).write_text(json.dumps(content))
    return tmp_path / "whole.json"


def changed(whole: Path, **content: Any) -> None:
    whole.write_text(json.dumps({**WHOLE, **content}))


def test_included_jobs_are_linked_by_both_names(whole: Path, tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p")

    jobs = {job.entry.known_spec.label: job for job in project.import_workflow(whole, data="/x/*.mrc")}  # type: ignore[union-attr]

    assert [*jobs] == ["front/movies", "front/motion", "motion", "fit/ctf", "fit2/ctf"]
    given = {
        name: {key: one.job for key, one in job.entry.known_spec.inputs.items()} for name, job in jobs.items()
    }  # type: ignore[union-attr]
    assert given["front/motion"] == given["motion"] == {"input_star_mics": "Import/job001"}
    assert given["fit/ctf"] == {"input_star_mics": "MotionCorr/job002"}
    assert given["fit2/ctf"] == {"input_star_mics": "MotionCorr/job003"}
    assert jobs["front/motion"].entry.make_protocol().values["patch_x"] == 5
    assert jobs["fit/ctf"].entry.known_spec.wait_for == ("Import/job001", "MotionCorr/job002")  # type: ignore[union-attr]
    assert "as they come" in jobs["front/movies"].note()


def test_what_is_left_open_outside_is_asked_for_once_and_not_inside(whole: Path) -> None:
    checked = check_for_new_project(whole, {})

    assert (checked.faults, [one.name for one in checked.to_be_given]) == ((), ["data"])


def test_a_ring_is_refused_by_name(whole: Path, tmp_path: Path) -> None:
    ring = {"jobs": [{"name": "again", "include": "whole.json", "values": {"data": "x"}}]}
    (tmp_path / "fit.json").write_text(json.dumps(ring))

    said = [str(fault) for fault in load_workflow(whole, {"data": "x"}).faults]

    assert any("job fit/again: include is whole.json → fit.json → whole.json, a ring" in one for one in said)


def test_what_an_included_file_lacks_or_has_wrong_is_told_with_that_file(whole: Path, tmp_path: Path) -> None:
    changed(whole, jobs=[
        {"name": "front", "include": "parts/front.json", "values": {"patches": "many", "wher": "x"}},
        {"name": "gone", "include": "gone.json"},
    ])  # fmt: skip

    found = [(fault.file, fault.job, fault.field, fault.found) for fault in load_workflow(whole, {}).faults]

    inner = str(tmp_path / "parts/front.json")
    assert (inner, "", "placeholder patches", "'many'") in found
    assert (str(whole), "front", "values: where", "missing") in found
    assert (str(whole), "front", "values: wher", "unknown to parts/front.json") in found
    assert (str(whole), "gone", "include", "gone.json, which is missing") in found


def test_jobs_of_a_file_that_is_not_there_are_not_missed_one_by_one(whole: Path) -> None:
    (whole.parent / "parts/front.json").unlink()

    [fault] = check_for_new_project(whole, {"data": "/x/*.mrc"}).faults
    assert (fault.job, fault.field) == ("front", "include")


def test_a_page_names_no_files_of_the_machine(whole: Path) -> None:
    assert [fault.field for fault in load_workflow(whole, {"data": "x"}, may_include=False).faults] == [
        "include", "include", "include",
    ]  # fmt: skip


def test_names_of_jobs_may_not_look_like_included_ones(whole: Path) -> None:
    changed(whole, jobs=[{"name": "a/b", "protocol": "loomtest.nothing"}])

    with pytest.raises(ParameterError, match="name is 'a/b', expected a name without"):
        check_for_new_project(whole, {"data": "x"}).refuse()
