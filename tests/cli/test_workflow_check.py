"""`workflow check` also where there is no project yet: what `workflow run` would do there."""

import json
from pathlib import Path

import pytest

from cryoloom import Project
from cryoloom.cli.main import main

WORKFLOW = {
    "jobs": [
        {"name": "a", "protocol": "import.micrographs", "params": {"fn_in_raw": "RAW/*.mrc", "angpix": "1.0"}},
        {"name": "b", "protocol": "sets.filter", "inputs": {"input": "a"}, "params": {"expression": "rlnOpticsGroup > 0"}},
    ]
}  # fmt: skip


def check(file: Path, monkeypatch: pytest.MonkeyPatch, *more: str) -> int:
    monkeypatch.setattr("sys.argv", ["cryoloom", "workflow", "check", str(file), *more])
    return main()


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw/x.mrc").touch()
    content = json.dumps(WORKFLOW).replace("RAW", str(tmp_path / "raw"))
    (tmp_path / "w.json").write_text(content)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "w.json"


@pytest.mark.parametrize("more", [(), ("-p", "not_made_yet")])
def test_outside_of_a_project_it_is_checked_for_a_new_one_and_nothing_is_made(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], more: tuple[str, ...]
) -> None:
    assert check(file, monkeypatch, *more) == 0
    assert "2 jobs could be made in a new project" in capsys.readouterr().out
    assert sorted(path.name for path in file.parent.iterdir()) == ["raw", "w.json"]


def test_what_could_not_be_made_there_is_told(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(file.read_text().replace("sets.filter", "sets.filtre"))

    assert check(file, monkeypatch) == 2
    assert "sets.filter" in capsys.readouterr().err


def test_a_folder_that_is_there_and_no_project_is_a_mistake(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(file, monkeypatch, "-p", "raw") == 2
    assert "raw is no project" in capsys.readouterr().err


def test_show_says_with_which_values_it_would_run(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = {"angpix": {"type": "float", "default": 0.5}, "box": {"type": "int"}, "mtf": {"default": ""}}
    file.write_text(
        json.dumps({**WORKFLOW, "placeholders": {**asked, "box2": {"type": "int", "default": 64}}})
    )
    monkeypatch.setattr("sys.argv", ["cryoloom", "workflow", "show", str(file), "--set", "box2=128"])
    assert main() in (0, None)

    shown = capsys.readouterr().out.partition("placeholder")[2].splitlines()[1:]
    assert [line.split("  ")[0] for line in shown] == ["angpix", "box", "mtf", "box2"]
    assert [next(filter(None, line.split("  ")[1:])).strip() for line in shown] == [
        "0.5", "to be given", '""', "128",
    ]  # fmt: skip


def test_import_says_that_nothing_is_started_and_what_starts_it(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project = Project.create(file.parent / "p")
    monkeypatch.setattr("sys.argv", ["cryoloom", "workflow", "import", str(file), "-p", str(project.path)])
    assert main() in (0, None)

    *made, hint = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in made] == ["a", "b"]
    assert "cryoloom resume --all" in hint
    assert [summary.started for summary in project.summaries()] == [False, False]
    assert [job.name for job in project.resume()] == [line.split()[0] for line in made]
