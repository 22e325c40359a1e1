"""Extracted particles with known truth, without movies: what a refinement's late steps begin with, in seconds.

Two files describe the same rows, in the same order and with the same names. `particles.star` is what a user
would have at that point: nominal optics, the micrograph's defocus for all of its particles, no state.
`truth/particles.star` has what is true: beam tilt, aberrations and magnification of each optics group, each
particle's own defocus and pose, and which state it is in.

The images' noise is the counting noise of the whole dose; damage and motion are left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cryoloom import star
from cryoloom.em.poses import Floats, about_axis, euler_angles, matrices
from cryoloom.errors import DatasetError, ParameterError
from cryoloom.simulate.molecule import build
from cryoloom.simulate.movie import object_transforms, patch_size
from cryoloom.simulate.potential import Projector
from cryoloom.simulate.presets import MOLECULE_SEED, PARTICLES, Preset
from cryoloom.simulate.scene import MoviePlan, plan_session, stream
from cryoloom.simulate.session import molecule_maps
from cryoloom.simulate.stack import image_angpix, image_box, image_optics, images_of, normalised, write_stack
from cryoloom.simulate.truth import (
    Blocks,
    micrograph_table,
    optics_table,
    particle_table,
    read_summary,
    write_truth,
)

# Streams of random numbers besides those of `scene`; the order is part of what a seed means.
_IMAGE_NOISE, _POSE_ERROR = 10, 11
STACKS = "Particles"
# What a user learns only by refining.
_TRUE_OPTICS = "^rln(BeamTilt.|OddZernike|EvenZernike|MagMat..)$"


@dataclass(frozen=True, slots=True)
class ParticleSet:
    """Where everything lies."""

    folder: Path
    preset: Preset
    seed: int
    measured: Path  # particles.star as a user would have it
    micrographs: Path  # of the same names, as after CTF estimation
    truth: Path  # the folder; its particles.star has the same rows


def simulate_particles(
    out: Path,
    preset: str | Preset = "late",
    *,
    seed: int = 1,
    noise: float | None = None,
    pose_error: float = 0.0,
    origin_error: float = 0.0,
) -> ParticleSet:
    """Write a set of extracted particles: `out/particles.star`, `out/Particles` and `out/truth`.

    Names within the STAR files are relative to `out`: run RELION there, or import them with `stacks_below`.

    Args:
        preset: a name in `PARTICLES`, or one's own.
        noise: rms of the noise where the ice is 1; None: what the preset's whole dose leaves.
        pose_error: degrees by which measured orientations are off, about random axes; rms.
        origin_error: Å by which measured origins are off along x and y; rms.
    Raises:
        ParameterError: no such preset, a negative number.
        DatasetError: `out` holds a set of another preset or seed.
    """
    chosen = particle_preset(preset) if isinstance(preset, str) else preset
    if min(seed, noise or 0.0, pose_error, origin_error) < 0:
        raise ParameterError(
            "Seed, noise or an error", found="a negative number", expected="numbers from 0 on"
        )
    made = layout(out, chosen, seed)
    plans = [plan for plan in plan_session(chosen, seed) if not plan.bad]
    atoms = build(np.random.default_rng(MOLECULE_SEED))
    maps = molecule_maps(atoms, chosen)
    projectors = {1: Projector.of(maps.state1, chosen.angpix), 2: Projector.of(maps.state2, chosen.angpix)}
    names: list[str] = []
    for plan in plans:
        angpix = image_angpix(plan.group, chosen)
        transforms = object_transforms(plan, chosen, projectors, patch_size(angpix), angpix)
        names += write_images(made, plan, transforms, noise)
    true = particle_table(plans).with_columns(rlnImageName=pl.Series(names))
    blocks = write_measured(made, plans, true, pose_error=pose_error, origin_error=origin_error)
    write_truth(made.truth, chosen, seed, plans, atoms, maps, particles=blocks)
    return made


def particle_preset(name: str) -> Preset:
    """The preset of particle sets of that name.

    Raises:
        ParameterError: there is none.
    """
    if name not in PARTICLES:
        raise ParameterError("The preset", found=repr(name), expected="one of " + ", ".join(PARTICLES))
    return PARTICLES[name]


def layout(out: Path, preset: Preset, seed: int) -> ParticleSet:
    """Make the folders of a set.

    Raises:
        DatasetError: `out` holds a set of another preset or seed.
    """
    made = ParticleSet(
        out, preset, seed, out / "particles.star", out / "micrographs.star", truth=out / "truth"
    )
    summary = read_summary(made.truth)
    if summary is not None and (summary.get("preset"), summary.get("seed")) != (preset.name, seed):
        raise DatasetError(
            str(made.truth / "summary.json"),
            found=f"of preset {summary.get('preset')} and seed {summary.get('seed')}",
            expected=f"{preset.name} and {seed}",
            hint="Choose another folder.",
        )
    (out / STACKS).mkdir(parents=True, exist_ok=True)
    return made


def write_images(
    made: ParticleSet, plan: MoviePlan, transforms: NDArray[np.complex64], noise: float | None
) -> list[str]:
    """Write one micrograph's particles as a stack of normalised images, and give their names."""
    angpix = image_angpix(plan.group, made.preset)
    images = images_of(transforms, image_box(plan.group, made.preset), angpix)
    rms = counting_noise(made.preset, angpix) if noise is None else noise
    rng = stream(made.seed, plan.number, _IMAGE_NOISE)
    images += np.float32(rms) * rng.standard_normal(images.shape, dtype=np.float32)
    stack = f"{STACKS}/{plan.stem}.mrcs"
    write_stack(made.folder / stack, normalised(images), angpix)
    return [f"{i:06d}@{stack}" for i in range(1, len(images) + 1)]


def counting_noise(preset: Preset, angpix: float) -> float:
    """Rms of the counting noise of a preset's whole dose in a pixel of an image whose ice is 1."""
    return float(1.0 / np.sqrt(preset.frames * preset.frame_dose * angpix**2))


def write_measured(
    made: ParticleSet,
    plans: list[MoviePlan],
    true: pl.DataFrame,
    *,
    pose_error: float = 0.0,
    origin_error: float = 0.0,
    hidden: Sequence[str] = (),
) -> Blocks:
    """Write `particles.star` and `micrographs.star` as a user would have them, and give the true tables.

    The rows take turns in the two half sets. The true state is taken out, and so is what only a refinement of
    the optics can tell; the defocus is the micrograph's as it is measured in the image.

    Args:
        true: the particles with their images' names, in the order of the plans.
        hidden: columns of `true` besides the state that a user does not have.
    """
    optics = image_optics(optics_table(made.preset.groups, made.preset.angpix), made.preset)
    true = true.with_columns(
        rlnRandomSubset=pl.Series([1 + i % 2 for i in range(true.height)], dtype=pl.Int64)
    )
    micrographs = micrograph_table(plans).drop("cryoloomFault")
    defocus = ["rlnDefocusU", "rlnDefocusV", "rlnDefocusAngle"]
    measured = (
        true.drop(defocus)
        .join(
            micrographs.select("rlnMicrographName", *defocus), on="rlnMicrographName", maintain_order="left"
        )
        .select(name for name in true.columns if name not in {"rlnClassNumber", *hidden})
    )
    measured = _misplaced(measured, stream(made.seed, 0, _POSE_ERROR), pose_error, origin_error)
    nominal = optics.select(pl.exclude(_TRUE_OPTICS))
    star.write(made.measured, {"optics": nominal, "particles": measured})
    of_micrographs = nominal.select(pl.exclude("^rlnImage.*$"))
    star.write(made.micrographs, {"optics": of_micrographs, "micrographs": micrographs})
    return {"optics": optics, "particles": true}


def _misplaced(
    particles: pl.DataFrame, rng: np.random.Generator, pose_error: float, origin_error: float
) -> pl.DataFrame:
    """Particles whose poses are off by so much."""
    n = particles.height
    axes = rng.standard_normal((n, 3))
    turns = np.stack(
        [about_axis(axis, by) for axis, by in zip(axes, pose_error * rng.standard_normal(n), strict=True)]
    )
    shifts: Floats = origin_error * rng.standard_normal((n, 2))
    names = ["rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi"]
    columns: dict[str, pl.Series | pl.Expr] = {}
    if pose_error:
        angles = euler_angles(turns @ matrices(particles.select(names).to_numpy()))
        columns |= {name: pl.Series(angles[:, i]) for i, name in enumerate(names)}
    for i, axis in enumerate("XY"):
        name = f"rlnOrigin{axis}Angst"
        columns[name] = particles[name] + pl.Series(shifts[:, i])
    return particles.with_columns(**columns)
