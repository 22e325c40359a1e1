"""CTFs fitted to the sums of power spectra that motion correction saves: those of the micrographs, and of the truth."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cryoloom import Project, star
from cryoloom.errors import ImageError
from cryoloom.plugins.ctf.spectrum import given_spectrum

pytestmark = pytest.mark.relion


@pytest.fixture(scope="module")
def fitted(tiny: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("sums") / "p"
    shutil.copytree(tiny.path, folder, symlinks=True)
    made = Project(folder)
    movies = next(summary.name for summary in made.summaries() if summary.label == "movies")
    motion = made.run(
        "relion.motioncorr",
        input_star_mics=movies,
        bfactor=10,
        patch_x=1,
        patch_y=1,
        do_save_ps=True,
        alias="sums",
    )
    made.run("ctf.estimate", input_star_mics=motion, use_given_ps=True, resmin=30, resmax=7, alias="of_sums")
    made.run(
        "ctf.estimate", input_star_mics=motion, use_given_ps=False, resmin=30, resmax=7, alias="of_images"
    )
    made.wait()
    return made


def astigmatism(row: dict[str, Any]) -> complex:
    """Å, with twice its angle."""
    return (float(row["rlnDefocusU"]) - float(row["rlnDefocusV"])) * np.exp(
        2j * np.radians(float(row["rlnDefocusAngle"]))
    )


def test_the_sums_have_the_micrographs_defocus_and_the_truth_s(fitted: Project) -> None:
    sums, images = (fitted.job(alias).dataset("micrographs").table() for alias in ("of_sums", "of_images"))
    truth = star.tables_of(star.read(fitted.path / "microscope/truth/micrographs.star"))["micrographs"]
    known = {Path(str(row["rlnMicrographName"])).stem: row for row in truth.iter_rows(named=True)}

    assert sums.height == images.height == 6
    assert sums["rlnMicrographName"].to_list() == images["rlnMicrographName"].to_list()
    for ours, theirs in zip(sums.iter_rows(named=True), images.iter_rows(named=True), strict=True):
        right = known[Path(str(ours["rlnMicrographName"])).stem]
        for label in ("rlnDefocusU", "rlnDefocusV"):
            assert float(ours[label]) == pytest.approx(float(theirs[label]), abs=150)
            assert float(ours[label]) == pytest.approx(float(right[label]), abs=200)
        assert abs(astigmatism(ours) - astigmatism(right)) < 200
        assert float(ours["rlnCtfMaxResolution"]) == pytest.approx(
            float(theirs["rlnCtfMaxResolution"]), abs=1
        )


def test_the_files_are_called_after_the_micrograph_and_all_else_stays(fitted: Project) -> None:
    row = fitted.job("of_sums").dataset("micrographs").table().row(0, named=True)

    assert str(row["rlnCtfPowerSpectrum"]).endswith("_PS.mrc")
    stem = Path(str(row["rlnMicrographName"])).stem
    assert Path(str(row["rlnCtfImage"]).partition(":")[0]).name == f"{stem}.ctf"
    assert (fitted.path / str(row["rlnCtfImage"]).partition(":")[0]).is_file()


def test_micrographs_without_sums_fail_with_what_to_do(fitted: Project) -> None:
    motion = next(summary.name for summary in fitted.summaries() if summary.label == "motion")
    job = fitted.run("ctf.estimate", input_star_mics=motion, use_given_ps=True).wait(check=False)

    assert job.state == "failed"
    assert "no power spectrum (do_save_ps); motion correction saves it on request" in job.why


def test_a_spectrum_that_is_none_is_refused() -> None:
    for wrong in (np.ones((64, 64)), np.ones((64, 66)), np.full((64, 64), np.nan)):
        with pytest.raises(ImageError):
            given_spectrum(wrong, 3.0, 512.0)
