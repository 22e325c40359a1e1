"""Movies of floats are looked through for pixels that are no numbers: RELION would add them up, and the sum is nan."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from running import run_in

from cryoloom.images import misread
from cryoloom.images.mrc import write_mrc
from cryoloom.project.folder import ProjectFolder


def movie(path: Path, bad: int = 0) -> None:
    """Nine frames, of which one has a pixel that is no number."""
    frames = np.random.default_rng(1).normal(size=(9, 16, 16)).astype(np.float32)
    if bad:
        frames[bad - 1, 3, 4] = np.nan if bad % 2 else np.inf
    path.parent.mkdir(exist_ok=True)
    if path.suffix == ".tiff":
        tifffile.imwrite(path, frames)
    else:
        write_mrc(path, frames, 1.0)


@pytest.mark.parametrize("ending", ["mrc", "tiff"])
def test_a_movie_with_a_pixel_that_is_no_number_fails_by_name_and_frame_and_the_others_go_on(
    project: ProjectFolder, tmp_path: Path, ending: str
) -> None:
    movie(tmp_path / f"raw/good.{ending}")
    movie(tmp_path / f"raw/hole.{ending}", bad=4)

    imported = run_in(project, "import.movies", fn_in_raw=str(tmp_path / f"raw/*.{ending}"), angpix=1.0)

    assert len(imported.ids("movies")) == 1
    [(name, why)] = imported.history.failed.values()
    assert f"hole.{ending}: frame 4 of 9 is 1 of 256 pixels that are no numbers" in why, name
    assert "looked through" not in imported.said, "all frames were"


def test_of_large_movies_ends_and_middle_are_read_and_that_is_said_with_their_number(
    project: ProjectFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(misread, "_PIECE", 8 * 256)
    for number, bad in enumerate((0, 9, 5, 1, 2, 0)):
        movie(tmp_path / f"raw/m{number}.mrc", bad=bad)

    imported = run_in(project, "import.movies", fn_in_raw=str(tmp_path / "raw/*.mrc"), angpix=1.0)

    found = sorted(why.split(" is ")[0] for _, why in imported.history.failed.values())
    assert found == ["m1.mrc: frame 9 of 9", "m2.mrc: frame 5 of 9", "m3.mrc: frame 1 of 9"]
    assert "m0.mrc: of its 9 frames of floats, 1, 5 and 9 were looked through" in imported.said
    assert "3 like m0.mrc" in imported.said  # m0, m4 and m5


def test_movies_of_counts_are_not_read(
    project: ProjectFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_mrc(tmp_path / "a.mrc", np.ones((4, 16, 16), np.int16), 1.0)
    monkeypatch.setattr(misread, "_frame", lambda *_: pytest.fail("a frame was read"))

    imported = run_in(project, "import.movies", fn_in_raw=str(tmp_path / "a.mrc"), angpix=1.0)

    assert len(imported.ids("movies")) == 1
