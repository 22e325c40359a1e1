"""Project, Job, Dataset: what scripts, notebooks, the command line and a server use.

What a command prints is a result of a function here, a frozen type with `as_dict` for JSON: `details.py`,
`next_steps.py`, `protocol_help.py`, `doctor.py`, `star_tables.py` and their neighbours, each by its subject.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryoloom.api.dataset import Dataset
    from cryoloom.api.job import Job
    from cryoloom.api.project import Project

__all__ = ["Dataset", "Job", "Project"]


def __getattr__(name: str) -> object:
    # Loaded when it is asked for: help on a protocol needs no project.
    if name in __all__:
        import importlib

        return getattr(importlib.import_module(f"cryoloom.api.{name.lower()}"), name)
    raise AttributeError(f"module 'cryoloom.api' has no attribute {name!r}")
