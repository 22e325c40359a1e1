"""Acts on several jobs at once, and on those that were deleted."""

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from cryoloom.api.job import Job
from cryoloom.errors import CryoloomError
from cryoloom.server.asking import ProjectHere, job_of
from cryoloom.server.shapes import Acted, DeletedShape, Made, Problem, RefusedShape

router = APIRouter(prefix="/projects/{key}", tags=["jobs"])

Numbers = Annotated[list[Annotated[int, Field(ge=1, le=10**9)]], Field(min_length=1, max_length=2000)]
ActOnSeveral = Literal[
    "stop", "end-stream", "resume", "retry", "restart", "copy", "clean", "delete", "priority"
]


class Several(BaseModel):
    """Which jobs, and with which care."""

    numbers: Numbers
    dependents: bool = False
    harsh: bool = False
    priority: int = Field(0, ge=-1000, le=1000)


class Names(BaseModel):
    jobs: list[Annotated[str, Field(max_length=200)]] = Field(min_length=1, max_length=2000)


@router.post("/acts/{act}")
def act(here: ProjectHere, act: ActOnSeveral, asked: Several) -> Acted:
    """Do something with several jobs; of those that refuse it is told why, and the others go on.

    Deleting is one act: all of them, or none.
    """
    jobs = [job_of(here, number) for number in dict.fromkeys(asked.numbers)]
    if act == "delete":
        return Acted(jobs=[*here.delete(*jobs, dependents=asked.dependents)], refused=[])
    done: list[str] = []
    refused: list[RefusedShape] = []
    for job in jobs:
        try:
            done += _done(job, act, asked)
        except CryoloomError as error:
            problem = Problem.model_validate(error.as_dict() | {"text": str(error)})
            refused.append(RefusedShape(job=job.name, problem=problem))
    return Acted(jobs=done, refused=refused)


@router.get("/deleted")
def deleted(here: ProjectHere) -> list[DeletedShape]:
    """Jobs that lie whole in the trash."""
    return [DeletedShape(job=name, trash=where) for name, where in here.deleted().items()]


@router.post("/undelete")
def undelete(here: ProjectHere, asked: Names) -> Made:
    """Take deleted jobs back."""
    return Made(jobs=[job.name for job in here.undelete(*asked.jobs)])


def _done(job: Job, act: ActOnSeveral, asked: Several) -> list[str]:
    match act:
        case "stop":
            job.stop()
        case "end-stream":
            job.stop(stream=True)
        case "resume":
            job.resume(dependents=asked.dependents)
        case "retry":
            job.retry(dependents=asked.dependents)
        case "restart":
            return [*job.restart(dependents=asked.dependents or None)] or [job.name]
        case "copy":
            return [job.copy().name]
        case "clean":
            job.clean(harsh=asked.harsh)
        case "priority":
            job.priority(asked.priority)
    return [job.name]
