"""Patches that cost and do nothing: too few of them are refused, too small ones are told."""

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from cryoloom import Job, Project
from cryoloom.errors import ParameterError
from cryoloom.images.mrc import write_mrc
from cryoloom.runner.programs import RELION_ENVIRONMENT

pytestmark = [pytest.mark.relion, pytest.mark.timeout(120)]


def movies(project: Project, folder: Path, size: int) -> Job:
    """A movie of six frames: ice that stands still, and counting noise."""
    folder.mkdir()
    rng = np.random.default_rng(1)
    ice = 20 + rng.normal(size=(size, size))
    frames = rng.poisson(np.clip(ice, 0, None), (6, size, size)).astype(np.int16)
    write_mrc(folder / "a.mrc", frames, 1.5)
    return project.run("import.movies", fn_in_raw=str(folder / "a.mrc"), angpix=1.5).wait(60)


@pytest.mark.parametrize(
    ("size", "patches", "better"),
    [(384, 3, "1 x 1 suits"), (700, 4, "at most 3 x 3 suit"), (768, 3, ""), (384, 1, "")],
)
def test_a_movie_with_small_patches_is_told_with_what_suits_it(
    tmp_path: Path, size: int, patches: int, better: str
) -> None:
    project = Project.create(tmp_path / "p")
    made = movies(project, tmp_path / "raw", size)

    job = project.run("relion.motioncorr", input_star_mics=made, patch_x=patches, patch_y=patches).wait(60)

    assert job.state == "succeeded", job.why
    told = [note for note in job.notes() if "patches" in note]
    assert len(told) == (better != "")
    if better:
        px = size // patches
        assert told[0].startswith(
            f"Movies/job001/a.mrc: its {patches} x {patches} patches have {px} x {px} px"
        )
        assert told[0].endswith(f"{better} this movie")


def test_patches_without_effect_are_refused_as_relion_skips_them(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p")
    made = movies(project, tmp_path / "raw", 384)

    for x, y in ((2, 2), (3, 2), (1, 5)):
        with pytest.raises(
            ParameterError, match=f"{x} x {y}, without effect, expected 1 x 1, or 3 x 3 and more"
        ):
            project.run("relion.motioncorr", input_star_mics=made, patch_x=x, patch_y=y)
    for y, is_skipped in ((2, True), (3, False)):
        words = [
            "relion_run_motioncorr",
            "--i",
            "Import/job001/movies.star",
            "--o",
            f"out{y}/",
            "--use_own",
            "--j",
            "1",
        ]
        subprocess.run(
            [*words, "--patch_x", "3", "--patch_y", str(y)], cwd=project.path, check=True, capture_output=True,
            env={**os.environ, **RELION_ENVIRONMENT},
        )  # fmt: skip
        log = (project.path / f"out{y}/Movies/job001/a.log").read_text()
        assert ("Too few patches to do local alignments" in log) is is_skipped
