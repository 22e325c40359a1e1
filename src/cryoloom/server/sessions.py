"""The session of a project: its stream as it is, for who runs it and for who has a read-only link to it."""

import tempfile
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from threading import Lock
from typing import Annotated, TypeVar

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request, Response

from cryoloom.api import links
from cryoloom.api.curating import Plan, change_step, plan_change, plan_limits, set_limits
from cryoloom.api.limits import Limit
from cryoloom.api.micrograph_pictures import small_picture
from cryoloom.api.project import Project
from cryoloom.api.session import Session
from cryoloom.api.session_pictures import classes_picture, map_picture
from cryoloom.api.session_quality import quality_of
from cryoloom.server.access import Reader, reading
from cryoloom.server.asking import ProjectHere, project_of
from cryoloom.server.session_shapes import (
    ChangeAsked,
    ChangedAnswer,
    LimitsAsked,
    LinkAsked,
    LinkShape,
    NewLinkAnswer,
    PlanAnswer,
    QualityAnswer,
    SessionAnswer,
)
from cryoloom.server.shapes import Made
from cryoloom.server.without_paths import without_paths

router = APIRouter(prefix="/projects/{key}/session", tags=["session"])
# Of the project's user alone: `app` puts it behind `signed_in`, as all other resources.
curating = APIRouter(prefix="/projects/{key}/session", tags=["session"])
# Who asks sooner is told the same: many followers cost little more than one, and all of them a hundredth of a core, or
# what a look each ten seconds costs: who watches a microscope is not to wait longer.
REST_S, REST_PER_COST, LONGEST_REST_S = 0.5, 100.0, 10.0
MOST_SESSIONS = 8
FOREVER = {"cache-control": "private, max-age=86400, immutable"}
T = TypeVar("T")


@dataclass
class Kept:
    """A session, and what was last told of it."""

    session: Session
    lock: Lock = field(default_factory=Lock)
    looked: float = -1e9
    rest_s: float = REST_S
    version: int = 0  # that is told: what was measured is asked for anew when it is another one
    measured: float = -1e9
    measuring_rest_s: float = 0.0
    told: SessionAnswer | None = None
    texts: dict[tuple[str, bool], tuple[int, str]] = field(default_factory=dict)


class Sessions:
    """The sessions that were looked at lately; those not asked for longest are forgotten first."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._lock = Lock()

    def of(self, project: Project) -> Kept:
        key = str(project.path.resolve())
        with self._lock:
            found = self._kept.get(key)
            if found is None:
                found = self._kept[key] = Kept(Session(project))
            self._kept.move_to_end(key)
            while len(self._kept) > MOST_SESSIONS:
                self._kept.popitem(last=False)
        return found

    def with_look(self, project: Project, then: Callable[[Session], T]) -> T:
        """Do something with a session as it is now; one after the other."""
        kept = self.of(project)
        with kept.lock:
            _look(kept)
            return then(kept.session)

    def with_deed(self, project: Project, deed: Callable[[Session], T]) -> T:
        """Change a session; who asks next is told of it."""
        done = self.with_look(project, deed)
        self.of(project).looked = -1e9
        return done


def _look(kept: Kept) -> SessionAnswer:
    began, cost = time.monotonic(), time.thread_time()
    if kept.told is None or began - kept.looked > kept.rest_s:
        now = kept.session.look()
        if began - kept.measured > kept.measuring_rest_s:
            kept.version = kept.session.version
        told = {"version": kept.version} | {
            name: getattr(now, name) for name in SessionAnswer.model_fields if name != "version"
        }
        kept.told = SessionAnswer.model_validate(told, from_attributes=True)
        kept.looked = time.monotonic()
        kept.rest_s = max(REST_S, _rest_after(time.thread_time() - cost))
    return kept.told


def _rest_after(cost_s: float) -> float:
    """By the core's own seconds: a machine that is busy with others makes a look long, not dear."""
    return min(LONGEST_REST_S, REST_PER_COST * cost_s)


def readable(
    request: Request,
    reader: Annotated[Reader, Depends(reading)],
    key: Annotated[str, Path(pattern=r"^[0-9a-f]{12}$")],
) -> Project:
    """The project, for its user, and for who has a link to this one.

    Raises:
        HTTPException: 404: there is none, or the link is to another.
    """
    if reader.link is not None and reader.link.project != key:
        raise HTTPException(404, detail={"where": f"project {key}", "found": "not what this link is for"})
    return project_of(request, key)


ReaderHere = Annotated[Reader, Depends(reading)]
Readable = Annotated[Project, Depends(readable)]


def sessions_of(request: Request) -> Sessions:
    found: Sessions = request.app.state.sessions
    return found


SessionsHere = Annotated[Sessions, Depends(sessions_of)]


@router.get("", response_model=SessionAnswer)
def session(here: Readable, reader: ReaderHere, sessions: SessionsHere) -> Response:
    """The stream as it is: how far behind, its steps, what failed; 409 where nothing was imported yet."""
    kept = sessions.of(here)
    with kept.lock:
        told = _look(kept)
        return _text(kept, "session", reader, int(kept.looked * 1000), lambda: told)


@router.get("/quality", response_model=QualityAnswer)
def quality(here: Readable, reader: ReaderHere, sessions: SessionsHere) -> Response:
    """Series, histograms and the newest micrographs; the same as long as the session's version is."""
    kept = sessions.of(here)
    with kept.lock:
        _look(kept)
        return _text(kept, "quality", reader, kept.version, lambda: _measure(kept))


@router.get("/micrograph.png", response_class=Response)
def micrograph(
    here: Readable,
    sessions: SessionsHere,
    number: Annotated[
        int, Query(ge=1, le=10**7, description="In the table of the newest micrographs, from 1")
    ],
) -> Response:
    """A small picture of a micrograph of the session."""
    found = sessions.with_look(here, quality_of)
    if not found.job:
        raise HTTPException(404, detail={"where": "micrographs", "found": "none yet"})
    png = small_picture(here.job(found.job), found.output, str(number))
    return Response(png, media_type="image/png", headers={"cache-control": "private, max-age=3600"})


@router.get("/classes.jpg", response_class=Response)
def classes(here: Readable, sessions: SessionsHere) -> Response:
    """The newest class averages, the largest first, ten beside each other."""
    result = sessions.with_look(here, lambda one: one.look().results.classes)
    jpeg = classes_picture(here, result) if result is not None else None
    if jpeg is None:
        raise HTTPException(404, detail={"where": "classes", "found": "none yet"})
    return Response(jpeg, media_type="image/jpeg", headers=FOREVER)


@router.get("/map.png", response_class=Response)
def first_map(here: Readable, sessions: SessionsHere) -> Response:
    """A picture of the newest map."""
    result = sessions.with_look(here, lambda one: one.look().results.map)
    png = map_picture(here, result) if result is not None else None
    if png is None:
        raise HTTPException(404, detail={"where": "map", "found": "none yet"})
    return Response(png, media_type="image/png", headers=FOREVER)


@curating.post("/limits/plan")
def limits_plan(here: ProjectHere, asked: LimitsAsked, sessions: SessionsHere) -> PlanAnswer:
    """What other limits would keep, and what would be made again; nothing is done."""
    return _plan(sessions.with_look(here, lambda one: plan_limits(one, _limits(asked))))


@curating.post("/limits", status_code=201)
def limits(here: ProjectHere, asked: LimitsAsked, sessions: SessionsHere) -> Made:
    """Judge the stream by other limits: the filter is made, and the branch behind it; the one before is stopped."""
    return Made(
        jobs=[job.name for job in sessions.with_deed(here, lambda one: set_limits(one, _limits(asked)))]
    )


@curating.post("/change/plan")
def change_plan(here: ProjectHere, asked: ChangeAsked, sessions: SessionsHere) -> PlanAnswer:
    """What a change of a step's parameters means; nothing is done."""
    return _plan(sessions.with_look(here, lambda one: plan_change(one, asked.job, of_all=asked.of_all)))


@curating.post("/change")
def change(here: ProjectHere, asked: ChangeAsked, sessions: SessionsHere) -> ChangedAnswer:
    """Change a step's parameters, for what comes or for all items."""
    version = sessions.with_deed(
        here, lambda one: change_step(one, asked.job, asked.given, of_all=asked.of_all)
    )
    return ChangedAnswer(version=version)


@curating.get("/report.html", response_class=Response)
def report(here: ProjectHere) -> Response:
    """Everything about the project in one file that needs nothing else, to be saved."""
    with tempfile.TemporaryDirectory() as folder:
        text = here.report(FilePath(folder) / "report.html").read_bytes()
    name = "".join(
        letter if letter.isalnum() or letter in "._-" else "_" for letter in here.path.resolve().name
    )
    return Response(
        text, media_type="text/html", headers={"content-disposition": f'attachment; filename="{name}.html"'}
    )


@curating.get("/links")
def links_here(here: ProjectHere) -> list[LinkShape]:
    """The read-only links to this session that are good now."""
    return [LinkShape.model_validate(one, from_attributes=True) for one in links.links_of(here)]


@curating.post("/links", status_code=201)
def make_link(here: ProjectHere, asked: LinkAsked) -> NewLinkAnswer:
    """Give a link that may only look, until a day is over."""
    made = links.make_link(here, asked.until, note=asked.note)
    return NewLinkAnswer(link=LinkShape.model_validate(made.link, from_attributes=True), token=made.token)


@curating.delete("/links/{identity}", status_code=204)
def withdraw(here: ProjectHere, identity: Annotated[str, Path(pattern=r"^[0-9a-f]{12}$")]) -> None:
    """End a link now."""
    links.withdraw_link(here, identity)


def _text(
    kept: Kept, what: str, reader: Reader, stamp: int, make: Callable[[], SessionAnswer | QualityAnswer]
) -> Response:
    """An answer as text, the same for all who ask while nothing is new."""
    key = (what, reader.link is not None)
    known = kept.texts.get(key)
    if known is None or known[0] != stamp:
        answer = make()
        if reader.link is not None:
            answer = type(answer).model_validate(without_paths(answer.model_dump()))
        known = kept.texts[key] = (stamp, answer.model_dump_json())
    return Response(known[1], media_type="application/json")


def _measure(kept: Kept) -> QualityAnswer:
    cost = time.thread_time()
    found = QualityAnswer.model_validate(quality_of(kept.session), from_attributes=True)
    kept.measured = time.monotonic()
    kept.measuring_rest_s = _rest_after(time.thread_time() - cost)
    return found


def _limits(asked: LimitsAsked) -> dict[str, Limit]:
    return {label: Limit(one.low, one.high) for label, one in asked.limits.items()}


def _plan(plan: Plan) -> PlanAnswer:
    return PlanAnswer.model_validate({**plan.as_dict(), "left_out": plan.left_out or {}})
