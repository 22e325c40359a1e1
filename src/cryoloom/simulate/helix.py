"""Segments of a helical filament with known rise and twist, as they are cut out along picked filaments.

The filament consists of the units of the other molecules: unit n is unit 0 turned by n twists about z and
moved by n rises along it. RELION's signs: with a positive twist one goes up anticlockwise (a right-handed
helix). Filaments lie straight, side by side; a segment that lies n rises further along the filament looks
as one whose rot is n twists smaller.

Besides the files of `particles.py` both particle files have RELION's helical columns. Priors are what
picking knows: psi along the filament from its picked start to its end, with either polarity as likely.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from cryoloom import star
from cryoloom.em.poses import Floats
from cryoloom.errors import ParameterError
from cryoloom.simulate.molecule import Atoms, build
from cryoloom.simulate.movie import object_transforms, patch_size
from cryoloom.simulate.particles import ParticleSet, layout, write_images, write_measured
from cryoloom.simulate.potential import Projector, copies_potential
from cryoloom.simulate.presets import HELIX, MOLECULE_SEED, Preset
from cryoloom.simulate.scene import MoviePlan, plan_session, stream
from cryoloom.simulate.stack import image_angpix
from cryoloom.simulate.truth import Maps, particle_table, soft_mask, write_truth

_FILAMENTS = 13  # stream of random numbers
_APART_ANGST = 300.0  # filaments of a micrograph


@dataclass(frozen=True, slots=True)
class Helix:
    """The filament, and how it is cut into segments."""

    rise: float = 9.0  # Å a unit
    twist: float = 47.0  # degrees a unit
    radius: float = 32.0  # Å, of the units' middles about the axis
    filaments: int = 2  # a micrograph
    segments: int = 20  # a filament
    step: int = 4  # rises from one segment to the next
    tilt: float = 4.0  # degrees, filaments lie out of the plane by ± this at most


@dataclass(frozen=True, slots=True)
class _Filament:
    """Segments of one filament, in the order of its track."""

    tube: int  # rlnHelicalTubeID
    places: Floats  # (n, 2), px
    angles: Floats  # (n, 3)
    track: Floats  # (n,), Å from the picked start
    psi: float  # prior


def simulate_helix(
    out: Path,
    preset: Preset = HELIX,
    *,
    helix: Helix | None = None,
    seed: int = 1,
    noise: float | None = None,
    pose_error: float = 0.0,
    origin_error: float = 0.0,
) -> ParticleSet:
    """Write segments of filaments; names within the files are relative to `out`.

    `truth/map.mrc` fills its box from end to end; `truth/helix.star` has rise and twist.

    Args:
        helix: the filament; `preset.particles` means nothing here.
        noise, pose_error, origin_error: as of `simulate_particles`.
    Raises:
        ParameterError: a rise, radius or number that is no filament's, or no room for it in a micrograph.
        DatasetError: `out` holds a set of another preset or seed.
    """
    helix = helix or Helix()
    _check(helix, preset)
    made = layout(out, preset, seed)
    long = filament_map(helix, preset)
    projectors = {1: Projector.of(long, preset.angpix)}
    plans: list[MoviePlan] = []
    names: list[str] = []
    columns: list[pl.DataFrame] = []
    for bare in plan_session(replace(preset, particles=0), seed):
        filaments = _filaments(bare, helix, preset, seed)
        plan = _with_segments(bare, filaments)
        angpix = image_angpix(plan.group, preset)
        names += write_images(
            made, plan, object_transforms(plan, preset, projectors, patch_size(angpix), angpix), noise
        )
        plans.append(plan)
        columns += [_helical_columns(filament) for filament in filaments]
    true = pl.concat([particle_table(plans), pl.concat(columns)], how="horizontal")
    true = true.with_columns(rlnImageName=pl.Series(names))
    blocks = write_measured(made, plans, true, pose_error=pose_error, origin_error=origin_error)
    first = len(long) // 2 - preset.box // 2
    middle = slice(first, first + preset.box)
    short = long[middle, middle, middle]
    maps = Maps(short, short, short, soft_mask(short, preset.angpix))
    shape = pl.DataFrame({"rlnHelicalRise": [helix.rise], "rlnHelicalTwist": [helix.twist]})
    made.truth.mkdir(exist_ok=True)
    star.write(made.truth / "helix.star", {"helix": shape})
    write_truth(made.truth, preset, seed, plans, None, maps, particles=blocks)
    return made


def filament_map(helix: Helix, preset: Preset) -> Floats:
    """The filament in a cube as wide as the patch in which segments are imaged."""
    atoms = build(np.random.default_rng(MOLECULE_SEED))
    size = patch_size(preset.angpix)
    everything = np.ones(len(atoms.xyz), dtype=bool)
    copies = filament_copies(atoms, helix, size * preset.angpix)
    return copies_potential(atoms, copies, everything, size, preset.angpix, preset.b_factor)


def filament_copies(atoms: Atoms, helix: Helix, length: float) -> Floats:
    """Units (m, n, 3), Å, of a filament along z about the origin; whole units within `length` Å."""
    unit = atoms.xyz - atoms.xyz.mean(axis=0) + np.array([helix.radius, 0.0, 0.0])
    reach = length / 2.0 - np.abs(unit[:, 2]).max()
    most = int(reach // helix.rise)
    copies = []
    for n in range(-most, most + 1):
        turn = np.radians(n * helix.twist)
        rotation = np.array(
            [[np.cos(turn), -np.sin(turn), 0.0], [np.sin(turn), np.cos(turn), 0.0], [0.0, 0.0, 1.0]]
        )
        copies.append(unit @ rotation.T + np.array([0.0, 0.0, n * helix.rise]))
    return np.array(copies)


def _check(helix: Helix, preset: Preset) -> None:
    length = (helix.segments - 1) * helix.step * helix.rise
    room = preset.size * preset.angpix - preset.box * preset.angpix
    across = (helix.filaments - 1) * _APART_ANGST
    least = min(helix.rise, helix.radius, helix.filaments, helix.segments, helix.step)
    if least <= 0 or float(np.hypot(length, across)) > room:
        raise ParameterError(
            "The filament",
            found=f"rise {helix.rise:g} Å, radius {helix.radius:g} Å, {helix.filaments} of {length:g} Å",
            expected=f"positive numbers, and filaments that fit into {room:g} Å side by side",
        )


def _filaments(plan: MoviePlan, helix: Helix, preset: Preset, seed: int) -> list[_Filament]:
    """Parallel filaments about the middle of a micrograph, each with its own polarity."""
    rng = stream(seed, plan.number, _FILAMENTS)
    heading = rng.uniform(0.0, 360.0)
    found = []
    for number in range(helix.filaments):
        psi = heading + (180.0 if rng.random() < 0.5 else 0.0)
        rot, tilt = rng.uniform(0.0, 360.0), 90.0 + rng.uniform(-helix.tilt, helix.tilt)
        # The map's z axis in the image: the third column of the pose's matrix.
        axis = np.array([-np.cos(np.radians(psi)), np.sin(np.radians(psi))])
        side = np.array([np.sin(np.radians(heading)), np.cos(np.radians(heading))])
        middle = (
            preset.size / 2.0 + side * (number - (helix.filaments - 1) / 2.0) * _APART_ANGST / preset.angpix
        )
        steps = np.arange(helix.segments) - (helix.segments - 1) / 2.0
        steps = np.floor(steps) * helix.step  # in units
        along = steps * helix.rise * np.sin(np.radians(tilt))  # Å, as the filament is seen
        forward = rng.random() < 0.5  # picked from its lower end to its upper one, or the other way
        order = slice(None) if forward else slice(None, None, -1)
        start = along[0] if forward else along[-1]
        direction = axis if forward else -axis
        found.append(
            _Filament(
                tube=number + 1,
                places=(middle + np.outer(along, axis) / preset.angpix)[order],
                angles=np.column_stack(
                    [
                        _wrapped(rot - steps * helix.twist),
                        np.full_like(steps, tilt),
                        np.full_like(steps, _wrapped(psi)),
                    ]
                )[order],
                track=np.abs(along - start)[order],
                psi=float(np.degrees(-np.arctan2(direction[1], direction[0]))),
            )
        )
    return found


def _wrapped(degrees: Floats | float) -> Floats:
    """Degrees within -180 to 180."""
    return np.asarray((np.asarray(degrees) + 180.0) % 360.0 - 180.0)


def _with_segments(plan: MoviePlan, filaments: list[_Filament]) -> MoviePlan:
    places = np.concatenate([filament.places for filament in filaments])
    return replace(
        plan,
        places=places,
        angles=np.concatenate([filament.angles for filament in filaments]),
        heights=np.zeros(len(places)),
        states=np.ones(len(places), dtype=np.int64),
    )


def _helical_columns(filament: _Filament) -> pl.DataFrame:
    n = len(filament.track)
    return pl.DataFrame(
        {
            "rlnHelicalTubeID": [filament.tube] * n,
            "rlnHelicalTrackLengthAngst": filament.track,
            "rlnAngleTiltPrior": [90.0] * n,
            "rlnAnglePsiPrior": [filament.psi] * n,
            "rlnAnglePsiFlipRatio": [0.5] * n,
        }
    )
