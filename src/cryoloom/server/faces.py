"""The small pictures by which jobs are known on their cards."""

from collections import OrderedDict
from threading import Lock

from fastapi import APIRouter, Request, Response

from cryoloom.api.job import Job
from cryoloom.server.asking import JobHere

router = APIRouter(prefix="/projects/{key}/jobs/{number}", tags=["views"])
MOST_FACES = 4000  # some 15 kB each


class Faces:
    """Those made lately; one whose files have changed is made anew."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[object, bytes | None]] = OrderedDict()
        self._lock = Lock()

    def of(self, job: Job) -> bytes | None:
        face = job.face()
        stamp, folder = face.stamp, str(job.folder)
        with self._lock:
            known = self._kept.get(folder)
        if known is None or known[0] != stamp:
            known = (stamp, face.png())
            with self._lock:
                self._kept[folder] = known
                while len(self._kept) > MOST_FACES:
                    self._kept.popitem(last=False)
        return known[1]


@router.get("/face.png", response_class=Response, responses={204: {"description": "No picture yet"}})
def face(here: JobHere, request: Request) -> Response:
    """A square picture by which the job is known; 204 where nothing of it is a picture yet."""
    kept: Faces = request.app.state.faces
    png = kept.of(here)
    if png is None:
        return Response(status_code=204, headers={"cache-control": "no-store"})
    return Response(png, media_type="image/png", headers={"cache-control": "private, max-age=86400"})
