"""Maps of jobs: which there are, their values, their voxels for the page to draw, pictures for browsers that cannot."""

from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query, Response
from pydantic import BaseModel, Field

from cryoloom.api import map_surroundings, maps
from cryoloom.api.map_exporting import Colouring, ShownMap, chimerax_commands, fiji_macro
from cryoloom.api.map_values import projection_picture, sent_voxels, slice_picture
from cryoloom.api.maps import JobMap
from cryoloom.api.suggesting import DA_PER_A3
from cryoloom.errors import ImageError, ProjectError
from cryoloom.server.asking import JobHere, ProjectHere

router = APIRouter(tags=["maps"])
FOREVER = {"cache-control": "private, max-age=86400, immutable"}
OF_JOB = "/projects/{key}/jobs/{number}/maps"

Triple = tuple[float, float, float]
Name = Annotated[str, Query(min_length=1, max_length=1000, description="A map's name, as the job lists it")]
Stamp = Annotated[str, Query(pattern="^[0-9a-f]{24}$", description="Of its facts")]
Axis = Annotated[Literal["x", "y", "z"], Query()]
Number = Annotated[float, Query(allow_inf_nan=False)]
Bin = Annotated[float, Query(ge=0.5, le=16, allow_inf_nan=False, description="One of its facts' bins")]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class MapShape(BaseModel):
    """A map, by its job's number and its name."""

    job: int
    name: str
    title: str
    kind: str
    output: str
    iteration: int | None
    number: int | None
    half: int | None


class PlacementShape(BaseModel):
    """Where its voxels lie: x, y, z; Å. A voxel of 0 is one that the header does not tell."""

    size: tuple[int, int, int]
    voxel: Triple
    origin: Triple


class MapValuesShape(BaseModel):
    """What its values are."""

    least: float
    largest: float
    mean: float
    deviation: float
    not_numbers: int


class MapFactsAnswer(BaseModel):
    """A map before it is drawn."""

    map: MapShape
    stamp: str
    placement: PlacementShape
    values: MapValuesShape
    low: float
    high: float
    counts: list[int]
    level: float
    black: float
    white: float
    bins: list[float]
    doubts: list[str]
    da_per_a3: float  # of protein


class MapsAnswer(BaseModel):
    """The maps of a job: outputs, then those of iterations, the newest first."""

    job: str
    maps: list[MapShape]


class JobsWithMaps(BaseModel):
    """All jobs with maps, the newest first, with what they give."""

    jobs: list[MapsAnswer]


class MapLevelAnswer(BaseModel):
    level: float


class SymmetryAxisShape(BaseModel):
    """An axis through the voxel `size // 2`."""

    order: int
    direction: Triple


class PointGroupAnswer(BaseModel):
    """A point group, the job that imposed it ("" for none), and its axes."""

    group: str
    job: str
    axes: list[SymmetryAxisShape]


class OrientationsAnswer(BaseModel):
    """From where particles were seen: directions of equal solid angle with the particles of each."""

    file: str
    particles: int
    of_class: int | None  # whose particles alone these are
    group: str
    directions: list[Triple]
    counts: list[float]


class MapNamed(BaseModel):
    job: int = Field(ge=1, le=10**9)
    name: str = Field(min_length=1, max_length=1000)


class ShownMapShape(MapNamed):
    """A map as it is looked at."""

    level: Finite
    colour: str = Field(pattern="^#[0-9a-fA-F]{6}$")
    opacity: float = Field(1.0, ge=0, le=1)
    is_shown: bool = True


class ColouringShape(MapNamed):
    """The map by which surfaces are coloured, and the values at the ends of the ramp."""

    good: Finite
    poor: Finite


class MapsLookedAt(BaseModel):
    """What is looked at."""

    maps: list[ShownMapShape] = Field(min_length=1, max_length=8)
    colouring: ColouringShape | None = None
    camera: list[Finite] = Field([], max_length=12)


class MapsOpened(BaseModel):
    maps: list[MapNamed] = Field(min_length=1, max_length=8)


@router.get("/projects/{key}/maps")
def jobs(project: ProjectHere) -> JobsWithMaps:
    """All jobs with maps."""
    return JobsWithMaps(
        jobs=[
            MapsAnswer(job=job.name, maps=[*map(_shape, found)])
            for job, found in maps.jobs_with_maps(project)
        ]
    )


@router.get(OF_JOB)
def maps_of_job(here: JobHere) -> MapsAnswer:
    """The maps of a job."""
    return MapsAnswer(job=here.name, maps=[*map(_shape, maps.maps_of(here))])


@router.get(f"{OF_JOB}/facts")
def facts(here: JobHere, name: Name) -> MapFactsAnswer:
    """A map's box, values and first level, and what is doubtful of it."""
    found = _map(here, name)
    stamp, told = found.stamp, found.facts()
    fields = {field: getattr(told, field) for field in MapFactsAnswer.model_fields if hasattr(told, field)}
    return MapFactsAnswer.model_validate(
        {"map": _shape(found), "stamp": stamp, "da_per_a3": DA_PER_A3} | fields, from_attributes=True
    )


@router.get(f"{OF_JOB}/voxels", response_class=Response)
def voxels(here: JobHere, name: Name, stamp: Stamp, bin: Bin = 1) -> Response:
    """A map's voxels, in a byte each; what lies where is told at `cryoloom.api.map_values.sent_voxels`."""
    found = _unchanged(here, name, stamp)
    data = sent_voxels(found.path, found.kind, bin)
    return Response(
        data, media_type="application/octet-stream", headers=FOREVER | {"content-encoding": "deflate"}
    )


@router.get(f"{OF_JOB}/slice.png", response_class=Response)
def slice_png(
    here: JobHere,
    name: Name,
    stamp: Stamp,
    axis: Axis,
    place: Annotated[int, Query(ge=0, le=10_000, description="px, from 0")],
    black: Number,
    white: Number,
    level: Annotated[float | None, Query(allow_inf_nan=False, description="Whose outline is drawn")] = None,
) -> Response:
    """A slice across an axis; y, or z, upwards."""
    found = _unchanged(here, name, stamp)
    png = slice_picture(found.voxels(), axis, place, black=black, white=white, level=level)
    return Response(png, media_type="image/png", headers=FOREVER)


@router.get(f"{OF_JOB}/projection.png", response_class=Response)
def projection_png(here: JobHere, name: Name, stamp: Stamp, axis: Axis) -> Response:
    """The mean along an axis; y, or z, upwards."""
    found = _unchanged(here, name, stamp)
    return Response(projection_picture(found.voxels(), axis), media_type="image/png", headers=FOREVER)


@router.get(f"{OF_JOB}/level")
def level(
    here: JobHere, name: Name, weight_kda: Annotated[float, Query(gt=0, le=1e7, allow_inf_nan=False)]
) -> MapLevelAnswer:
    """The level that encloses so much protein."""
    return MapLevelAnswer(level=_map(here, name).level_of(weight_kda))


@router.get(f"{OF_JOB}/axes")
def axes(here: JobHere) -> PointGroupAnswer:
    """The point group that was imposed on a job's map, and its axes."""
    return PointGroupAnswer.model_validate(map_surroundings.point_group_of(here), from_attributes=True)


@router.get(f"{OF_JOB}/orientations")
def orientations(
    here: JobHere,
    name: Annotated[
        str, Query(max_length=1000, description="A map's name, as the job lists it; none: all particles")
    ] = "",
) -> OrientationsAnswer:
    """From where the particles were seen of which a job's map is made; of a class those of its own."""
    found = map_surroundings.orientations_around(here, name)
    return OrientationsAnswer.model_validate(found, from_attributes=True)


@router.post("/projects/{key}/maps/chimerax", response_class=Response)
def chimerax(project: ProjectHere, asked: MapsLookedAt) -> Response:
    """A command file for ChimeraX that shows the same."""
    shown = [
        ShownMap(_named(project, one), one.level, one.colour.lower(), one.opacity, one.is_shown)
        for one in asked.maps
    ]
    by = asked.colouring
    colouring = None if by is None else Colouring(_named(project, by), by.good, by.poor)
    return Response(chimerax_commands(shown, colouring, asked.camera), media_type="text/plain; charset=utf-8")


@router.post("/projects/{key}/maps/fiji", response_class=Response)
def fiji(project: ProjectHere, asked: MapsOpened) -> Response:
    """A macro for Fiji that opens the same maps."""
    text = fiji_macro([_named(project, one) for one in asked.maps])
    return Response(text, media_type="text/plain; charset=utf-8")


def _shape(one: JobMap) -> MapShape:
    fields = ("name", "title", "kind", "output", "iteration", "number", "half")
    return MapShape(
        job=int(one.job.name.rpartition("job")[2]), **{field: getattr(one, field) for field in fields}
    )


def _map(here: JobHere, name: str) -> JobMap:
    try:
        return maps.map_of(here, name)
    except ProjectError as error:
        raise HTTPException(404, detail=error.as_dict() | {"text": str(error)}) from None


def _named(project: ProjectHere, asked: MapNamed) -> JobMap:
    try:
        return maps.map_of(project.job(asked.job), asked.name)
    except ProjectError as error:
        raise HTTPException(404, detail=error.as_dict() | {"text": str(error)}) from None


def _unchanged(here: JobHere, name: str, stamp: str) -> JobMap:
    """The map, if its file is still the one whose facts were told: pixels of two files are never shown as one."""
    found = _map(here, name)
    if found.stamp != stamp:
        raise ImageError(f"{found.path.name}", found="another file than before", expected="the one that is looked at",
                         hint="Its facts tell the new one.")  # fmt: skip
    return found
