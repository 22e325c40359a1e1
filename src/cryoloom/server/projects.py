"""Projects: those that were opened lately, one of them, its jobs and their drawing, what has changed."""

import time
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request

from cryoloom.api.graph import graph_of
from cryoloom.api.project import Project
from cryoloom.api.recent import KnownProject, key_of, recent_projects, remember_project
from cryoloom.api.summary import JobSummary
from cryoloom.errors import CryoloomError
from cryoloom.server.asking import ProjectHere, job_of
from cryoloom.server.hub import Hub
from cryoloom.server.rows import rows_of
from cryoloom.server.shapes import Changed, GraphAnswer, JobRow, OpenProject, ProjectCard, ProjectInfo

# What says most of a project, the nearest to its result first.
NEAREST = (
    ("final map", "half maps"),
    ("volume",),
    ("class averages", "model"),
    ("particles",),
    ("micrographs",),
)

router = APIRouter(prefix="/projects", tags=["projects"])


@router.get("")
def projects(request: Request) -> list[ProjectCard]:
    """Projects that were opened lately, the newest first."""
    only: Path | None = request.app.state.only
    known = recent_projects() if only is None else [KnownProject(key_of(only), only, time.time())]
    return [_card(one) for one in known]


@router.post("", status_code=201)
def open_project(asked: OpenProject, request: Request) -> ProjectInfo:
    """Open a folder as a project, or make one; opening changes nothing in it."""
    if request.app.state.only is not None:
        raise HTTPException(409, detail={"where": "this server", "found": "for one project", "expected": "one for all",
                                         "hint": "Start `cryoloom serve` without a project."})  # fmt: skip
    path = Path(asked.path).expanduser()
    project = Project.create(path) if asked.create else Project(path)
    remember_project(project.path, time.time())
    return _info(project)


@router.get("/{key}")
def project(here: ProjectHere) -> ProjectInfo:
    """A project's own facts."""
    return _info(here)


@router.get("/{key}/jobs")
def jobs(here: ProjectHere) -> list[JobRow]:
    """All jobs in the order of their numbers."""
    return rows_of(here)


@router.get("/{key}/graph")
def graph(
    here: ProjectHere,
    of: Annotated[int | None, Query(ge=1, le=10**9, description="Only this job's branch")] = None,
) -> GraphAnswer:
    """Where jobs lie in the drawing, and what goes from one to another."""
    branch = job_of(here, of).name if of is not None else ""
    return GraphAnswer.model_validate(graph_of(here, branch).as_dict())


@router.get("/{key}/changes")
async def changes(
    here: ProjectHere,
    request: Request,
    since: Annotated[int, Query(ge=0, le=2**53)] = 0,
    wait_s: Annotated[float, Query(ge=0, le=60)] = 0,
) -> Changed:
    """Jobs that have changed since `since`; waits so long for one."""
    hub: Hub = request.app.state.hub
    with hub.following(here) as board:
        now, names = await board.since(since, wait_s)
    return Changed(now=now, jobs=sorted(names))


def _info(project: Project) -> ProjectInfo:
    path = project.path.resolve()
    return ProjectInfo(key=key_of(path), name=path.name, path=str(path), form=project.form)


def _card(known: KnownProject) -> ProjectCard:
    card = ProjectCard(
        key=known.key, name=known.path.name, path=str(known.path), opened=known.opened, there=known.is_there
    )
    try:
        summaries = Project(known.path).summaries()
    except (CryoloomError, OSError):
        return card.model_copy(update={"there": False})
    states = [summary.state for summary in summaries]
    counts = {"jobs": len(states), "running": states.count("running"), "failed": states.count("failed")}
    shown = _shown(summaries)
    if shown is None:
        return card.model_copy(update=counts)
    number = int(shown.name.rpartition("job")[2])
    return card.model_copy(
        update=counts | {"shown": number, "made": shown.made, "changed": f"{shown.seconds}"}
    )


def _shown(summaries: list[JobSummary]) -> JobSummary | None:
    """The job that stands for its project: the newest that gave a map, else class averages, particles, micrographs."""
    done = [one for one in summaries if one.state == "succeeded"]
    for kinds in NEAREST:
        for one in reversed(done):
            if any(output.get("kind") in kinds for output in one.outputs.values()):
                return one
    return None
