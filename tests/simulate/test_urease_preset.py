"""The preset of the paper's workflow: whole and broken assemblies, single units, a preferred view, two folders of movies."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from cryoloom import star
from cryoloom.em.fourier import resample
from cryoloom.simulate import PRESETS, SimulatedSet, simulate
from cryoloom.simulate.compare.places import match, particle_places
from cryoloom.simulate.compare.steps import MEAN_FSC, SCORED, map_rows
from cryoloom.simulate.scene import plan_session
from cryoloom.simulate.truth import read_map, read_truth

PRESET = PRESETS["urease"]
SMALL = replace(PRESET, movies=4, size=384, angpix=3.0, frames=2, particles=8, monomers=3, box=64)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> SimulatedSet:
    return simulate(tmp_path_factory.mktemp("urease"), SMALL, seed=1)


def test_the_two_sets_lie_in_their_folders_with_a_table_of_groups(session: SimulatedSet) -> None:
    movies = sorted(str(path.relative_to(session.folder)) for path in session.movies)
    assert movies == [
        "multi/multi_a_0001.mrc", "multi/multi_b_0001.mrc", "multi/multi_c_0001.mrc", "single/single_0001.mrc"
    ]  # fmt: skip
    assert all(path.is_file() for path in session.movies)
    [groups] = star.tables_of(star.read(session.folder / "groups.star")).values()
    truth = read_truth(session.truth)
    by_name = {
        Path(name).name: group
        for name, group in truth.micrographs.select("rlnMicrographName", "rlnOpticsGroup").rows()
    }
    assert dict(groups.rows()) == by_name
    assert len(truth.optics.select("rlnBeamTiltX", "rlnBeamTiltY").unique()) == 4


def test_a_broken_assembly_has_half_of_the_units_and_a_single_one_a_twelfth(session: SimulatedSet) -> None:
    whole, broken, alone = (read_map(session.truth / f"map_state{state}.mrc")[0] for state in (1, 3, 4))

    assert broken.sum() / whole.sum() == pytest.approx(0.5, abs=0.01)
    assert alone.sum() / whole.sum() == pytest.approx(1 / 12, abs=0.01)
    # What is broken is a part of what is whole; the single unit lies in the middle of its box.
    assert np.corrcoef(whole.ravel(), broken.ravel())[0, 1] > 0.6
    z, y, x = np.indices(alone.shape) - alone.shape[0] // 2
    weight = np.clip(alone, 0, None)
    for axis in (x, y, z):
        assert abs(float((axis * weight).sum() / weight.sum())) < 1.0


def test_states_and_views_are_as_often_as_the_preset_says() -> None:
    plans = plan_session(replace(PRESET, movies=40), 1)
    states = np.concatenate([plan.states for plan in plans])
    tilts = np.concatenate([plan.angles[:, 1] for plan in plans])

    assert np.sum(states == 4) == 40 * PRESET.monomers
    assemblies = states[states != 4]
    assert np.mean(assemblies == 3) == pytest.approx(PRESET.broken, abs=0.03)
    # Of views at random a cap of 24° about one pole holds 4 %.
    assert np.mean(tilts < 24.0) == pytest.approx(
        PRESET.preferred * 0.95 + (1 - PRESET.preferred) * 0.043, abs=0.03
    )


def test_what_is_kept_is_scored_by_what_is_whole(session: SimulatedSet, tmp_path: Path) -> None:
    truth = read_truth(session.truth)
    whole, others = (
        truth.particles.filter(condition)
        for condition in (pl.col("rlnClassNumber") <= 2, pl.col("rlnClassNumber") > 2)
    )
    kept = pl.concat([whole[: whole.height - 2], others[:3]])
    optics = star.tables_of(star.read(session.truth / "particles.star"))["optics"]
    star.write(tmp_path / "particles.star", {"optics": optics, "particles": kept})
    assert (
        match(
            particle_places(kept, truth.angpix),
            particle_places(truth.particles, truth.angpix),
            truth.angpix,
            60.0,
        ).recall
        < 1
    )

    rows = {row.key: row.value for row in SCORED["sets.classes"](tmp_path, "Select/job001", truth) if row.key}

    assert rows["intact_recall"] == pytest.approx((whole.height - 2) / whole.height)
    [left_out] = [
        row.value
        for row in SCORED["sets.classes"](tmp_path, "Select/job001", truth)
        if "left out" in row.what
    ]
    assert left_out == pytest.approx(1 - 3 / others.height)
    assert rows["intact_precision"] == pytest.approx((whole.height - 2) / (whole.height + 1))


def test_merged_groups_are_as_wrong_as_they_are_for_the_worst_of_them(
    session: SimulatedSet, tmp_path: Path
) -> None:
    truth = read_truth(session.truth)
    true = truth.optics.sort("rlnOpticsGroup")
    own = true.with_columns(rlnOpticsGroupName=pl.format("opticsGroup{}", "rlnOpticsGroup"))

    def tilt_error(optics: pl.DataFrame, particles: pl.DataFrame) -> float:
        star.write(tmp_path / "particles_ctf_refine.star", {"optics": optics, "particles": particles})
        rows = SCORED["relion.ctfrefine"](tmp_path, "CtfRefine/job001", truth)
        return next(row.value for row in rows if row.what == "beam tilt error, worst group")

    # Whatever the groups are called, and whichever numbers they have.
    turned = (pl.lit(5) - pl.col("rlnOpticsGroup")).alias("rlnOpticsGroup")
    assert tilt_error(own.with_columns(turned), truth.particles.with_columns(turned)) == pytest.approx(0)
    merged = truth.particles.with_columns(rlnOpticsGroup=pl.lit(1, pl.Int64))
    tilts = true.select("rlnBeamTiltX", "rlnBeamTiltY").to_numpy()
    wanted = np.linalg.norm(tilts - tilts[0], axis=1).max()
    assert wanted > 1
    assert tilt_error(own[:1], merged) == pytest.approx(wanted)


def test_a_map_of_coarse_pixels_is_the_worse_by_what_it_cannot_hold(session: SimulatedSet) -> None:
    truth = read_truth(session.truth)
    size = truth.map.shape[0]

    def mean_fsc(volume: np.ndarray, angpix: float) -> float:
        [value] = [
            row.value for row in map_rows(volume, angpix, "Refine3D/job001", truth)[0] if row.what == MEAN_FSC
        ]
        return value

    whole = mean_fsc(truth.map, truth.angpix)
    binned = mean_fsc(resample(truth.map, truth.angpix, size // 2, 2 * truth.angpix), 2 * truth.angpix)

    assert whole > 0.95
    # From 1/30 to 1/6 per Å, of which the binned map has what lies below 1/12.
    assert binned == pytest.approx((1 / 12 - 1 / 30) / (1 / 6 - 1 / 30), abs=0.05)
