"""RO-Crates: valid by their profiles without a network, and what they say is what was run."""

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from cryoloom import Project
from cryoloom.errors import ParameterError

pytestmark = [pytest.mark.relion, pytest.mark.timeout(300)]
VALIDATOR = Path(__file__).parents[2] / ".venv-crates/bin/python"


def findings(profile: str, folder: Path) -> list[list[str]]:
    """What the validator finds wrong: severity, check, message, entity."""
    assert VALIDATOR.exists(), "the validator is missing: make .venv-crates/installed"
    script = Path(__file__).with_name("validate_crate.py")
    done = subprocess.run([str(VALIDATOR), str(script), profile, str(folder)], capture_output=True, text=True)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
    assert done.returncode == (1 if any(line[0] == "REQUIRED" for line in lines) else 0), done.stderr[-2000:]
    return lines


def entities(folder: Path) -> dict[str, dict[str, Any]]:
    content = json.loads((folder / "ro-crate-metadata.json").read_text())
    return {one["@id"]: one for one in content["@graph"]}


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@pytest.fixture(scope="module")
def crate(tiny: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("crate") / "c"
    tiny.export_crate(folder, author="Ada Lovelace")
    return folder


@pytest.mark.slow
def test_the_crate_is_a_valid_provenance_run_crate(crate: Path) -> None:
    found = findings("provenance-run-crate-0.5", crate)

    assert [line for line in found if line[0] == "REQUIRED"] == []
    # What remains is advice about addresses and affiliations that nobody here knows.
    assert {line[1] for line in found} <= {
        "process-run-crate-0.5_3.2", "process-run-crate-0.5_5.1", "process-run-crate-0.5_7.1",
        "ro-crate-1.1_22.3", "ro-crate-1.1_30.2",
        "ro-crate-1.1_30.3", "workflow-ro-crate-1.0_6.1", "workflow-ro-crate-1.0_6.2",
    }  # fmt: skip


@pytest.mark.slow
def test_a_crate_that_lacks_its_workflow_is_found_invalid(crate: Path, tmp_path: Path) -> None:
    content = json.loads((crate / "ro-crate-metadata.json").read_text())
    content["@graph"] = [one for one in content["@graph"] if one["@id"] != "workflow.json"]
    (tmp_path / "ro-crate-metadata.json").write_text(json.dumps(content))

    assert any(line[0] == "REQUIRED" for line in findings("provenance-run-crate-0.5", tmp_path))


def test_each_job_of_the_result_is_a_run_with_its_program_parameters_inputs_and_results(
    tiny: Project, crate: Path
) -> None:
    known = entities(crate)
    jobs = {summary.label: summary for summary in tiny.summaries()}
    refine = known[f"#{jobs['refine_masked'].name}"]

    tool = known[refine["instrument"]["@id"]]
    assert tool["name"] == "relion_refine_mpi" or "refine3d" in tool["name"]
    given = {one["@id"] for one in listed(refine["object"])}
    spec = tiny.job(jobs["refine_masked"].name).entry.spec
    assert spec is not None
    for dataset in spec.inputs.values():
        assert {dataset.path, f"#{dataset.path}"} & given
    values = {known[one]["name"]: known[one]["value"] for one in given if one.startswith("#parameter")}
    assert values["sym_name"] == "T" and values["ini_high"] == "12"
    runs = [one for one in known.values() if one["@type"] == "CreateAction" and one["@id"] != "#run"]
    assert len(runs) == len(jobs) - 1  # all but the microscope, of which the import knows nothing
    assert known["#run"]["instrument"] == {"@id": "workflow.json"}
    assert known["#run"]["startTime"] <= refine["startTime"] <= refine["endTime"] <= known["#run"]["endTime"]


def test_two_acts_of_one_protocol_have_each_their_own_papers(tutorial: Path, tmp_path: Path) -> None:
    Project(tutorial).export_crate(tmp_path / "c", "Class2D/job013")
    known = entities(tmp_path / "c")

    cited = {
        job: {one["@id"].rpartition("/")[2] for one in listed(known[known[f"#{job}"]["instrument"]["@id"]]["citation"])}
        for job in ("AutoPick/job006", "AutoPick/job011")
    }  # fmt: skip
    assert cited == {
        "AutoPick/job006": {"eLife.42166"},  # blobs
        "AutoPick/job011": {"j.jsb.2014.11.010", "eLife.18722"},  # templates, on GPUs
    }


def test_files_of_the_crate_are_there_with_the_digests_that_it_tells(crate: Path) -> None:
    files = [one for one in entities(crate).values() if "sha256" in one]

    assert any(one["@id"].endswith("postprocess.mrc") for one in files)
    for one in files:
        data = (crate / one["@id"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == one["sha256"]
        assert len(data) == int(one["contentSize"])


def test_nothing_of_this_machine_s_folders_stands_in_a_crate(tiny: Project, crate: Path) -> None:
    for name in ("ro-crate-metadata.json", "workflow.json", "methods.md"):
        assert str(tiny.path.resolve()) not in (crate / name).read_text(), name


@pytest.mark.slow
def test_a_workflow_crate_is_valid_and_its_workflow_can_be_checked(tiny: Project, tmp_path: Path) -> None:
    folder = tmp_path / "w"
    tiny.export_workflow_crate(folder, author="Ada Lovelace", title="Tiny")

    found = findings("workflow-ro-crate-1.0", folder)
    assert [line for line in found if line[0] == "REQUIRED"] == []
    assert {path.name for path in folder.iterdir()} == {
        "README.md",
        "ro-crate-metadata.json",
        "workflow.json",
    }
    assert Project.create(tmp_path / "p").check_workflow(folder / "workflow.json")


def test_a_folder_that_is_not_empty_is_left_alone(tiny: Project, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("dear to me")

    with pytest.raises(ParameterError, match="not empty"):
        tiny.export_crate(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
