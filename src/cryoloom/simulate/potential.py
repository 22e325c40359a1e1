"""From atoms to the phase that electrons gather in them, and to its central slices.

The potential of an atom is its electron form factor; the ice that it displaces is subtracted, so the map
stands on the level of the solvent. Maps are in volts, [z, y, x], the centre voxel `n // 2`.

Source: Peng et al. (1996), Acta Cryst. A52, 257 (form factors, ITC C 4.3.2.2);
Fraser, MacRae & Suzuki (1978), J. Appl. Cryst. 11, 693 (displaced solvent).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.fft
import scipy.ndimage
from numpy.typing import NDArray

from cryoloom.em.poses import Floats
from cryoloom.simulate.molecule import Atoms

# f(s) = sum a exp(-b s²), s = k / 2 in 1/Å, f in Å.
FORM_FACTORS = {
    "H": ((0.0349, 0.1201, 0.197, 0.0573, 0.1195), (0.5347, 3.5867, 12.3471, 18.9525, 38.6269)),
    "C": ((0.0893, 0.2563, 0.757, 1.0487, 0.3575), (0.2465, 1.71, 6.4094, 18.6113, 50.2523)),
    "N": ((0.1022, 0.3219, 0.7982, 0.8197, 0.1715), (0.2451, 1.7481, 6.1925, 17.3894, 48.1431)),
    "O": ((0.0974, 0.2921, 0.691, 0.699, 0.2039), (0.2067, 1.3815, 4.6943, 12.7105, 32.4726)),
}
_DISPLACED = {"H": 5.15, "C": 16.44, "N": 2.49, "O": 9.13}  # Å³
_ICE_VOLTS = 4.5  # mean potential of vitreous ice
_VOLTS_PER_ANGST = 47.878  # h² / (2 pi m e), V Å²: form factor to integrated potential
INTERACTION = 6.5262e-4  # rad / (V Å) at 300 kV
_PAD = 2  # of the transform that slices are taken from
_FINE_ANGST = 1.4  # grid on which atoms are spread


def potential(atoms: Atoms, present: NDArray[np.bool_], box: int, angpix: float, b_factor: float) -> Floats:
    """The potential of the whole molecule.

    Args:
        present: (n,), which atoms of the asymmetric unit are there.
        box, angpix: of the result, px and Å/px.
        b_factor: Å², amplitudes fall by exp(-B k² / 4).
    Returns:
        (box, box, box), V.
    """
    return copies_potential(atoms, atoms.whole(), present, box, angpix, b_factor)


def copies_potential(
    atoms: Atoms, copies: Floats, present: NDArray[np.bool_], box: int, angpix: float, b_factor: float
) -> Floats:
    """The potential of copies (m, n, 3) of the asymmetric unit, wherever they lie; see `potential`."""
    extent = box * angpix
    fine = scipy.fft.next_fast_len(max(box, int(np.ceil(extent / _FINE_ANGST))), real=True)
    step = extent / fine
    xyz = copies[:, present]
    # The centre of the result is its voxel box // 2, which need not be a point of the finer grid.
    places = (xyz.reshape(-1, 3)[:, ::-1] + box // 2 * angpix) / step
    elements = np.tile(np.array(atoms.elements)[present], len(xyz))
    riding = np.tile(atoms.hydrogens[present], len(xyz))
    # Only the frequencies of the result are worth computing.
    keep = np.rint(scipy.fft.fftfreq(box, 1.0 / box)).astype(int)
    z = keep / extent
    x = np.arange(box // 2 + 1) / extent
    k2 = z[:, None, None] ** 2 + z[None, :, None] ** 2 + x[None, None, :] ** 2
    total = np.zeros(k2.shape, dtype=np.complex128)
    for element, (a, b) in FORM_FACTORS.items():
        weight = riding.astype(np.float64) if element == "H" else (elements == element).astype(np.float64)
        factor = np.sum([ai * np.exp(-bi / 4.0 * k2) for ai, bi in zip(a, b, strict=True)], axis=0)
        volume = _DISPLACED[element]
        ice = _ICE_VOLTS * volume * np.exp(-np.pi * volume ** (2.0 / 3.0) * k2)
        density = scipy.fft.rfftn(_spread(places, weight, fine), workers=2)
        total += density[keep % fine][:, keep % fine][:, :, : box // 2 + 1] * (
            _VOLTS_PER_ANGST * factor - ice
        )
    # Spreading by cubic B-splines has multiplied the transform by sinc⁴ along each axis.
    blur = [np.sinc(f * step) ** 4 for f in (z, z, x)]
    total /= blur[0][:, None, None] * blur[1][None, :, None] * blur[2][None, None, :]
    total *= np.exp(-b_factor / 4.0 * k2)
    return np.asarray(scipy.fft.irfftn(total, (box, box, box), workers=2)) / angpix**3


def _spread(places: Floats, weight: Floats, size: int) -> NDArray[np.float32]:
    """Weights at fractional (z, y, x) places shared by cubic B-splines among the 64 voxels around each."""
    low = np.floor(places).astype(np.int64)
    t = places - low
    shares = np.stack([(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3]) * (
        1.0 / 6.0
    )
    index = [(low + step - 1) % size for step in range(4)]
    corners = list(np.ndindex(4, 4, 4))
    flat = [(index[i][:, 0] * size + index[j][:, 1]) * size + index[k][:, 2] for i, j, k in corners]
    parts = [shares[i][:, 0] * shares[j][:, 1] * shares[k][:, 2] * weight for i, j, k in corners]
    grid = np.bincount(np.concatenate(flat), np.concatenate(parts), size**3)
    return np.asarray(grid, dtype=np.float32).reshape(size, size, size)


@dataclass(frozen=True, slots=True)
class Projector:
    """Central slices of a map's transform."""

    real: NDArray[
        np.float32
    ]  # spline coefficients of the padded transform, centred, zero frequency in the middle
    imag: NDArray[np.float32]
    box: int
    angpix: float

    @classmethod
    def of(cls, volume: Floats, angpix: float) -> "Projector":
        """Prepare a map of `angpix` Å/px for projection."""
        box = volume.shape[0]
        big = _PAD * box
        padded = np.zeros((big,) * 3, dtype=np.float32)
        first = big // 2 - box // 2
        padded[first : first + box, first : first + box, first : first + box] = volume
        spectrum = scipy.fft.fftshift(scipy.fft.fftn(scipy.fft.ifftshift(padded), workers=2))
        parts = (
            scipy.ndimage.spline_filter(part, order=3, output=np.float32)
            for part in (spectrum.real, spectrum.imag)
        )
        real, imag = parts
        return cls(real, imag, box, angpix)

    def slices(self, rotations: Floats, kx: NDArray[Any], ky: NDArray[Any]) -> NDArray[np.complex64]:
        """Transforms of projections.

        Args:
            rotations: (n, 3, 3), `poses.matrices`.
            kx, ky: (h, w), 1/Å, of the object (magnification applied).
        Returns:
            (n, h, w), V times pixels; the phase origin is the particle's centre.
        """
        index = np.stack([kx.ravel(), ky.ravel()]) * (self.angpix * _PAD * self.box)
        within = np.hypot(*index) < _PAD * self.box / 2 - 1
        middle = _PAD * self.box // 2
        out = np.zeros((len(rotations), kx.size), dtype=np.complex64)
        for i, rotation in enumerate(rotations):
            at = rotation.T[:, :2] @ index[:, within] + middle
            places = at[::-1]
            real, imag = (
                scipy.ndimage.map_coordinates(part, places, order=3, prefilter=False, output=np.float32)
                for part in (self.real, self.imag)
            )
            out[i, within] = real + 1j * imag
        return out.reshape(len(rotations), *kx.shape)
