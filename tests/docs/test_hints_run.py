"""What a command suggests is run, as it was printed: a user copies it into the terminal and it works.

Printed for a small project of quick jobs that have ended; what starts a program of RELION's is made and not run. That each
suggestion in the source names a command that exists is shown in `test_hints.py`.
"""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from cryoloom import Project
from cryoloom.api import lifecycle, steering
from cryoloom.api import project as api_project
from cryoloom.cli.main import app
from cryoloom.errors import CryoloomError
from cryoloom.images.mrc import write_mrc

# A command stands on a line of its own, between backticks, or in brackets behind what it is about.
PRINTED = re.compile(r"(?m)^ {2}(cryoloom .+)$|`(cryoloom [^`]+)`|\((cryoloom [^)]+)\)")
OPEN = re.compile(r"\.\.\.|\b(NAME|VALUE|JOB|FILE|PROTOCOL|NEW)\b")  # what the user has to fill in


def printed(*words: str) -> str:
    """All that a command prints; what goes wrong as `cryoloom` tells it."""
    try:
        return CliRunner().invoke(app, [*words], catch_exceptions=False).output
    except CryoloomError as error:
        return str(error)


def suggested(text: str) -> Iterator[str]:
    """The commands in what was printed that are whole."""
    for found in PRINTED.findall(text):
        command = next(filter(None, found)).strip()
        if not OPEN.search(command):
            yield command


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Micrographs, one of them broken; a filter that keeps none, and one that keeps all. All have ended."""
    project = Project.create(tmp_path / "p", seed=1)
    raw = tmp_path / "raw"
    raw.mkdir()
    for name in ("a", "b"):
        write_mrc(raw / f"{name}.mrc", np.eye(16, dtype=np.float32), 1.0)
    (raw / "b.mrc").write_bytes((raw / "b.mrc").read_bytes()[:-100])
    project.run("import.micrographs", fn_in_raw=str(raw / "*.mrc"), angpix=1.0)
    project.run("sets.filter", input="1", expression="rlnOpticsGroup > 0")
    project.run("sets.filter", input="1", expression="rlnOpticsGroup > 5")
    states = {summary.name: summary.state for summary in project.wait(timeout_s=120)}
    assert set(states.values()) == {"succeeded"}
    monkeypatch.chdir(project.path)
    for module in (api_project, lifecycle, steering):
        for name in ("ensure_scheduler", "call_scheduler"):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, lambda *_: None)
    return project


ASKED = [
    ["show", "1"],
    ["show", "2"],
    ["log", "1", "--story"],
    ["ls"],
    ["retry", "1"],
    ["resume", "1"],
    ["copy", "2", "expression=rlnOpticsGroup > 1"],
    ["copy", "1", "--branch"],
    ["run", "sets.filter", "input=1", "expression=rlnOpticsGroup > 0"],
    ["run", "sets.filter", "input=9", "expression=rlnOpticsGroup > 0"],
    ["run", "sets.filtre", "input=1"],
    ["run", "sets.filter", "input=1", "expresion=x"],
    ["run", "relion.motioncorr", "input_star_mics=1"],
    ["run", "ctf.estimate", "input_star_mics=3"],
    ["show", "9"],
    ["stop", "1"],
    ["stop", "--stream", "2"],
    ["retry", "2"],
    ["continue", "2"],
    ["restart", "1"],
    ["delete", "1"],
    ["change", "2", "expression=rlnOpticsGroup > 1"],
    ["help", "sets.filter"],
    ["clean", "--all", "--dry-run"],
    ["plot", "1"],
]


@pytest.mark.slow
def test_what_is_suggested_runs_as_it_was_printed(session: Project) -> None:
    told = {" ".join(words): [*suggested(printed(*words))] for words in ASKED}
    told["next"] = [step.command for job in session.jobs()[:3] for step in job.next_steps()]
    commands = {command: asked for asked, found in told.items() for command in found}
    commands = {command: asked for command, asked in commands.items() if not OPEN.search(command)}
    wrong = []

    for command, asked in commands.items():
        words = shlex.split(command)[1:]
        if "--follow" in words:  # it stays until the job has ended, which nobody starts here
            words.remove("--follow")
        try:
            done = CliRunner().invoke(app, words, catch_exceptions=False)
        except CryoloomError as error:
            wrong.append(f"{asked}: `{command}`: {error}")
        else:
            if done.exit_code:
                wrong.append(f"{asked}: `{command}`: {done.output}")

    assert len(commands) >= 12, commands
    assert not wrong, "\n".join(wrong)
