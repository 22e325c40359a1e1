"""What there is to see: each movie's particles, contaminants, defocus and motion, before any image is made.

Each movie draws from a stream of its own, made from the seed and the movie's number, so one movie can be
made again without the others and a session that was interrupted goes on with the same ones. Lengths are
in Å and angles in degrees unless a name says otherwise; places are pixels of the movie, from 0.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cryoloom.em.poses import Floats, euler_angles, random_matrices
from cryoloom.errors import ParameterError
from cryoloom.simulate.presets import OpticsGroup, Preset

# Streams of random numbers of one movie; the order is part of what a seed means.
_PLAN, NOISE, COUNTS = 0, 1, 2
_TRIES = 100_000  # to place the particles of one movie
_MARGIN_ANGST = 85.0  # of particles from the edge
_CONTAMINANT_RADIUS = (22.0, 34.0)
_LARGE_CONTAMINANT, _LARGE_PART = 2.6, 0.25
# Strong and without detail: 2D classification then gives them a class of their own, of low resolution.
_CONTAMINANT_PHASE = (0.15, 0.2)  # rad at its middle, before the preset's contrast

_FACE_SPREAD = 12.0  # degrees, of particles that lie on a face

# Waves of a motion that motion correction does not follow; longer than particles are apart, shorter than patches.
_RIPPLES, _RIPPLE_ANGST = 2, 700.0


@dataclass(frozen=True, slots=True)
class Motion:
    """How the specimen moves: drift of the whole movie and a bend of the field that grows with it.

    At time t (0 at the first frame, 1 at the last) the point (u, v), each from -1 to 1 over the frame's
    width and height, is displaced from its place in the first frame by
    `drift[frame] + course[frame] * local @ (u, v, u² - 1/3, v² - 1/3, u v)`, and by its ripples: waves over the
    field, too short for the patches of motion correction, which polishing finds particle by particle.
    """

    drift: Floats  # (frames, 2), x, y, Å
    course: Floats  # (frames,), 0 to 1
    local: Floats  # (2, 5), Å
    # (waves, 5): displacement in x and y, Å; waves over half the frame in u and v; phase, rad
    ripples: Floats = field(default_factory=lambda: np.zeros((0, 5)))

    def at(self, places: Floats, size: int) -> Floats:
        """Displacement in Å of places (n, 2) in px of a `size` px frame: (frames, n, 2)."""
        u, v = (np.asarray(places, dtype=np.float64) * (2.0 / size) - 1.0).T
        terms = np.stack([u, v, u * u - 1.0 / 3.0, v * v - 1.0 / 3.0, u * v], axis=1)
        bend = terms @ self.local.T
        for *along, in_u, in_v, phase in self.ripples:
            bend = bend + np.sin(2.0 * np.pi * (in_u * u + in_v * v) + phase)[:, None] * np.array(along)
        return np.asarray(self.drift[:, None] + self.course[:, None, None] * bend)


@dataclass(frozen=True, slots=True)
class MoviePlan:
    """A movie that is to be made, or a bad file among them."""

    stem: str  # of the file, "single_0001"
    number: int  # position in the session, from 0; the key of its random streams
    group: OpticsGroup
    bad: str  # "" of a good movie, otherwise the reason
    defocus: tuple[float, float, float]  # U, V, angle
    places: Floats  # (n, 2), x, y of the particles in the first frame, px
    angles: Floats  # (n, 3), rot, tilt, psi
    heights: Floats  # (n,), added to U and V
    states: NDArray[
        np.int64
    ]  # (n,): 1, whole; 2, without the arms' ends; 3, half of the units; 4, one of them
    contaminants: Floats  # (m, 4): x, y in px, radius in Å, phase in rad
    motion: Motion


def plan_session(preset: Preset, seed: int) -> list[MoviePlan]:
    """All movies of a session in the order in which they appear, bad ones among them."""
    plans: list[MoviePlan] = []
    numbers = dict.fromkeys((group.number for group in preset.groups), 0)

    def add(group: OpticsGroup, bad: str) -> None:
        numbers[group.number] += 1
        stem = f"{group.prefix}_{numbers[group.number]:04d}"
        plans.append(_plan_movie(preset, seed, len(plans), stem, group, bad))

    for good in range(preset.movies):
        for spoilt in preset.bad:
            if spoilt.after == good:
                add(preset.groups[spoilt.group], spoilt.reason)
        add(preset.groups[good % len(preset.groups)], "")
    return plans


def stream(seed: int, movie: int, purpose: int, part: int = 0) -> np.random.Generator:
    """The random numbers of one movie for one purpose, and within it of one part (a frame)."""
    return np.random.default_rng([seed, movie, purpose, part])


def _plan_movie(preset: Preset, seed: int, number: int, stem: str, group: OpticsGroup, bad: str) -> MoviePlan:
    rng = stream(seed, number, _PLAN)
    mean = rng.uniform(*group.defocus)
    astigmatism = rng.uniform(0.1, 1.0) * preset.astigmatism
    count = 0 if bad else preset.particles + preset.monomers
    foreign = 0 if bad else int(rng.integers(preset.contaminants[0], preset.contaminants[1] + 1))
    places = _scattered(rng, count + foreign, preset)
    radius = rng.uniform(*_CONTAMINANT_RADIUS, foreign)
    radius *= np.where(rng.random(foreign) < _LARGE_PART, _LARGE_CONTAMINANT, 1.0)
    phase = rng.uniform(*_CONTAMINANT_PHASE, foreign)
    axis = rng.uniform(0.0, 180.0)
    angles = euler_angles(random_matrices(rng, count)) if count else np.zeros((0, 3))
    heights = rng.uniform(-preset.heights, preset.heights, count) + _slope(places[:count], preset)
    states = np.where(rng.random(count) < preset.second_state, 2, 1)
    motion = _motion(rng, preset)
    # What newer presets have besides is drawn last, so that older ones stay as they were.
    if preset.broken or preset.monomers:
        states = np.where(rng.random(count) < preset.broken, 3, states)
        states[count - preset.monomers :] = 4
    if preset.preferred:
        angles = _on_a_face(rng, angles, preset.preferred)
    return MoviePlan(
        stem=stem,
        number=number,
        group=group,
        bad=bad,
        defocus=(mean + astigmatism / 2.0, mean - astigmatism / 2.0, axis),
        places=places[:count],
        angles=angles,
        heights=heights,
        states=states,
        contaminants=np.column_stack([places[count:], radius, phase]),
        motion=motion,
    )


def _on_a_face(rng: np.random.Generator, angles: Floats, part: float) -> Floats:
    """Angles (n, 3) of which a part lies with the molecule's z axis, a 3-fold one, nearly along the beam."""
    lies = rng.random(len(angles)) < part
    found = angles.copy()
    found[lies, 1] = np.abs(rng.normal(0.0, _FACE_SPREAD, int(lies.sum())))
    return found


def _scattered(rng: np.random.Generator, count: int, preset: Preset) -> Floats:
    """Places (count, 2), px, that keep the preset's distance."""
    margin = _MARGIN_ANGST / preset.angpix
    least = preset.least_distance / preset.angpix
    places = np.zeros((0, 2))
    tries = 0
    while len(places) < count:
        tries += 1
        if tries > _TRIES:
            raise ParameterError(
                f"{count} particles at least {preset.least_distance:g} Å apart",
                found=f"no room in {preset.size} px of {preset.angpix:g} Å",
                expected="fewer particles or a larger frame",
            )
        candidate = rng.uniform(margin, preset.size - margin, 2)
        if not len(places) or np.hypot(*(places - candidate).T).min() > least:
            places = np.vstack([places, candidate])
    return places


def _slope(places: Floats, preset: Preset) -> Floats:
    """Defocus, Å, that places (n, 2) in px gain or lose on a specimen tilted about the frame's middle."""
    tilt, axis = np.radians(preset.specimen_tilt)
    across = np.array([-np.sin(axis), np.cos(axis)])
    return np.asarray((places - preset.size / 2.0) @ across * preset.angpix * np.tan(tilt))


def _motion(rng: np.random.Generator, preset: Preset) -> Motion:
    t = np.linspace(0.0, 1.0, preset.frames)
    course = 0.7 * (1.0 - np.exp(-4.0 * t)) / (1.0 - np.exp(-4.0)) + 0.3 * t
    # The path bends: its direction turns while the stage comes to rest.
    heading = rng.uniform(0.0, 2.0 * np.pi) + rng.uniform(-0.6, 0.6) * t
    drift = rng.uniform(*preset.drift) * course[:, None] * np.column_stack([np.cos(heading), np.sin(heading)])
    local = rng.uniform(-1.0, 1.0, (2, 5))
    corners = np.array([[x, y] for x in (0.0, 0.5, 1.0) for y in (0.0, 0.5, 1.0)])
    bend = Motion(np.zeros((1, 2)), np.ones(1), local).at(corners, 1)
    local *= rng.uniform(0.5, 1.0) * preset.local_motion / np.abs(np.hypot(*bend[0].T)).max()
    return Motion(drift, course, local, _ripples(rng, preset))


def _ripples(rng: np.random.Generator, preset: Preset) -> Floats:
    """Two waves in different directions, none where the preset has none."""
    if not preset.ripple:
        return np.zeros((0, 5))
    waves = np.zeros((_RIPPLES, 5))
    width = preset.size * preset.angpix / 2.0
    for number, wave in enumerate(waves):
        moves, runs = rng.uniform(0.0, 2.0 * np.pi), np.pi * (number + rng.random()) / _RIPPLES
        wave[:2] = preset.ripple / _RIPPLES * np.array([np.cos(moves), np.sin(moves)])
        wave[2:4] = width / _RIPPLE_ANGST * np.array([np.cos(runs), np.sin(runs)])
        wave[4] = rng.uniform(0.0, 2.0 * np.pi)
    return waves
