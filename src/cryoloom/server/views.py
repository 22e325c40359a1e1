"""Views of jobs: what they show now, as data; pictures apart, by what is in them."""

import base64
import hashlib
from collections import OrderedDict
from threading import Lock
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Path, Query, Request, Response

from cryoloom.api.job import Job
from cryoloom.errors import CryoloomError
from cryoloom.server.asking import JobHere
from cryoloom.server.shapes import SeenAnswer

router = APIRouter(prefix="/projects/{key}/jobs/{number}/views", tags=["views"])
pictures_router = APIRouter(prefix="/pictures", tags=["views"])
MOST_PICTURES_BYTES = 200_000_000
FORMS = {"png": "image/png", "svg": "image/svg+xml", "pdf": "application/pdf", "csv": "text/csv"}


class Pictures:
    """Pictures that were made lately, by the hash of what is in them; those not asked for longest go first."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def keep(self, png: bytes) -> str:
        """Returns its name."""
        name = hashlib.sha256(png).hexdigest()[:32]
        with self._lock:
            if name not in self._kept:
                self._kept[name] = png
                self._bytes += len(png)
            self._kept.move_to_end(name)
            while self._bytes > MOST_PICTURES_BYTES and len(self._kept) > 1:
                self._bytes -= len(self._kept.popitem(last=False)[1])
        return name

    def get(self, name: str) -> bytes | None:
        with self._lock:
            return self._kept.get(name)


ViewName = Annotated[str, Path(max_length=200)]
Item = Annotated[
    str, Query(max_length=1000, description="A name or part of one, a number from 1, first, newest, worst")
]
Iteration = Annotated[int | None, Query(ge=0, le=100_000)]


@router.get("/{view}")
def look(
    here: JobHere,
    view: ViewName,
    request: Request,
    item: Item = "",
    iteration: Iteration = None,
    other: Annotated[int | None, Query(ge=1, le=10**9, description="A job with the same view")] = None,
    other_iteration: Iteration = None,
    charts: Annotated[
        Literal["vega-lite", "vega"], Query(description="In which words charts are told")
    ] = "vega-lite",
) -> SeenAnswer:
    """What a view shows now; beside what it shows of another job or at another iteration, where one is named."""
    own = _view(here, view)
    if other is None and other_iteration is None:
        found = own.look(item=item, iteration=iteration)
    else:
        against = own if other is None else _view(here.project.job(other), view)
        found = own.beside(against, item=item, iteration=iteration, other_iteration=other_iteration)
    kept: Pictures = request.app.state.pictures
    seen = found.in_vega() if charts == "vega" else found.as_dict()
    return SeenAnswer(
        parts=[_part(part, kept) for part in seen["parts"]], absent=seen["absent"], nothing=seen["nothing"]
    )


@router.get("/{view}/file.{form}", response_class=Response)
def file(
    here: JobHere,
    view: ViewName,
    form: Annotated[str, Path(pattern="^(png|svg|pdf|csv)$")],
    item: Item = "",
    iteration: Iteration = None,
) -> Response:
    """A view as a file, at publication size."""
    import tempfile
    from pathlib import Path as FilePath

    with tempfile.TemporaryDirectory() as folder:
        made = _view(here, view).save(FilePath(folder) / f"{view}.{form}", item=item, iteration=iteration)
        data = made.read_bytes()
    name = "".join(
        letter if letter.isalnum() or letter in "._-" else "_" for letter in f"{here.name}_{view}.{form}"
    )
    return Response(
        data, media_type=FORMS[form], headers={"content-disposition": f'attachment; filename="{name}"'}
    )


@pictures_router.get("/{name}.png", response_class=Response)
def picture(name: Annotated[str, Path(pattern="^[0-9a-f]{32}$")], request: Request) -> Response:
    """A picture that a view named."""
    kept: Pictures = request.app.state.pictures
    png = kept.get(name)
    if png is None:
        raise HTTPException(404, detail={"where": f"picture {name}", "found": "forgotten", "expected": "",
                                         "hint": "Look at the view once more."})  # fmt: skip
    return Response(
        png, media_type="image/png", headers={"cache-control": "private, max-age=86400, immutable"}
    )


def _view(job: Job, name: str) -> Any:
    try:
        return job.view(name)
    except CryoloomError as error:
        raise HTTPException(404, detail=error.as_dict() | {"text": str(error)}) from None


def _part(part: dict[str, Any], kept: Pictures) -> dict[str, Any]:
    if "png" not in part:
        return part
    frames = [{"name": frame["name"], **_kept(frame["png"], kept)} for frame in part.get("frames", ())]
    rest = {key: value for key, value in part.items() if key not in ("png", "frames")}
    return rest | _kept(part["png"], kept) | ({"frames": frames} if frames else {})


def _kept(png: str, kept: Pictures) -> dict[str, str]:
    return {"picture": f"pictures/{kept.keep(base64.b64decode(png))}.png"}
