"""What answers look like: the API's description is made of these, and the page's types of that."""

from typing import Any

from pydantic import BaseModel, Field


class Problem(BaseModel):
    """An error as users read it: where, what was found, what was expected, what to do."""

    where: str
    found: str = ""
    expected: str = ""
    hint: str = ""
    text: str = ""


class ProblemAnswer(BaseModel):
    error: Problem


class SignIn(BaseModel):
    token: str = Field(max_length=200)


class LinkHere(BaseModel):
    """By which read-only link one came."""

    project: str  # its key
    until: float  # seconds of the epoch


class Session(BaseModel):
    """Who is served, by which version."""

    version: str
    home: str  # what the server was started for, "" for all projects
    link: LinkHere | None = None  # of who came by one, and may only look


class Ticket(BaseModel):
    ticket: str


class ProjectCard(BaseModel):
    """A project of the first page."""

    key: str
    name: str
    path: str
    opened: float
    there: bool
    jobs: int = 0
    running: int = 0
    failed: int = 0
    shown: int = 0  # the job whose picture stands for it; 0: none
    made: str = ""  # what that made: `4.9 Å`
    changed: str = ""  # of that job, so that its picture is asked for anew


class OpenProject(BaseModel):
    path: str = Field(min_length=1, max_length=4000)
    create: bool = False


class ProjectInfo(BaseModel):
    """A project's own facts."""

    key: str
    name: str
    path: str
    form: str  # "3.1", or "4 or 5", which is not written


class Items(BaseModel):
    done: int
    failed: int
    total: int | None


class JobRow(BaseModel):
    """One line of the list; the names are those of `cryoloom ls --json`."""

    name: str
    number: int
    alias: str
    label: str
    protocol: str
    title: str  # the protocol's label
    ours: bool  # false: RELION's own, which Cryoloom shows and does not run
    follows_stream: bool  # it takes what comes, and ends when its stream is ended
    state: str
    started: bool
    why: str
    items: Items
    outputs: dict[str, dict[str, Any]]
    progress: str
    left_s: float | None
    seconds: float | None
    made: str


class NodePlace(BaseModel):
    job: str
    lane: int
    column: int
    row: int


class Wire(BaseModel):
    source: str
    target: str
    kind: str


class GraphAnswer(BaseModel):
    lanes: list[str]
    nodes: list[NodePlace]
    threads: list[Wire]


class Changed(BaseModel):
    """Jobs that have changed since a moment."""

    now: int  # to be given as `since` the next time
    jobs: list[str]


class InputGiven(BaseModel):
    path: str
    job: str
    kind: str


class Follower(BaseModel):
    protocol: str
    title: str
    inputs: dict[str, str]
    params: dict[str, str]
    command: str


class ViewLine(BaseModel):
    """A view that a job has; what it shows is asked for by its name."""

    name: str
    title: str
    help: str
    iterations: list[int]
    items: bool
    worst: bool


class JobAnswer(JobRow):
    """All that is known of a job."""

    params: dict[str, Any]
    inputs: dict[str, InputGiven]
    failed_items: list[dict[str, str]]
    notes: list[str]
    attempts: int
    resources: dict[str, float]
    folder: str
    asks: str
    command: list[str]
    story: list[str]
    views: list[ViewLine]
    next: list[Follower]


class SeenAnswer(BaseModel):
    """What a view shows: charts as Vega-Lite with their data, pictures by address, figures and tables."""

    parts: list[dict[str, Any]]
    absent: str
    nothing: str  # why nothing was seen, and what to look at instead


class LogAnswer(BaseModel):
    text: str


class Given(BaseModel):
    """A job that is asked for, or tried."""

    protocol: str = Field(max_length=200)
    given: dict[str, str | int | float | bool | list[str]] = Field(default_factory=dict)
    alias: str = Field("", max_length=200)
    label: str = Field("", max_length=1000)
    start: bool = True
    wait_for: list[str] = Field(
        default_factory=list, max_length=100, description="Jobs that must succeed first"
    )
    priority: int = Field(0, ge=-1000, le=1000)
    alone: bool = False
    memory_gb: float = Field(0, ge=0, le=1e6)


class FaultShape(BaseModel):
    field: str
    found: str
    expected: str
    hint: str
    text: str


class TriedAnswer(BaseModel):
    faults: list[FaultShape]
    off: list[str]
    command: str


class OfferShape(BaseModel):
    word: str
    job: str
    alias: str
    output: str
    kind: str


class Made(BaseModel):
    """Names of jobs that were made or touched."""

    jobs: list[str]


class ProtocolLineShape(BaseModel):
    name: str
    label: str
    help: str


class ProtocolAnswer(BaseModel):
    """A protocol's form."""

    name: str
    label: str
    help: str
    folder: str
    programs: list[str]
    inputs: list[dict[str, Any]]
    params: list[dict[str, Any]]
    outputs: list[dict[str, Any]]


class RecipeShape(BaseModel):
    """A job that is asked for, in the other ways to ask for it."""

    python: str
    shell: str
    workflow: str


class ParameterShape(BaseModel):
    """A parameter of a job, beside its default and beside another job's."""

    name: str
    label: str
    tab: str
    unit: str
    level: str
    text: str
    default: str
    other: str
    differs_from_default: bool
    differs_from_other: bool


class HolderShape(BaseModel):
    job: str
    project: str
    key: str
    cores: int
    memory_mb: int
    gpus: list[str]
    busy_cores: float | None
    resident_mb: float | None


class DiskShape(BaseModel):
    where: str
    free_gb: float
    total_gb: float


class MachineAnswer(BaseModel):
    """The machine as jobs see it: what they may take, what is taken, who waits."""

    cores: int
    cores_taken: int
    memory_mb: int
    memory_taken_mb: int
    gpus: list[str]
    gpus_taken: list[str]
    load: float
    free_memory_mb: int
    running: list[HolderShape]
    waiting: list[HolderShape]
    disks: list[DiskShape]


class CheckShape(BaseModel):
    what: str
    ok: bool
    found: str


class SettingShape(BaseModel):
    name: str
    value: str
    source: str


class DiagnosisAnswer(BaseModel):
    """What is installed, what is missing, where each setting comes from."""

    checks: list[CheckShape]
    settings: list[SettingShape]


class HitShape(BaseModel):
    protocol: str
    parameter: str
    what: str


class LabelShape(BaseModel):
    label: str
    type: str
    unit: str
    since: str
    meaning: str


class HitsAnswer(BaseModel):
    """Protocols, their parameters, and labels that words were found in."""

    hits: list[HitShape]
    labels: list[LabelShape]


class RefusedShape(BaseModel):
    job: str
    problem: Problem


class Acted(BaseModel):
    """What became of an act on several jobs: those that were made or touched, and those that refused."""

    jobs: list[str]
    refused: list[RefusedShape]


class DeletedShape(BaseModel):
    job: str
    trash: str


class FileShape(BaseModel):
    name: str
    bytes: int
    changed: float  # seconds of the epoch


class FilesAnswer(BaseModel):
    """The files of a job's folder, the first of them where there are very many."""

    files: list[FileShape]
    total: int
    bytes: int


class Note(BaseModel):
    """What stands in a job's note."""

    text: str = Field("", max_length=20_000)
