"""Project, Job, Dataset: what scripts, notebooks and the command line use."""

from cryoloom.api.project import Dataset, Job, Project

__all__ = ["Dataset", "Job", "Project"]
