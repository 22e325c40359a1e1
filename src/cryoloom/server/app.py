"""The application: resources put together, errors as every command tells them."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException as StarletteError
from starlette.types import ASGIApp

from cryoloom._version import __version__
from cryoloom.api.browsing import Tables
from cryoloom.api.micrograph_pictures import MicrographPictures
from cryoloom.errors import CryoloomError, ParameterError
from cryoloom.server import (
    acts,
    datasets,
    faces,
    files,
    jobs,
    live,
    machine,
    manual,
    maps,
    micrographs,
    page,
    projects,
    protocols,
    session,
    sessions,
    views,
    wizards,
    workflows,
)
from cryoloom.server.access import Access, signed_in
from cryoloom.server.asking import REFUSALS
from cryoloom.server.guard import Guard
from cryoloom.server.hub import Hub
from cryoloom.server.without_paths import without_paths


def build(access: Access, only: Path | None = None, hosts: Iterable[str] = ()) -> ASGIApp:
    """The server's application.

    Args:
        access: who may ask.
        only: the one project that is served; None: all that were opened.
        hosts: names that Host may have besides this machine's own.
    """
    return Guard(_application(access, only), hosts)


def described(access: Access) -> dict[str, Any]:
    """The API in OpenAPI's words."""
    found: dict[str, Any] = _application(access, None).openapi()
    return found


def _application(access: Access, only: Path | None) -> FastAPI:
    app = FastAPI(
        title="Cryoloom",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        responses=REFUSALS,
    )
    app.state.access = access
    app.state.only = only
    app.state.home = str(only) if only is not None else ""
    app.state.hub = Hub()
    app.state.pictures = views.Pictures()
    app.state.faces = faces.Faces()
    app.state.micrographs = MicrographPictures()
    app.state.tables = Tables()
    app.state.sessions = sessions.Sessions()
    api = APIRouter(prefix="/api")
    api.include_router(session.router)
    api.include_router(live.router)
    api.include_router(sessions.router)  # what a read-only link may look at, and nothing else
    inside = APIRouter(dependencies=[Depends(signed_in)])
    for resource in (
        projects,
        acts,
        datasets,  # before jobs: of two addresses that fit the first is meant
        files,
        maps,
        jobs,
        views,
        faces,
        protocols,
        machine,
        wizards,
        workflows,
        micrographs,
    ):
        inside.include_router(resource.router)
    inside.include_router(sessions.curating)
    inside.include_router(views.pictures_router)
    inside.include_router(protocols.helps_router)
    inside.include_router(micrographs.tiles_router)
    inside.include_router(manual.router)
    inside.add_api_route("/openapi.json", _description, include_in_schema=False)
    api.include_router(inside)
    app.include_router(api)
    app.include_router(page.router)
    app.add_exception_handler(CryoloomError, _refused)
    app.add_exception_handler(StarletteError, _not_served)
    app.add_exception_handler(RequestValidationError, _misread)
    return app


def _description(request: Request) -> dict[str, Any]:
    """The API in OpenAPI's words."""
    described: dict[str, Any] = request.app.openapi()
    return described


def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, CryoloomError)
    code = 422 if isinstance(error, ParameterError) else 409
    return JSONResponse(_said(request, error.as_dict() | {"text": str(error)}), code)


def _not_served(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, StarletteError | HTTPException)
    detail: Any = error.detail
    said = detail if isinstance(detail, dict) else {"where": request.url.path, "found": str(detail)}
    whole = {"where": "", "found": "", "expected": "", "hint": "", "text": ""} | said
    return JSONResponse(_said(request, whole), error.status_code, headers=getattr(error, "headers", None))


def _said(request: Request, problem: dict[str, Any]) -> dict[str, Any]:
    """An error as it is told to whoever asks: by a read-only link without the folders of this machine."""
    return {"error": without_paths(problem) if getattr(request.state, "by_link", False) else problem}


def _misread(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first.get("loc", ()))
    said = {"where": where, "found": str(first.get("type", "")), "expected": str(first.get("msg", "")), "hint": "",
            "text": f"{where}: {first.get('msg', '')}"}  # fmt: skip
    return JSONResponse({"error": said}, 422)
