"""What is given is checked when it is given, whatever it is called, and nothing is made before all of it is right."""

import json
from pathlib import Path

import pytest

from cryoloom import Project
from cryoloom.cli.main import main
from cryoloom.errors import ParameterError


def command(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr("sys.argv", ["cryoloom", *words])
    return main()


@pytest.mark.parametrize(
    "word", ["alias=x", "start=No", "protocol=x", "self=1", "label=x", "wait_for=1", "job=x"]
)
def test_a_name_that_is_an_option_is_no_parameter_and_no_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], word: str
) -> None:
    project = Project.create(tmp_path / "p")
    job = project.run("loomtest.nothing", start=False)
    name = word.partition("=")[0]

    for words in (["run", "loomtest.nothing", word], ["copy", job.name, word]):
        assert command(monkeypatch, *words, "-p", str(project.path)) == 2
        assert f"loomtest.nothing: parameter {name} is unknown" in capsys.readouterr().err
    assert len(project.jobs()) == 1


def workflow(folder: Path, **content: object) -> str:
    (folder / "w.json").write_text(json.dumps(content))
    return str(folder / "w.json")


def test_placeholders_may_have_any_name_and_are_told_when_they_are_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    jobs = [{"name": "a", "protocol": "loomtest.nothing", "label": "${path}"}]
    file = workflow(tmp_path, placeholders={"path": {"type": "path"}}, jobs=jobs)
    assert command(monkeypatch, "workflow", "run", file, "--set", "path=/x", "-p", str(tmp_path / "p")) == 0
    assert Project(tmp_path / "p").job("1").summary().label == "/x"

    file = workflow(tmp_path, placeholders={"path": "text"}, jobs=jobs)
    assert command(monkeypatch, "workflow", "run", file, "--set", "path=/x", "-p", str(tmp_path / "p")) == 2
    assert "'path' without a description" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("job", "said"),
    [
        ({"protocol": "relion.class2d", "inputs": {"fn_img": "movies"}}, "gives movies"),
        (
            {"protocol": "relion.motioncorr", "inputs": {"input_star_mics": "movies:nothing"}},
            "movies:nothing",
        ),
        ({"protocol": "relion.motioncorr"}, "input input_star_mics is missing"),
        ({"protocol": "loomtest.nothing", "wait_for": ["nobody"]}, "job nobody is unknown"),
    ],
)
def test_a_workflow_whose_last_job_is_wrong_makes_none(
    tmp_path: Path, job: dict[str, object], said: str
) -> None:
    project = Project.create(tmp_path / "p")
    first = {"name": "movies", "protocol": "import.movies", "params": {"fn_in_raw": "/x/*.mrc"}}

    with pytest.raises(Exception, match=said):
        project.run_workflow(workflow(tmp_path, jobs=[first, {"name": "b", **job}]))

    assert project.jobs() == []


def test_start_is_yes_or_no_and_not_a_word(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="start is 'No', expected True or False"):
        Project.create(tmp_path / "p").run("loomtest.nothing", start="No")  # type: ignore[arg-type]


def test_a_value_that_cannot_be_is_told_with_the_workflow_and_its_job(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p")
    jobs = [
        {"name": "first", "protocol": "loomtest.nothing"},
        {
            "name": "second",
            "protocol": "import.micrographs",
            "params": {"fn_in_raw": "*.mrc", "kV": "300000"},
        },
    ]
    file = workflow(tmp_path, format=1, jobs=jobs)

    with pytest.raises(ParameterError, match=r"w\.json: job second: import\.micrographs: parameter kV"):
        project.run_workflow(file)

    assert not project.jobs()


def test_a_workflow_is_checked_without_anything_being_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project = Project.create(tmp_path / "p")
    movies = {"name": "movies", "protocol": "import.movies", "params": {"fn_in_raw": "*.mrc"}}
    motion = {"name": "motion", "protocol": "relion.motioncorr", "inputs": {"input_star_mics": "movies"}}
    good = workflow(tmp_path, jobs=[movies, motion])
    assert command(monkeypatch, "workflow", "check", good, "-p", str(project.path)) == 0
    assert "2 jobs could be made" in capsys.readouterr().out

    bad = workflow(tmp_path, jobs=[movies, {**motion, "params": {"fn_gain_ref": "none.mrc"}, "inputs": {}}])
    assert command(monkeypatch, "workflow", "check", bad, "-p", str(project.path)) == 2
    assert "job motion: relion.motioncorr: input input_star_mics is missing" in capsys.readouterr().err
    assert project.jobs() == []


def test_the_nearest_alias_of_an_unknown_job_is_offered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project = Project.create(tmp_path / "p")
    project.run("loomtest.nothing", start=False).set_alias("class2d")

    assert command(monkeypatch, "show", "clas2d", "-p", str(project.path)) == 2
    assert "Did you mean class2d?" in capsys.readouterr().err
    assert command(monkeypatch, "show", "unlike", "-p", str(project.path)) == 2
    assert "`cryoloom ls` lists them." in capsys.readouterr().err
