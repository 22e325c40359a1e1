"""Orientations mean what they mean to RELION, and every form of them leads back to every other."""

import subprocess
from pathlib import Path

import mrcfile
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryoloom.em import poses

angle = st.floats(-180.0, 180.0)


@given(angle, st.floats(0.0, 180.0), angle)
def test_euler_angles_lead_back_to_the_same_matrix(rot: float, tilt: float, psi: float) -> None:
    matrix = poses.matrices([rot, tilt, psi])

    again = poses.matrices(poses.euler_angles(matrix))

    assert np.abs(again - matrix).max() < 1e-9


# Close to the axis rot alone has no digits left, yet the pose has all of them.
@given(angle, st.floats(-14.0, -3.0), st.sampled_from([0.0, 180.0]), angle)
def test_a_pose_close_to_the_axis_keeps_its_digits(
    rot: float, log_tilt: float, axis: float, psi: float
) -> None:
    matrix = poses.matrices([rot, abs(axis - 10.0**log_tilt), psi])
    noisy = matrix + np.random.default_rng(0).uniform(-2e-16, 2e-16, (3, 3))

    assert np.abs(poses.matrices(poses.euler_angles(noisy)) - matrix).max() < 1e-10


@pytest.mark.parametrize("tilt", [0.0, 180.0])
def test_a_view_along_the_axis_keeps_its_turn_in_the_plane(tilt: float) -> None:
    matrix = poses.matrices([30.0, tilt, 50.0])

    rot, _, _ = poses.euler_angles(matrix)

    assert rot == 0.0
    assert np.allclose(poses.matrices(poses.euler_angles(matrix)), matrix)


@given(st.lists(st.floats(-1.0, 1.0), min_size=4, max_size=4).filter(lambda q: np.linalg.norm(q) > 0.1))
def test_quaternions_lead_back_to_the_same_rotation(q: list[float]) -> None:
    matrix = poses.matrices_of_quaternions(q)

    again = poses.matrices_of_quaternions(poses.quaternions(matrix))

    assert np.allclose(again, matrix, atol=1e-9)


@given(st.floats(0.0, 180.0))
def test_the_angle_of_a_rotation_is_what_it_was_turned_by(degrees: float) -> None:
    turned = poses.about_axis([1.0, 2.0, -0.5], degrees)

    assert poses.rotation_angle(turned, np.eye(3)) == pytest.approx(degrees, abs=1e-5)


def test_random_orientations_have_no_preferred_direction() -> None:
    views = poses.random_matrices(np.random.default_rng(0), 4000)[:, 2]

    assert np.abs(views.mean(axis=0)).max() < 0.05
    assert np.allclose(np.mean(views**2, axis=0), 1 / 3, atol=0.02)


@pytest.mark.relion
@pytest.mark.parametrize("angles", [(0, 0, 0), (40, 0, 0), (0, 0, 40), (25, 60, -110), (-150, 130, 77)])
def test_a_point_of_the_map_appears_where_relion_projects_it(
    tmp_path: Path, angles: tuple[float, float, float]
) -> None:
    place = np.array([7.0, -4.0, 9.0])  # x, y, z from the centre, px
    z, y, x = np.mgrid[:48, :48, :48] - 24.0
    blob = np.exp(-((x - place[0]) ** 2 + (y - place[1]) ** 2 + (z - place[2]) ** 2) / 8.0)
    with mrcfile.new(tmp_path / "map.mrc", blob.astype(np.float32)) as mrc:
        mrc.voxel_size = 2.0
    rot, tilt, psi = (str(a) for a in angles)

    subprocess.run(
        ["relion_project", "--i", "map.mrc", "--o", "p.mrc", "--rot", rot, "--tilt", tilt, "--psi", psi],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )

    with mrcfile.open(tmp_path / "p.mrc", permissive=True) as mrc:
        image = np.asarray(mrc.data, dtype=np.float64).reshape(48, 48)
    image = np.maximum(image - 0.1 * image.max(), 0.0)
    v, u = np.mgrid[:48, :48] - 24.0
    seen = np.array([(image * u).sum(), (image * v).sum()]) / image.sum()
    assert seen == pytest.approx((poses.matrices(angles) @ place)[:2], abs=0.15)
