"""Jobs as workflows: taken out of one project, put into another."""

import json
import tempfile
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from cryoloom.errors import ParameterError
from cryoloom.server.asking import ProjectHere, job_of
from cryoloom.server.shapes import Made

router = APIRouter(prefix="/projects/{key}/workflow", tags=["workflows"])
MOST_JOBS = 1000


class WorkflowAnswer(BaseModel):
    """Jobs as a workflow, and why others are not in it."""

    workflow: dict[str, Any]
    left_out: dict[str, str]


class WorkflowGiven(BaseModel):
    """A workflow, with values for its placeholders."""

    workflow: dict[str, Any]
    placeholders: dict[str, str] = Field(default_factory=dict)


@router.get("")
def export(
    here: ProjectHere,
    jobs: Annotated[
        str,
        Query(max_length=8000, pattern=r"^(\d{1,9}(,\d{1,9})*)?$", description="Numbers; all without any"),
    ] = "",
    branch: bool = False,
) -> WorkflowAnswer:
    """Jobs as a workflow; what they take from outside of it becomes placeholders."""
    names = [job_of(here, max(int(number), 1)).name for number in jobs.split(",") if number]
    content = here.export_workflow(*names, branch=branch)
    return WorkflowAnswer(left_out=content.pop("left_out"), workflow=content)


@router.post("", status_code=201)
def make(here: ProjectHere, given: WorkflowGiven) -> Made:
    """Make the jobs of a workflow; none is started before somebody says so."""
    jobs = given.workflow.get("jobs")
    if not isinstance(jobs, list) or not 0 < len(jobs) <= MOST_JOBS:
        raise ParameterError("the workflow: jobs", found="no list of jobs", expected=f"1 to {MOST_JOBS} jobs")
    if any(isinstance(job, dict) and "include" in job for job in jobs):
        raise ParameterError(
            "the workflow: include", found="another file", expected="jobs only",
            hint="A page names no files of this machine: `cryoloom workflow import` reads workflows that include others.",
        )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="cryoloom-") as folder:
        file = Path(folder) / "workflow.json"
        file.write_text(json.dumps(given.workflow), encoding="utf-8")
        return Made(jobs=[job.name for job in here.import_workflow(file, **given.placeholders)])
