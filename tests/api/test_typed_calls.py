"""A wrong parameter in a script is an error before it runs: the stubs say what the protocols declare, and mypy reads them."""

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cryoloom import Project
from cryoloom.api import typed_calls
from cryoloom.project.registry import all_protocols
from cryoloom.protocol.declare import Param, parse
from cryoloom.protocol.protocols import ProgramProtocol, Protocol

ROOT = Path(__file__).parents[2]

# Each line with `# wrong` has to be refused, and no other.
SCRIPT = """\
from pathlib import Path

from cryoloom import Job, JobError, Project

project = Project("there")
movies: Job = project.run("import.movies", fn_in_raw="*.tiff", fn_gain_ref=Path("gain.mrc"), angpix=0.885, stream=True)
motion = project.run("relion.motioncorr", input_star_mics=movies, gain_rot="1", gain_flip="auto", dose_per_frame="auto")
classes = project.run("relion.class2d", fn_img=motion.dataset("micrographs"), nr_classes=50, wait_for=[movies, "7"])
joined = project.run("sets.join", input=[classes, "Select/job003:kept", motion.dataset()], alias="all", priority=5)
project.make("theirs.protocol", {"anything": "goes"}).wait(60)
project.run("relion.class2d", fn_img="7", nr_classes="x")  # wrong: no number
project.run("relion.class2d", fn_img="7", nr_clases=50)  # wrong: no such parameter
project.run("relion.clas2d", fn_img="7", nr_classes=50)  # wrong: no such protocol
project.run("relion.class2d", nr_classes=50)  # wrong: without an input
project.run("relion.class2d", fn_img=7.5)  # wrong: no input
project.run("relion.motioncorr", input_star_mics="7", gain_rot="7")  # wrong: no choice
project.run("relion.motioncorr", input_star_mics="7", group_frames="auto")  # wrong: no automatic value there
project.run("relion.class2d", fn_img="7", start="no")  # wrong: no truth
project["LoG"].wait(timeout="60")  # wrong: no such option
table = project["LoG"].dataset().table()
project.run("sets.split", input=table, nr_parts=2)
project.run("sets.split", input=(table, table.head(3)), nr_parts=2)
project.run("sets.split", input=7, nr_parts=2)  # wrong: nobody's set
project.run("external.command", input="1", command_line=["python3", "x.py", "{input}"], outputs={"kept": "particles"})
project.run("external.command", input="1", command_line=["python3", 4])  # wrong: a word that is none
ended = project["LoG"].state == "suceeded"  # wrong: no state
reached: str = project["LoG"].dataset().table()  # wrong: a table
try:
    project[17].wait(timeout_s=60, check=True)
except JobError as error:
    print(error.job, error.why)
"""


def test_the_committed_stub_is_what_the_protocols_declare() -> None:
    assert typed_calls.FILE.read_text() == typed_calls.typed_calls(), "run: make stubs"


def test_the_stub_has_every_protocol_of_ours_and_nobody_else_s() -> None:
    own = {kind.name for kind in all_protocols() if kind.__module__.startswith("cryoloom.plugins.")}

    named = re.findall(r'protocol: Literal\["([^"]+)"\]', typed_calls.FILE.read_text())

    assert len(own) > 30 and sorted(own) == sorted(named)


def test_options_of_the_stub_are_those_of_run() -> None:
    parameters = inspect.signature(Project.run).parameters.values()

    options = [one.name for one in parameters if one.kind is one.KEYWORD_ONLY]

    assert [line.partition(":")[0] for line in typed_calls.OPTIONS] == options


def test_no_parameter_is_hidden_behind_an_option_of_run() -> None:
    options = {line.partition(":")[0] for line in typed_calls.OPTIONS}

    for kind in all_protocols():
        assert not options & {*kind.params, *kind.inputs}, kind.name


@pytest.mark.parametrize("kind", list(all_protocols()), ids=lambda kind: kind.name)
def test_each_choice_that_the_stub_lets_through_is_taken(kind: type[Protocol]) -> None:
    for spec in kind.params.values():
        for word in typed_calls.choices_of(spec):
            assert parse(spec, word, kind.name) in spec.choices


def test_text_in_a_declaration_stays_text() -> None:
    class Odd(ProgramProtocol):
        """Say \\ and \"\"\" in a sentence."""

        name = "test.odd"
        label = "Odd"
        words: str = Param('a "b" \\', 'Words \\ and """ more', help="Text.")
        kept: bool = Param(True, "Keep?", help="Or not.")

    text = typed_calls.typed_calls([Odd])

    compile(text, "odd.pyi", "exec")
    assert "kept: bool = True" in text


@pytest.mark.slow
def test_mypy_refuses_each_wrong_line_of_a_script_and_no_other(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--cache-dir", str(tmp_path / "cache"), str(script)],
        capture_output=True, text=True, cwd=tmp_path, env={**os.environ, "MYPYPATH": str(ROOT / "src")},
    )  # fmt: skip

    refused = {int(line) for line in re.findall(r"script\.py:(\d+): error:", done.stdout)}
    wrong = {number for number, line in enumerate(SCRIPT.splitlines(), start=1) if "# wrong" in line}
    assert refused == wrong, done.stdout[:3000] + done.stderr
