"""Simulated microscope sessions with known truth, and scores of a project against it.

`simulate` makes movies (begin reading in `session.py`), `simulate_particles` extracted particles without movies
(`particles.py`); `compare_project` scores what became of them (`compare/scores.py`). The molecule is made here
too, so nothing is downloaded.
"""

from cryoloom.simulate.compare import Bar, Row, Scores, compare_project
from cryoloom.simulate.particles import ParticleSet, simulate_particles
from cryoloom.simulate.presets import PARTICLES, PRESETS, Preset
from cryoloom.simulate.session import SimulatedSet, simulate

__all__ = [
    "PARTICLES",
    "PRESETS",
    "Bar",
    "ParticleSet",
    "Preset",
    "Row",
    "Scores",
    "SimulatedSet",
    "compare_project",
    "simulate",
    "simulate_particles",
]
