"""All that is wrong with a workflow is told at once, before anything is made, with file, job, field and what to do."""

import json
from pathlib import Path
from typing import Any

import pytest

from cryoloom import Project
from cryoloom.api.workflows import check_for_new_project
from cryoloom.cli.main import main
from cryoloom.errors import CryoloomError
from cryoloom.project.attempts import read_control
from cryoloom.project.workflows.faults import WorkflowError

MOVIES = {"name": "movies", "protocol": "import.movies", "params": {"fn_in_raw": "/x/*.mrc"}}
MOTION = {"name": "motion", "protocol": "relion.motioncorr", "inputs": {"input_star_mics": "movies"}}


def written(folder: Path, jobs: list[Any], **more: Any) -> Path:
    (folder / "w.json").write_text(json.dumps({"format": 1, "jobs": jobs, **more}))
    return folder / "w.json"


def faults(file: Path, **given: Any) -> list[tuple[str, str, str]]:
    """Job, field and what was found."""
    return [(one.job, one.field, one.found) for one in check_for_new_project(file, given).faults]


def test_ten_faults_of_all_kinds_are_told_at_once(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        [
            {**MOVIES, "params": {"fn_in_raw": "/x/*.mrc", "kV": "300000", "angpx": 1}},
            {**MOTION, "params": {"bfactor": "soft", "patch_x": 0}, "wait_for": ["ctf"]},
            {"name": "ctf", "protocol": "ctf.estimat", "inputs": {"input_star_mics": "motion"}},
            {"name": "picks", "protocol": "relion.autopick", "inputs": {"fn_input_autopick": "movies"}},
            {"name": "class2d", "protocol": "relion.class2d", "inputs": {"fn_img": "refine"}},
            {"name": "refine", "protocol": "relion.refine3d", "params": {"sym_name": "Q7"}},
            {"name": "refine", "protocol": "relion.refine3d"},
            {"name": "mask", "protocol": "relion.maskcreate", "inputs": {"fn_mask": "motion"}, "parms": {}},
        ],
    )

    found = faults(file)

    for job, field, said in [
        ("movies", "parameter angpx", "unknown"),
        ("movies", "parameter kV", "300000 kV"),
        ("motion", "parameter bfactor", "'soft'"),
        ("motion", "parameter patch_x", "0"),
        ("motion", "wait_for", "job ctf is a job that comes later in the workflow"),
        ("ctf", "protocol", "ctf.estimat, unknown"),
        ("picks", "input fn_input_autopick", "movies, a job that gives movies (movies)"),
        ("class2d", "input fn_img", "refine, a job that comes later in the workflow"),
        ("refine", "parameter sym_name", "'Q7'"),
        ("refine", "input fn_img", "missing"),
        ("refine", "name", "refine, which an earlier job has too"),
        ("mask", "input fn_mask", "unknown"),
        ("mask", "parms", "unknown"),
        ("mask", "input fn_in", "missing"),
    ]:
        assert (job, field, said) in found
    assert all(one.file == str(file) and one.expected for one in check_for_new_project(file, {}).faults)


def test_run_and_import_say_the_same_list_and_make_nothing(tmp_path: Path) -> None:
    file = written(tmp_path, [{**MOVIES, "params": {"kV": "x", "Cs": "y"}}])
    project = Project.create(tmp_path / "p")

    for act in (project.check_workflow, project.import_workflow, project.run_workflow):
        with pytest.raises(WorkflowError) as caught:
            act(file)
        assert [one.field for one in caught.value.faults] == [
            "parameter kV", "parameter Cs", "parameter fn_in_raw",
        ]  # fmt: skip
        assert "job movies: import.movies: parameter Cs is 'y', expected a number" in str(caught.value)
    assert project.jobs() == []


def test_what_is_not_given_yet_is_listed_and_not_judged(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        [
            {**MOVIES, "params": {"fn_in_raw": "${movies}", "angpix": "${angpix}", "fn_gain_ref": "${gain}"}},
            {**MOTION, "params": {"bfactor": "nothing"}},
            {"name": "class2d", "protocol": "relion.class2d", "inputs": {"fn_img": "${particles}"}},
        ],
        placeholders={name: {"type": kind} for name, kind in (
            ("movies", "str"), ("angpix", "float"), ("gain", "path"), ("particles", "str"),
        )},
    )  # fmt: skip

    checked = check_for_new_project(file, {})

    assert [one.name for one in checked.to_be_given] == ["movies", "angpix", "gain", "particles"]
    assert [(one.job, one.field) for one in checked.faults] == [("motion", "parameter bfactor")]
    # Given, they are.
    said = faults(file, movies="/x/*.mrc", angpix="0", gain="/nowhere/gain.mrc", particles="movies")
    assert ("movies", "parameter fn_gain_ref", "/nowhere/gain.mrc, which is missing") in said
    assert ("movies", "parameter angpix", "0.0") in said
    assert ("class2d", "input fn_img", "movies, a job that gives movies (movies)") in said


def test_a_fault_brings_no_others_that_are_none(tmp_path: Path) -> None:
    jobs = [
        MOVIES,
        {**MOTION, "protocol": "relion.motioncor"},
        {"name": "ctf", "protocol": "ctf.estimate", "inputs": {"input_star_mics": "motion"}},
        {"name": "picks", "protocol": "relion.autopick", "params": {"do_log": "Yes"}, "inputs": {"fn_input_autopick": "ctf"}},
        {
            "name": "particles", "protocol": "relion.extract", "params": {"do_rescale": "perhaps", "rescale": 64},
            "inputs": {"star_mics": "ctf", "coords_suffix": "picks"},
        },
    ]  # fmt: skip

    assert faults(written(tmp_path, jobs)) == [
        ("motion", "protocol", "relion.motioncor, unknown"),
        ("particles", "parameter do_rescale", "'perhaps'"),
    ]


def test_what_a_filter_of_something_unknown_gives_is_not_judged(tmp_path: Path) -> None:
    filtered, picked = (
        {"protocol": "sets.filter"},
        {"protocol": "relion.autopick", "params": {"do_log": "Yes"}},
    )
    jobs = [
        {**filtered, "name": "good", "params": {"expression": "rlnDefocusU > 1"}, "inputs": {"input": "${given}"}},
        {**filtered, "name": "best", "params": {"expression": "rlnDefocusU > 2"}, "inputs": {"input": "good:kept"}},
        {**picked, "name": "picks", "inputs": {"fn_input_autopick": "best:kept"}},
        {"name": "mask", "protocol": "relion.maskcreate", "inputs": {"fn_in": "best:kept"}},
        {**picked, "name": "other", "inputs": {"fn_input_autopick": "best:kep"}},
    ]  # fmt: skip

    found = faults(written(tmp_path, jobs, placeholders={"given": {}}))
    assert [(job, field) for job, field, _ in found] == [
        ("mask", "input fn_in"),
        ("other", "input fn_input_autopick"),
    ]
    jobs[0]["inputs"] = {"input": "ctf:micrographs"}
    wrong = [{"name": "ctf", "protocol": "ctf.estimat"}, *jobs]
    assert [job for job, _, _ in faults(written(tmp_path, wrong))] == ["ctf", "mask", "other"]


def test_a_second_set_for_an_input_that_takes_one_is_not_dropped_in_silence(tmp_path: Path) -> None:
    second = {**MOVIES, "name": "more"}
    jobs = [MOVIES, second, {**MOTION, "inputs": {"input_star_mics": ["movies", "more"]}}]

    assert faults(written(tmp_path, jobs)) == [("motion", "input input_star_mics", "movies, more")]


def test_programs_that_are_missing_here_are_told_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("CRYOLOOM_PROGRAMS__RELION__PATH", str(tmp_path / "empty"))

    assert ("motion", "program", "relion_run_motioncorr, which is not installed here") in faults(
        written(tmp_path, [MOVIES, MOTION])
    )


def test_faults_as_json_have_their_parts_and_the_exit_code_is_not_0(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path, [{**MOVIES, "params": {"fn_in_raw": "x", "angpx": 1}}])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["cryoloom", "workflow", "check", str(file), "--json"])

    assert main() == 2

    (fault,) = json.loads(capsys.readouterr().out)["faults"]
    assert (fault["file"], fault["job"], fault["field"]) == (str(file), "movies", "parameter angpx")
    assert fault["found"] == "unknown" and fault["expected"] and fault["hint"] == "Did you mean angpix?"


@pytest.mark.parametrize(
    ("spec", "given", "said"),
    [
        ({"type": "bool"}, "perhaps", "'perhaps', expected Yes or No"),
        ({"type": "bool"}, 1, "1, expected Yes or No"),
        ({"type": "int"}, "1.5", "'1.5', expected a whole number"),
        ({"type": "float", "unit": "Å", "min": 0.1}, "0", "'0', expected a number in Å, at least 0.1"),
        ({"type": "int", "max": 10}, 11, "11, expected a whole number, at most 10"),
        ({"choices": ["T", "D2"]}, "C1", "'C1', expected a text, one of T, D2"),
        ({"type": "float"}, "nan", "'nan', expected a number"),
    ],
)  # fmt: skip
def test_values_of_placeholders_are_checked(
    tmp_path: Path, spec: dict[str, Any], given: object, said: str
) -> None:
    job = {"name": "a", "protocol": "loomtest.nothing"}
    file = written(tmp_path, [job], placeholders={"x": spec})

    with pytest.raises(CryoloomError, match=rf"placeholder x is {said}\. Give it with --set x=VALUE"):
        check_for_new_project(file, {"x": given}).refuse()


def test_a_truth_in_a_placeholder_is_a_truth_in_the_job(tmp_path: Path) -> None:
    job = {**MOTION, "params": {"do_dose_weighting": "${weigh}"}}
    file = written(tmp_path, [MOVIES, job], placeholders={"weigh": {"type": "bool", "default": False}})
    project = Project.create(tmp_path / "p")

    off, on = project.import_workflow(file)[1], project.import_workflow(file, weigh="Yes")[1]

    assert [one.entry.make_protocol().values["do_dose_weighting"] for one in (off, on)] == [False, True]


def test_declarations_that_mean_nothing_are_told(tmp_path: Path) -> None:
    placeholders = {
        "a": {"type": "number"},
        "b": {"type": "str", "min": 1},
        "c": {"defalt": 1},
        "d": {"type": "int", "default": "x"},
    }
    file = written(
        tmp_path, [{"name": "a", "protocol": "loomtest.nothing"}], placeholders=placeholders, titel="x"
    )

    assert [(field, found) for _, field, found in faults(file)] == [
        ("titel", "unknown"), ("placeholder a, type", "'number'"), ("placeholder b, min", "1"),
        ("placeholder c, defalt", "unknown"), ("placeholder d", "'x'"),
    ]  # fmt: skip


def test_a_terminal_is_asked_for_what_is_missing_and_again_for_what_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    placeholders = {
        "where": {"help": "the movies"}, "angpix": {"type": "float", "title": "Pixel size", "unit": "Å", "min": 0.1},
        "cs": {"type": "float", "default": 2.7},
    }  # fmt: skip
    params = {"fn_in_raw": "${where}", "angpix": "${angpix}", "Cs": "${cs}"}
    file = written(tmp_path, [{**MOVIES, "params": params}], placeholders=placeholders)
    project = Project.create(tmp_path / "p")
    answers = iter(["/x/*.mrc", "0", "0.885"])
    monkeypatch.setattr("cryoloom.cli.workflows.is_conversation", lambda: True)
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda text: next(answers))
    monkeypatch.setattr("sys.argv", ["cryoloom", "workflow", "import", str(file), "-p", str(project.path)])

    assert main() in (0, None)

    values = project.job(1).entry.make_protocol().values
    assert (values["fn_in_raw"], values["angpix"], values["Cs"]) == ("/x/*.mrc", 0.885, 2.7)
    assert "'0' is not a number in Å, at least 0.1" in capsys.readouterr().out


def test_questions_without_a_terminal_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path, [MOVIES])
    monkeypatch.setattr(
        "sys.argv", ["cryoloom", "workflow", "run", str(file), "--ask", "-p", str(tmp_path / "p")]
    )

    assert main() == 2
    assert "--ask is without a terminal" in capsys.readouterr().err


def test_what_check_lets_pass_is_made_whole_also_where_nothing_is_started(tmp_path: Path) -> None:
    jobs = [
        {"name": "movies", "protocol": "import.movies", "params": {"fn_in_raw": "/nowhere/*.mrc", "stream": "Yes"}},
        {"name": "motion", "protocol": "relion.motioncorr", "params": {"fn_gain_ref": "Movies/gain.mrc"},
         "inputs": {"input_star_mics": "movies"}},
    ]  # fmt: skip
    file = tmp_path / "w.json"
    file.write_text(json.dumps({"jobs": jobs}))
    project = Project.create(tmp_path / "p")

    assert project.check_workflow(file) == ["movies", "motion"]
    made = project.import_workflow(file)  # the gain may come with the movies

    assert [job.protocol for job in made] == ["import.movies", "relion.motioncorr"]


def test_a_step_may_say_where_it_runs_and_that_goes_into_no_export(tmp_path: Path) -> None:
    file = tmp_path / "w.json"
    step = {"name": "sleep", "protocol": "loomtest.nothing", "launcher": "gpu", "batch": {"walltime": "24h"}}
    file.write_text(json.dumps({"format": 1, "jobs": [step]}))
    project = Project.create(tmp_path / "p")
    [job] = project.import_workflow(file)

    control = read_control(job.folder)
    assert (control["launcher"], control["batch"]) == ("gpu", {"walltime": "24h"})
    assert "gpu" not in json.dumps(project.export_workflow())
    file.write_text(json.dumps({"format": 1, "jobs": [step | {"launcher": 3, "batch": "24h"}]}))
    with pytest.raises(CryoloomError, match=r"(?s)the name of a launcher.*walltime"):
        project.import_workflow(file)
