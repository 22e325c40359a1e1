"""What `service` writes starts the scheduler of this very project, whatever it is called."""

import shlex
import subprocess
from pathlib import Path

import pytest
from waiting import until

from cryoloom import Project
from cryoloom.api import service
from cryoloom.cli.main import main
from cryoloom.errors import ProjectError


def test_the_line_for_crontab_runs_the_jobs_of_a_project_with_blanks_in_its_name(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "my 50% project")
    entry = project.folder.create_job("loomtest.nothing", {}, {})  # and no scheduler is started
    line = service.crontab_line(project.path).partition(" * * * * ")[2].replace("\\%", "%")

    process = subprocess.Popen(["sh", "-c", line])
    try:
        until(lambda: entry.status().state == "succeeded", 30)
    finally:
        process.wait(30)


def test_the_unit_names_this_interpreter_and_leaves_jobs_alone_when_it_is_stopped(tmp_path: Path) -> None:
    root = tmp_path / "a b%c"

    text = service.unit_text(root)

    assert "Restart=always" in text and "KillMode=process" in text
    [command] = [line for line in text.splitlines() if line.startswith("ExecStart=")]
    assert shlex.split(command.removeprefix("ExecStart="))[-1] == str(root).replace("%", "%%")
    assert service.unit_name(tmp_path / "x" / "p") != service.unit_name(tmp_path / "y" / "p")


def test_show_changes_nothing_and_without_systemd_install_says_what_else_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project = Project.create(tmp_path / "p")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["cryoloom", "service", "show", "-p", str(project.path)])

    assert main() == 0
    assert "not installed" in capsys.readouterr().out and not (tmp_path / "config").exists()
    with pytest.raises(ProjectError, match="crontab -e"):
        service.install(project.path)
    assert not service.unit_file(project.path).exists() and not service.remove(project.path)
