"""Zernike polynomials stand where RELION counts them, and mean what they say."""

import numpy as np
import pytest

from cryoloom.em.aberrations import even_gamma, even_index, odd_index, odd_phase, spherical, trefoil, zernike
from cryoloom.em.ctf import Microscope, ctf, defocus_in_image, frequency_grid, wavelength

KX, KY = frequency_grid(32, 2.0)


def test_odd_and_even_polynomials_are_counted_row_by_row() -> None:
    assert [odd_index(i) for i in range(6)] == [(-1, 1), (1, 1), (-3, 3), (-1, 3), (1, 3), (3, 3)]
    assert [even_index(i) for i in range(5)] == [(0, 0), (-2, 2), (0, 2), (2, 2), (-4, 4)]
    assert even_index(6) == (0, 4)


@pytest.mark.parametrize(
    ("m", "n", "expected"), [(0, 2, 2 * 0.25 - 1), (0, 4, 6 / 16 - 6 / 4 + 1), (1, 3, 3 / 8 - 1)]
)
def test_polynomials_have_their_textbook_values(m: int, n: int, expected: float) -> None:
    assert zernike(m, n, np.array([0.5]), np.array([0.0]))[0] == pytest.approx(expected)


def test_negative_orders_go_with_the_sine() -> None:
    k, angle = 0.2, np.radians(25.0)

    value = zernike(-3, 3, np.array([k * np.cos(angle)]), np.array([k * np.sin(angle)]))

    assert value[0] == pytest.approx(k**3 * np.sin(3 * angle))


def test_odd_phases_change_sign_across_the_centre_and_even_ones_do_not() -> None:
    kx, ky = np.array([0.11, -0.11]), np.array([-0.07, 0.07])

    odd = odd_phase(kx, ky, (1.0, 2.0, 3.0, 4.0, 5.0, 6.0))
    even = even_gamma(kx, ky, range(1, 10))

    assert odd[0] == pytest.approx(-odd[1])
    assert even[0] == pytest.approx(even[1])


def test_a_trefoil_has_its_greatest_phase_along_its_angle() -> None:
    angles = np.radians(np.arange(0.0, 360.0, 5.0))

    phase = odd_phase(0.2 * np.cos(angles), 0.2 * np.sin(angles), trefoil(80.0, 25.0))

    assert phase.max() == pytest.approx(80.0 * 0.2**3)
    assert np.degrees(angles[phase.argmax()]) % 120 == pytest.approx(25.0)


def test_a_spherical_term_is_what_another_cs_is() -> None:
    extra = spherical(0.7, wavelength(300.0))

    as_term = ctf(KX, KY, 9000.0, 8500.0, 20.0, Microscope(cs_mm=2.7, even_zernike=extra))

    assert np.allclose(as_term, ctf(KX, KY, 9000.0, 8500.0, 20.0, Microscope(cs_mm=3.4)))


def test_the_defocus_in_an_image_gives_the_stretched_image_its_rings() -> None:
    matrix = (1.02, 0.01, -0.004, 0.98)
    no_cs = Microscope(cs_mm=0.0)  # whose own change by the stretch a defocus cannot follow
    at_object = ctf(
        *frequency_grid(32, 2.0, magnification=np.reshape(matrix, (2, 2))), 15000.0, 13000.0, 30.0, no_cs
    )

    seen = defocus_in_image(15000.0, 13000.0, 30.0, matrix)

    assert seen[0] > seen[1]
    assert np.allclose(ctf(KX, KY, *seen, no_cs), at_object)
