"""The files of a job: listed, and one of them to be kept."""

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import FileResponse

from cryoloom.api.job_files import file_of, files_of
from cryoloom.errors import ParameterError
from cryoloom.server.asking import JobHere
from cryoloom.server.shapes import FilesAnswer, FileShape

router = APIRouter(prefix="/projects/{key}/jobs/{number}", tags=["jobs"])
MOST_FILES = 2000


@router.get("/files")
def files(here: JobHere, words: Annotated[str, Query(max_length=200)] = "") -> FilesAnswer:
    """The files of the job's folder whose names have some letters in them."""
    found = [one for one in files_of(here) if words.lower() in one.name.lower()]
    return FilesAnswer(
        files=[FileShape.model_validate(one, from_attributes=True) for one in found[:MOST_FILES]],
        total=len(found),
        bytes=sum(one.bytes for one in found),
    )


@router.get("/file", response_class=FileResponse)
def file(here: JobHere, name: Annotated[str, Query(min_length=1, max_length=1000)]) -> FileResponse:
    """One file, as it is, to be saved."""
    try:
        path = file_of(here, name)
    except ParameterError as error:
        raise HTTPException(404, detail=error.as_dict() | {"text": str(error)}) from None
    return FileResponse(path, media_type="application/octet-stream", filename=path.name)
