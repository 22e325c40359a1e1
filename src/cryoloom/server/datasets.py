"""Sets of items: looked through, chosen from, kept."""

from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path, Query, Request, Response
from pydantic import BaseModel, Field, FiniteFloat

from cryoloom.api import keeping, plots, sheets
from cryoloom.api.browsing import KINDS, Browsed, Show, Tables
from cryoloom.api.choice import MOST_BY_HAND, MOST_CORNERS, Choice, within
from cryoloom.api.first_looks import first_axes, first_columns, first_sort
from cryoloom.api.job import Job
from cryoloom.errors import CryoloomError
from cryoloom.protocol.jobs import ITEM_ID
from cryoloom.server.asking import JobHere

router = APIRouter(prefix="/projects/{key}/jobs/{number}", tags=["datasets"])
MOST_ROWS = 500
Label = Annotated[str, Field(max_length=200)]
Output = Annotated[str, Path(max_length=200)]
Stamp = Annotated[str, Field(max_length=80)]
Id = Annotated[str, Field(max_length=200)]


class ColumnShape(BaseModel):
    name: str
    is_number: bool
    is_whole: bool
    unit: str
    meaning: str
    missing: int | None


class SetLine(BaseModel):
    """An output of a job that one can choose from."""

    output: str
    kind: str
    ready: bool
    why: str = ""  # why it cannot be looked at yet


class SetAnswer(BaseModel):
    """A set of items as its file is now."""

    output: str
    kind: str
    path: str
    stamp: str  # names this reading of the file: other requests say which one they mean
    count: int
    columns: list[ColumnShape]
    first: list[str]  # columns that are looked at first
    x: str  # what to draw first: a column along the abscissa,
    y: str  # and one over it, or "" for a histogram
    sort: str  # what the items are sorted by at first, with "-" before it the largest first
    members: str  # of classes: the output of the same job that has their particles; "" none
    image: str  # the column that names the items' images; "" without
    sheet_columns: int
    growing: bool  # whether items may still come
    proposal: str  # a rule to begin with; "" none


class ChoiceShape(BaseModel):
    """What is kept: by a rule, and by hand."""

    rule: str = Field("", max_length=200_000)
    added: list[Id] = Field(default_factory=list, max_length=MOST_BY_HAND)
    removed: list[Id] = Field(default_factory=list, max_length=MOST_BY_HAND)

    def choice(self) -> Choice:
        return Choice(self.rule, (*self.added,), (*self.removed,))


class Looked(ChoiceShape):
    stamp: Stamp = ""


class Ordered(Looked):
    sort: Label = ""
    descending: bool = False
    show: Show = "all"


class RowsAsked(Ordered):
    start: int = Field(0, ge=0, le=2**31)
    count: int = Field(60, ge=1, le=MOST_ROWS)
    columns: list[Label] = Field(default_factory=list, max_length=60)


class RowsAnswer(BaseModel):
    """Some rows in their order: their numbers in the file, their identities, whether the rule keeps them, their values."""

    total: int
    rows: list[int]
    ids: list[str]
    ruled: list[bool]
    values: list[list[str | float | int | bool | None]]


class PlaceAsked(Ordered):
    row: int = Field(ge=0, le=2**31)


class PlaceAnswer(BaseModel):
    place: int | None
    id: str


class TallyAnswer(BaseModel):
    kept: int
    of: int
    by_rule: int
    unknown: int
    weight: int | None
    of_weight: int | None


class HistogramAsked(Looked):
    column: Label
    bins: int = Field(40, ge=2, le=400)


class HistogramAnswer(BaseModel):
    edges: list[float]
    all: list[int]
    kept: list[int]
    missing: int
    mean: float | None
    median: float | None
    deviation: float | None


class PointsAsked(Looked):
    x: Label
    y: Label


class PointsAnswer(BaseModel):
    rows: list[int]
    x: list[float]
    y: list[float]
    kept: list[int]
    all: list[int]
    x_limits: list[float]
    y_limits: list[float]
    missing: int


class LassoAsked(BaseModel):
    x: Label
    y: Label
    corners: list[tuple[FiniteFloat, FiniteFloat]] = Field(min_length=3, max_length=MOST_CORNERS)


class Condition(BaseModel):
    condition: str


class KeepAsked(Looked):
    alias: str = Field("", max_length=200)
    start: bool = True
    instead_of: int | None = Field(None, ge=1, le=10**9, description="A job whose dependents are made anew")


class KeptAnswer(BaseModel):
    jobs: list[str]
    count: int


class AskedAnswer(BaseModel):
    """The job that a choice would become."""

    protocol: str
    given: dict[str, Any]
    python: str


class MadeOf(BaseModel):
    """The choice that a job was made of."""

    job: str
    number: int
    output: str
    rule: str
    added: list[str]
    removed: list[str]
    dependents: list[str]
    besides: str


@router.get("/datasets")
def datasets(here: JobHere) -> list[SetLine]:
    """The outputs of a job that one can choose from."""
    found = []
    for name, dataset in here.outputs().items():
        if dataset.kind in KINDS:
            ready = dataset.file.exists()
            found.append(
                SetLine(
                    output=name, kind=dataset.kind, ready=ready, why="" if ready else "It is not there yet."
                )
            )
    # Classes first: by them most is decided at once.
    return sorted(found, key=lambda one: one.kind != "model")


@router.get("/choice")
def choice(here: JobHere) -> MadeOf:
    """The choice that a job was made of."""
    made = keeping.choice_of(here)
    one = made.choice
    return MadeOf(
        job=made.job, number=made.number, output=made.output, rule=one.rule, added=[*one.added], removed=[*one.removed],
        dependents=[*made.dependents], besides=made.besides,
    )  # fmt: skip


@router.get("/datasets/{output}")
def dataset(here: JobHere, output: Output, request: Request) -> SetAnswer:
    """A set of items: its columns, and how many there are."""
    table = _table(here, output, request)
    x, y = first_axes(table)
    return SetAnswer(
        output=output, kind=table.dataset.kind, path=table.dataset.path, stamp=table.stamp, count=table.height,
        columns=[ColumnShape.model_validate(one, from_attributes=True) for one in table.columns],
        first=first_columns(table), x=x, y=y, sort=first_sort(table),
        members=_members(here, table), image=sheets.image_label(table), sheet_columns=sheets.COLUMNS,
        growing=not here.has_ended,
        proposal=keeping.proposal(table),
    )  # fmt: skip


@router.post("/datasets/{output}/rows")
def rows(here: JobHere, output: Output, asked: RowsAsked, request: Request) -> RowsAnswer:
    """Some rows, in any order, of all or of what is kept."""
    table = _table(here, output, request, asked.stamp)
    order = table.order(asked.sort, descending=asked.descending, show=asked.show, choice=asked.choice())
    wanted = [int(one) for one in order[asked.start : asked.start + asked.count]]
    frame = table.frame([*dict.fromkeys([*asked.columns, ITEM_ID])])[wanted]
    ruled = table.ruled(asked.rule)
    return RowsAnswer(
        total=len(order), rows=wanted, ids=[str(one) for one in frame[ITEM_ID].to_list()],
        ruled=[bool(ruled[one]) for one in wanted],
        values=[[_plain(value) for value in row] for row in frame.select(asked.columns).iter_rows()] if asked.columns else [],
    )  # fmt: skip


@router.post("/datasets/{output}/place")
def place(here: JobHere, output: Output, asked: PlaceAsked, request: Request) -> PlaceAnswer:
    """Where a row stands in an order."""
    table = _table(here, output, request, asked.stamp)
    if asked.row >= table.height:
        raise HTTPException(
            404,
            detail={"where": f"row {asked.row}", "found": "missing", "expected": f"one of {table.height}"},
        )
    order = table.order(asked.sort, descending=asked.descending, show=asked.show, choice=asked.choice())
    return PlaceAnswer(
        place=table.place(asked.row, order), id=str(table.frame([ITEM_ID])[ITEM_ID][asked.row])
    )


@router.post("/datasets/{output}/tally")
def tally(here: JobHere, output: Output, asked: Looked, request: Request) -> TallyAnswer:
    """How many items a choice keeps."""
    found = _table(here, output, request, asked.stamp).tally(asked.choice())
    return TallyAnswer.model_validate(found, from_attributes=True)


@router.post("/datasets/{output}/histogram")
def histogram(here: JobHere, output: Output, asked: HistogramAsked, request: Request) -> HistogramAnswer:
    """A column in bins, all items and those that are kept; its mean, median and deviation."""
    table = _table(here, output, request, asked.stamp)
    found = plots.histogram(table, asked.column, asked.choice(), asked.bins)
    return HistogramAnswer.model_validate(found, from_attributes=True)


@router.post("/datasets/{output}/points")
def points(here: JobHere, output: Output, asked: PointsAsked, request: Request) -> PointsAnswer:
    """Two columns against each other; more than 20,000 points are binned."""
    found = plots.points(_table(here, output, request, asked.stamp), asked.x, asked.y, asked.choice())
    return PointsAnswer.model_validate(found, from_attributes=True)


@router.post("/lasso")
def lasso(here: JobHere, asked: LassoAsked) -> Condition:
    """The condition that a point of two columns lies inside a polygon."""
    return Condition(condition=within(asked.x, asked.y, asked.corners))


@router.get("/datasets/{output}/sheet.jpg", response_class=Response)
def sheet(
    here: JobHere,
    output: Output,
    request: Request,
    stamp: Annotated[str, Query(max_length=80)],
    rows: Annotated[
        str, Query(max_length=3000, pattern=r"^\d{1,9}(,\d{1,9})*$", description="Numbers of rows")
    ],
    size: Annotated[int, Query(ge=16, le=1024, description="px, the edge of an image")] = 128,
    sigma: Annotated[float, Query(gt=0, le=100, description="Standard deviations on either side")] = 3.0,
    lowpass: Annotated[float, Query(ge=0, le=1000, description="Å; 0: none")] = 0.0,
) -> Response:
    """The images of some rows as one picture, ten beside each other."""
    numbers = [int(one) for one in rows.split(",")]
    if len(numbers) > sheets.MOST_TILES or len(numbers) * size * size > 40_000_000:
        raise HTTPException(
            422, detail={"where": "rows", "found": f"{len(numbers)} images of {size} px", "expected": "fewer"}
        )
    table = _table(here, output, request, stamp)
    jpeg = sheets.sheet(table, numbers, tile_px=size, sigma=sigma, lowpass=lowpass)
    # Its address says what is in it: rows of one reading of one file.
    return Response(
        jpeg, media_type="image/jpeg", headers={"cache-control": "private, max-age=86400, immutable"}
    )


@router.post("/datasets/{output}/asked")
def asked(here: JobHere, output: Output, asked: Looked, request: Request) -> AskedAnswer:
    """The job that a choice would become, as Python too; nothing is made."""
    found = keeping.asked_of(here, output, _table(here, output, request, asked.stamp), asked.choice())
    return AskedAnswer(protocol=found.protocol, given=found.given, python=found.python)


@router.post("/datasets/{output}/keep", status_code=201)
def keep(here: JobHere, output: Output, asked: KeepAsked, request: Request) -> KeptAnswer:
    """Make the job that keeps what is chosen, and the rest apart."""
    # What still grows is another file at each look: its items are known by identity, so that those chosen are the same.
    table = _table(here, output, request, asked.stamp if here.has_ended else "")
    instead = here.project.job(asked.instead_of) if asked.instead_of is not None else None
    made = keeping.keep(
        here, output, table, asked.choice(), alias=asked.alias, start=asked.start, instead_of=instead
    )
    return KeptAnswer(jobs=[*made.jobs], count=made.count)


def _table(job: Job, output: str, request: Request, stamp: str = "") -> Browsed:
    kept: Tables = request.app.state.tables
    try:
        dataset = job.dataset(output)
    except CryoloomError as error:
        raise HTTPException(404, detail=error.as_dict() | {"text": str(error)}) from None
    return kept.of(dataset, stamp)


def _members(job: Job, table: Browsed) -> str:
    if table.dataset.kind != "model":
        return ""
    return next(
        (name for name, one in job.outputs().items() if one.kind == "particles" and one.file.exists()), ""
    )


def _plain(value: object) -> str | float | int | bool | None:
    """For JSON, which has no nan."""
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else None
    return value if isinstance(value, str | int | bool) or value is None else str(value)
