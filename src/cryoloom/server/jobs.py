"""Jobs: made, tried, looked at, and all that can be done with one."""

from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Path, Query
from pydantic import BaseModel, Field

from cryoloom.api.job import Job
from cryoloom.api.next_steps import next_steps
from cryoloom.api.offers import offers_for
from cryoloom.api.parameters import parameters_of
from cryoloom.api.recipes import recipe_of
from cryoloom.api.relion_command import lines_of
from cryoloom.api.trying import try_job
from cryoloom.errors import CryoloomError
from cryoloom.server.asking import JobHere, ProjectHere, job_of
from cryoloom.server.rows import row_of, title_of
from cryoloom.server.shapes import (
    Follower,
    Given,
    JobAnswer,
    LogAnswer,
    Made,
    Note,
    OfferShape,
    ParameterShape,
    RecipeShape,
    TriedAnswer,
    ViewLine,
)

router = APIRouter(prefix="/projects/{key}", tags=["jobs"])
MOST_STORY = 400
MOST_FAILED = 2000


@router.post("/jobs", status_code=201)
def make(here: ProjectHere, asked: Given) -> Made:
    """Make a job, and hand it to the scheduler unless `start` is false."""
    job = here.make(
        asked.protocol, asked.given, alias=asked.alias, label=asked.label, start=asked.start,
        wait_for=asked.wait_for, priority=asked.priority, alone=asked.alone, memory_gb=asked.memory_gb,
    )  # fmt: skip
    return Made(jobs=[job.name])


@router.post("/try")
def tried(here: ProjectHere, asked: Given) -> TriedAnswer:
    """What stands against a job, and what it would run; nothing is made."""
    found = try_job(here, asked.protocol, asked.given)
    return TriedAnswer.model_validate(found, from_attributes=True)


@router.post("/recipe")
def recipe(here: ProjectHere, asked: Given) -> RecipeShape:
    """The same job asked for in Python, on the command line, and as a step of a workflow."""
    found = recipe_of(asked.protocol, asked.given, asked.alias)
    return RecipeShape.model_validate(found, from_attributes=True)


@router.get("/offers/{protocol}/{name}")
def offers(
    here: ProjectHere,
    protocol: Annotated[str, Path(max_length=200)],
    name: Annotated[str, Path(max_length=200)],
) -> list[OfferShape]:
    """What fits an input of a protocol, the newest first."""
    return [OfferShape.model_validate(one, from_attributes=True) for one in offers_for(here, protocol, name)]


@router.get("/jobs/{number}")
def job(here: JobHere) -> JobAnswer:
    """All that is known of a job."""
    details = here.show().as_dict()
    views: list[ViewLine] = []
    if details["views"]:
        views = [ViewLine.model_validate(view.as_dict()) for view in here.views()]
    details["failed_items"] = details["failed_items"][:MOST_FAILED]
    return JobAnswer.model_validate(
        row_of(here.summary()).model_dump()
        | details
        | {"views": views, "next": _next(here), "command": _command(here), "story": _story(here)}
    )


@router.get("/jobs/{number}/parameters")
def parameters(
    here: JobHere,
    other: Annotated[int | None, Query(ge=1, le=10**9, description="Beside which job")] = None,
) -> list[ParameterShape]:
    """All parameters with what differs from the defaults, and from another job's."""
    beside = job_of(here.project, other) if other is not None else None
    return [ParameterShape.model_validate(one.as_dict()) for one in parameters_of(here, beside)]


@router.get("/jobs/{number}/note")
def note(here: JobHere) -> Note:
    """A job's note, which RELION's window shows too."""
    return Note(text=here.note()[-20_000:])


@router.post("/jobs/{number}/note")
def add_note(here: JobHere, given: Note) -> Note:
    """Write below a job's note."""
    return Note(text=here.note(given.text)[-20_000:])


@router.get("/jobs/{number}/log")
def log(here: JobHere, last: Annotated[int, Query(ge=1, le=10_000_000)] = 200_000) -> LogAnswer:
    """What its programs said; of a long one the last characters."""
    return LogAnswer(text=str(here.log())[-last:])


class Asked(BaseModel):
    """What is to be done with jobs that depend on this one, and with which care."""

    dependents: bool | None = None
    harsh: bool = False
    dry_run: bool = False
    alias: str = Field("", max_length=200)
    given: dict[str, str | int | float | bool | list[str]] = Field(default_factory=dict)
    branch: bool = False
    start: bool = False
    iteration: int | None = Field(None, ge=0, le=100_000)


Verb = Literal["stop", "resume", "retry", "restart", "delete", "alias", "copy", "continue"]


@router.post("/jobs/{number}/{verb}")
def act(here: JobHere, verb: Verb, asked: Asked) -> Made:
    """Do something with a job; returns the jobs that were made or touched."""
    return Made(jobs=_done(here, verb, asked))


@router.post("/jobs/{number}/clean/{how}")
def clean(here: JobHere, how: Literal["gently", "harshly"], asked: Asked) -> dict[str, object]:
    """Move intermediate files to the trash; `dry_run` only counts them."""
    found: dict[str, object] = here.clean(harsh=how == "harshly", dry_run=asked.dry_run).as_dict()
    return found


def _done(job: Job, verb: Verb, asked: Asked) -> list[str]:
    match verb:
        case "stop":
            job.stop()
        case "resume":
            job.resume(dependents=bool(asked.dependents))
        case "retry":
            job.retry(dependents=bool(asked.dependents))
        case "restart":
            return [*job.restart(dependents=asked.dependents)] or [job.name]
        case "delete":
            return [*job.delete(dependents=bool(asked.dependents))]
        case "alias":
            job.set_alias(asked.alias)
        case "copy":
            return [
                one.name
                for one in job.project.copy(job, branch=asked.branch, start=asked.start, **asked.given)
            ]
        case "continue":
            return [job.continue_(iteration=asked.iteration, start=asked.start, **asked.given).name]
    return [job.name]


def _next(job: Job) -> list[Follower]:
    try:
        steps = next_steps(job)
    except CryoloomError:
        return []  # of a job whose protocol nobody here knows nothing follows
    return [Follower.model_validate({**step.as_dict(), "title": title_of(step.protocol)}) for step in steps]


def _command(job: Job) -> list[str]:
    try:
        return lines_of(job.name, project=job.project)
    except CryoloomError:
        return []  # of a job that runs no program there is none


def _story(job: Job) -> list[str]:
    try:
        sentences: list[str] = job.log(story=True).as_dict()["story"]
    except CryoloomError as error:
        raise HTTPException(409, detail=error.as_dict() | {"text": str(error)}) from None
    return sentences[-MOST_STORY:]
