"""Project, Job, Dataset: what scripts, notebooks and the command line use."""

from cryoloom.api.dataset import Dataset
from cryoloom.api.project import Job, Project

__all__ = ["Dataset", "Job", "Project"]
