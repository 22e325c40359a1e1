"""What answers about a session look like."""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, Field

Label = Annotated[str, Field(max_length=200, pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
Bound = Annotated[float, Field(allow_inf_nan=False)] | None


class StepShape(BaseModel):
    """A step of the stream."""

    name: str
    title: str
    alias: str
    kind: str
    state: str
    why: str
    done: int
    failed: int
    waits: int
    each_s: float | None
    lanes: int
    rate: float | None  # an hour
    load: float | None  # share of its capacity that is in use
    behind_s: float | None


class FailedShape(BaseModel):
    job: str
    item: str
    name: str
    why: str


class DiskHere(BaseModel):
    free_gb: float
    gb_per_movie: float
    gb_per_hour: float | None
    hours_left: float | None


class ResultShape(BaseModel):
    job: str
    title: str
    alias: str
    state: str
    iteration: int | None
    made: str
    ended: float
    is_there: bool  # whether there is a picture of it


class ResultsShape(BaseModel):
    classes: ResultShape | None
    map: ResultShape | None


class HappenedShape(BaseModel):
    t: float
    job: str
    text: str
    state: str


class SessionAnswer(BaseModel):
    """A stream as it is; times are seconds of the epoch."""

    version: int  # grows whenever there is anything new to ask for
    source: str
    alias: str
    pattern: str
    is_open: bool
    state: str
    began: float
    newest: float
    now: float
    until: float
    behind_s: float | None
    pending: int
    verdict: Literal["keeps up", "falls behind", "stands", "quiet", "finishing", "ended"]
    why: str
    movies: int
    failed_movies: int
    rate: float | None
    accepted: int | None
    judged: int | None
    particles: int | None
    steps: list[StepShape]
    failed: list[FailedShape]
    failed_total: int
    disk: DiskHere | None
    results: ResultsShape
    happened: list[HappenedShape]


class QuantityShape(BaseModel):
    label: str
    title: str
    unit: str
    factor: float  # from the label's unit to the one that is shown
    worse: str


class LimitShape(BaseModel):
    """From where to where a value may lie, in the label's unit; null: no limit on that side."""

    low: Bound = None
    high: Bound = None


class SeriesShape(BaseModel):
    """A quantity over time, in the label's unit; with bins medians, and the tenth and ninetieth percentile."""

    quantity: QuantityShape
    can_limit: bool
    limit: LimitShape
    values: list[float | None]
    low: list[float | None]
    high: list[float | None]
    edges: list[float]
    counts: list[int]
    outside: int


class PaceShape(BaseModel):
    width_s: float
    edges: list[float]
    written: list[int]
    through: list[int]


class NewMicrographShape(BaseModel):
    name: str
    number: int
    fit: float | None
    motion: float | None
    picks: int | None
    fate: str
    why: str
    places: list[list[float]]  # x and y


class QualityAnswer(BaseModel):
    """What was measured in a stream."""

    job: str
    output: str
    filter: str
    besides: str
    are_bins: bool
    times: list[float]
    numbers: list[int]  # of the micrographs, from 1, in the order of the times; none of bins
    series: list[SeriesShape]
    count: int
    pace: PaceShape | None
    newest: list[NewMicrographShape]


class LimitsAsked(BaseModel):
    """Other limits of the stream; of labels that are not named nothing changes."""

    limits: dict[Label, LimitShape] = Field(min_length=1, max_length=20)


class ConsequenceShape(BaseModel):
    job: str
    title: str
    becomes: str  # kept, again, new, from the start, stays
    items: int | None
    seconds: float | None


class PlanAnswer(BaseModel):
    """What a change means, before anything is done."""

    consequences: list[ConsequenceShape]
    kept: int | None
    of: int | None
    kept_now: int | None
    left_out: dict[str, str]


class ChangeAsked(BaseModel):
    """Other parameters of a step."""

    job: str = Field(max_length=200)
    given: dict[str, str | int | float | bool] = Field(default_factory=dict, max_length=200)
    of_all: bool = False


class ChangedAnswer(BaseModel):
    version: int


class LinkAsked(BaseModel):
    """A read-only link that ends when a day is over."""

    until: date
    note: str = Field("", max_length=200)


class LinkShape(BaseModel):
    id: str
    made: float
    until: float
    note: str


class NewLinkAnswer(BaseModel):
    """A link that was made; its token is told this once."""

    link: LinkShape
    token: str
