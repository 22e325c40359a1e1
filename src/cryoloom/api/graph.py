"""A project's jobs as a drawing: lanes by the stage of the work, and threads from job to job.

Deterministic: the same jobs lie at the same places, whatever was drawn before.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from cryoloom.errors import CryoloomError

if TYPE_CHECKING:
    from cryoloom.api.project import Project
    from cryoloom.project.entry import JobEntry

LANES = ("Micrographs", "Particles", "Classes", "Maps")
# Of which lane a job is by what it makes first; what is in none of these follows what it came from.
LANE_OF_KIND = {
    **dict.fromkeys(("movies", "micrographs"), 0),
    **dict.fromkeys(("coordinates", "particles"), 1),
    **dict.fromkeys(("class averages", "model"), 2),
    **dict.fromkeys(("volume", "mask", "half maps", "final map", "local resolution", "postprocess"), 3),
}
# Some jobs make particles and are of another stage all the same.
LANE_OF_FOLDER = {"Class2D": 2, "Class3D": 3, "Refine3D": 3, "InitialModel": 3, "MultiBody": 3}


@dataclass(frozen=True, slots=True)
class Node:
    """Where a job lies: its lane, counted from above, and column and row in it."""

    job: str
    lane: int
    column: int
    row: int


@dataclass(frozen=True, slots=True)
class Thread:
    """What one job takes of another."""

    source: str
    target: str
    kind: str  # of the data; "" where nobody knows


@dataclass(frozen=True, slots=True)
class Graph:
    """Lanes that have jobs, jobs with their places, threads."""

    lanes: tuple[str, ...]
    nodes: tuple[Node, ...]
    threads: tuple[Thread, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def graph_of(project: "Project", branch: str = "") -> Graph:
    """The drawing of a project as it is now.

    Args:
        project: whose.
        branch: a job's name: only what it came from and what came of it; "" for all jobs.
    """
    entries = project.folder.entries()
    threads = threads_of(entries)
    if branch:
        kept = _branch(branch, threads)
        entries = [entry for entry in entries if entry.name in kept]
        threads = [one for one in threads if one.source in kept and one.target in kept]
    lanes = {entry.name: _own_lane(entry) for entry in entries}
    return lay_out([entry.name for entry in entries], lanes, threads)


def _branch(job: str, threads: Iterable[Thread]) -> set[str]:
    """A job with all that it came from and all that came of it."""
    known = [*threads]
    found = {job}
    for back in (True, False):
        beyond: dict[str, list[str]] = {}
        for one in known:
            near, far = (one.target, one.source) if back else (one.source, one.target)
            beyond.setdefault(near, []).append(far)
        todo = [job]
        while todo:
            new = [far for far in beyond.get(todo.pop(), ()) if far not in found]
            found.update(new)
            todo += new
    return found


def threads_of(entries: "Iterable[JobEntry]") -> list[Thread]:
    """All that jobs take of each other, in the order of the jobs that take; each pair and kind once."""
    known = [*entries]
    names = {entry.name for entry in known}
    kinds = {path: kind for entry in known for path, kind in _outputs_of(entry)}
    found: dict[Thread, None] = {}
    for entry in known:
        spec = entry.known_spec
        if spec is not None:
            taken = [(dataset.job, dataset.kind) for dataset in spec.inputs.values() if dataset]
            taken += [(job, "") for job in spec.wait_for]
        else:
            # RELION's job.star names files: what they are, the job that made them says.
            taken = [("/".join(path.split("/")[:2]), kinds.get(path, "")) for path in entry.input_files]
        for source, kind in taken:
            if source in names and source != entry.name:
                found[Thread(source, entry.name, kind)] = None
    drawn = {(one.source, one.target) for one in found if one.kind}
    # What is waited for and taken is drawn once.
    return [one for one in found if one.kind or (one.source, one.target) not in drawn]


def _outputs_of(entry: "JobEntry") -> list[tuple[str, str]]:
    try:
        return [(dataset.path, dataset.kind) for dataset in entry.outputs().values()]
    except CryoloomError:
        return []


def lay_out(jobs: list[str], lanes: Mapping[str, int | None], threads: Iterable[Thread]) -> Graph:
    """Places for jobs.

    Args:
        jobs: in the order in which they were made.
        lanes: of each; None: that of its first source.
        threads: from earlier to later jobs; others are drawn, and move nothing.
    """
    sources: dict[str, list[str]] = {job: [] for job in jobs}
    wires = [*threads]
    for thread in wires:
        sources[thread.target].append(thread.source)
    placed: dict[str, Node] = {}
    last_column: dict[int, int] = {}
    taken: set[tuple[int, int, int]] = set()
    for job in jobs:
        before = [placed[one] for one in sources[job] if one in placed]
        own = lanes.get(job)
        lane = own if own is not None else (before[0].lane if before else 0)
        in_lane = [node for node in before if node.lane == lane]
        column = max((node.column + 1 for node in in_lane), default=0)
        if lane in last_column and not in_lane:
            # Not left of what it comes from, so that threads run forwards; in an empty lane there is room.
            column = max([column, *(node.column for node in before)])
        row = in_lane[0].row if in_lane else 0
        while (lane, column, row) in taken:
            row += 1
        placed[job] = Node(job, lane, column, row)
        taken.add((lane, column, row))
        last_column[lane] = max(last_column.get(lane, 0), column)
    used = sorted({node.lane for node in placed.values()})
    number = {lane: index for index, lane in enumerate(used)}
    nodes = tuple(Node(one.job, number[one.lane], one.column, one.row) for one in placed.values())
    return Graph(tuple(LANES[lane] for lane in used), nodes, tuple(wires))


def _own_lane(entry: "JobEntry") -> int | None:
    folder = entry.name.partition("/")[0]
    if folder in LANE_OF_FOLDER:
        return LANE_OF_FOLDER[folder]
    try:
        kinds = [dataset.kind for dataset in entry.outputs().values()]
    except CryoloomError:
        return None
    if folder == "Select":
        # Of classes it is where class averages are kept with their particles; of micrographs where these are.
        return (
            2
            if "class averages" in kinds
            else next((LANE_OF_KIND[one] for one in kinds if one in LANE_OF_KIND), None)
        )
    return next((LANE_OF_KIND[kind] for kind in kinds if kind in LANE_OF_KIND), None)
