"""Patches that are `auto` suit the movie: what users of RELION take for known cameras, and never two."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_patches import movies

from cryoloom import Project, star
from cryoloom.errors import ParameterError
from cryoloom.images.mrc import write_mrc
from cryoloom.plugins.relion.options.patches import SMALLEST_PX, auto_patches, patches_of
from cryoloom.project.registry import find_protocol
from cryoloom.protocol import Movies


@pytest.mark.parametrize(
    ("size", "angpix", "dose", "patches"),
    [
        ((3710, 3838), 0.885, 1.277, (5, 5)),  # a K2: RELION's tutorial, which takes 5 x 5
        ((4096, 4096), 0.86, 1.4, (5, 5)),  # a Falcon of 4k
        ((5760, 4092), 0.83, 1.5, (7, 5)),  # a K3
        ((4092, 5760), 0.83, 1.5, (5, 7)),
        ((768, 768), 2.4, 4.0, (3, 3)),  # the demo's: as measured, docs/relion.md
        ((512, 512), 3.0, 8.0, (1, 1)),
        ((4096, 4096), 0.4, 0.3, (1, 1)),  # so few electrons that the whole frame is needed
        ((1024, 1024), 1.0, 2.0, (1, 1)),
    ],
)
def test_the_numbers_for_known_cameras(
    size: tuple[int, int], angpix: float, dose: float, patches: tuple[int, int]
) -> None:
    assert patches_of(size, angpix, dose) == patches


@given(
    st.tuples(st.integers(100, 12000), st.integers(100, 12000)), st.floats(0.2, 10.0), st.floats(0.01, 20.0)
)
def test_there_are_never_two_and_none_is_too_small(size: tuple[int, int], angpix: float, dose: float) -> None:
    patches = patches_of(size, angpix, dose)

    assert patches == (1, 1) or min(patches) >= 3
    if patches != (1, 1):
        # Rounding along the longer side may make them a sixth narrower.
        assert min(length / count for length, count in zip(size, patches, strict=True)) >= SMALLEST_PX * 5 / 6


@pytest.mark.relion
@pytest.mark.timeout(120)
def test_they_are_found_when_the_job_starts_and_stand_where_a_user_looks(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p")
    large = project.run(
        "import.movies", fn_in_raw=str(tmp_path / "raw/a.mrc"), angpix=3.0, dose_per_frame=4.0, start=False
    )
    movies(project, tmp_path / "raw", 768)
    large.resume()

    job = project.run("relion.motioncorr", input_star_mics=large, patch_x="auto", patch_y="auto").wait(60)
    one = project.run("relion.motioncorr", input_star_mics=large, patch_x="auto", patch_y=1).wait(60)

    assert job.params["patch_x"] == job.params["patch_y"] == 3
    assert "auto: patch_x=3, patch_y=3" in job.notes()
    assert "--patch_x 3 --patch_y 3" in (job.folder / "note.txt").read_text()
    options = star.as_table(star.read(job.folder / "job.star")["joboptions_values"])
    assert options is not None
    assert ("patch_x", "3") in options.select("rlnJobOptionVariable", "rlnJobOptionValue").cast(
        pl.String
    ).rows()
    assert (one.params["patch_x"], one.params["patch_y"]) == (1, 1)


def test_beside_auto_two_are_refused(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p")
    made = movies(project, tmp_path / "raw", 64)

    with pytest.raises(ParameterError, match=r"patch_x and patch_y is auto x 2, without effect"):
        project.run("relion.motioncorr", input_star_mics=made, patch_x="auto", patch_y=2)


def test_the_fewest_patches_that_any_optics_group_needs_are_those_of_the_job(tmp_path: Path) -> None:
    for name, size in (("k3.mrc", (5760, 4092)), ("falcon.mrc", (4096, 4096)), ("small.mrc", (512, 512))):
        frame = np.lib.stride_tricks.as_strided(np.zeros(1, np.int8), (1, *size[::-1]), (0, 0, 0))
        write_mrc(tmp_path / name, frame, 0.83)

    def found(*names: str) -> dict[str, int]:
        groups = range(1, len(names) + 1)
        optics = pl.DataFrame({
            "rlnOpticsGroup": groups, "rlnOpticsGroupName": [f"g{n}" for n in groups],
            "rlnMicrographOriginalPixelSize": [0.83] * len(names), "cryoloomDosePerFrame": [1.5] * len(names),
        })  # fmt: skip
        # The groups' movies come one after another, and a file that is gone stands first.
        rows = pl.DataFrame({"rlnMicrographMovieName": ["gone.mrc", *names], "rlnOpticsGroup": [1, *groups]})
        star.write(tmp_path / "movies.star", {"optics": optics, "movies": rows})
        asked = find_protocol("relion.motioncorr")(
            {"patch_x": "auto", "patch_y": "auto", "dose_per_frame": "auto"}
        )
        return auto_patches(asked, tmp_path, Movies("movies.star"))

    assert found("k3.mrc") == {"patch_x": 7, "patch_y": 5}
    assert found("k3.mrc", "falcon.mrc") == found("falcon.mrc", "k3.mrc") == {"patch_x": 5, "patch_y": 5}
    assert found("k3.mrc", "small.mrc") == {"patch_x": 1, "patch_y": 1}
