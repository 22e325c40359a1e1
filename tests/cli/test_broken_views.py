"""A plugin whose views are broken is named, and the rest of the job and of the report is shown."""

from pathlib import Path

import pytest

from cryoloom import Project
from cryoloom.api.report import write_report
from cryoloom.cli.main import main
from cryoloom.project.registry import find_protocol


def test_views_that_break_are_told_with_plugin_and_job_and_the_rest_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project = Project.create(tmp_path / "p")
    bad, other = project.run("loomtest.nothing", start=False), project.run("loomtest.nothing", start=False)

    def broken(self: object, job: object) -> list[object]:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(find_protocol("loomtest.nothing"), "views", broken)
    monkeypatch.setattr("sys.argv", ["cryoloom", "show", bad.name, "-p", str(project.path)])

    assert main() == 0
    shown = capsys.readouterr()
    assert f"{bad.name}: views() of loomtest.nothing is broken (ZeroDivisionError: by zero)" in shown.err
    assert "parameters:" in shown.out
    write_report(project, tmp_path / "r.html")
    assert (tmp_path / "r.html").read_text().count("ZeroDivisionError") == 2 and other.name in shown.out + (
        tmp_path / "r.html"
    ).read_text()
