"""Micrographs with a known CTF: amorphous ice and counting noise, no more."""

import numpy as np
from numpy.typing import NDArray

from cryoloom.em.ctf import Microscope, ctf


def micrograph(
    size: int,
    angpix: float,
    u: float,
    v: float,
    angle: float,
    *,
    seed: int,
    noise: float = 1.0,
    phase: float = 0.0,
) -> NDArray[np.float64]:
    """White specimen through a CTF at 300 kV, with white noise: (size, size).

    Args:
        angpix: Å.
        u, v: defocus, Å.
        angle, phase: degrees.
        noise: its deviation; the specimen's is 1 before the CTF.
    """
    rng = np.random.default_rng(seed)
    kx, ky = np.fft.rfftfreq(size, angpix)[None, :], np.fft.fftfreq(size, angpix)[:, None]
    kx, ky = np.broadcast_arrays(kx, ky)
    transfer = ctf(kx, ky, u, v, angle, Microscope(kv=300, cs_mm=2.7, q0=0.1), phase_shift=phase)
    fall = np.exp(-30 * (kx**2 + ky**2))
    specimen = np.fft.rfft2(rng.normal(size=(size, size))) * transfer * fall
    return np.asarray(np.fft.irfft2(specimen, s=(size, size)) + noise * rng.normal(size=(size, size)))
