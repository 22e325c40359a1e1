"""Real micrographs, from their files to particles: import, CTF, picks, boxes; and a movie made from one."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from conftest_data import DATA

from cryoloom import Project, star
from cryoloom.images.mrc import image_of_reference, read_mrc, write_mrc

pytestmark = [pytest.mark.relion, pytest.mark.shared, pytest.mark.slow]

EMPIAR = "EMPIAR-10164_TS_01_000_0.0.mrc"
FEI = "fei-extended.mrc"
REFERENCE_DEFOCUS = {EMPIAR: (39127.0, 400.0), FEI: (10485.0, 105.0)}  # Å, and what is permitted
ANGPIX = {EMPIAR: 1.35, FEI: 0.8538}
PER_ELECTRON = 104.9  # counts of fei-extended.mrc, from its variance over its mean
BOX = 128


@pytest.fixture(scope="module", params=[EMPIAR, FEI])
def chain(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Project]:
    """One real micrograph imported, fitted, picked and extracted."""
    name = str(request.param)
    source = DATA / "micrographs" / name
    if not source.exists():
        pytest.skip(f"the real micrograph is not there: {source} (set CRYOLOOM_TEST_DATA)")
    project = Project.create(tmp_path_factory.mktemp("r") / "p")
    movies = project.run(
        "import.micrographs", fn_in_raw=str(source), angpix=ANGPIX[name], kV=300, Cs=2.7, Q0=0.1
    )
    ctf = project.run("ctf.estimate", input_star_mics=movies)
    picks = project.run(
        "relion.autopick", fn_input_autopick=ctf, do_log=True, log_diam_min=100, log_diam_max=160
    )
    project.run("relion.extract", star_mics=ctf, coords_suffix=picks, extract_size=BOX)
    shown = project.wait(timeout_s=300)
    assert [s.state for s in shown] == ["succeeded"] * 4, [s.why for s in shown]
    return name, project


def test_the_ctf_is_that_of_the_reference(chain: tuple[str, Project]) -> None:
    name, project = chain
    row = project.job("2").dataset().table().to_dicts()[0]
    expected, tolerance = REFERENCE_DEFOCUS[name]

    mean = (row["rlnDefocusU"] + row["rlnDefocusV"]) / 2
    assert abs(mean - expected) < tolerance


def test_each_box_is_the_micrograph_s_patch_up_to_normalisation(chain: tuple[str, Project]) -> None:
    name, project = chain
    # RELION counts from 0, cuts the fraction off, and centres a box on pixel BOX / 2.
    original = np.asarray(read_mrc(DATA / "micrographs" / name), dtype=np.float64)
    particles = project.job("4").dataset().table()
    inside = [
        row
        for row in particles.iter_rows(named=True)
        if BOX < row["rlnCoordinateX"] < original.shape[1] - BOX
        and BOX < row["rlnCoordinateY"] < original.shape[0] - BOX
    ]
    assert len(inside) > 20

    for row in inside[:: max(1, len(inside) // 20)]:
        box = np.asarray(image_of_reference(row["rlnImageName"], project.path), dtype=np.float64)
        x, y = int(row["rlnCoordinateX"]) - BOX // 2, int(row["rlnCoordinateY"]) - BOX // 2
        patch = original[y : y + BOX, x : x + BOX]
        # Inverted, background ramp taken off, scaled: what remains is the correlation.
        assert np.corrcoef(_flat(box).ravel(), -_flat(patch).ravel())[0, 1] > 0.999


def test_unsigned_pixels_are_converted_and_that_is_said(chain: tuple[str, Project]) -> None:
    name, project = chain
    imported = project.job("1")
    path = project.path / imported.dataset().table()["rlnMicrographName"][0]
    notes = " ".join(imported.entry.status().history.notes)

    if name == FEI:
        assert not path.is_symlink()
        assert "unsigned 16-bit" in notes
        assert float(np.asarray(read_mrc(path)).max()) == 45804
    else:
        assert path.is_symlink()
        assert "unsigned" not in notes


def _flat(image: np.ndarray) -> np.ndarray:
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    plane = np.stack([np.ones(image.size), x.ravel(), y.ravel()], axis=1)
    fit = np.linalg.lstsq(plane, image.ravel(), rcond=None)[0]
    return np.asarray(image - (plane @ fit).reshape(image.shape))


def test_a_movie_made_from_a_real_micrograph_goes_to_particles_and_its_track_is_recovered(
    tmp_path: Path,
) -> None:
    source = DATA / "micrographs" / FEI
    if not source.exists():
        pytest.skip(f"the real micrograph is not there: {source} (set CRYOLOOM_TEST_DATA)")
    size, frames = 3456, 8
    rng = np.random.default_rng(7)
    counts = np.rint(np.asarray(read_mrc(source)[: size + 64, : size + 64]) / PER_ELECTRON)
    counts = np.clip(counts, 0, None).astype(np.int64)
    # Each electron falls into one frame (a multinomial, drawn frame by frame): noise as in a real movie.
    thinned = np.zeros((frames, *counts.shape), np.int8)
    for frame in range(frames):
        thinned[frame] = rng.binomial(counts, 1 / (frames - frame))
        counts -= thinned[frame]
    track = np.stack(
        [np.linspace(0, 7, frames) ** 0.7, -3 * np.sin(np.linspace(0, 1.5, frames))], axis=1
    )  # px, x and y
    whole = np.rint(track)
    movie = np.stack([
        np.roll(frame, (int(dy), int(dx)), axis=(0, 1))[32:-32, 32:-32]
        for frame, (dx, dy) in zip(thinned, whole, strict=True)
    ])  # fmt: skip
    (tmp_path / "raw").mkdir()
    write_mrc(tmp_path / "raw" / "movie.mrc", movie, ANGPIX[FEI])

    project = Project.create(tmp_path / "p")
    movies = project.run(
        "import.movies",
        fn_in_raw=str(tmp_path / "raw" / "*.mrc"),
        angpix=ANGPIX[FEI],
        dose_per_frame=34.7 / frames,
    )
    motion = project.run("relion.motioncorr", input_star_mics=movies, bfactor=150)
    ctf = project.run("ctf.estimate", input_star_mics=motion)
    picks = project.run(
        "relion.autopick", fn_input_autopick=ctf, do_log=True, log_diam_min=100, log_diam_max=160
    )
    project.run("relion.extract", star_mics=ctf, coords_suffix=picks, extract_size=BOX)
    shown = project.wait(timeout_s=300)

    assert [s.state for s in shown] == ["succeeded"] * 5, [s.why for s in shown]
    row = motion.dataset().table().to_dicts()[0]
    shifts = star.read(project.path / row["rlnMicrographMetadata"])["global_shift"]
    assert isinstance(shifts, pl.DataFrame)
    found = -shifts.select("rlnMicrographShiftX", "rlnMicrographShiftY").to_numpy()
    error = (found - found.mean(axis=0)) - (whole - whole.mean(axis=0))
    # Rms over frames of each coordinate; the distance itself is 0.31 px, at 4 electrons a pixel and frame.
    assert float(np.sqrt((error**2).mean(axis=0)).max()) < 0.3
    assert len(project.job("5").dataset()) > 5
