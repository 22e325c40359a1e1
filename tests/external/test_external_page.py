"""What `docs/external.md` shows is run as it stands there, in a project whose first job imported particles."""

import os
import re
import shlex
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cryoloom import Job, Project
from cryoloom.cli.main import app

PAGE = (Path(__file__).parents[2] / "docs" / "external.md").read_text()
BLOCK = re.compile(r"```(python|console)\n(.*?)```", re.DOTALL)


def test_the_page_runs(project: Project, particles: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.path)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")

    for language, text in BLOCK.findall(PAGE):
        script = re.match(r"# (\w+\.py)", text)
        if script is not None:
            (project.path / script[1]).write_text(text)
        for line in text.splitlines() if language == "console" else []:
            words = shlex.split(line.removeprefix("$ cryoloom "))
            done = CliRunner().invoke(app, words, catch_exceptions=False)
            assert done.exit_code == 0, done.output

    assert project.job("2").dataset("kept").table()["rlnCtfMaxResolution"].to_list() == [1, 2, 3, 4]
