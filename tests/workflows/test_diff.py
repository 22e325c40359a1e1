"""A comparison says what matters and nothing else, of files, projects and jobs alike."""

import json
from pathlib import Path
from typing import Any

import pytest

from cryoloom import Project
from cryoloom.api.workflow_diff import diff_of
from cryoloom.cli.main import main
from cryoloom.errors import ParameterError

EXAMPLES = Path(__file__).parents[2] / "examples"


def example() -> dict[str, Any]:
    content: dict[str, Any] = json.loads((EXAMPLES / "tiny.json").read_text())
    return content


def written(folder: Path, name: str, content: dict[str, Any]) -> str:
    (folder / name).write_text(json.dumps(content))
    return str(folder / name)


def told(first: str, second: str, project: Project | None = None, **given: str) -> list[tuple[str, ...]]:
    return [
        (one.what, one.job, one.name, one.old, one.new)
        for one in diff_of(first, second, project, given).differences
    ]


def test_of_two_files_jobs_values_links_order_and_placeholders_are_told(tmp_path: Path) -> None:
    changed = example()
    jobs = {job["name"]: job for job in changed["jobs"]}
    jobs["class2d"]["params"]["nr_classes"] = 7
    del jobs["class2d"]["params"]["tau_fudge"]
    jobs["refine"]["inputs"]["fn_img"] = "particles"
    jobs["refine"]["wait_for"] = ["mask"]
    changed["jobs"] = [job for job in changed["jobs"] if job["name"] not in ("postprocess", "mask")]
    changed["jobs"].append({"name": "more", "protocol": "relion.class3d", "inputs": {"fn_img": "particles"}})
    changed["placeholders"]["rate"]["default"] = 2
    jobs["refine"]["wait_for"] = ["ctf"]
    for job in changed["jobs"]:
        job["inputs"] = {key: one for key, one in job.get("inputs", {}).items() if one != "mask"}

    assert told(str(EXAMPLES / "tiny.json"), written(tmp_path, "w.json", changed)) == [
        ("parameter", "class2d", "nr_classes", "3", "7"),
        ("input", "refine", "fn_img", "particles_finer:particles", "particles:particles"),
        ("wait_for", "refine", "", "", "ctf"),
        ("gone", "mask", "", "relion.maskcreate", ""),
        ("input", "refine_masked", "fn_mask", "mask:mask", ""),
        ("gone", "postprocess", "", "relion.postprocess", ""),
        ("added", "more", "", "", "relion.class3d"),
        ("placeholder", "", "rate", "a number; default 0", "a number; default 2"),
    ]


def test_what_means_the_same_is_no_difference(tmp_path: Path) -> None:
    changed = example()
    jobs = {job["name"]: job for job in changed["jobs"]}
    jobs["class2d"]["params"] |= {"do_ctf_correction": "yes", "nr_iter": "6.0", "tau_fudge": 2.0}
    jobs["class2d"]["inputs"] = {"fn_img": "particles:particles"}
    jobs["class2d"]["comment"] = "said"
    changed["placeholders"]["rate"]["help"] = "other words"
    jobs["picks"]["name"] = "log"
    jobs["particles"]["inputs"]["coords_suffix"] = "log"

    found = told(str(EXAMPLES / "tiny.json"), written(tmp_path, "w.json", changed))

    assert found == [("renamed", "picks", "", "picks", "log")]


def test_a_project_is_compared_with_its_file_and_with_another_project(tmp_path: Path) -> None:
    file = written(tmp_path, "w.json", example() | {"placeholders": {
        **example()["placeholders"], "movies": {"help": "pattern"},
    }})  # fmt: skip
    first, second = Project.create(tmp_path / "a"), Project.create(tmp_path / "b")
    for project, rate in ((first, "0"), (second, "5")):
        project.import_workflow(file, movies="x/*.mrc", rate=rate)

    assert told(file, str(first.path)) == []
    assert diff_of(file, str(first.path), None, {}).open == {"movies": "x/*.mrc"}
    assert told(str(first.path), str(second.path)) == [("parameter", "microscope", "rate", "0", "5")]
    assert told(file, str(second.path), rate="5") == []


def test_two_jobs_are_compared_whatever_they_are_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project = Project.create(tmp_path / "p")
    project.import_workflow(EXAMPLES / "tiny.json")
    monkeypatch.setattr(
        "sys.argv",
        ["cryoloom", "workflow", "diff", "refine", "refine_masked", "-p", str(project.path), "--json"],
    )

    assert main() in (0, None)
    found = {
        one["name"]: (one["old"], one["new"]) for one in json.loads(capsys.readouterr().out)["differences"]
    }
    assert found["ini_high"] == ("25", "12")
    assert found["fn_img"] == ("Extract/job011:particles", "Extract/job016:particles")
    with pytest.raises(ParameterError, match="expected a JSON file, a project, or two jobs"):
        diff_of("refine", str(EXAMPLES / "tiny.json"), project, {})
