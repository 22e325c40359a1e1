"""The files that CTFFIND leaves and RELION reads: diagnostic image, summary, radial curves."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cryoloom.em.ctf import wavelength
from cryoloom.errors import ProgramError
from cryoloom.images.mrc import write_mrc
from cryoloom.plugins.ctf.fit import CtfFit

Floats = NDArray[np.float64]
_BOX = 512  # px of the diagnostic image at most


@dataclass(frozen=True, slots=True)
class CtffindResult:
    """One data line of CTFFIND's summary."""

    defocus_u: float  # Å
    defocus_v: float
    angle_deg: float
    phase_shift_rad: float
    score: float
    resolution: float  # Å


def write_ctffind_files(
    target: Path,
    fit: CtfFit,
    *,
    angpix: float,
    voltage_kv: float,
    cs_mm: float,
    amplitude_contrast: float,
    source: str,
) -> None:
    """Write `x.ctf` (MRC: one half data, one half model), `x.txt` and `x_avrot.txt`."""
    picture = _diagnostic(fit, voltage_kv, cs_mm, amplitude_contrast)
    write_mrc(target, picture, 1.0 / picture.shape[0])
    facts = (
        f"# Pixel size: {angpix:.3f} Angstroms ; acceleration voltage: {voltage_kv:.1f} keV ; "
        f"spherical aberration: {cs_mm:.2f} mm ; amplitude contrast: {amplitude_contrast:.2f}\n"
    )
    columns = (
        "# Columns: #1 - micrograph number; #2 - defocus 1 [Angstroms]; #3 - defocus 2; #4 - azimuth of astigmatism; "
        "#5 - additional phase shift [radians]; #6 - cross correlation; #7 - spacing (in Angstroms) up to which CTF "
        "rings were fit successfully\n"
    )
    row = (
        f"1.000000 {fit.defocus_u:.6f} {fit.defocus_v:.6f} {fit.angle_deg:.6f} {np.radians(fit.phase_shift_deg):.6f} "
        f"{fit.score:.6f} {fit.resolution:.6f}\n"
    )
    box = f"# Box size: {picture.shape[0]} pixels\n"
    head = f"# Cryoloom ctf.estimate\n# Input file: {source} ; Number of micrographs: 1\n"
    target.with_suffix(".txt").write_text(head + facts + box + columns + row)
    curves = (
        fit.freq,
        fit.power,
        fit.power,
        fit.model,
        fit.quality,
        np.full_like(fit.freq, 2 / np.sqrt(len(fit.freq))),
    )
    lines = "".join(" ".join(f"{value:.6f}" for value in curve) + "\n" for curve in curves)
    first = (
        "# Lines: 1 spatial frequency (1/Angstroms); 2 1D average; 3 1D average along equal phase; 4 CTF fit; "
        "5 correlation; 6 2 sigma of noise\n"
    )
    target.with_name(f"{target.stem}_avrot.txt").write_text(head + facts + box + first + lines)


def read_ctffind_txt(path: Path) -> CtffindResult:
    """The first result of a CTFFIND summary.

    Raises:
        ProgramError: the file has a header only, as CTFFIND leaves it when it crashes.
    """
    for line in path.read_text().splitlines():
        words = line.split()
        if words and not words[0].startswith("#") and len(words) >= 7:
            _, u, v, angle, phase, score, resolution = (float(word) for word in words[:7])
            return CtffindResult(u, v, angle, phase, score, resolution)
    raise ProgramError(f"{path}", found="without a result", expected="a line of numbers behind its header")


def read_avrot(path: Path) -> Floats:
    """The six curves of `_avrot.txt`: (6, n)."""
    lines = [line.split() for line in path.read_text().splitlines() if line and not line.startswith("#")]
    if len(lines) < 6:
        raise ProgramError(f"{path}", found=f"{len(lines)} lines of numbers", expected="six curves")
    return np.array(lines[:6], dtype=np.float64)


def _diagnostic(
    fit: CtfFit, voltage_kv: float, cs_mm: float, amplitude_contrast: float
) -> NDArray[np.float32]:
    """(n, n): the spectrum on the right, the model on the left; zero frequency in the centre."""
    rows = fit.spectrum.shape[0]
    keep = min(rows, _BOX) // 2
    right = np.fft.fftshift(fit.spectrum, axes=0)[rows // 2 - keep : rows // 2 + keep, :keep]
    ky = (np.arange(2 * keep) - keep)[:, None] * fit.spectrum_step
    kx = np.arange(-keep, 0)[None, :] * fit.spectrum_step
    k2, angle = kx**2 + ky**2, np.arctan2(ky, kx)
    wave = wavelength(voltage_kv)
    half = (fit.defocus_u - fit.defocus_v) / 2
    dz = fit.mean_defocus + half * np.cos(2 * (angle - np.radians(fit.angle_deg)))
    gamma = np.pi * wave * dz * k2 - np.pi / 2 * cs_mm * 1e7 * wave**3 * k2**2
    gamma += np.arcsin(amplitude_contrast) + np.radians(fit.phase_shift_deg)
    left = np.abs(np.sin(gamma))
    spread = float(right[:, 8:].std()) or 1.0
    shown = np.clip(0.5 + right / (4 * spread), 0, 1)
    return np.asarray(np.concatenate([left, shown], axis=1), dtype=np.float32)
