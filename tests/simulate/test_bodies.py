"""A molecule that opens like a lid: the truth says how far, and RELION sees it so."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from relion_chain import relion

from cryoloom import star
from cryoloom.em.fourier import fourier_shell_correlation
from cryoloom.em.poses import Floats, euler_angles, matrices, random_matrices
from cryoloom.errors import ParameterError
from cryoloom.simulate import BODIES, BodySet, Hinge, simulate_bodies
from cryoloom.simulate.bodies import lid_poses
from cryoloom.simulate.compare.steps import multibody_rows
from cryoloom.simulate.truth import read_map, read_truth, table

FEW = replace(BODIES, name="few bodies", movies=2, size=400, angpix=4.0, box=48, particles=5)


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> BodySet:
    return simulate_bodies(tmp_path_factory.mktemp("few_bodies"), FEW, hinge=Hinge(amplitude=20.0))


def test_a_point_of_the_lid_lies_where_its_pose_says() -> None:
    hinge = Hinge(axis=(1.0, 2.0, -1.0), pivot=(5.0, -30.0, 12.0))
    rng = np.random.default_rng(2)
    poses = random_matrices(rng, 4)
    points, opened = rng.uniform(-60.0, 60.0, (6, 3)), np.array([-15.0, 3.0, 9.0, 20.0])

    angles, shifts = lid_poses(euler_angles(poses), opened, hinge)

    for pose, lid, shift, degrees in zip(poses, matrices(angles), shifts, opened, strict=True):
        rotation, _ = hinge.turn(degrees)
        moved = (points - hinge.pivot) @ rotation.T + hinge.pivot
        assert np.allclose((moved @ pose.T)[:, :2], (points @ lid.T)[:, :2] + shift)


def test_the_hinge_itself_stays() -> None:
    rotation, shift = Hinge().turn(12.0)

    assert np.allclose(rotation @ np.array(Hinge().pivot) + shift, Hinge().pivot)


def test_only_the_truth_knows_the_angles(few: BodySet) -> None:
    measured = table(star.read(few.particles.measured), "particles")
    true = read_truth(few.particles.truth).particles
    lid = table(star.read(few.body2), "particles")

    assert "cryoloomBodyAngle" not in measured.columns
    assert true["cryoloomBodyAngle"].abs().max() <= 20.0
    assert true["cryoloomBodyAngle"].std() > 5.0
    assert measured["rlnImageName"].equals(true["rlnImageName"])
    assert lid["rlnImageName"].equals(true["rlnImageName"])
    assert not lid["rlnAngleRot"].equals(true["rlnAngleRot"])


def test_the_body_file_names_two_masks_that_lie_within_0_and_1(few: BodySet) -> None:
    bodies = star.read(few.bodies)[""]

    assert isinstance(bodies, pl.DataFrame)
    assert bodies["rlnBodyRotateRelativeTo"].to_list() == [2, 1]
    assert bodies.columns == [
        "rlnBodyMaskName", "rlnBodyRotateRelativeTo", "rlnBodySigmaAngles", "rlnBodySigmaOffsetAngst",
    ]  # fmt: skip
    for name in bodies["rlnBodyMaskName"]:
        mask, angpix = read_map(few.particles.folder / name)
        assert (mask.min(), mask.max(), angpix) == (0.0, 1.0, 4.0)
    # Larger body first, as RELION wants it.
    first, second = (read_map(few.particles.truth / f"map_body{n}.mrc")[0].sum() for n in (1, 2))
    assert first > 1.5 * second > 0


def test_an_amplitude_that_no_hinge_has_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="0 to 90 degrees"):
        simulate_bodies(tmp_path, FEW, hinge=Hinge(amplitude=120.0))


def test_a_multi_body_refinement_is_scored_by_the_turns_of_its_bodies(few: BodySet, tmp_path: Path) -> None:
    truth = read_truth(few.particles.truth)
    measured = star.read(few.particles.measured)
    still = matrices([0.0, 90.0, 0.0])  # how RELION writes a body that has not moved
    moved = np.array([still @ few.hinge.turn(degrees)[0] for degrees in truth.particles["cryoloomBodyAngle"]])
    names = ["rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi"]
    for number, turns in enumerate((np.broadcast_to(still, moved.shape), moved), start=1):
        measured[f"images_body_{number}"] = pl.DataFrame(euler_angles(turns), schema=names)
    star.write(tmp_path / "run_data.star", measured)

    first, second = multibody_rows(tmp_path, "MultiBody/job001", truth)

    assert first.value == 0.0
    assert second.value == pytest.approx(1.0, abs=1e-6)
    assert second.what == "correlation of body 2's turns with the true angle"
    assert second.note.startswith("error 0.0° of ")
    # Other sets know of no angle.
    without = replace(truth, particles=truth.particles.drop("cryoloomBodyAngle"))
    assert multibody_rows(tmp_path, "MultiBody/job001", without) == []


@pytest.mark.relion
@pytest.mark.slow
def test_the_consensus_blurs_the_moving_body_and_its_own_poses_do_not(tmp_path: Path) -> None:
    made = simulate_bodies(tmp_path, replace(BODIES, name="clear bodies", movies=8), noise=0.02)
    whole, _ = read_map(made.particles.truth / "map.mrc")
    masks = [read_map(path)[0] for path in made.masks]

    def correlation(particles: str) -> list[Floats]:
        """To 12 Å with the truth, of each body."""
        relion(f"relion_reconstruct --i truth/{particles}.star --o {particles}.mrc --ctf --pad 1", tmp_path)
        volume, _ = read_map(tmp_path / f"{particles}.mrc")
        return [fourier_shell_correlation(volume * mask, whole * mask)[4:16] for mask in masks]

    fixed, moving = correlation("particles")
    blurred, sharp = correlation("particles_body2")

    # Each mask holds some of the other body, which is blurred there.
    assert fixed.mean() > 0.92
    assert sharp.mean() > 0.86
    assert moving.mean() < sharp.mean() - 0.05
    assert blurred.mean() < fixed.mean() - 0.1
