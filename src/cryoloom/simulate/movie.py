"""One movie as a detector would record it: exit wave, CTF, motion, damage, shot noise, gain.

Contrast is linear: an image is 1 - 2 phase * CTF, so particles are darker than the ice. Everything in a
frame is the same static picture moved: particles, contaminants and the ice, whose random phase gives Thon
rings. Particles alone fade with dose. Phases are in rad, frames (y, x), lengths in Å.

Source: Grant & Grigorieff (2015), eLife 4, e06980 for the critical exposure.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from cryoloom.em.ctf import antisymmetric_phase, ctf, frequency_grid
from cryoloom.em.poses import Floats, matrices
from cryoloom.simulate.potential import INTERACTION, Projector
from cryoloom.simulate.presets import Preset
from cryoloom.simulate.scene import COUNTS, NOISE, MoviePlan, stream

_WORKERS = 2
_PATCH_ANGST = 384.0  # holds a particle and where the CTF carries it at 2.2 µm and Nyquist
_NOISE_B = 60.0  # of the ice's own amplitudes, Å²
_TILE_ANGST, _SEAM_ANGST = 300.0, 60.0  # in which the ice follows the local motion
_DISC_EDGE = 16.0  # softness of a contaminant, Å
_PIXEL_GAIN, _COLUMN_GAIN = 0.06, 0.03  # rms
_WEAK_COLUMNS, _HOT_PIXELS = 3, 12
_HOT_DOSE = 25.0  # a hot pixel counts so many times more
_LARGEST_COUNT = 127  # of signed bytes, the only 8-bit kind that RELION reads


@dataclass(frozen=True, slots=True)
class Detector:
    """What the camera adds, the same for a whole session."""

    gain: NDArray[np.float32]  # (y, x), corrected = raw x gain
    hot: NDArray[np.int64]  # (n, 2), y, x

    @classmethod
    def made(cls, size: int, rng: np.random.Generator) -> "Detector":
        """A camera with uneven pixels, uneven columns, weak columns and hot pixels."""
        gain = 1.0 + rng.normal(0.0, _PIXEL_GAIN, (size, size)) + rng.normal(0.0, _COLUMN_GAIN, size)
        gain[:, rng.choice(size, _WEAK_COLUMNS, replace=False)] *= 1.4
        return cls(np.clip(gain, 0.7, 1.8).astype(np.float32), rng.integers(4, size - 4, (_HOT_PIXELS, 2)))


def frames(
    plan: MoviePlan, preset: Preset, projectors: Mapping[int, Projector], detector: Detector, seed: int
) -> NDArray[np.int8]:
    """The counts of a movie.

    Args:
        projectors: state (1, 2) to projector.
    Returns:
        (frames, y, x).
    """
    pictures = [np.ones((preset.size, preset.size), dtype=np.float32) for _ in range(preset.frames)]
    _add_ice(pictures, plan, preset, stream(seed, plan.number, NOISE))
    half = patch_size(preset.angpix) // 2
    for places, series in _objects(plan, preset, projectors):
        for frame, (x, y), patch in zip(pictures, places, series, strict=True):
            _add(frame, patch, int(x) - half, int(y) - half)
    with ThreadPoolExecutor(_WORKERS) as pool:
        counts = pool.map(
            lambda i: _counted(pictures[i], preset, detector, stream(seed, plan.number, COUNTS, i)),
            range(preset.frames),
        )
        return np.stack(list(counts))


def patch_size(angpix: float) -> int:
    """Edge in px of the patch in which each particle is imaged."""
    size = int(np.ceil(_PATCH_ANGST / angpix))
    while scipy.fft.next_fast_len(size, real=True) != size or size % 2:
        size += 1
    return size


def object_transforms(
    plan: MoviePlan, preset: Preset, projectors: Mapping[int, Projector], size: int, angpix: float
) -> NDArray[np.complex64]:
    """Transforms of the particles' images, contrast, CTF and tilt applied, without motion, damage and noise.

    Args:
        size: of the patch, px; the particle's centre is the phase origin.
        angpix: of the patch, Å/px; need not be the movie's or the map's.
    Returns:
        (n, size, size // 2 + 1); add to the transform of 1 (dark particles are negative).
    """
    object_k = frequency_grid(size, angpix, magnification=np.reshape(plan.group.magnification, (2, 2)))
    rotations = matrices(plan.angles)
    out = np.zeros((len(plan.places), size, size // 2 + 1), dtype=np.complex64)
    for state, projector in projectors.items():
        chosen = plan.states == state
        # volts x pixels of the map -> volts x Å -> rad; a stretched image holds more pixels of the same thickness,
        # and a finer one more pixels of the same area.
        finer = (projector.angpix / angpix) ** 2
        scale = np.float32(-2.0 * INTERACTION * projector.angpix * finer * preset.contrast)
        out[chosen] = scale * projector.slices(rotations[chosen], *object_k)
    for transform, height in zip(out, plan.heights, strict=True):
        transform *= _transfer_at(plan, *object_k, height)
    return out


def _transfer(plan: MoviePlan, kx: Floats, ky: Floats) -> NDArray[np.complex64]:
    """What the lens makes of anything at the micrograph's focus, at the image's frequencies."""
    m = plan.group.magnification
    return _transfer_at(plan, m[0] * kx + m[1] * ky, m[2] * kx + m[3] * ky, 0.0)


def _transfer_at(plan: MoviePlan, kx: Floats, ky: Floats, height: float) -> NDArray[np.complex64]:
    """CTF and aberrations at the object's frequencies and at a height over the micrograph's focus."""
    u, v, angle = plan.defocus
    k = kx.astype(np.float32), ky.astype(np.float32)
    real = ctf(*k, u + height, v + height, angle, plan.group.microscope)
    phase = antisymmetric_phase(*k, plan.group.microscope)
    return np.asarray(real * np.exp(1j * phase), dtype=np.complex64)


def _objects(
    plan: MoviePlan, preset: Preset, projectors: Mapping[int, Projector]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """Each particle and contaminant: its pixel (frames, 2) and its patch (frames, size, size)."""
    size = patch_size(preset.angpix)
    kx, ky = frequency_grid(size, preset.angpix)
    fading = _damage(np.hypot(kx, ky), preset)
    particles = object_transforms(plan, preset, projectors, size, preset.angpix)
    foreign = [_disc(row[2], row[3] * preset.contrast, kx, ky, preset.angpix) for row in plan.contaminants]
    for i, place in enumerate(np.concatenate([plan.places, plan.contaminants[:, :2]])):
        path = place + plan.motion.at(place[None], preset.size)[:, 0] / preset.angpix
        if i < len(particles):
            series = particles[i] * fading
        else:
            disc = foreign[i - len(particles)] * _transfer(plan, kx, ky)
            series = np.broadcast_to(disc, fading.shape)
        pixel = np.floor(path).astype(np.int64)
        # The phase origin moves to the patch's middle pixel and on by the rest of a pixel.
        offset = path - pixel + size // 2
        series = _moved(series, offset * preset.angpix, kx, ky)
        yield pixel, scipy.fft.irfft2(series, (size, size), workers=_WORKERS)


def _moved(transform: NDArray[Any], shifts: Floats, kx: Floats, ky: Floats) -> NDArray[np.complex64]:
    """Transforms (frames, h, w) moved by (frames, 2) Å along x, y."""
    along_x = np.exp(-2j * np.pi * shifts[:, 0, None] * kx[0]).astype(np.complex64)
    along_y = np.exp(-2j * np.pi * shifts[:, 1, None] * ky[:, 0]).astype(np.complex64)
    return np.asarray(transform * along_y[:, :, None] * along_x[:, None, :], dtype=np.complex64)


def _damage(k: Floats, preset: Preset) -> NDArray[np.float32]:
    """What is left of each frequency in the middle of each frame: (frames, h, w)."""
    critical = 0.24499 * np.maximum(k, 1e-4) ** -1.6649 + 2.8141
    dose = (np.arange(preset.frames) + 0.5) * preset.frame_dose
    return np.exp(-dose[:, None, None] / (2.0 * critical)).astype(np.float32)


def _disc(radius: float, phase: float, kx: Floats, ky: Floats, angpix: float) -> NDArray[np.complex64]:
    """Transform of a soft disc, its centre the phase origin."""
    size = len(ky)
    r = np.hypot(*np.meshgrid(*[(np.arange(size) - size // 2) * angpix] * 2))
    disc = -2.0 * phase / (1.0 + np.exp(np.clip((r - radius) / _DISC_EDGE, -60.0, 60.0)))
    return np.asarray(scipy.fft.rfft2(scipy.fft.ifftshift(disc)), dtype=np.complex64)


def _add(frame: NDArray[np.float32], patch: NDArray[np.float32], x: int, y: int) -> None:
    """Add a patch whose first pixel lies at (x, y), as far as it lies within the frame."""
    height, width = frame.shape
    top, left = max(0, -y), max(0, -x)
    bottom, right = min(patch.shape[0], height - y), min(patch.shape[1], width - x)
    if bottom > top and right > left:
        frame[y + top : y + bottom, x + left : x + right] += patch[top:bottom, left:right]


def _add_ice(
    pictures: list[NDArray[np.float32]], plan: MoviePlan, preset: Preset, rng: np.random.Generator
) -> None:
    """The image of the ice, moved tile by tile with the specimen."""
    tile = _even(_TILE_ANGST / preset.angpix)
    seam = _even(_SEAM_ANGST / preset.angpix)
    # A margin of one tile all round, so that what moves in at an edge is ice too.
    step = tile - seam
    steps = -(-(preset.size + 2 * seam) // step)
    field = scipy.fft.next_fast_len(steps * step + seam, real=True)
    field += field % 2
    noise = rng.standard_normal((field, field), dtype=np.float32)
    noise *= np.float32(-2.0 * preset.noise_phase)
    kx, ky = frequency_grid(field, preset.angpix)
    falloff = np.exp(np.float32(-_NOISE_B / 4.0) * (kx * kx + ky * ky).astype(np.float32))
    transform = scipy.fft.rfft2(noise, workers=_WORKERS) * (falloff * _transfer(plan, kx, ky))
    static = scipy.fft.irfft2(transform, (field, field), workers=_WORKERS)
    ramp = np.sin(np.linspace(0.0, np.pi / 2.0, seam, dtype=np.float32)) ** 2
    window = np.concatenate([ramp, np.ones(tile - 2 * seam, dtype=np.float32), ramp[::-1]])
    window = window[:, None] * window[None, :]
    # Room round the window, so that a moved tile does not come back in at its other side.
    room = _even(2.0 * (preset.drift[1] + preset.local_motion) / preset.angpix) // 2 + 2
    padded = scipy.fft.next_fast_len(tile + 2 * room, real=True)
    padded += padded % 2
    tile_k = frequency_grid(padded, preset.angpix)
    for row in range(steps):
        for column in range(steps):
            y, x = row * step, column * step
            middle = np.array([[x, y]]) + tile / 2.0 - seam
            spread = np.zeros((padded, padded), dtype=np.float32)
            spread[room : room + tile, room : room + tile] = window * static[y : y + tile, x : x + tile]
            shifts = plan.motion.at(np.clip(middle, 0, preset.size), preset.size)[:, 0]
            moved = _moved(scipy.fft.rfft2(spread)[None], shifts, *tile_k)
            patches = scipy.fft.irfft2(moved, (padded, padded), workers=_WORKERS)
            for frame, patch in zip(pictures, patches, strict=True):
                _add(frame, patch, x - seam - room, y - seam - room)


def _even(x: float) -> int:
    return 2 * round(x / 2.0)


def _counted(
    picture: NDArray[np.float32], preset: Preset, detector: Detector, rng: np.random.Generator
) -> NDArray[np.int8]:
    """Electrons counted in one frame: Poisson about picture x dose / gain, in signed bytes."""
    dose = preset.frame_dose * preset.angpix**2
    expected = np.maximum(picture, 0.0) * (dose / detector.gain)
    expected[detector.hot[:, 0], detector.hot[:, 1]] *= _HOT_DOSE
    return np.asarray(np.minimum(rng.poisson(expected), _LARGEST_COUNT), dtype=np.int8)
