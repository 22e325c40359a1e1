"""The preset of the paper's workflow: whole and broken assemblies, single units, a preferred view, two folders of movies."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from cryoloom import star
from cryoloom.simulate import PRESETS, SimulatedSet, simulate
from cryoloom.simulate.compare.places import match, particle_places
from cryoloom.simulate.compare.steps import SCORED
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
    assert rows["intact_precision"] == pytest.approx((whole.height - 2) / (whole.height + 1))
