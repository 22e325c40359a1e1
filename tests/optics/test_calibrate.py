"""One act gives particles and maps their true pixel size, with all that was measured by the wrong one."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from cryoloom import star
from cryoloom.em.ctf import Microscope, radial_ctf
from cryoloom.errors import ParameterError
from cryoloom.images.headers import read_header
from cryoloom.images.mrc import read_mrc, write_mrc
from cryoloom.project.registry import find_protocol
from cryoloom.protocol import Dataset, HalfMaps, JobFolder, Particles, Volume
from cryoloom.protocol.protocols import SetProtocol


@pytest.fixture
def job(tmp_path: Path) -> JobFolder:
    (tmp_path / "External/job001").mkdir(parents=True)
    optics = pl.DataFrame({
        "rlnOpticsGroup": [1, 2],
        "rlnImagePixelSize": [2.0, 4.0],
        "rlnMicrographOriginalPixelSize": [1.0, 1.0],
        "rlnVoltage": [300.0, 300.0],
    })  # fmt: skip
    particles = pl.DataFrame({
        "rlnImageName": ["1@a.mrcs", "2@a.mrcs"],
        "rlnOpticsGroup": [1, 2],
        "rlnCoordinateX": [100.0, 200.0],
        "rlnOriginXAngst": [3.0, -1.0],
        "rlnDefocusU": [10000.0, 20000.0],
        "rlnDefocusV": [9000.0, 19000.0],
        "rlnCtfMaxResolution": [4.0, 5.0],
        "rlnHelicalTrackLengthAngst": [0.0, 100.0],
    })  # fmt: skip
    star.write(tmp_path / "p.star", {"optics": optics, "particles": particles})
    for name in ("map.mrc", "run_half1.mrc", "run_half2.mrc"):
        pixels = (
            np.random.default_rng(len(name) + ord(name[-5])).standard_normal((8, 8, 8)).astype(np.float32)
        )
        write_mrc(tmp_path / name, pixels, 2.0, is_volume=True)
    return JobFolder("External/job001/", tmp_path)


GIVEN: dict[str, Dataset] = {
    "input": Particles("p.star"), "input#2": Volume("map.mrc"), "input#3": HalfMaps("run_half1.mrc"),
}  # fmt: skip


def calibrated(job: JobFolder, **values: object) -> tuple[SetProtocol, dict[str, Path]]:
    protocol = find_protocol("optics.calibrate")(values, GIVEN)
    assert isinstance(protocol, SetProtocol)
    protocol.check()
    result = protocol.compute(job)
    files = {name: job.root / dataset.path for name, dataset in protocol.output_files(job).items()}
    for name, blocks in result.blocks.items():
        star.write(files[name], blocks)
    return protocol, files


def test_pixel_sizes_lengths_and_defocus_change_together(job: JobFolder) -> None:
    _, files = calibrated(job, factor=1.02)

    blocks = star.tables_of(star.read(files["calibrated"]))
    optics, rows = blocks["optics"], blocks["particles"]
    assert optics["rlnImagePixelSize"].to_list() == pytest.approx([2.04, 4.08])
    assert optics["rlnMicrographOriginalPixelSize"].to_list() == pytest.approx([1.02, 1.02])
    assert rows["rlnCoordinateX"].to_list() == [100, 200], "px are px"
    assert rows["rlnOriginXAngst"].to_list() == pytest.approx([3.06, -1.02])
    assert rows["rlnCtfMaxResolution"].to_list() == pytest.approx([4.08, 5.1])
    assert rows["rlnHelicalTrackLengthAngst"].to_list() == pytest.approx([0.0, 102.0])
    # The rings lie where they lay in pixels, but for the part of Cs.
    q = np.linspace(0.01, 0.25, 200)
    flat = Microscope(300, 0.0, 0.1)
    before, after = radial_ctf(q / 2.0, 10000.0, flat), radial_ctf(q / 2.04, rows["rlnDefocusU"][0], flat)
    assert np.abs(before - after).max() < 1e-6


def test_aberrations_that_were_fitted_are_to_be_fitted_again(job: JobFolder) -> None:
    blocks = star.tables_of(star.read(job.root / "p.star"))
    with_tilt = blocks["optics"].with_columns(rlnBeamTiltX=pl.lit(0.5))
    star.write(job.root / "p.star", {**blocks, "optics": with_tilt})
    protocol = find_protocol("optics.calibrate")({"factor": 1.01}, GIVEN)
    assert isinstance(protocol, SetProtocol)

    assert "rlnBeamTiltX are those of the old pixel size" in protocol.compute(job).note


def test_maps_keep_their_voxels_and_get_the_size(job: JobFolder) -> None:
    _, files = calibrated(job, factor=0.98)

    assert read_header(files["calibrated#2"]).angpix == pytest.approx(1.96)
    assert np.array_equal(read_mrc(files["calibrated#2"]), read_mrc(job.root / "map.mrc"))
    for half in ("half1", "half2"):
        made = files["calibrated#3"].with_name(files["calibrated#3"].name.replace("half1", half))
        assert read_header(made).angpix == pytest.approx(1.96)
        assert np.array_equal(read_mrc(made), read_mrc(job.root / f"run_{half}.mrc"))


def test_a_size_needs_one_and_no_calibration_doubles_it(job: JobFolder) -> None:
    with pytest.raises(ParameterError, match="with no pixel size or several"):
        calibrated(job, angpix=2.05)
    with pytest.raises(ParameterError, match=r"a change by 1\.5, expected a few per cent"):
        calibrated(job, factor=1.5)
    with pytest.raises(ParameterError, match="neither angpix nor factor"):
        calibrated(job)
