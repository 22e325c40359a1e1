"""What the tutorial's page shows runs as it stands there, beside the tutorial's project; what needs movies is marked."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from example_blocks import blocks_of

PAGE = Path(__file__).parents[2] / "docs/tutorials/betagal.md"


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_page_runs_on_the_opened_project(
    tutorial: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(tutorial, tmp_path / "Tutorial", symlinks=True)
    shutil.copy(PAGE.parents[2] / "examples/betagal.json", tmp_path)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:/usr/bin:/bin")
    ran = []

    for block in blocks_of("docs/tutorials/betagal.md", PAGE.read_text()):
        if block.reason:
            continue
        program = {"sh": ["bash", "-euxo", "pipefail", "-c"], "python": [sys.executable, "-c"]}[
            block.language
        ]
        done = subprocess.run(
            [*program, block.text], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{block.where}: {done.stdout[-2000:]}{done.stderr[-3000:]}"
        ran.append(done.stdout)

    assert len(ran) == 6
    for line in ("drift, all frames               12.15 Å", "B-factor                        -1.56 Å²"):
        assert any(line in text for text in ran) and line in PAGE.read_text()
