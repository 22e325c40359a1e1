"""What becomes of a job is asked for in one command; what would hurt others is refused in one sentence."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cryoloom import Project
from cryoloom.images.mrc import write_mrc


def cryoloom(project: Project, *args: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "cryoloom", *args, "-p", str(project.path)],
        capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL,
    )  # fmt: skip


@pytest.fixture
def session(tmp_path: Path) -> Project:
    """Three micrographs, one of them cut short, and a filter that keeps all."""
    project = Project.create(tmp_path / "p", seed=1)
    raw = tmp_path / "raw"
    raw.mkdir()
    for name in ("a", "b", "c"):
        write_mrc(raw / f"{name}.mrc", np.ones((16, 16), dtype=np.float32), 1.0)
    whole = (raw / "b.mrc").read_bytes()
    (raw / "b.mrc").write_bytes(whole[:-100])
    (tmp_path / "whole.mrc").write_bytes(whole)
    project.run("import.micrographs", fn_in_raw=str(raw / "*.mrc"), angpix=1.0)
    project.run("sets.filter", input="1", expression="rlnOpticsGroup > 0")
    states = {summary.name: summary.state for summary in project.wait(timeout_s=60)}
    assert states == {"Import/job001": "succeeded", "Select/job002": "succeeded"}
    return project


def items(project: Project, job: str, output: str) -> list[str]:
    return sorted(Path(name).name for name in project.job(job).dataset(output).table()["rlnMicrographName"])


@pytest.mark.slow
def test_a_restarted_branch_ends_with_the_same_items(session: Project) -> None:
    before = session.job("2").dataset("kept").table()

    refused = cryoloom(session, "restart", "1", "--json")
    done = cryoloom(session, "restart", "1", "--dependents", "--wait", "--json")

    assert refused.returncode == 2
    error = json.loads(refused.stdout)["error"]
    assert error["found"] == "needed by Select/job002"
    assert "--dependents" in error["hint"] and "--alone" in error["hint"]
    assert done.returncode == 0, done.stdout + done.stderr
    assert {shown["state"] for shown in json.loads(done.stdout)} == {"succeeded"}
    assert session.job("2").dataset("kept").table().equals(before)
    assert (session.path / "Trash/Import/job001/journal.jsonl").exists()
    assert (session.path / "Trash/Select/job002/micrographs.star").exists()


@pytest.mark.slow
def test_what_is_left_alone_is_said(session: Project) -> None:
    done = cryoloom(session, "restart", "1", "--alone", "--wait")

    assert done.returncode == 0
    assert "Left as they are, made from the earlier results: Select/job002" in done.stdout


@pytest.mark.slow
def test_delete_names_who_needs_a_job_and_takes_several(session: Project) -> None:
    refused = cryoloom(session, "delete", "1")
    done = cryoloom(session, "delete", "1", "2", "--json")

    assert refused.returncode == 2
    assert "needed by Select/job002" in refused.stderr
    assert json.loads(done.stdout) == [
        {"job": "Import/job001", "trash": "Trash/Import/job001"},
        {"job": "Select/job002", "trash": "Trash/Select/job002"},
    ]
    assert session.jobs() == []


@pytest.mark.slow
def test_a_branch_runs_again_on_a_copy_with_one_parameter_changed(session: Project) -> None:
    made = cryoloom(session, "copy", "2", "expression=rlnOpticsGroup > 1", "--json")
    started = cryoloom(session, "copy", "1", "--branch", "--start", "--wait")

    [copy] = json.loads(made.stdout)
    assert (copy["name"], copy["label"], copy["state"]) == (
        "Select/job003",
        "copy of Select/job002",
        "aborted",
    )
    assert started.returncode == 0, started.stdout + started.stderr
    assert items(session, "Select/job005", "kept") == items(session, "Select/job002", "kept")
    assert session.job("Select/job005").entry.spec.inputs["input"].job == "Import/job004"  # type: ignore[union-attr]


@pytest.mark.slow
def test_clean_without_a_job_or_all_is_wrong_usage_and_nothing_to_clean_is_said(session: Project) -> None:
    assert cryoloom(session, "clean").returncode == 2
    assert "Nothing to clean" in cryoloom(session, "clean", "--all", "--dry-run").stdout
    assert json.loads(cryoloom(session, "clean", "--all", "--json").stdout) == []
