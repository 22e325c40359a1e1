"""Segments of a filament: each looks as the helix says, and RELION finds its rise and twist."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from relion_chain import relion

from cryoloom import star
from cryoloom.em.fourier import fourier_shell_correlation
from cryoloom.em.poses import matrices
from cryoloom.errors import ParameterError
from cryoloom.simulate import HELIX, Helix, ParticleSet, simulate_helix
from cryoloom.simulate.helix import filament_copies
from cryoloom.simulate.molecule import build
from cryoloom.simulate.presets import MOLECULE_SEED
from cryoloom.simulate.truth import read_map, read_truth, table

SHAPE = Helix()
KEY = ["rlnMicrographName", "rlnHelicalTubeID"]


@pytest.fixture(scope="module")
def segments(tmp_path_factory: pytest.TempPathFactory) -> ParticleSet:
    return simulate_helix(tmp_path_factory.mktemp("helix"), replace(HELIX, name="few segments", movies=2))


def test_neighbouring_segments_show_the_same_units(segments: ParticleSet) -> None:
    atoms = build(np.random.default_rng(MOLECULE_SEED))
    copies = filament_copies(atoms, SHAPE, 384.0)[:, ::100]
    middle = len(copies) // 2
    true = read_truth(segments.truth).particles
    angles = ["rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi"]

    for _, filament in true.group_by(KEY, maintain_order=True):
        poses = matrices(filament.select(angles).to_numpy())
        places = filament.select("rlnCoordinateX", "rlnCoordinateY").to_numpy() * 3.0
        for step in (SHAPE.step, -SHAPE.step):  # the track may run with the axis or against it
            # Unit `middle` of the second segment is unit `middle + step` of the first.
            second = (copies[middle] @ poses[1].T)[:, :2] + places[1]
            first = (copies[middle + step] @ poses[0].T)[:, :2] + places[0]
            if np.allclose(first, second, atol=1e-3):
                break
        else:
            pytest.fail("the units of neighbouring segments do not meet")


def test_priors_and_track_are_those_of_the_picked_filament(segments: ParticleSet) -> None:
    measured = table(star.read(segments.measured), "particles")
    true = read_truth(segments.truth).particles

    turned = (true["rlnAnglePsi"] - measured["rlnAnglePsiPrior"]).to_numpy() % 180.0
    assert np.allclose(np.minimum(turned, 180.0 - turned), 0.0, atol=1e-3)
    assert set(measured["rlnAngleTiltPrior"]) == {90.0}
    assert set(measured["rlnAnglePsiFlipRatio"]) == {0.5}
    for _, filament in measured.group_by(KEY, maintain_order=True):
        places = filament.select("rlnCoordinateX", "rlnCoordinateY").to_numpy() * 3.0
        track = filament["rlnHelicalTrackLengthAngst"].to_numpy()
        assert track[0] == 0.0
        assert np.allclose(np.hypot(*(places - places[0]).T), track, atol=1e-3)
        psi = np.radians(filament["rlnAnglePsiPrior"][0])
        along = (places[-1] - places[0]) / track[-1]
        assert np.allclose(along, [np.cos(psi), -np.sin(psi)], atol=1e-4)


def test_both_polarities_occur(segments: ParticleSet) -> None:
    true = read_truth(segments.truth).particles

    same = np.cos(np.radians((true["rlnAnglePsi"] - true["rlnAnglePsiPrior"]).to_numpy()))
    assert {round(x) for x in same} == {-1, 1}


def test_filaments_that_find_no_room_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="side by side"):
        simulate_helix(tmp_path, helix=replace(SHAPE, segments=100))


@pytest.mark.relion
@pytest.mark.slow
@pytest.mark.parametrize("twist", [47.0, -47.0])
def test_relion_finds_rise_and_twist_of_the_true_map(tmp_path: Path, twist: float) -> None:
    few = replace(HELIX, name="one", movies=1)
    simulate_helix(tmp_path, few, helix=replace(SHAPE, twist=twist, filaments=1, segments=2))

    low, high = sorted((twist * 0.9, twist * 1.1))
    said = relion(
        "relion_helix_toolbox --search --i truth/map.mrc --cyl_outer_diameter 140 --angpix 3 --rise_min 8"
        f" --rise_max 10 --twist_min {low:g} --twist_max {high:g} --z_percentage 0.4",
        tmp_path,
    )

    found = re.search(r"rise = ([\d.]+) Angstroms, twist = (-?[\d.]+)", said)
    assert found
    assert float(found[1]) == pytest.approx(9.0, abs=0.05)
    assert float(found[2]) == pytest.approx(twist, abs=0.1)


@pytest.mark.relion
@pytest.mark.slow
def test_relion_rebuilds_the_filament_from_the_true_poses_and_not_from_turned_ones(
    segments: ParticleSet,
) -> None:
    truth, _ = read_map(segments.truth / "map.mrc")
    mask, _ = read_map(segments.truth / "mask.mrc")
    mask = mask * (np.abs(np.arange(len(mask)) - len(mask) // 2) < len(mask) // 4)[:, None, None]
    blocks = star.read(segments.truth / "particles.star")
    blocks["particles"] = table(blocks, "particles").with_columns(rlnAngleRot=-pl.col("rlnAngleRot"))
    star.write(segments.folder / "truth/wrong.star", blocks)

    fsc = {}
    for name in ("particles", "wrong"):
        relion(f"relion_reconstruct --i truth/{name}.star --o {name}.mrc --ctf --pad 1", segments.folder)
        volume, _ = read_map(segments.folder / f"{name}.mrc")
        fsc[name] = fourier_shell_correlation(volume * mask, truth * mask)[4:20]

    assert fsc["particles"].min() > 0.8
    assert fsc["wrong"].mean() < 0.6
