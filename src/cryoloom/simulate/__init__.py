"""Simulated microscope sessions with known truth, and scores of a project against it.

`simulate` makes movies (begin reading in `session.py`), `simulate_particles` extracted particles without movies
(`particles.py`), `simulate_bodies` and `simulate_helix` those of a flexible molecule and of a filament;
`compare_project` scores what became of them (`compare/scores.py`). The molecule is made here too, so nothing
is downloaded.
"""

from cryoloom.simulate.bodies import BodySet, Hinge, simulate_bodies
from cryoloom.simulate.compare import Bar, Row, Scores, compare_project
from cryoloom.simulate.helix import Helix, simulate_helix
from cryoloom.simulate.particles import ParticleSet, simulate_particles
from cryoloom.simulate.presets import BODIES, HELIX, PARTICLES, PRESETS, Preset
from cryoloom.simulate.session import SimulatedSet, simulate

__all__ = [
    "BODIES",
    "HELIX",
    "PARTICLES",
    "PRESETS",
    "Bar",
    "BodySet",
    "Helix",
    "Hinge",
    "ParticleSet",
    "Preset",
    "Row",
    "Scores",
    "SimulatedSet",
    "compare_project",
    "simulate",
    "simulate_bodies",
    "simulate_helix",
    "simulate_particles",
]
