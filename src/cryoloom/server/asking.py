"""What every route needs: the project and the job that an address names."""

from pathlib import Path as FilePath
from typing import Annotated, Any

from fastapi import Depends, HTTPException, Path, Request
from starlette.requests import HTTPConnection

from cryoloom.api.job import Job
from cryoloom.api.project import Project
from cryoloom.api.recent import key_of, recent_projects
from cryoloom.errors import CryoloomError, ProjectError
from cryoloom.server.shapes import ProblemAnswer

REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"model": ProblemAnswer, "description": "A request that is no request of this API"},
    401: {"model": ProblemAnswer, "description": "Not signed in"},
    403: {"model": ProblemAnswer, "description": "Asked for by another site's page"},
    404: {"model": ProblemAnswer, "description": "There is no such thing"},
    409: {"model": ProblemAnswer, "description": "Not now, or not with this"},
    413: {"model": ProblemAnswer, "description": "Too large"},
    422: {"model": ProblemAnswer, "description": "A value that does not fit"},
}


def project_of(request: Request, key: Annotated[str, Path(pattern=r"^[0-9a-f]{12}$")]) -> Project:
    """The project with this key, which was opened here before.

    Raises:
        HTTPException: 404: there is none.
    """
    try:
        found = served_project(request, key)
    except CryoloomError as error:
        raise HTTPException(404, detail=error.as_dict() | {"text": str(error)}) from None
    if found is None:
        raise HTTPException(
            404, detail={"where": f"project {key}", "found": "unknown", "expected": "one of the list"}
        )
    return found


def served_project(connection: HTTPConnection, key: str) -> Project | None:
    """The project with this key among those that are served; None: there is none.

    Raises:
        CryoloomError: it is no project any more.
    """
    only: FilePath | None = connection.app.state.only
    known = [only] if only is not None else [one.path for one in recent_projects()]
    return next((Project(path) for path in known if key_of(path) == key), None)


def job_of(project: "ProjectHere", number: Annotated[int, Path(ge=1, le=10**9)]) -> Job:
    """The job with this number.

    Raises:
        HTTPException: 404: there is none.
    """
    try:
        return project.job(number)
    except ProjectError as error:
        raise HTTPException(404, detail=error.as_dict() | {"text": str(error)}) from None


ProjectHere = Annotated[Project, Depends(project_of)]
JobHere = Annotated[Job, Depends(job_of)]
