"""A small preset, and sessions made once for all tests of this folder."""

from dataclasses import replace
from pathlib import Path

import pytest

from cryoloom.simulate import PRESETS, Preset, SimulatedSet, simulate
from cryoloom.simulate.presets import BadMovie


@pytest.fixture(scope="session")
def small() -> Preset:
    """Four little movies and two bad ones, made in a second or two."""
    bad = (BadMovie(1, 0, "truncated"), BadMovie(2, 1, "wrong size"))
    return replace(
        PRESETS["tiny"], name="small", movies=4, size=320, frames=3, particles=6, bad=bad, contaminants=(1, 1)
    )


@pytest.fixture(scope="session")
def session(small: Preset, tmp_path_factory: pytest.TempPathFactory) -> SimulatedSet:
    return simulate(Path(tmp_path_factory.mktemp("small")), small)
