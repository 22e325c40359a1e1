"""Poses go to other programs' forms and back without loss, and alignments in the plane compose as images do."""

import numpy as np
import pytest
import scipy.ndimage
from hypothesis import given
from hypothesis import strategies as st

from cryoloom.em.conversions import (
    cryosparc_poses,
    cryosparc_shifts,
    matrices_of_rotation_vectors,
    planar_alignments,
    planar_matrices,
    relion_angles,
    relion_origins,
    rotation_vectors,
)
from cryoloom.em.poses import about_axis, matrices

angle = st.floats(-360, 360)
shift = st.floats(-500, 500)
alignment = st.tuples(angle, shift, shift)


def matrix(alignment: tuple[float, float, float]) -> np.ndarray:
    return planar_matrices(alignment[0], alignment[1:])


@given(angle, st.floats(0, 180), angle)
def test_a_pose_survives_cryosparcs_form(rot: float, tilt: float, psi: float) -> None:
    pose = cryosparc_poses([rot, tilt, psi])

    assert np.linalg.norm(pose) <= np.pi + 1e-12
    assert np.abs(matrices(relion_angles(pose)) - matrices([rot, tilt, psi])).max() < 1e-9


@given(st.tuples(*[st.floats(-1.8, 1.8)] * 3))
def test_rotation_vectors_lead_back_to_themselves(v: tuple[float, float, float]) -> None:
    assert np.abs(rotation_vectors(matrices_of_rotation_vectors(v)) - v).max() < 1e-9


@pytest.mark.parametrize("size", [0.0, 1e-13, 1e-9, 1e-5])
def test_small_turns_keep_their_digits(size: float) -> None:
    v = np.array([size, -size, 2 * size])

    assert np.abs(rotation_vectors(matrices_of_rotation_vectors(v)) - v).max() <= 1e-15


def test_a_rotation_vector_turns_anticlockwise_about_itself() -> None:
    v = np.array([0.0, 0.0, np.radians(30)])

    assert np.abs(matrices_of_rotation_vectors(v) - about_axis([0, 0, 1], 30)).max() < 1e-12
    # RELION's psi turns the axes, not the vectors: the same turn is -30 degrees of it.
    assert np.abs(relion_angles(v) - [0, 0, -30]).max() < 1e-9


@given(st.lists(st.tuples(shift, shift), min_size=1, max_size=5), st.floats(0.1, 10))
def test_shifts_survive_the_change_of_units(origins: list[tuple[float, float]], angpix: float) -> None:
    sizes = np.full(len(origins), angpix)

    assert np.abs(relion_origins(cryosparc_shifts(origins, sizes), sizes) - np.array(origins)).max() < 1e-9


@given(alignment)
def test_an_alignment_in_the_plane_survives_its_matrix(given_alignment: tuple[float, float, float]) -> None:
    psi, origins = planar_alignments(matrix(given_alignment))

    assert abs(np.exp(1j * np.radians(psi)) - np.exp(1j * np.radians(given_alignment[0]))) < 1e-9
    assert np.abs(origins - given_alignment[1:]).max() < 1e-9


@given(alignment, alignment, st.tuples(shift, shift))
def test_two_alignments_do_what_their_product_does(first, second, point) -> None:  # type: ignore[no-untyped-def]
    p = np.array([*point, 1.0])

    psi, origins = planar_alignments(matrix(second) @ matrix(first))

    assert np.abs(planar_matrices(psi, origins) @ p - matrix(second) @ (matrix(first) @ p)).max() < 1e-9


@given(alignment)
def test_the_plane_is_the_view_along_z(given_alignment: tuple[float, float, float]) -> None:
    psi, x, y = given_alignment
    r = np.array([3.0, -7.0])

    # A point of the map appears at A r - s; the alignment brings it back to r.
    p = (matrices([0.0, 0.0, psi]) @ [*r, 0.0])[:2] - [x, y]

    assert np.abs((matrix(given_alignment) @ [*p, 1.0])[:2] - r).max() < 1e-9


def test_known_values_with_rotation_and_shift() -> None:
    t = np.array([[0.93969262, 0.34202014, -6.8404], [-0.34202014, 0.93969262, 18.7939], [0, 0, 1]])

    psi, origins = planar_alignments(t)

    assert psi == pytest.approx(-20, abs=1e-6)
    assert origins == pytest.approx([-12.8557, 15.3208], abs=2e-3)


def test_aligning_an_image_twice_is_aligning_it_once_by_the_product() -> None:
    rng = np.random.default_rng(3)
    image = scipy.ndimage.gaussian_filter(rng.normal(size=(96, 96)), 4)
    first, second = planar_matrices(25.0, [3.0, -2.0]), planar_matrices(-70.0, [-1.0, 4.0])

    def aligned(values: np.ndarray, t: np.ndarray) -> np.ndarray:
        """The image whose point r is the given one's T^-1 r; rows are y."""
        back, centre = np.linalg.inv(t), 48.0
        swapped = back[:2, :2][::-1, ::-1]
        offset = centre + back[:2, 2][::-1] - swapped @ [centre, centre]
        return np.asarray(scipy.ndimage.affine_transform(values, swapped, offset, order=3))

    twice, once = aligned(aligned(image, first), second), aligned(image, second @ first)

    inside = np.s_[24:72, 24:72]
    assert np.abs(twice[inside] - once[inside]).max() < 0.02 * image.std()
