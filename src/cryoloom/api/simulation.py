"""The simulated microscope, and the comparison of a project with its truth."""

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cryoloom.simulate.particles import ParticleSet
    from cryoloom.simulate.session import SimulatedSet


@dataclass(frozen=True, slots=True)
class SimulatedSession:
    """What was made."""

    preset: str
    seed: int
    movies: int
    bad: tuple[str, ...]  # names of movies that are broken on purpose
    gain: str
    truth: str
    import_command: str  # that brings them into the project around one, as they are

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class SimulatedParticles:
    """Particles that were made without movies."""

    particles: str  # particles.star as a user would have it
    micrographs: str
    truth: str  # folder; its particles.star has the same rows
    bodies: str  # RELION's body STAR file; "" of a molecule that does not bend
    rows: int
    import_command: str  # that brings them into the project around one

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class ScoredFigure:
    """One figure of a job, compared with the truth."""

    job: str
    what: str
    value: float
    unit: str
    note: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """A project's figures, and the bars that a good pipeline passes; empty where nothing could be compared."""

    steps: tuple[ScoredFigure, ...]
    bars: Mapping[str, Mapping[str, Any]]  # by name: value, unit, bar, passed
    hand: str

    @property
    def passed(self) -> bool:
        return all(bar["passed"] for bar in self.bars.values())

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"bars": dict(self.bars), "steps": [asdict(step) for step in self.steps], "hand": self.hand}


def simulate_session(
    out: Path,
    preset: str,
    *,
    seed: int = 1,
    session: int = 1,
    same_names: bool = False,
    rate: float = 0.0,
    summary: Path | None = None,
    on_movie: Callable[[Path], None] | None = None,
) -> SimulatedSession:
    """Make movies of a known molecule with complete truth.

    Args:
        out: where.
        preset: tiny, demo, late or large.
        seed: the same makes the same data.
        session: another number is another session of the same molecule, with optics groups of its own.
        same_names: its files and groups bear the first session's names.
        rate: movies a second at most; 0 for as fast as they can be made.
        summary: also write what was made into this JSON file.
        on_movie: called with each movie as soon as it is whole.
    Raises:
        ParameterError: no such preset, a negative seed or rate.
        DatasetError: `out` holds a session of another preset or seed.
    """
    from cryoloom.simulate import simulate

    made = simulate(
        out, preset, seed=seed, session=session, same_names=same_names, rate=rate, on_movie=on_movie
    )
    described = SimulatedSession(
        preset=made.preset.name,
        seed=seed,
        movies=len(made.movies),
        bad=tuple(path.name for path in made.bad),
        gain=str(made.gain),
        truth=str(made.truth),
        import_command=_import_command(made),
    )
    if summary is not None:
        from cryoloom.project.jsonfile import write_json

        write_json(summary, described.as_dict())
    return described


def simulate_particle_set(
    out: Path, *, seed: int = 1, pose_error: float = 0.0, origin_error: float = 0.0
) -> SimulatedParticles:
    """Make extracted particles of four optics groups whose aberrations and heights are to be refined.

    Args:
        out: where.
        seed: the same makes the same data.
        pose_error, origin_error: by how much the given poses are off, degrees and Å.
    Raises:
        ParameterError: a negative number.
        DatasetError: `out` holds another set.
    """
    from cryoloom.simulate import simulate_particles

    return _described(simulate_particles(out, seed=seed, pose_error=pose_error, origin_error=origin_error))


def simulate_flexible_set(
    out: Path, *, amplitude: float = 15.0, seed: int = 1, pose_error: float = 0.0, origin_error: float = 0.0
) -> SimulatedParticles:
    """Make particles of two bodies that move against each other; see `simulate_particle_set`.

    Args:
        amplitude: degrees by which the smaller body turns at most.
    """
    from cryoloom.simulate import Hinge, simulate_bodies

    made = simulate_bodies(
        out, hinge=Hinge(amplitude=amplitude), seed=seed, pose_error=pose_error, origin_error=origin_error
    )
    return _described(made.particles, bodies=made.bodies)


def simulate_helical_set(
    out: Path,
    *,
    rise: float = 9.0,
    twist: float = 47.0,
    seed: int = 1,
    pose_error: float = 0.0,
    origin_error: float = 0.0,
) -> SimulatedParticles:
    """Make segments of helical filaments; see `simulate_particle_set`.

    Args:
        rise, twist: Å and degrees from one unit to the next; a negative twist is left-handed.
    """
    from cryoloom.simulate import Helix, simulate_helix

    shape = Helix(rise=rise, twist=twist)
    return _described(
        simulate_helix(out, helix=shape, seed=seed, pose_error=pose_error, origin_error=origin_error)
    )


def _described(made: "ParticleSet", bodies: Path | None = None) -> SimulatedParticles:
    from cryoloom import star

    folder = made.folder.resolve()
    rows = star.read(made.measured)["particles"]
    command = f"cryoloom run import.particles fn_in_other={shlex.quote(str(folder / made.measured.name))}"
    return SimulatedParticles(
        particles=str(made.measured),
        micrographs=str(made.micrographs),
        truth=str(made.truth),
        bodies=str(bodies) if bodies else "",
        rows=len(rows),
        import_command=command,
    )


def _import_command(made: "SimulatedSet") -> str:
    preset = made.preset
    microscope = preset.groups[0].microscope
    files = (made.folder / "Movies").resolve()
    groups = " ".join(f"{group.prefix}_*={group.name}" for group in preset.groups)
    return (
        f"cryoloom run import.movies fn_in_raw={shlex.quote(f'{files}/*_*.mrc')} angpix={preset.angpix:g} kV={microscope.kv:g}"
        f" Cs={microscope.cs_mm:g} Q0={microscope.q0:g} fn_gain_ref={shlex.quote(str(made.gain.resolve()))}"
        f" dose_per_frame={preset.frame_dose:g} optics_groups={shlex.quote(groups)}"
    )


def compare_with_truth(project: Path, truth: Sequence[Path] = ()) -> Comparison:
    """Score a project of simulated movies.

    Args:
        project: its folder.
        truth: folders, one of each session that was joined; by default the project's `microscope/truth`.
    Raises:
        ProjectError: the folder holds no project.
        DatasetError: there is no truth.
    """
    from cryoloom.simulate import compare_project

    scores = compare_project(project, truth or [project / "microscope" / "truth"])
    steps = tuple(ScoredFigure(row.job, row.what, row.value, row.unit, row.note) for row in scores.rows)
    bars = {name: {**bar} for name, bar in scores.bars.items()}
    return Comparison(steps, bars, scores.hand)
