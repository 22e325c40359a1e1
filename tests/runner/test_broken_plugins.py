"""A protocol whose own code raises is named with the method, by the job or the command, and all else goes on."""

from pathlib import Path

import pytest

from cryoloom import Project
from cryoloom.errors import PluginError

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.mark.parametrize("method", ["resolve_auto", "command", "finish"])
def test_a_job_names_the_protocol_and_the_method_that_raised_and_the_next_one_runs(
    method: str, tmp_path: Path
) -> None:
    project = Project.create(tmp_path / "p")
    job = project.run("loomtest.broken", at=method).wait(60, check=False)
    other = project.run("loomtest.nothing").wait(60)

    assert job.state == "failed"
    assert job.why.startswith(
        f"loomtest.broken, {method}() is KeyError: 'rlnNoSuchLabel' in broken.py, line "
    )
    assert "Traceback" in (job.folder / "run.err").read_text()
    assert [summary.state for summary in project.summaries()] == ["failed", "succeeded"]
    assert other.state == "succeeded"


def test_a_fault_in_what_is_only_shown_is_told_and_does_not_end_the_program(tmp_path: Path) -> None:
    job = Project.create(tmp_path / "p").run("loomtest.broken", at="progress").wait(60)

    assert job.state == "succeeded", job.why
    assert any("loomtest.broken, progress()" in note for note in job.entry.status().history.notes)


@pytest.mark.parametrize("method", ["check", "output_files"])
def test_a_command_names_the_protocol_and_the_method_and_makes_no_job(method: str, tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p")

    with pytest.raises(
        PluginError, match=rf"loomtest.broken, {method}\(\) is KeyError.* in broken.py, line "
    ):
        project.run("loomtest.broken", at=method)

    assert project.summaries() == []


def test_what_a_protocol_s_module_raises_is_its_fault_wherever_it_was_called(tmp_path: Path) -> None:
    job = Project.create(tmp_path / "p").run("loomtest.brokenset").wait(60, check=False)

    assert job.why.startswith("loomtest.brokenset, compute() is RuntimeError: nothing works in ")
    assert "Cryoloom" not in job.why
