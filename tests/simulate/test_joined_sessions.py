"""Two sessions of one molecule: their own names and optics, one truth where they are joined."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from cryoloom.errors import DatasetError, ParameterError
from cryoloom.simulate import PRESETS, Preset, simulate
from cryoloom.simulate.joining import joined_truth
from cryoloom.simulate.presets import in_session
from cryoloom.simulate.truth import Truth, read_truth

LATE = PRESETS["late"]
LITTLE = replace(
    LATE, name="little", movies=2, size=320, angpix=4.0, box=48, frames=2, particles=3, contaminants=(0, 0)
)


def _truth(folder: Path, preset: Preset, seed: int, session: int, *, same_names: bool = False) -> Truth:
    return read_truth(simulate(folder, preset, seed=seed, session=session, same_names=same_names).truth)


@pytest.fixture(scope="module")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> tuple[Truth, Truth]:
    folder = tmp_path_factory.mktemp("sessions")
    return _truth(folder / "a", LITTLE, 1, 1), _truth(folder / "b", LITTLE, 2, 2)


def test_the_first_session_is_the_preset_itself() -> None:
    assert in_session(LATE, 1) is LATE


def test_sessions_of_late_have_four_groups_of_different_optics() -> None:
    groups = [*LATE.groups, *in_session(LATE, 2).groups]

    assert [group.name for group in groups] == ["single_a", "multi_a", "single_b", "multi_b"]
    assert [group.number for group in groups] == [1, 2, 1, 2]
    assert len({group.microscope for group in groups}) == 4
    assert len({group.magnification for group in groups}) == 4


def test_names_collide_only_where_that_is_asked() -> None:
    same = in_session(LATE, 2, same_names=True)

    assert [group.name for group in same.groups] == ["single_a", "multi_a"]
    assert [group.prefix for group in same.groups] == ["single_a", "multi_a"]
    assert same.groups[0].microscope == in_session(LATE, 2).groups[0].microscope
    assert [group.name for group in in_session(PRESETS["tiny"], 3).groups] == ["single_3", "multi_3"]
    with pytest.raises(ParameterError, match="from 1 on"):
        in_session(LATE, 0)


def test_joined_sessions_keep_every_row_and_each_particle_its_optics(sessions: tuple[Truth, Truth]) -> None:
    both = joined_truth(sessions)

    assert both.particles.height == 12
    assert both.optics["rlnOpticsGroup"].to_list() == [1, 2, 3, 4]
    named = both.particles.join(
        both.optics.select("rlnOpticsGroup", "rlnOpticsGroupName"), on="rlnOpticsGroup"
    )
    of_movie = pl.col("rlnMicrographName").str.extract(r"Movies/(.*)_\d+\.mrc")
    assert named.filter(of_movie != pl.col("rlnOpticsGroupName")).height == 0
    assert np.array_equal(both.map, sessions[1].map)


def test_another_session_is_another_specimen(sessions: tuple[Truth, Truth]) -> None:
    assert not sessions[0].particles["rlnAngleRot"].equals(sessions[1].particles["rlnAngleRot"])


def test_sessions_whose_movies_have_the_same_names_have_no_joint_truth(
    sessions: tuple[Truth, Truth], tmp_path: Path
) -> None:
    colliding = _truth(tmp_path, LITTLE, 2, 2, same_names=True)

    with pytest.raises(DatasetError, match=r"multi_a_0001\.mrc in both"):
        joined_truth([sessions[0], colliding])
    with pytest.raises(DatasetError, match="one at least"):
        joined_truth([])


def test_ripples_are_part_of_the_motion_and_of_its_truth(
    sessions: tuple[Truth, Truth], tmp_path: Path
) -> None:
    smooth = _truth(tmp_path, replace(LITTLE, ripple=0.0), 1, 1)

    ripples = sessions[0].local.select("^cryoloomRipple.*$")
    assert ripples.width == 10
    assert smooth.local.select("^cryoloomRipple.*$").width == 0
    # The rest of the session is the same.
    assert smooth.particles.equals(sessions[0].particles)
    moved = ripples.select("^.*[12][XY]$").to_numpy().reshape(-1, 2)
    assert np.allclose(np.hypot(*moved.T), LITTLE.ripple / 2)
