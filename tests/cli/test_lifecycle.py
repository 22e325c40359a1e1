"""What becomes of a job is asked for in one command; what would hurt others is refused in one sentence."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rings

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
        write_mrc(raw / f"{name}.mrc", np.eye(16, dtype=np.float32), 1.0)
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
    assert "--dependents" in error["hint"] and "--no-dependents" in error["hint"]
    assert done.returncode == 0, done.stdout + done.stderr
    assert {shown["state"] for shown in json.loads(done.stdout)} == {"succeeded"}
    assert session.job("2").dataset("kept").table().equals(before)
    assert (session.path / "Trash/Import/job001/journal.jsonl").exists()
    assert (session.path / "Trash/Select/job002/micrographs.star").exists()


@pytest.mark.slow
def test_what_is_left_alone_is_said(session: Project) -> None:
    done = cryoloom(session, "restart", "1", "--no-dependents", "--wait")

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


def mend(project: Project, tmp_path: Path) -> None:
    """The microscope's disk has the whole file now."""
    (tmp_path / "raw/b.mrc").write_bytes((tmp_path / "whole.mrc").read_bytes())


@pytest.mark.slow
def test_a_file_that_was_mended_is_taken_and_who_ended_without_it_is_said(
    session: Project, tmp_path: Path
) -> None:
    ids = session.job("1").dataset().table()["cryoloomItemId"].to_list()
    mend(session, tmp_path)

    done = cryoloom(session, "retry", "1", "--wait")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Import/job001: 1 failed items are tried again." in done.stdout
    assert "These ended without them: Select/job002" in done.stdout
    assert "cryoloom retry Import/job001 --dependents" in done.stdout
    assert items(session, "1", "micrographs") == ["a.mrc", "b.mrc", "c.mrc"]
    assert session.job("1").dataset().table()["cryoloomItemId"].to_list()[:2] == ids
    assert not session.job("1").entry.status().history.failed
    assert not (session.job("1").folder / "failed.star").exists()
    assert items(session, "2", "kept") == ["a.mrc", "c.mrc"]


@pytest.mark.slow
@pytest.mark.parametrize("at_once", [True, False], ids=["with the job", "afterwards"])
def test_jobs_that_followed_take_only_the_new_items(session: Project, tmp_path: Path, at_once: bool) -> None:
    mend(session, tmp_path)
    if not at_once:
        assert cryoloom(session, "retry", "1", "--wait").returncode == 0

    done = cryoloom(session, "retry", "1", "--dependents", "--wait", "--json")

    assert done.returncode == 0, done.stdout + done.stderr
    assert items(session, "2", "kept") == ["a.mrc", "b.mrc", "c.mrc"]
    history = session.job("2").entry.status().history
    assert history.rows_done == 3
    assert all(output.closed for output in history.outputs.values())


@pytest.mark.slow
def test_what_is_still_broken_fails_again_and_what_was_through_is_kept(session: Project) -> None:
    before = session.job("1").dataset().table()

    done = cryoloom(session, "retry", "1", "--dependents", "--wait")

    assert done.returncode == 0, done.stdout + done.stderr
    assert session.job("1").dataset().table().equals(before)
    assert len(session.job("1").entry.status().history.failed) == 1
    assert {summary.state for summary in session.summaries()} == {"succeeded"}


@pytest.mark.slow
def test_a_job_without_failed_items_and_one_without_items_have_nothing_to_try_again(session: Project) -> None:
    refused = cryoloom(session, "retry", "2", "--json")

    assert refused.returncode == 2
    assert "no single item can fail" in json.loads(refused.stdout)["error"]["found"]


@pytest.mark.slow
def test_an_import_whose_stream_is_over_looks_at_failed_files_and_does_not_wait_for_others(
    tmp_path: Path,
) -> None:
    project = Project.create(tmp_path / "p")
    (tmp_path / "raw").mkdir()
    for name in ("a", "b"):
        write_mrc(tmp_path / f"raw/{name}.mrc", np.eye(16, dtype=np.float32), 1.0)
    whole = (tmp_path / "raw/b.mrc").read_bytes()
    (tmp_path / "raw/b.mrc").write_bytes(whole[:-100])
    files = project.run(
        "import.micrographs", fn_in_raw=str(tmp_path / "raw/*.mrc"), angpix=1.0, stream=True, file_timeout=0.5
    )
    cryoloom(project, "stop", "1", "--stream")
    assert files.wait(timeout_s=60).state == "succeeded"
    assert len(files.entry.status().history.failed) == 1
    (tmp_path / "raw/b.mrc").write_bytes(whole)

    done = cryoloom(project, "retry", "1", "--wait")

    assert done.returncode == 0, done.stdout + done.stderr
    assert items(project, "1", "micrographs") == ["a.mrc", "b.mrc"]


@pytest.mark.slow
def test_a_failed_item_of_an_ended_job_comes_through_and_down_the_chain(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p", seed=1)
    (tmp_path / "raw").mkdir()
    for seed, name in enumerate(("a", "b", "c")):
        image = rings.micrograph(512, 1.5, 15000, 14500, 20, seed=seed, noise=0.5)
        write_mrc(tmp_path / f"raw/{name}.mrc", image.astype(np.float32), 1.5)
    project.run("import.micrographs", fn_in_raw=str(tmp_path / "raw/*.mrc"), angpix=1.5).wait(timeout_s=60)
    link = next((project.path / "Movies/job001").rglob("b.mrc"))
    link.rename(tmp_path / "aside")
    ctf = project.run("ctf.estimate", input_star_mics="1")
    kept = project.run("sets.filter", input=ctf, expression="rlnDefocusU > 0")
    project.wait(timeout_s=120)
    assert items(project, ctf.name, "micrographs") == items(project, kept.name, "kept") == ["a.mrc", "c.mrc"]
    before = ctf.dataset().table()
    (tmp_path / "aside").rename(link)

    done = cryoloom(project, "retry", ctf.name, "--dependents", "--wait")

    assert done.returncode == 0, done.stdout + done.stderr
    assert items(project, kept.name, "kept") == ["a.mrc", "b.mrc", "c.mrc"]
    assert ctf.dataset().table().head(2).equals(before)
    events = [json.loads(line) for line in (ctf.folder / "journal.jsonl").read_text().splitlines()]
    again = [event for event in events if event["attempt"] == 2]
    assert again[0]["reopens"] == ["micrographs"]
    assert [event["kind"] for event in again if event["kind"].startswith("output.")] == ["output.closed"]
    assert [len(event["items"]) for event in again if event["kind"] == "items.done"] == [1]


@pytest.mark.slow
def test_several_jobs_are_stopped_and_resumed_at_once(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p")
    for name in ("a", "b"):
        project.run("import.micrographs", fn_in_raw=str(tmp_path / f"{name}*.mrc"), stream=True, start=False)

    resumed = cryoloom(project, "resume", "1", "2", "--json")
    stopped = cryoloom(project, "stop", "1", "2", "--json")

    names = ["Import/job001", "Import/job002"]
    assert [shown["name"] for shown in json.loads(resumed.stdout)] == names
    assert [shown["name"] for shown in json.loads(stopped.stdout)] == names
    assert [summary.state for summary in project.wait(timeout_s=60)] == ["aborted", "aborted"]


@pytest.mark.slow
def test_a_job_that_was_only_made_is_told_apart_from_one_that_was_stopped(session: Project) -> None:
    made = cryoloom(session, "copy", "2")
    assert made.returncode == 0

    shown = {one["name"]: one for one in json.loads(cryoloom(session, "ls", "--json").stdout)}

    assert (shown["Select/job003"]["state"], shown["Select/job003"]["started"]) == ("aborted", False)
    assert shown["Select/job002"]["started"] is True
