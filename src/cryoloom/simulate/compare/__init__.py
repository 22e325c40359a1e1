"""Scores of a project against the truth of its simulated movies.

Begin reading in `scores.py` (`compare_project`); `steps.py` scores one kind of job each; `places.py`,
`views.py` and `maps.py` hold the geometry: matched positions, orientations, maps brought upon each other.
"""

from cryoloom.simulate.compare.scores import Bar, Scores, compare_project
from cryoloom.simulate.compare.steps import Row

__all__ = ["Bar", "Row", "Scores", "compare_project"]
