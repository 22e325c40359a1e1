"""Particles of two rigid bodies that move against each other, with all that a multi-body refinement takes.

The molecule is built of the same units as the others, ten of the twelve: body 2 is the cap of three about the
+z axis, body 1 the remaining seven, of which two are missing so that nothing is symmetric. The cap opens and
shuts like a lid about a hinge: a point x of body 2 lies at R (x - pivot) + pivot, R the turn about the axis.

Files: those of `particles.py`, and
```
bodies.star                    RELION's body STAR file, larger body first
mask_body1.mrc, mask_body2.mrc
truth/particles.star           poses of body 1, and each particle's angle (cryoloomBodyAngle, degrees)
truth/particles_body2.star     the same rows with the poses of body 2: what would reconstruct it without blur
truth/map.mrc                  the lid at 0 degrees; map_body1.mrc, map_body2.mrc its parts
```
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
import scipy.ndimage
from numpy.typing import NDArray

from cryoloom import star
from cryoloom.em.ctf import frequency_grid
from cryoloom.em.poses import Floats, about_axis, euler_angles, matrices
from cryoloom.errors import ParameterError
from cryoloom.simulate.molecule import Atoms, build
from cryoloom.simulate.movie import object_transforms, patch_size
from cryoloom.simulate.particles import ParticleSet, layout, write_images, write_measured
from cryoloom.simulate.potential import Projector, copies_potential
from cryoloom.simulate.presets import BODIES, MOLECULE_SEED, Preset
from cryoloom.simulate.scene import MoviePlan, plan_session, stream
from cryoloom.simulate.stack import image_angpix
from cryoloom.simulate.truth import Maps, particle_table, soft_mask, write_map, write_truth

ANGLE = "cryoloomBodyAngle"
_ANGLES = 12  # stream of random numbers
_CAP, _MISSING = 3, 2  # units
_BLUR, _EDGE = 5.0, 9.0  # of the masks, Å
# What RELION is told to expect of the bodies: degrees and px.
_SIGMA_ANGLES, _SIGMA_OFFSET = 10.0, 6.0


@dataclass(frozen=True, slots=True)
class Hinge:
    """How body 2 moves."""

    axis: tuple[float, float, float] = (1.0, 0.0, 0.0)
    pivot: tuple[float, float, float] = (0.0, -40.0, 15.0)  # Å, a point of the axis
    amplitude: float = 15.0  # degrees; angles are uniform within ± this

    def turn(self, degrees: float) -> tuple[Floats, Floats]:
        """R and the shift d (Å) of x' = R x + d."""
        rotation = about_axis(self.axis, degrees)
        pivot = np.array(self.pivot)
        return rotation, pivot - rotation @ pivot


@dataclass(frozen=True, slots=True)
class BodySet:
    """Where everything lies."""

    particles: ParticleSet
    hinge: Hinge
    bodies: Path  # RELION's body STAR file
    masks: tuple[Path, Path]
    body2: Path  # true poses of body 2


def simulate_bodies(
    out: Path,
    preset: Preset = BODIES,
    *,
    hinge: Hinge | None = None,
    seed: int = 1,
    noise: float | None = None,
    pose_error: float = 0.0,
    origin_error: float = 0.0,
) -> BodySet:
    """Write particles of a flexible molecule; names within the files are relative to `out`.

    Args:
        hinge: about what and how far body 2 turns.
        noise, pose_error, origin_error: as of `simulate_particles`; the measured poses are those of body 1.
    Raises:
        ParameterError: an amplitude beyond 0 to 90 degrees.
        DatasetError: `out` holds a set of another preset or seed.
    """
    hinge = hinge or Hinge()
    if not 0.0 <= hinge.amplitude <= 90.0:
        raise ParameterError(
            "The amplitude of the hinge", found=f"{hinge.amplitude:g}", expected="0 to 90 degrees"
        )
    made = layout(out, preset, seed)
    plans = [plan for plan in plan_session(preset, seed) if not plan.bad]
    first, second = (
        _body(copies, preset) for copies in body_copies(build(np.random.default_rng(MOLECULE_SEED)))
    )
    projectors = Projector.of(first, preset.angpix), Projector.of(second, preset.angpix)
    names: list[str] = []
    angles: list[Floats] = []
    lids: list[tuple[Floats, Floats]] = []
    for plan in plans:
        opened = stream(seed, plan.number, _ANGLES).uniform(
            -hinge.amplitude, hinge.amplitude, len(plan.places)
        )
        poses, shifts = lid_poses(plan.angles, opened, hinge)
        transforms = _both(plan, preset, projectors, poses, shifts)
        names += write_images(made, plan, transforms, noise)
        angles.append(opened)
        lids.append((poses, shifts))
    true = particle_table(plans).with_columns(
        pl.Series(ANGLE, np.concatenate(angles)), rlnImageName=pl.Series(names)
    )
    blocks = write_measured(
        made, plans, true, pose_error=pose_error, origin_error=origin_error, hidden=[ANGLE]
    )
    whole = first + second
    maps = Maps(whole, whole, whole, soft_mask(whole, preset.angpix))
    made.truth.mkdir(exist_ok=True)
    star.write(
        made.truth / "particles_body2.star",
        {"optics": blocks["optics"], "particles": _posed(blocks["particles"], lids)},
    )
    write_map(made.truth / "map_body1.mrc", first, preset.angpix)
    write_map(made.truth / "map_body2.mrc", second, preset.angpix)
    masks = _write_bodies(out, (first, second), preset.angpix)
    write_truth(made.truth, preset, seed, plans, None, maps, particles=blocks)
    return BodySet(made, hinge, out / "bodies.star", masks, made.truth / "particles_body2.star")


def body_copies(atoms: Atoms) -> tuple[tuple[Atoms, Floats], tuple[Atoms, Floats]]:
    """Units of body 1 and of body 2: (7, n, 3) and (3, n, 3), Å."""
    copies = atoms.whole()
    by_height = np.argsort(-copies.mean(axis=1)[:, 2])
    return (atoms, copies[by_height[_CAP + _MISSING :]]), (atoms, copies[by_height[:_CAP]])


def lid_poses(angles: Floats, opened: Floats, hinge: Hinge) -> tuple[Floats, Floats]:
    """Poses of body 2 where body 1 has these: Euler angles (n, 3), and shifts in the image (n, 2), Å."""
    poses, shifts = [], []
    for pose, degrees in zip(matrices(angles), opened, strict=True):
        rotation, shift = hinge.turn(float(degrees))
        poses.append(pose @ rotation)
        shifts.append((pose @ shift)[:2])
    return euler_angles(np.array(poses).reshape(-1, 3, 3)), np.array(shifts).reshape(-1, 2)


def _body(copies: tuple[Atoms, Floats], preset: Preset) -> Floats:
    atoms, places = copies
    everything = np.ones(len(atoms.xyz), dtype=bool)
    return copies_potential(atoms, places, everything, preset.box, preset.angpix, preset.b_factor)


def _both(
    plan: MoviePlan, preset: Preset, projectors: tuple[Projector, Projector], poses: Floats, shifts: Floats
) -> NDArray[np.complex64]:
    """Transforms of both bodies together."""
    angpix = image_angpix(plan.group, preset)
    size = patch_size(angpix)
    first = object_transforms(plan, preset, {1: projectors[0]}, size, angpix)
    second = object_transforms(replace(plan, angles=poses), preset, {1: projectors[1]}, size, angpix)
    kx, ky = frequency_grid(size, angpix, magnification=np.reshape(plan.group.magnification, (2, 2)))
    for both, lid, (dx, dy) in zip(first, second, shifts, strict=True):
        both += lid * np.exp(-2j * np.pi * (kx * dx + ky * dy)).astype(np.complex64)
    return first


def _posed(particles: object, lids: list[tuple[Floats, Floats]]) -> pl.DataFrame:
    """The particles with body 2's poses."""
    assert isinstance(particles, pl.DataFrame)
    poses, shifts = (np.concatenate([lid[i] for lid in lids]) for i in (0, 1))
    return particles.with_columns(
        rlnAngleRot=pl.Series(poses[:, 0]),
        rlnAngleTilt=pl.Series(poses[:, 1]),
        rlnAnglePsi=pl.Series(poses[:, 2]),
        rlnOriginXAngst=pl.Series(-shifts[:, 0]),
        rlnOriginYAngst=pl.Series(-shifts[:, 1]),
    )


def _write_bodies(out: Path, volumes: tuple[Floats, Floats], angpix: float) -> tuple[Path, Path]:
    """Write both masks and the body STAR file."""
    masks = (out / "mask_body1.mrc", out / "mask_body2.mrc")
    for path, own, other in zip(masks, volumes, volumes[::-1], strict=True):
        write_map(path, body_mask(own, other, angpix), angpix)
    bodies = pl.DataFrame(
        {
            "rlnBodyMaskName": [path.name for path in masks],
            "rlnBodyRotateRelativeTo": [2, 1],
            "rlnBodySigmaAngles": [_SIGMA_ANGLES] * 2,
            "rlnBodySigmaOffsetAngst": [_SIGMA_OFFSET] * 2,
        }
    )
    star.write(out / "bodies.star", {"": bodies})
    return masks


def body_mask(own: Floats, other: Floats, angpix: float) -> Floats:
    """1 where a body's density is and outweighs the other's, falling to 0 over a soft edge.

    Two whole masks would share half of the smaller body, which neither could then move alone.
    """
    near, far = (scipy.ndimage.gaussian_filter(volume, _BLUR / angpix) for volume in (own, other))
    owned = (soft_mask(own, angpix) == 1.0) & (near > far)
    distance = scipy.ndimage.distance_transform_edt(~owned) * angpix
    return np.asarray(0.5 + 0.5 * np.cos(np.pi * np.clip(distance / _EDGE, 0.0, 1.0)))
