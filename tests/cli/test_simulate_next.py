"""What `simulate` suggests next brings its movies in, with the values that they were made with."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from cryoloom import Project


def cryoloom(*args: str, cwd: Path) -> str:
    return subprocess.run(
        [sys.executable, "-m", "cryoloom", *args],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    ).stdout


@pytest.mark.slow
def test_the_suggested_import_takes_all_good_movies_with_their_optics(tmp_path: Path) -> None:
    made = json.loads(cryoloom("simulate", "microscope", "--preset", "tiny", "--json", cwd=tmp_path))
    said = cryoloom("simulate", "microscope", "--preset", "tiny", cwd=tmp_path)
    assert made["import_command"] in said
    project = Project.create(tmp_path / "p")

    cryoloom(*shlex.split(made["import_command"])[1:], "--wait", cwd=project.path)

    movies = project.job(1).dataset()
    assert movies.table().height == made["movies"] - len(made["bad"])
    optics = movies.optics()
    assert optics["rlnOpticsGroupName"].to_list() == ["single", "multi"]
    assert optics["rlnMicrographOriginalPixelSize"].to_list() == [3.0, 3.0]
    assert project.job(1).params["dose_per_frame"] == 8.0
