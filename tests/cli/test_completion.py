"""What a shell completes, typed into a real bash; and what it is offered, word for word."""

import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from cryoloom import Project, star
from cryoloom.api.completing import (
    continuable_like,
    continued_like,
    given_like,
    helped_like,
    jobs_like,
    protocol_named,
    protocols_like,
    views_like,
)
from cryoloom.cli.main import app
from cryoloom.images.mrc import write_mrc

PROGRAMS = Path(sys.executable).parent


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """An import of two micrographs with an alias, and a filter that splits them."""
    folder = tmp_path_factory.mktemp("completion")
    for name in ("a", "b"):
        write_mrc(folder / f"raw_{name}.mrc", np.eye(16, dtype=np.float32), 1.0)
    made = Project.create(folder / "p", seed=1)
    first = made.run("import.micrographs", fn_in_raw=str(folder / "raw_*.mrc"), angpix=1.0, alias="session_1")
    made.run("sets.filter", input=first, expression="rlnOpticsGroup > 0")
    made.wait(timeout_s=60)
    return made


def words(found: object) -> list[str]:
    return [one.word for one in found]  # type: ignore[attr-defined]


def test_protocols_and_jobs_are_offered_by_any_of_their_names(project: Project) -> None:
    assert words(protocols_like("relion.class")) == ["relion.class2d", "relion.class3d"]
    assert words(jobs_like(project, "")) == ["Select/job002", "session_1", "Import/job001"]
    assert words(jobs_like(project, "Sel")) == ["Select/job002"]
    assert words(jobs_like(project, "1")) == ["1"]
    assert words(views_like(project, "1", "")) == [view.name for view in project.job("1").views()]
    assert views_like(project, "none", "") == []


def test_parameters_are_offered_with_their_sign_and_then_their_values(project: Project) -> None:
    kind = protocol_named("relion.class2d")
    assert kind is not None

    assert words(given_like(project, kind, "nr_c")) == ["nr_classes="]
    assert words(given_like(project, kind, "do_ctf_correction=")) == [
        "do_ctf_correction=Yes",
        "do_ctf_correction=No",
    ]
    assert {one.help for one in given_like(project, kind, "nr_c")} == {"Number of classes"}
    assert given_like(project, kind, "nothing=") == []


def test_inputs_are_offered_the_outputs_that_fit(project: Project) -> None:
    motion, ctf = protocol_named("relion.motioncorr"), protocol_named("ctf.estimate")
    assert motion is not None and ctf is not None
    [name] = [one for one, spec in ctf.inputs.items() if spec.kind.kind == "micrographs"]

    assert words(given_like(project, ctf, f"{name}=Sel")) == [
        f"{name}=Select/job002",
        f"{name}=Select/job002:rejected",
    ]
    assert f"{name}=session_1" in words(given_like(project, ctf, f"{name}="))
    assert given_like(project, motion, "input_star_mics=") == [], "nothing here is a set of movies"
    assert given_like(None, ctf, f"{name}=") == [], "outside a project"


def test_behind_help_labels_are_offered_too() -> None:
    assert {"rlnDefocusU", "rlnDefocusV", "rlnDefocusAngle"} <= {*words(helped_like("rlnDefo"))}
    assert words(helped_like("relion.class")) == ["relion.class2d", "relion.class3d"]
    assert helped_like("rlnNothing") == []


def test_behind_continue_stand_jobs_with_iterations_and_what_may_be_different(project: Project) -> None:
    kind = protocol_named("relion.class2d")
    assert kind is not None
    rows = {"rlnImageName": ["1@a.mrcs"], "rlnOpticsGroup": [1], "rlnMicrographName": ["a.mrc"]}
    optics = {
        "rlnOpticsGroup": [1],
        "rlnOpticsGroupName": ["a"],
        "rlnImageSize": [64],
        "rlnImagePixelSize": [4.0],
    }
    blocks = {"optics": pl.DataFrame(optics), "particles": pl.DataFrame(rows)}
    star.write(project.path / "p.star", blocks)
    made = project.run("relion.class2d", fn_img="p.star", do_ctf_correction=False, start=False)

    assert words(continuable_like(project, "")) == [made.name]
    assert continuable_like(project, "Sel") == []
    offered = words(continued_like(project, kind, ""))
    assert {"nr_iter=", "tau_fudge=", "nr_threads=", "nr_mpi="} <= {*offered}
    assert not {"nr_classes=", "fn_img=", "fn_cont="} & {*offered}
    assert continued_like(project, protocol_named("sets.filter") or kind, "") == []


class Bash:
    """An interactive bash that has read what `cryoloom completion bash` prints."""

    def __init__(self, folder: Path) -> None:
        script = subprocess.run(
            [PROGRAMS / "cryoloom", "completion", "bash"], capture_output=True, check=True
        )
        (folder / "rc").write_bytes(
            script.stdout + b"\nPS1='READY> '\nbind 'set enable-bracketed-paste off'\n"
        )
        child, self.handle = pty.fork()
        if child == 0:  # pragma: no cover
            os.chdir(folder)
            path = f"{PROGRAMS}:{os.environ['PATH']}"
            os.execvpe("bash", ["bash", "--rcfile", "rc", "-i"], {**os.environ, "PATH": path, "TERM": "dumb"})
        self.child = child
        self.until("READY> ")

    def until(self, what: str, quiet_s: float = 30.0) -> str:
        """What comes until it shows, or for so long."""
        text, began = "", time.monotonic()
        while what not in text and time.monotonic() - began < quiet_s:
            if select.select([self.handle], [], [], 0.1)[0]:
                text += os.read(self.handle, 4096).decode(errors="replace")
        return text

    def tab(self, typed: str, expected: str) -> str:
        """The line after the tabulator; it is thrown away then."""
        os.write(self.handle, f"{typed}\t".encode())
        text = self.until(expected)
        os.write(self.handle, b"\x15\n")
        self.until("READY> ")
        return re.sub(r"[\r\n\a]", "", text)


@pytest.fixture
def bash(project: Project) -> Iterator[Bash]:
    shell = Bash(project.path)
    yield shell
    os.write(shell.handle, b"exit\n")
    os.close(shell.handle)
    os.waitpid(shell.child, 0)


@pytest.mark.slow
def test_a_real_bash_completes_commands_parameters_jobs_values_and_files(bash: Bash) -> None:
    for typed, expected in (
        ("cryoloom resta", "cryoloom restart "),
        ("cryoloom run relion.class2", "cryoloom run relion.class2d "),
        ("cryoloom run relion.class2d nr_cl", "nr_classes="),
        ("cryoloom run relion.class2d do_ctf_correction=Y", "do_ctf_correction=Yes "),
        ("cryoloom show ses", "cryoloom show session_1 "),
        ("cryoloom run ctf.estimate input_star_mics=Select/job002:r", "job002:rejected "),
        ("cryoloom run import.volume fn_in_other=default_pi", "default_pipeline.star"),
        ("cryoloom show 1 --js", "--json "),
        ("cryoloom help rlnDefocusA", "cryoloom help rlnDefocusAngle "),
    ):
        assert expected in bash.tab(typed, expected), typed


def test_every_job_that_a_command_takes_is_completed() -> None:
    bare = {
        f"{name} {param.name}"
        for name, command in app.commands.items()
        for param in command.params
        if param.name in ("job", "jobs", "given") and param._custom_shell_complete is None
    }

    assert not bare
