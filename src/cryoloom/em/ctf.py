"""The contrast transfer function, with RELION's signs and units.

Lengths are in Å, frequencies in 1/Å, angles in degrees, voltage in kV and Cs in mm as RELION's columns
have them; defocus is positive for underfocus. The CTF is +Q0 at zero frequency and rises from there:
RELION's particles are white, hence dark ones in a micrograph are inverted at extraction.

CTF(k) = -sin(gamma), gamma = pi lambda k² dz(angle) (negated) + pi/2 Cs lambda³ k⁴ - phase shift - asin(Q0)
+ even aberrations (`aberrations.py`). Where an optics group has a magnification matrix M, RELION takes all of it,
beam tilt too, at the object's frequency M k (`frequency_grid`).

Source: Rohou & Grigorieff (2015), J. Struct. Biol. 192, 216; Zivanov et al. (2018), eLife 7, e42166 for tilt.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cryoloom.em.aberrations import even_gamma, odd_phase
from cryoloom.em.poses import Floats


@dataclass(frozen=True, slots=True)
class Microscope:
    """What is common to all images of an optics group."""

    kv: float = 300.0
    cs_mm: float = 2.7
    q0: float = 0.1  # amplitude contrast
    beam_tilt_mrad: tuple[float, float] = (0.0, 0.0)
    odd_zernike: tuple[float, ...] = ()  # rlnOddZernike, without the beam tilt
    even_zernike: tuple[float, ...] = ()  # rlnEvenZernike


def wavelength(kv: float) -> float:
    """Wavelength of the electron in Å at a voltage in kV, relativistic: 0.01969 at 300.

    The constants are RELION's. Today's values differ in the sixth digit, which at high frequency and large
    defocus is 1e-3 of a CTF.
    """
    volts = kv * 1e3
    return 12.2643247 / float(np.sqrt(volts * (1.0 + volts * 0.978466e-6)))


def frequency_grid(
    size: int, angpix: float, *, magnification: ArrayLike | None = None
) -> tuple[Floats, Floats]:
    """Frequencies of `rfft2` of a square image.

    Args:
        size: of the image, px.
        angpix: Å/px.
        magnification: 2 x 2 matrix (rlnMagMat00 to 11) that leads from the image's frequency to the
            object's; without it they are the same.
    Returns:
        kx, ky: (size, size // 2 + 1), 1/Å; zero frequency at [0, 0], y down the rows.
    """
    kx = np.fft.rfftfreq(size, angpix)[None, :] + np.zeros((size, 1))
    ky = np.fft.fftfreq(size, angpix)[:, None] + np.zeros((1, kx.shape[1]))
    if magnification is None:
        return kx, ky
    m = np.asarray(magnification, dtype=np.float64)
    return m[0, 0] * kx + m[0, 1] * ky, m[1, 0] * kx + m[1, 1] * ky


def ctf(
    kx: NDArray[Any],
    ky: NDArray[Any],
    defocus_u: float,
    defocus_v: float,
    angle: float,
    microscope: Microscope,
    *,
    phase_shift: float = 0.0,
    b_factor: float = 0.0,
    scale: float = 1.0,
) -> NDArray[Any]:
    """CTF with astigmatism at given frequencies.

    Args:
        kx, ky: 1/Å, any one shape, of any float type, which the result has too.
        defocus_u, defocus_v: Å, along `angle` and across it.
        angle: degrees from x towards y.
        phase_shift: of a phase plate, degrees.
        b_factor: rlnCtfBfactor, Å²; multiplies by exp(-B k²/4).
        scale: rlnCtfScalefactor.
    Returns:
        Real, within [-scale, scale] for B >= 0, shape of `kx`.
    """
    lam = wavelength(microscope.kv)
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    xx = -(defocus_u * cos * cos + defocus_v * sin * sin)
    xy = -(defocus_u - defocus_v) * sin * cos
    yy = -(defocus_u * sin * sin + defocus_v * cos * cos)
    k2 = kx * kx + ky * ky
    gamma = float(np.pi * lam) * (float(xx) * kx * kx + float(2.0 * xy) * kx * ky + float(yy) * ky * ky)
    gamma = gamma + float(np.pi / 2.0 * microscope.cs_mm * 1e7 * lam**3) * k2 * k2
    if microscope.even_zernike:
        gamma = gamma + even_gamma(kx, ky, microscope.even_zernike)
    wave = -np.sin(gamma - float(np.radians(phase_shift) + np.arcsin(microscope.q0)))
    if b_factor == 0.0 and scale == 1.0:
        return np.asarray(wave)
    return np.asarray(float(scale) * np.exp(float(-b_factor / 4.0) * k2) * wave)


def radial_ctf(k: ArrayLike, defocus: float, microscope: Microscope, *, phase_shift: float = 0.0) -> Floats:
    """CTF without astigmatism along a radius: `k` (n,) in 1/Å, result (n,)."""
    k = np.asarray(k, dtype=np.float64)
    return ctf(k, np.zeros_like(k), defocus, defocus, 0.0, microscope, phase_shift=phase_shift)


def antisymmetric_phase(kx: NDArray[Any], ky: NDArray[Any], microscope: Microscope) -> NDArray[Any]:
    """Phase in radians by which beam tilt and odd aberrations together turn the transform: exp(i phase)."""
    return np.asarray(tilt_phase(kx, ky, microscope) + odd_phase(kx, ky, microscope.odd_zernike))


def defocus_in_image(
    defocus_u: float, defocus_v: float, angle: float, magnification: ArrayLike
) -> tuple[float, float, float]:
    """The defocus that a fit finds which knows nothing of the magnification matrix: U, V, angle.

    The CTF acts at the object's frequency M k, so its quadratic form D appears in the image as M^T D M.
    A stretch therefore looks like astigmatism.
    """
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    turn = np.array([[cos, -sin], [sin, cos]])
    m = np.asarray(magnification, dtype=np.float64).reshape(2, 2)
    form = m.T @ turn @ np.diag([defocus_u, defocus_v]) @ turn.T @ m
    values, vectors = np.linalg.eigh(form)
    seen = float(np.degrees(np.arctan2(vectors[1, 1], vectors[0, 1]))) % 180.0
    return float(values[1]), float(values[0]), seen


def tilt_phase(kx: NDArray[Any], ky: NDArray[Any], microscope: Microscope) -> NDArray[Any]:
    """Phase in radians by which a beam tilt turns the image's transform: multiply by exp(i phase)."""
    tx, ty = microscope.beam_tilt_mrad
    scale = -2.0 * np.pi * microscope.cs_mm * 1e7 * wavelength(microscope.kv) ** 2 * 1e-3
    return np.asarray(float(scale) * (float(tx) * kx + float(ty) * ky) * (kx * kx + ky * ky))
