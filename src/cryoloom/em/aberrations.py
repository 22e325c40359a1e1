"""Aberrations of higher order as RELION writes them: `rlnOddZernike` and `rlnEvenZernike`.

A list of coefficients stands for a sum of Zernike polynomials of the spatial frequency itself, in 1/Å, not of
a fraction of some radius: coefficients are therefore large, and the same at any box and pixel size. RELION
counts the polynomials Z(m, n) row by row: odd ones Z(-1, 1), Z(1, 1), Z(-3, 3), Z(-1, 3), Z(1, 3), Z(3, 3), ...
and even ones Z(0, 0), Z(-2, 2), Z(0, 2), Z(2, 2), Z(-4, 4), ... . Negative m go with the sine, others with the
cosine of the angle from x towards y.

Odd ones turn the phases of the image's transform; even ones are added to gamma, the argument of the CTF.

Source: Zivanov, Nakane & Scheres (2020), IUCrJ 7, 253.
"""

from collections.abc import Callable, Sequence
from math import factorial
from typing import Any

import numpy as np
from numpy.typing import NDArray

TREFOIL_SINE, TREFOIL_COSINE = 2, 5  # places of Z(-3, 3) and Z(3, 3) among the odd ones
FOURTH_ORDER_ROUND = 6  # of Z(0, 4) among the even ones


def odd_index(place: int) -> tuple[int, int]:
    """(m, n) of the odd polynomial at a place of the list, from 0."""
    row = 0
    while (row + 1) * (row + 2) <= place:
        row += 1
    n = 2 * row + 1
    return 2 * (place - row * (row + 1)) - n, n


def even_index(place: int) -> tuple[int, int]:
    """(m, n) of the even polynomial at a place of the list, from 0."""
    row = 0
    while (row + 1) ** 2 <= place:
        row += 1
    n = 2 * row
    return 2 * (place - row * row) - n, n


def zernike(m: int, n: int, kx: NDArray[Any], ky: NDArray[Any]) -> NDArray[Any]:
    """Z(m, n) at frequencies in 1/Å, of any one shape."""
    order = abs(m)
    rho2 = kx * kx + ky * ky
    # rho^|m| times cosine or sine of |m| times the angle are the parts of (kx + i ky)^|m|.
    turned = (kx + 1j * ky) ** order
    angular = turned.real if m >= 0 else turned.imag
    radial = np.zeros_like(rho2)
    for i in range((n - order) // 2 + 1):
        weight = (-1) ** i * factorial(n - i)
        weight //= factorial(i) * factorial((n + order) // 2 - i) * factorial((n - order) // 2 - i)
        radial = radial + weight * rho2 ** ((n - order) // 2 - i)
    return np.asarray(radial * angular)


def odd_phase(kx: NDArray[Any], ky: NDArray[Any], coefficients: Sequence[float]) -> NDArray[Any]:
    """Phase in rad by which odd aberrations turn the image's transform: multiply by exp(i phase)."""
    return _sum(kx, ky, coefficients, odd_index)


def even_gamma(kx: NDArray[Any], ky: NDArray[Any], coefficients: Sequence[float]) -> NDArray[Any]:
    """What even aberrations add to gamma, rad."""
    return _sum(kx, ky, coefficients, even_index)


def trefoil(size: float, degrees: float) -> tuple[float, ...]:
    """Odd coefficients of a threefold phase `size` |k|³ cos(3 (angle - degrees)), `size` in rad Å³."""
    turn = np.radians(3.0 * degrees)
    found = [0.0] * 6
    found[TREFOIL_COSINE], found[TREFOIL_SINE] = float(size * np.cos(turn)), float(size * np.sin(turn))
    return tuple(found)


def spherical(cs_mm: float, wavelength: float) -> tuple[float, ...]:
    """Even coefficients of so much more spherical aberration, in mm, at a wavelength in Å, and of nothing else."""
    # gamma grows by pi/2 Cs lambda³ k⁴; Z(0, 4) = 6 k⁴ - 6 k² + 1, so Z(0, 2) = 2 k² - 1 and Z(0, 0) = 1 take off the rest.
    c = float(np.pi / 12.0 * cs_mm * 1e7 * wavelength**3)
    return (2.0 * c, 0.0, 3.0 * c, 0.0, 0.0, 0.0, c, 0.0, 0.0)


def _sum(
    kx: NDArray[Any],
    ky: NDArray[Any],
    coefficients: Sequence[float],
    index: Callable[[int], tuple[int, int]],
) -> NDArray[Any]:
    total = np.zeros_like(kx)
    for place, coefficient in enumerate(coefficients):
        if coefficient:
            total = total + float(coefficient) * zernike(*index(place), kx, ky)
    return total
