"""What `docs/external.md` shows is run as it stands there, in a project whose first job imported particles."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from cryoloom import Job, Project
from cryoloom.cli.main import app

PAGE = (Path(__file__).parents[2] / "docs" / "external.md").read_text()
BLOCK = re.compile(r"```(python|console)\n(.*?)```", re.DOTALL)


def test_the_page_runs(project: Project, particles: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.path)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")

    for language, text in BLOCK.findall(PAGE):
        script = re.match(r"# (\w+\.py)", text)
        if language == "python":
            file = project.path / (script[1] if script is not None else "block.py")
            file.write_text(text)
            if script is None:
                done = subprocess.run([sys.executable, file.name], capture_output=True, text=True)
                assert done.returncode == 0, done.stderr
        for line in text.splitlines() if language == "console" else []:
            words = shlex.split(line.removeprefix("$ cryoloom "))
            said = CliRunner().invoke(app, words, catch_exceptions=False)
            assert said.exit_code == 0, said.output

    assert project.job("4").dataset("kept").table()["rlnCtfMaxResolution"].to_list() == [1, 2, 3]
    assert project.job("2").dataset("kept").table()["rlnCtfMaxResolution"].to_list() == [1, 2, 3, 4]
