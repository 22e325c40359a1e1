"""Every example of the documents is run as it stands there; what is not run says why, in the document itself.

Each page has a folder of its own with `MyProject`, a finished project (that of `examples/tiny.json`, to which the pages refer
by its numbers). Shell blocks are typed in the project, but where they make one; the Python of a page is one session beside it.
`/data` is a folder of movies. What is started without being waited for has to succeed before the page is through.
"""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import mrcfile
import numpy as np
import pytest
import tifffile
from example_blocks import RUN_ELSEWHERE, Block, all_blocks, blocks_of

from cryoloom import Project
from cryoloom.project.settings import load_settings, unknown_settings
from cryoloom.simulate import PRESETS, simulate

BLOCKS = all_blocks()
PAGES = sorted({block.page for block in BLOCKS if not block.reason})
WATCHED_S = 5  # a command that looks on until Ctrl-C gets it then
WATCHING = re.compile(r"(?m)^(cryoloom [^#\n]*--(?:watch|follow)[^#\n]*)")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two movies as TIFF with their gain, of the pixel size that the pages give."""
    folder = tmp_path_factory.mktemp("data")
    # Strong rings and many electrons: each file is small, and yet a good micrograph.
    movies = replace(
        PRESETS["tiny"], name="near", movies=2, size=768, angpix=0.885, frame_dose=5.0, noise_phase=0.1, particles=5,
        contaminants=(0, 1), box=192, bad=(),
    )  # fmt: skip
    made = simulate(tmp_path_factory.mktemp("microscope"), movies, seed=1)
    for path in made.movies:
        with mrcfile.open(path) as movie:
            tifffile.imwrite(folder / f"{path.stem}.tiff", movie.data.astype(np.uint8), compression="lzw")
    shutil.copy(made.gain, folder / "gain.mrc")
    return folder


class Reader:
    """Somebody who tries a page's examples one after the other."""

    def __init__(self, folder: Path, data: Path) -> None:
        self.folder = folder  # what lies beside the project
        self.project = folder / "MyProject"
        self.data = data
        self.names: dict[str, Any] = {"__name__": "__main__"}  # of the Python session

    def tries(self, block: Block) -> None:
        block = replace(block, text=block.text.replace("/data/", f"{self.data}/"))
        match block.language:
            case "sh":
                self._types(block)
            case "python" if named := re.match(r"# ([\w/]+\.py)\n", block.text):
                file = self.folder / named[1]
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(block.text)
            case "python":
                self._evaluates(block)
            case "toml" if "entry-points" in block.text:
                self._installs(block)
            case "toml":
                self._sets(block)
            case _:
                pytest.fail(f"{block.where}: nobody reads `{block.language}`; mark what is printed as `text`")

    def _types(self, block: Block) -> None:
        text = WATCHING.sub(rf"timeout --foreground -s INT {WATCHED_S} \1 || [ $? = 124 ] ", block.text)
        where = self.project if self.project.exists() else self.folder
        done = subprocess.run(
            ["bash", "-euxo", "pipefail", "-c", text], cwd=where, capture_output=True, text=True, timeout=500
        )
        assert done.returncode == 0, f"{block.where}:\n{done.stdout[-3000:]}\n{done.stderr[-5000:]}"

    def _evaluates(self, block: Block) -> None:
        """Run a block; an expression with a value behind it (`2 * 3  # 6`) has to have that value."""
        lines = block.text.splitlines()
        for statement in ast.parse(block.text).body:
            ast.increment_lineno(statement, block.line - 1)
            if not isinstance(statement, ast.Expr):
                exec(compile(ast.Module([statement], []), block.page, "exec"), self.names)
                continue
            value = eval(compile(ast.Expression(statement.value), block.page, "eval"), self.names)
            _, told, promised = lines[(statement.end_lineno or 0) - block.line].partition("  # ")
            if told and re.match(r"['\"\d(\[{-]", promised):
                assert repr(value) == promised, f"{block.where}: {promised} is promised, it is {value!r}"

    def _installs(self, block: Block) -> None:
        """The entry points of a package, as pip would write them."""
        for group, names in tomllib.loads(block.text)["project"]["entry-points"].items():
            for name, module in names.items():
                lies = self.folder.joinpath(*module.split("."))
                assert lies.is_dir(), f"{block.where}: no module {module}"
                info = self.folder / f"{name}-1.0.dist-info"
                info.mkdir()
                (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
                (info / "entry_points.txt").write_text(f"[{group}]\n{name} = {module}\n")

    def _sets(self, block: Block) -> None:
        root = self.folder / f"settings_{block.line}"
        (root / ".cryoloom").mkdir(parents=True)
        (root / ".cryoloom/config.toml").write_text(block.text)
        settings = load_settings(root, {})
        assert settings.values and not unknown_settings(settings), block.where

    def ends(self) -> None:
        """Whatever was started has to come to a good end."""
        if not self.project.exists():
            return
        project = Project(self.project)
        states = {job.name: (job.state, job.why) for job in project.wait(timeout_s=300)}
        assert {state for state, _ in states.values()} == {"succeeded"}, states


@pytest.fixture
def reader(
    request: pytest.FixtureRequest, tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Reader]:
    page = request.node.callspec.params["page"]
    (tmp_path / ".venv").symlink_to(sys.prefix)
    if not any("cryoloom new" in block.text for block in BLOCKS if block.page == page and not block.reason):
        tiny: Project = request.getfixturevalue("tiny")
        shutil.copytree(tiny.path, tmp_path / "MyProject", symlinks=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ['PYTHONPATH']}")
    yield Reader(tmp_path, data)


@pytest.mark.relion
@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", PAGES)
def test_the_examples_of_a_page_run(page: str, reader: Reader) -> None:
    for block in BLOCKS:
        if block.page == page and not block.reason:
            reader.tries(block)

    reader.ends()


@pytest.mark.relion
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_script_of_the_second_half_runs(tiny: Project, tmp_path: Path) -> None:
    shutil.copytree(tiny.path, tmp_path / "p", symlinks=True)
    script = Path(__file__).parents[2] / "examples/second_half.py"
    words = [str(tmp_path / "p"), "good", "particles", "--symmetry", "T", "--box", "64"]

    done = subprocess.run([sys.executable, str(script), *words], capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    resolution = re.search(r"([0-9.]+) Å", done.stdout)
    assert resolution is not None and 6.0 <= float(resolution[1]) < 7.5  # the pixel ends at 6 Å


def test_what_is_not_run_is_little_and_says_why() -> None:
    kept_from = {block.where: block.reason for block in BLOCKS if block.reason}

    print("\n".join(f"not run: {where}: {reason}" for where, reason in kept_from.items()))
    assert len(kept_from) == 6, kept_from  # `serve` of browser.md is run by tests/browser
    assert len(BLOCKS) - len(kept_from) >= 15
    assert all(Path(__file__).parents[2].joinpath(file).is_file() for file in RUN_ELSEWHERE.values())


def test_a_block_is_an_example_unless_it_shows_what_is_printed_or_says_why_not() -> None:
    page = "# T\n\n```sh\na\n```\n\n```text\nb\n```\n\n<!-- not run: takes a day -->\n```sh\nc\n```\n"

    found = [(block.line, block.text, block.reason) for block in blocks_of("p.md", page)]

    assert found == [(4, "a\n", ""), (13, "c\n", "takes a day")]
