"""Cryoloom: cryo-EM single-particle processing from microscope movies to a post-processed map.

`from cryoloom import Project` is the way in for scripts and notebooks. It is loaded on first use,
so that a job's process or the command line starts without tables and charts.
"""

from typing import TYPE_CHECKING, Any

from cryoloom._version import __version__

if TYPE_CHECKING:
    from cryoloom.api import Dataset, Job, Project

__all__ = ["Dataset", "Job", "Project", "__version__"]


def __getattr__(name: str) -> Any:
    if name in ("Dataset", "Job", "Project"):
        import cryoloom.api

        return getattr(cryoloom.api, name)
    raise AttributeError(name)
