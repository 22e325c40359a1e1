"""Scores are what was put in: known errors are found again, and freedoms that data leave are no errors."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
from relion_chain import Chain

from cryoloom import star
from cryoloom.em import fourier, poses, symmetry
from cryoloom.errors import DatasetError, ProjectError
from cryoloom.simulate import SimulatedSet, compare_project, simulate
from cryoloom.simulate.compare.maps import compare_maps
from cryoloom.simulate.compare.places import centred_rms, match, particle_places, stem
from cryoloom.simulate.compare.steps import motion_rows
from cryoloom.simulate.compare.views import view_errors
from cryoloom.simulate.truth import LOCAL_COLUMNS, Truth, read_truth


@pytest.fixture(scope="module")
def truth(session: SimulatedSet) -> Truth:
    return read_truth(session.truth)


@pytest.mark.parametrize(
    "name",
    [
        "Movies/single_0001.mrc",
        "MotionCorr/job002/Movies/single_0001_noDW.mrc",
        "000012@Extract/job004/Movies/single_0001.mrcs",
        "AutoPick/job003/Movies/single_0001_autopick.star",
    ],
)
def test_a_micrograph_is_known_by_its_stem_wherever_it_went(name: str) -> None:
    assert stem(name) == "single_0001"


def _places(*points: tuple[str, float, float]) -> pl.DataFrame:
    return pl.DataFrame(points, schema=["stem", "x", "y"], orient="row")


def test_each_true_place_is_matched_once_by_its_nearest() -> None:
    found = _places(("a", 10, 10), ("a", 11, 10), ("a", 90, 90), ("b", 50, 50))
    true = _places(("a", 11.5, 10), ("a", 300, 300), ("c", 50, 50))

    matches = match(found, true, 2.0, 30.0)

    assert matches.found.tolist() == [1]
    assert matches.offsets.tolist() == [[-1.0, 0.0]]
    assert matches.recall == pytest.approx(1 / 3)
    assert matches.precision == pytest.approx(1 / 4)


def test_a_place_is_the_coordinate_minus_the_origin() -> None:
    table = pl.DataFrame(
        {
            "rlnMicrographName": ["x/a.mrc"],
            "rlnCoordinateX": [100.0],
            "rlnCoordinateY": [50.0],
            "rlnOriginXAngst": [6.0],
            "rlnOriginYAngst": [-3.0],
        }
    )

    assert particle_places(table, 3.0).row(0) == ("a", 98.0, 51.0)


def test_an_offset_common_to_a_micrograph_is_no_position_error() -> None:
    offsets = np.array([[5.0, 0.0], [5.0, 0.0], [5.0, 2.0], [-3.0, 0.0]])

    assert centred_rms(offsets, ["a", "a", "a", "b"]) == pytest.approx(1.0)


@pytest.mark.parametrize("flipped", [False, True])
@pytest.mark.parametrize("setting", [0, 1])
def test_symmetry_setting_and_hand_are_no_orientation_errors(flipped: bool, setting: int) -> None:
    rng = np.random.default_rng(5)
    true = poses.random_matrices(rng, 60)
    group = symmetry.operators("T")
    found = true @ group[rng.integers(12, size=60)] @ symmetry.settings("T")[setting]
    found = poses.MIRROR @ found if flipped else found
    nudge = poses.about_axis([0.0, 0.0, 1.0], 2.0)

    errors = view_errors(poses.euler_angles(nudge @ found), poses.euler_angles(true), "T")

    assert (errors.flipped, errors.setting) == (flipped, setting)
    assert np.allclose(errors.degrees, 2.0, atol=1e-4)


def test_views_in_the_wrong_hand_are_errors_when_the_others_are_right() -> None:
    true = poses.random_matrices(np.random.default_rng(6), 100)
    found = np.concatenate([true[:70], poses.MIRROR @ true[70:]])

    errors = view_errors(poses.euler_angles(found), poses.euler_angles(true), "T")

    assert np.mean(errors.degrees < 5.0) == pytest.approx(0.7, abs=0.05)


@pytest.mark.parametrize("flipped", [False, True])
def test_a_map_is_brought_upon_the_truth_before_it_is_judged(truth: Truth, flipped: bool) -> None:
    turn = symmetry.settings("T")[1] @ poses.about_axis([1.0, 0.3, 0.2], 2.0)
    moved = fourier.transformed(truth.map, turn, np.array([0.7, -0.4, 0.5]), scale=1.01)
    if flipped:
        moved = np.asarray(fourier.mirrored(moved))

    score = compare_maps(moved, truth.angpix, truth.map, truth.mask, truth.angpix, "T")

    assert score.flipped == flipped
    assert score.correlation > 0.95  # the moved map itself was interpolated once
    assert score.fsc[1:28].min() > 0.9
    assert score.scale == pytest.approx(1 / 1.01, abs=0.002)


def test_a_map_of_another_box_and_pixel_size_is_judged_on_its_own_grid(truth: Truth) -> None:
    coarse = fourier.resample(truth.map, truth.angpix, 24, 8.0)

    score = compare_maps(coarse, 8.0, truth.map, truth.mask, truth.angpix, "T")

    assert score.resolution == 16.0
    assert score.at_nyquist


def test_a_blurred_map_has_the_resolution_that_was_left_to_it(truth: Truth) -> None:
    rng = np.random.default_rng(8)
    noise = rng.standard_normal(truth.map.shape) * truth.map.std() * 2
    blurred = fourier.low_pass(truth.map, truth.angpix, 12.0) + noise - fourier.low_pass(noise, 3.0, 12.0)

    score = compare_maps(blurred, truth.angpix, truth.map, truth.mask, truth.angpix, "T")

    assert score.resolution == pytest.approx(12.0, abs=1.5)


def test_a_folder_without_a_pipeline_is_refused(session: SimulatedSet, tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="default_pipeline"):
        compare_project(tmp_path, session.truth)
    with pytest.raises(DatasetError):
        compare_project(tmp_path, tmp_path)


@pytest.mark.relion
def test_motion_picks_and_particles_of_a_relion_run_pass_their_bars(tmp_path: Path) -> None:
    movies = simulate(tmp_path / "set", "tiny", seed=1)
    chain = Chain(tmp_path / "project", movies)
    ctf = chain.true_ctf(chain.motion())
    chain.extract(ctf, chain.pick(ctf))
    chain.job("Refine3D", "relion.refine3d")  # without output: passed over

    scores = compare_project(chain.project, movies.truth)

    assert set(scores.bars) == {"drift_error", "defocus_error", "pick_recall", "pick_precision"}
    assert scores.passed
    assert scores.hand == "unknown"
    before = next(row for row in scores.rows if row.what.startswith("motion before"))
    assert scores.bars["drift_error"]["value"] < 0.25 * before.value


def test_frames_that_were_left_out_of_the_sum_are_no_motion_that_is_left(tmp_path: Path) -> None:
    shifts = np.array([[0.0, 0.0], [1.0, -1.0], [2.0, -1.5], [2.5, -2.0]])
    columns = {"rlnMicrographShiftX": shifts[:, 0], "rlnMicrographShiftY": shifts[:, 1]}
    true = pl.DataFrame(
        {"rlnMicrographName": ["m.mrc"] * 4, **columns, "cryoloomCourse": [0.0, 0.3, 0.6, 1.0]}
    )
    local = pl.DataFrame({"rlnMicrographName": ["m.mrc"], **dict.fromkeys(LOCAL_COLUMNS, 0.0)})
    truth: Any = SimpleNamespace(shifts=true, angpix=2.0, size=64, local=local, particles=pl.DataFrame())
    # As relion_run_motioncorr --first_frame_sum 2 --last_frame_sum 3 writes them: the first that is summed lies at 0.
    found = np.array([[-9999.0, -9999.0], [0.0, 0.0], [1.0, -0.5], [-9999.0, -9999.0]])
    table = pl.DataFrame({"rlnMicrographShiftX": found[:, 0], "rlnMicrographShiftY": found[:, 1]})
    (tmp_path / "Movies").mkdir()
    star.write(tmp_path / "Movies/m.star", {"global_shift": table})

    rows = {row.what: row.value for row in motion_rows(tmp_path, "MotionCorr/job002", truth)}

    assert rows["motion left, rms"] == pytest.approx(0)
