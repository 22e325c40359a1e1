"""Micrographs of an output: which there are, their pictures as tiles, the picks on them, and edits of those."""

import math
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path, Query, Request, Response
from pydantic import BaseModel, Field

from cryoloom.api import picking
from cryoloom.api.micrograph_pictures import MicrographPictures, small_picture
from cryoloom.api.micrograph_source import MERIT
from cryoloom.api.micrographs import (
    PicksOn,
    keep_above,
    micrograph_file,
    micrographs_of,
    pick_by_hand,
    picks_on,
    save_picks_on,
    spread_of,
)
from cryoloom.errors import ImageError
from cryoloom.server.asking import JobHere
from cryoloom.server.shapes import Made

router = APIRouter(prefix="/projects/{key}/jobs/{number}/micrographs/{output}", tags=["micrographs"])
tiles_router = APIRouter(prefix="/tiles/{name}", tags=["micrographs"])
MOST_PICKS = 20_000
FOREVER = {"cache-control": "private, max-age=86400, immutable"}

Output = Annotated[str, Path(max_length=200)]
At = Annotated[
    str, Query(max_length=1000, description="A name or part of one, or a number from 1; the first without")
]
Label = Annotated[str, Field(max_length=200, pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
Text = Annotated[str, Field(max_length=1000)]
Whole = Annotated[int, Field(ge=-(2**53), le=2**53)]
Real = Annotated[float, Field(allow_inf_nan=False)]
Name = Annotated[str, Path(pattern="^[0-9a-f]{24}$")]


class DefocusShape(BaseModel):
    u: float
    v: float
    angle: float


class MicrographShape(BaseModel):
    """A micrograph, and what is known of it."""

    micrograph: str
    picks: int | None
    angpix: float
    defocus: DefocusShape | None
    fit: float | None
    motion: float | None
    id: str


class MicrographsAnswer(BaseModel):
    """The micrographs of an output."""

    job: str
    output: str
    kind: str
    diameter: float
    by_hand: bool
    are_ends: bool
    columns: list[str]
    lines: list[MicrographShape]


class PictureAnswer(BaseModel):
    """How a micrograph's picture is asked for."""

    micrograph: str
    name: str
    width: int
    height: int
    angpix: float
    levels: int
    finest: int
    tile_px: int


class PicksAnswer(BaseModel):
    """The picks on a micrograph, and the revision from which an edit begins."""

    micrograph: str
    revision: str
    columns: list[str]
    rows: list[list[str | int | float | None]]


class PicksGiven(BaseModel):
    """All picks of a micrograph as they are to be. A pick under its id stays that pick wherever it lies; one without is new."""

    since: str = Field(max_length=64)
    picks: list[dict[Label, Text | Whole | Real | None]] = Field(max_length=MOST_PICKS)


class SavedAnswer(BaseModel):
    """What became of an edit; the picks are in the order in which they were given."""

    revision: str
    ids: list[str]
    followers: list[str]  # jobs that made something of the picks before, and can take these
    wholes: list[str]  # jobs that have to be restarted to take them


class SpreadAnswer(BaseModel):
    """A column over all picks."""

    column: str
    total: int
    without: int
    steps: list[float]
    kept: list[int]


class Threshold(BaseModel):
    column: Label = MERIT
    above: float = Field(allow_inf_nan=False)


class ByHand(BaseModel):
    filaments: bool = False


@router.get("")
def micrographs(here: JobHere, output: Output) -> MicrographsAnswer:
    """The micrographs of an output, each with its number of picks."""
    return MicrographsAnswer.model_validate(micrographs_of(here, output), from_attributes=True)


@router.get("/picture")
def picture(
    here: JobHere,
    output: Output,
    request: Request,
    at: At = "",
    lowpass: Annotated[float, Query(ge=0, le=1000, allow_inf_nan=False, description="Å; 0: none")] = 0,
) -> PictureAnswer:
    """A micrograph's picture, low-passed or as it is; it is asked for by tiles."""
    kept: MicrographPictures = request.app.state.micrographs
    file = micrograph_file(here, output, at)
    made = kept.open(file.path, file.angpix, lowpass)
    fields = {field: getattr(made, field) for field in PictureAnswer.model_fields if field != "micrograph"}
    return PictureAnswer(micrograph=file.micrograph, **fields)


@router.get("/small.png", response_class=Response)
def small(here: JobHere, output: Output, at: At = "") -> Response:
    """A small picture of a micrograph."""
    png = small_picture(here, output, at)
    return Response(png, media_type="image/png", headers={"cache-control": "private, max-age=60"})


@router.get("/picks")
def picks(here: JobHere, output: Output, at: At = "") -> PicksAnswer:
    """The picks on a micrograph."""
    return _picks(picks_on(here, output, at))


@router.put("/picks")
def save(here: JobHere, output: Output, asked: PicksGiven, at: At) -> SavedAnswer:
    """Make these the picks of a micrograph, if nobody has edited them since."""
    saved = save_picks_on(here, output, at, asked.picks, since=asked.since)
    return SavedAnswer(
        revision=saved.revision, ids=[*saved.ids], followers=[*saved.followers], wholes=[*saved.wholes]
    )


@router.get("/spread")
def spread(here: JobHere, output: Output, column: Annotated[Label, Query()] = MERIT) -> SpreadAnswer:
    """How many of all picks a threshold would keep."""
    return SpreadAnswer.model_validate(spread_of(here, output, column), from_attributes=True)


@router.post("/keep", status_code=201)
def keep(here: JobHere, output: Output, asked: Threshold) -> Made:
    """Make the job that keeps the picks above a threshold."""
    return Made(jobs=[keep_above(here, output, asked.above, asked.column).name])


@router.post("/pick", status_code=201)
def pick(here: JobHere, output: Output, asked: ByHand) -> Made:
    """Make the job in which these micrographs are picked by hand, or these picks edited."""
    return Made(jobs=[pick_by_hand(here, output, filaments=asked.filaments).name])


@router.post("/hand-on")
def hand_on(here: JobHere, output: Output) -> Made:
    """Have the jobs that made something of earlier picks make it again."""
    return Made(jobs=[*picking.hand_on(here)])


@tiles_router.get("/{level}/{x}/{y}.png", response_class=Response)
def tile(
    name: Name,
    level: Annotated[int, Path(ge=0, le=30)],
    x: Annotated[int, Path(ge=0, le=10_000)],
    y: Annotated[int, Path(ge=0, le=10_000)],
    request: Request,
    contrast: Annotated[float, Query(ge=0.1, le=50, description="Deviations from grey to white")] = 3,
    invert: bool = False,
) -> Response:
    """A tile of a picture."""
    kept: MicrographPictures = request.app.state.micrographs
    try:
        png = kept.tile(name, level, x, y, contrast=contrast, invert=invert)
    except ImageError as error:
        raise _gone(error) from None
    return Response(png, media_type="image/png", headers=FOREVER)


@tiles_router.get("/spectrum.png", response_class=Response)
def spectrum(name: Name, request: Request) -> Response:
    """The power spectrum of a picture as it is without a filter: Nyquist at the edges."""
    kept: MicrographPictures = request.app.state.micrographs
    try:
        png = kept.spectrum(name)
    except ImageError as error:
        raise _gone(error) from None
    return Response(png, media_type="image/png", headers=FOREVER)


def _picks(found: PicksOn) -> PicksAnswer:
    rows: list[list[Any]] = [[_told(value) for value in row] for row in found.table.iter_rows()]
    return PicksAnswer(
        micrograph=found.micrograph, revision=found.revision, columns=found.table.columns, rows=rows
    )


def _told(value: Any) -> Any:
    """What JSON can say: a number that is none is a gap."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _gone(error: ImageError) -> HTTPException:
    return HTTPException(404, detail=error.as_dict() | {"text": str(error)})
