"""A job that was made without a start is not called aborted, and what starts it is said."""

from pathlib import Path

import pytest

from cryoloom import Project
from cryoloom.cli.main import main


def test_what_was_not_started_says_so_and_how_to_start_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project = Project.create(tmp_path / "p")
    job = project.run("loomtest.nothing", start=False)

    for command in (["ls"], ["show", job.name]):
        monkeypatch.setattr("sys.argv", ["cryoloom", *command, "-p", str(project.path)])
        assert main() == 0
        out = capsys.readouterr().out
        assert (
            "not started" in out and f"cryoloom resume {job.name} starts it" in out and "aborted" not in out
        )

    project.run("loomtest.nothing", start=False)  # stays unstarted, and is nobody's to wait for
    monkeypatch.setattr("sys.argv", ["cryoloom", "resume", job.name, "--wait", "-p", str(project.path)])
    assert main() == 0
    assert "job002" not in capsys.readouterr().out
    assert job.state == "succeeded"
