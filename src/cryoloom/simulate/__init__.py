"""Simulated microscope sessions with known truth, and scores of a project against it.

`simulate` makes movies (begin reading in `session.py`), `compare_project` scores what became of them
(`compare/scores.py`). The molecule is made here too, so nothing is downloaded.
"""

from cryoloom.simulate.compare import Bar, Row, Scores, compare_project
from cryoloom.simulate.presets import PRESETS, Preset
from cryoloom.simulate.session import SimulatedSet, simulate

__all__ = ["PRESETS", "Bar", "Preset", "Row", "Scores", "SimulatedSet", "compare_project", "simulate"]
