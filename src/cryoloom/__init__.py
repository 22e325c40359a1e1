"""Cryoloom: cryo-EM single-particle processing from microscope movies to a post-processed map.

`from cryoloom import Project` is the way in for scripts and notebooks. It is loaded on first use,
so that a job's process or the command line starts without tables and charts.
"""

from typing import TYPE_CHECKING

from cryoloom._version import __version__

if TYPE_CHECKING:
    from cryoloom.api import Dataset, Job, Project
    from cryoloom.errors import (
        CryoloomError,
        DatasetError,
        ImageError,
        JobError,
        LaunchError,
        ParameterError,
        PluginError,
        ProgramError,
        ProjectError,
        StarError,
        UnreadableError,
    )

_OF_API = ("Dataset", "Job", "Project")

__all__ = [
    "CryoloomError",
    "Dataset",
    "DatasetError",
    "ImageError",
    "Job",
    "JobError",
    "LaunchError",
    "ParameterError",
    "PluginError",
    "ProgramError",
    "Project",
    "ProjectError",
    "StarError",
    "UnreadableError",
    "__version__",
]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'cryoloom' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module("cryoloom.api" if name in _OF_API else "cryoloom.errors"), name)


def __dir__() -> list[str]:
    # What is loaded on first use is shown before, and what is no user's is not.
    return sorted(__all__)
