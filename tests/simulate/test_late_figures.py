"""Figures of late steps are those that made tables were given: optics, defocus, states, bodies, helices."""

import numpy as np
import polars as pl
import pytest

from cryoloom.em.poses import about_axis, euler_angles, matrices, random_matrices
from cryoloom.errors import DatasetError
from cryoloom.simulate.compare.helices import helical_view_errors, helix_errors
from cryoloom.simulate.compare.heterogeneity import body_angles, body_turns, composition
from cryoloom.simulate.compare.optics import defocus_errors, optics_errors


def optics(**columns: object) -> pl.DataFrame:
    return pl.DataFrame({"rlnOpticsGroupName": ["a"], "rlnOpticsGroup": [1], **columns})


TRUE = optics(
    rlnBeamTiltX=[0.9], rlnBeamTiltY=[-0.5],
    rlnMagMat00=[1.01], rlnMagMat01=[0.0], rlnMagMat10=[0.0], rlnMagMat11=[0.99],
    rlnOddZernike=["[0,0,30,0,0,40]"], rlnEvenZernike=["[0,0,0,0,0,0,10,0,0]"],
)  # fmt: skip


def test_what_was_found_exactly_has_no_error() -> None:
    (errors,) = optics_errors(TRUE, TRUE, 4.0)

    assert (errors.beam_tilt, errors.magnification, errors.trefoil, errors.odd, errors.even) == (
        0,
        0,
        0,
        0,
        0,
    )


def test_a_column_that_is_absent_means_that_nothing_was_found() -> None:
    (errors,) = optics_errors(optics(), TRUE, 4.0)

    assert errors.beam_tilt == pytest.approx(np.hypot(0.9, 0.5))
    assert errors.magnification == pytest.approx(0.01)
    assert errors.trefoil == pytest.approx(50.0)


def test_aberrations_are_judged_by_the_waves_that_they_make() -> None:
    # The trefoil of 50 rad Å³ has rms 50 k³ / sqrt(2) at k; over the disc to 1/4 Å the mean of k⁶ is K⁶ / 4.
    (errors,) = optics_errors(optics(), TRUE, 4.0)

    assert errors.odd == pytest.approx(50.0 / np.sqrt(2.0) * 0.25**3 / 2.0, rel=0.05)
    # Z(0, 4) is 6 k⁴ - 6 k² + 1, all but 1 at these frequencies small.
    assert 5.0 < errors.even < 10.0


def test_an_unknown_group_is_no_group_of_the_truth() -> None:
    with pytest.raises(DatasetError, match="a group b"):
        optics_errors(optics().with_columns(rlnOpticsGroupName=pl.lit("b")), TRUE, 4.0)


def test_the_defocus_error_is_that_of_the_mean_of_u_and_v_of_the_same_particle() -> None:
    def table(names: list[str], u: list[float], v: list[float]) -> pl.DataFrame:
        return pl.DataFrame({"rlnImageName": names, "rlnDefocusU": u, "rlnDefocusV": v})

    true = table(["1@a", "2@a", "3@a"], [10000.0, 11000.0, 12000.0], [9000.0, 10000.0, 11000.0])
    found = table(["3@a", "1@a"], [12030.0, 10050.0], [11030.0, 8950.0])

    errors = defocus_errors(found, true)

    assert errors.tolist() == [30.0, 0.0]
    with pytest.raises(DatasetError, match="4@a"):
        defocus_errors(table(["4@a"], [1.0], [1.0]), true)


def test_states_are_counted_by_the_classes_that_hold_most_of_them() -> None:
    found = composition([1, 1, 1, 2, 3, 3, 3, 3], [1, 1, 2, 2, 1, 1, 1, 1])

    assert found.states == (1, 2)
    assert found.true == (0.75, 0.25)
    assert found.found == (0.875, 0.125)
    assert found.purity == 0.875
    assert found.recall == (1.0, 0.5)


def test_one_class_for_all_finds_one_state() -> None:
    assert composition([1, 1, 1, 1], [1, 1, 1, 2]).found == (1.0, 0.0)
    with pytest.raises(DatasetError, match="2 and 1"):
        composition([1, 1], [1])


def test_an_amplitude_of_any_sign_and_scale_is_the_angle() -> None:
    angles = np.array([-10.0, -3.0, 0.0, 4.0, 12.0])

    exact = body_angles(-0.02 * angles + 7.0, angles)
    nothing = body_angles(np.ones(5), angles)

    assert exact.correlation == pytest.approx(1.0)
    assert exact.error == pytest.approx(0.0, abs=1e-9)
    assert nothing.correlation == 0.0
    assert nothing.error == nothing.spread == pytest.approx(angles.std())


def test_noise_of_an_amplitude_is_an_error_in_degrees() -> None:
    rng = np.random.default_rng(4)
    angles = rng.uniform(-15.0, 15.0, 4000)

    found = body_angles((angles + 2.0 * rng.standard_normal(4000)) / 30.0, angles)

    assert found.error == pytest.approx(1.95, abs=0.1)
    assert found.correlation > 0.95


def test_a_bodys_turns_are_those_about_its_hinge_whatever_axis_that_is() -> None:
    rng = np.random.default_rng(5)
    true = rng.uniform(-15.0, 15.0, 300)
    hinge, other = (1.0, 2.0, -0.5), (0.5, 0.0, 1.0)
    # RELION's Euler angles of a body that did not move are 0, 90, 0.
    unmoved = matrices([0.0, 90.0, 0.0])
    pairs = zip(true, rng.standard_normal(300), strict=True)
    moved = np.array(
        [unmoved @ about_axis(other, 2.0 * off) @ about_axis(hinge, turn) for turn, off in pairs]
    )

    found = body_angles(body_turns(euler_angles(moved)), true)

    assert found.correlation > 0.99
    assert found.error < 1.0
    with pytest.raises(DatasetError, match="at least 3"):
        body_turns([[0.0, 90.0, 0.0]])


def test_rise_and_twist_are_compared_and_the_wrong_hand_shows() -> None:
    true = pl.DataFrame({"rlnHelicalRise": [9.0], "rlnHelicalTwist": [47.0]})
    found = pl.DataFrame({"rlnHelicalRise": [9.02, 9.0], "rlnHelicalTwist": [46.9, -47.0]})

    right, flipped = helix_errors(found, true)

    assert (right.rise, right.twist) == (pytest.approx(0.02), pytest.approx(-0.1))
    assert flipped.twist == pytest.approx(-94.0)
    with pytest.raises(DatasetError, match="no rlnHelicalRise"):
        helix_errors(pl.DataFrame({"rlnReferenceImage": ["a"]}), true)


def test_a_segment_that_was_put_one_unit_further_has_no_view_error() -> None:
    true = euler_angles(random_matrices(np.random.default_rng(1), 5))
    further = true - [47.0, 0.0, 0.0]  # one that lies a rise further up has a rot smaller by a twist

    assert np.allclose(helical_view_errors(further, true, 9.0, 47.0, np.full(5, 9.0)), 0.0, atol=1e-5)
    assert np.allclose(helical_view_errors(further, true, 9.0, 47.0, np.zeros(5)), 47.0)
