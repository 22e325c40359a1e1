"""Units are those in which RELION writes its columns: its programs are the truth, not their documentation."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from cryoloom import star
from cryoloom.em.labels import all_labels
from cryoloom.em.optics import upgraded_to_31
from cryoloom.images.mrc import write_mrc
from cryoloom.views.drawn import DrawnChart
from cryoloom.views.motion import motion_views
from cryoloom.views.resolve import look_at

pytestmark = [
    pytest.mark.relion,
    pytest.mark.skipif(shutil.which("relion_run_motioncorr") is None, reason="RELION is not installed"),
]
ANGPIX, STEP_PX, FRAMES = 3.0, 3.0, 5


def drifting_movie(path: Path) -> None:
    """A specimen that moves 3 px a frame along x."""
    rng = np.random.default_rng(1)
    ky, kx = np.fft.fftfreq(256)[:, None], np.fft.rfftfreq(256)[None]
    specimen = np.fft.rfft2(rng.normal(size=(256, 256))) * np.exp(-(kx**2 + ky**2) / (2 * 0.08**2))
    frames = [
        np.fft.irfft2(specimen * np.exp(-2j * np.pi * kx * STEP_PX * n), (256, 256)) for n in range(FRAMES)
    ]
    scaled = np.array(frames) / np.std(frames[0]) * 4 + 20 + rng.normal(size=(FRAMES, 256, 256))
    write_mrc(path, scaled.astype(np.float32), ANGPIX)


@pytest.mark.parametrize("binning", [1, 2])
def test_accumulated_motion_is_in_pixels_of_the_movie_and_shown_in_angstrom(
    tmp_path: Path, binning: int
) -> None:
    drifting_movie(tmp_path / "m.mrc")
    optics = pl.DataFrame({
        "rlnOpticsGroupName": ["a"], "rlnOpticsGroup": [1], "rlnMicrographOriginalPixelSize": [ANGPIX],
        "rlnVoltage": [300.0], "rlnSphericalAberration": [2.7], "rlnAmplitudeContrast": [0.1],
    })  # fmt: skip
    movies = pl.DataFrame({"rlnMicrographMovieName": ["m.mrc"], "rlnOpticsGroup": [1]})
    star.write(tmp_path / "movies.star", {"optics": optics, "movies": movies})
    subprocess.run(
        ["relion_run_motioncorr", "--i", "movies.star", "--o", "out/", "--use_own", "--j", "1", "--patch_x", "1",
         "--patch_y", "1", "--dose_per_frame", "1", "--bin_factor", str(binning)],
        cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip

    table = star.tables_of(star.read(tmp_path / "out/corrected_micrographs.star"))["micrographs"]
    view = next(view for view in motion_views("out/") if view.name == "motion")
    [chart] = look_at(view, tmp_path)

    moved = table["rlnAccumMotionTotal"].item()
    assert moved == pytest.approx(STEP_PX * (FRAMES - 1), rel=0.05)
    assert all_labels()["rlnAccumMotionTotal"].unit == "px"
    assert isinstance(chart, DrawnChart)
    shown = [row["motion"] for row in chart.spec["data"]["values"] if row["part"] == "all frames"]
    assert shown == [pytest.approx(moved * ANGPIX)]


def test_lengths_of_3_0_in_pixels_become_angstrom_as_relion_converts_them(tmp_path: Path) -> None:
    labels = ["rlnImageName", "rlnMicrographName", "rlnVoltage", "rlnSphericalAberration", "rlnAmplitudeContrast",
              "rlnMagnification", "rlnDetectorPixelSize", "rlnOriginX", "rlnOriginY", "rlnOriginXPrior",
              "rlnOriginYPrior", "rlnHelicalTrackLength"]  # fmt: skip
    head = "data_\n\nloop_\n" + "".join(f"_{label} #{n}\n" for n, label in enumerate(labels, 1))
    (tmp_path / "old.star").write_text(head + "1@a.mrcs m.mrc 300 2.7 0.1 25000 5 1.5 -2.5 3 4 7\n")
    write_mrc(tmp_path / "a.mrcs", np.zeros((1, 32, 32), np.float32), 2.0)
    subprocess.run(
        ["relion_convert_star", "--i", "old.star", "--o", "new.star"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )

    optics, items = upgraded_to_31(star.read(tmp_path / "old.star"), tmp_path / "old.star")
    relions = star.tables_of(star.read(tmp_path / "new.star"))

    # The box comes with the stack's header, where the particles are imported.
    assert set(optics.columns) == set(relions["optics"].columns) - {"rlnImageSize"}
    assert set(items.columns) == set(relions["particles"].columns)
    for label in set(items.columns) - {"rlnImageName", "rlnMicrographName"}:
        assert items[label].item() == pytest.approx(relions["particles"][label].item(), abs=2e-5), label
    assert optics["rlnImagePixelSize"].item() == relions["optics"]["rlnImagePixelSize"].item()
