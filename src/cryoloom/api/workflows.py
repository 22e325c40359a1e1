"""A workflow's jobs as its file asks for them, before any of them is made."""

import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cryoloom.project.folder import ProjectFolder
from cryoloom.project.workflow import check_workflow, read_workflow


@dataclass(frozen=True, slots=True)
class PlannedJob:
    """A job of a workflow."""

    name: str
    protocol: str
    inputs: Mapping[str, str]  # by name what it is given: another job, or a file

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class WorkflowOutline:
    """A workflow with its placeholders filled."""

    title: str
    jobs: tuple[PlannedJob, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def check_for_new_project(file: Path, placeholders: Mapping[str, str]) -> list[str]:
    """Whether all jobs of a workflow could be made in a project that is made for it; returns their names in it.

    Raises:
        CryoloomError: the first that could not, and why.
    """
    with tempfile.TemporaryDirectory(prefix="cryoloom-") as folder:
        project = ProjectFolder.create(Path(folder) / "project")
        workflow = read_workflow(file, placeholders)
        check_workflow(project, workflow)
    return [job["name"] for job in workflow.jobs]


def outline_of(file: Path, placeholders: Mapping[str, str]) -> WorkflowOutline:
    """Read a workflow.

    Raises:
        ParameterError: an unknown placeholder, one without a value, or a job that is no job.
    """
    workflow = read_workflow(file, placeholders)
    jobs = tuple(
        PlannedJob(
            job["name"],
            job["protocol"],
            {name: str(text) for name, text in job.get("inputs", {}).items()},
        )
        for job in workflow.jobs
    )
    return WorkflowOutline(workflow.title, jobs)
