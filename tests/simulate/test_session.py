"""A simulated session behaves as one at a microscope, and its truth is the truth."""

from dataclasses import replace
from pathlib import Path

import mrcfile
import numpy as np
import polars as pl
import pytest

from cryoloom.errors import DatasetError, ParameterError
from cryoloom.simulate import PRESETS, Preset, SimulatedSet, simulate
from cryoloom.simulate.scene import plan_session
from cryoloom.simulate.truth import read_truth


def test_movies_are_stacks_of_signed_bytes_with_their_pixel_size(session: SimulatedSet) -> None:
    with mrcfile.open(session.movies[0]) as mrc:
        assert mrc.header.mode == 0
        assert mrc.data.shape == (3, 320, 320)
        assert mrc.is_image_stack()
        assert float(mrc.voxel_size.x) == pytest.approx(3.0)


def test_no_half_written_file_is_left(session: SimulatedSet) -> None:
    names = {path.name for path in (session.folder / "Movies").iterdir()}

    assert names == {path.name for path in session.movies} | {"gain.mrc"}


def test_a_movie_has_its_own_name_only_when_it_is_whole(small: Preset, tmp_path: Path) -> None:
    seen: list[set[str]] = []

    simulate(
        tmp_path, small, on_movie=lambda path: seen.append({p.name for p in path.parent.glob("*_*.mrc")})
    )

    assert [len(names) for names in seen] == [1, 2, 3, 4, 5, 6]


def test_bad_movies_stand_among_the_good_ones_and_the_truth_says_why(session: SimulatedSet) -> None:
    faults = read_truth(session.truth).micrographs["cryoloomFault"].to_list()

    assert faults == ["none", "truncated", "none", "wrong size", "none", "none"]
    whole = session.movies[0].stat().st_size
    assert session.movies[1].stat().st_size < 0.6 * whole
    with mrcfile.open(session.movies[3]) as mrc:
        assert mrc.data.shape[1:] == (192, 320)


def test_the_gain_makes_the_mean_frame_even(session: SimulatedSet) -> None:
    total = np.zeros((320, 320))
    with mrcfile.open(session.gain) as mrc:
        gain = mrc.data.astype(np.float64)
    good = [path for path in session.movies if path not in session.bad]
    for path in good:
        with mrcfile.open(path) as mrc:
            total += mrc.data.sum(axis=0)

    rough, even = (np.std(np.clip(x / np.median(x), 0.5, 1.5)) for x in (total, total * gain))

    assert even < 0.6 * rough


def test_the_dose_is_what_the_preset_says(session: SimulatedSet, small: Preset) -> None:
    with mrcfile.open(session.movies[0]) as mrc, mrcfile.open(session.gain) as gain:
        corrected = mrc.data * gain.data

    assert np.median(corrected) == pytest.approx(small.frame_dose * small.angpix**2, rel=0.02)


def test_particles_are_darker_than_ice_where_the_truth_says(session: SimulatedSet) -> None:
    truth = read_truth(session.truth)
    with mrcfile.open(session.movies[0]) as mrc, mrcfile.open(session.gain) as gain:
        image = np.clip(mrc.data.sum(axis=0) * gain.data, 0, 400)
    places = truth.particles.filter(pl.col("rlnMicrographName") == "Movies/single_0001.mrc")

    on = [
        image[int(y) - 12 : int(y) + 13, int(x) - 12 : int(x) + 13].mean()
        for x, y in places.select("rlnCoordinateX", "rlnCoordinateY").iter_rows()
    ]

    assert len(on) == 6
    assert max(on) < image.mean()


def test_the_same_seed_makes_the_same_bytes_and_another_seed_others(small: Preset, tmp_path: Path) -> None:
    few = replace(small, movies=1, bad=())
    first, same, other = (simulate(tmp_path / str(i), few, seed=s) for i, s in enumerate((4, 4, 5)))

    assert first.movies[0].read_bytes()[1024:] == same.movies[0].read_bytes()[1024:]
    assert first.movies[0].read_bytes()[1024:] != other.movies[0].read_bytes()[1024:]


def test_an_interrupted_session_goes_on_with_the_same_movies(
    small: Preset, session: SimulatedSet, tmp_path: Path
) -> None:
    class Power(Exception):
        pass

    def cut(path: Path) -> None:
        if path.name == "single_0002.mrc":
            raise Power

    with pytest.raises(Power):
        simulate(tmp_path, small, on_movie=cut)
    written: list[str] = []
    resumed = simulate(tmp_path, small, on_movie=lambda path: written.append(path.name))

    assert "single_0001.mrc" not in written
    for one, other in zip(resumed.movies, session.movies, strict=True):
        assert one.read_bytes()[1024:] == other.read_bytes()[1024:]


def test_another_session_in_the_same_folder_is_refused(small: Preset, session: SimulatedSet) -> None:
    with pytest.raises(DatasetError, match="seed 1"):
        simulate(session.folder, small, seed=2)


def test_an_unknown_preset_is_refused_with_those_that_exist(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="tiny, demo, late, urease, urease-tiny, large"):
        simulate(tmp_path, "huge")


def test_particles_keep_their_distance_and_their_margin() -> None:
    preset = PRESETS["demo"]

    for plan in plan_session(preset, 3):
        if plan.bad:
            continue
        apart = np.linalg.norm(plan.places[:, None] - plan.places[None], axis=2)[np.triu_indices(40, 1)]
        assert apart.min() * preset.angpix > 150.0
        assert plan.places.min() > 30
        assert plan.places.max() < preset.size - 30


def test_both_states_and_both_optics_groups_occur(session: SimulatedSet) -> None:
    particles = read_truth(session.truth).particles

    assert set(particles["rlnClassNumber"]) == {1, 2}
    assert set(particles["rlnOpticsGroup"]) == {1, 2}


def test_shifts_are_minus_the_motion_and_begin_at_zero(session: SimulatedSet, small: Preset) -> None:
    plan = plan_session(small, 1)[0]
    shifts = read_truth(session.truth).shifts.filter(pl.col("rlnMicrographName") == f"Movies/{plan.stem}.mrc")

    assert shifts["rlnMicrographShiftX"][0] == 0.0
    assert shifts["rlnMicrographShiftX"][2] == pytest.approx(-plan.motion.drift[2, 0] / small.angpix)


def test_a_folder_that_holds_no_truth_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="the truth of a simulated set"):
        read_truth(tmp_path)
