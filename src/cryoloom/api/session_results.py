"""What a session has come to: the newest classes, the newest map, and what happened when."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cryoloom.api.following import FollowedJob
from cryoloom.api.stream_chain import Step
from cryoloom.project.entry import JobEntry
from cryoloom.project.state import JobStatus

MOST_HAPPENED = 12


@dataclass(frozen=True, slots=True)
class Result:
    """A job behind the stream of which there is a picture, or will be."""

    job: str
    title: str
    alias: str
    state: str
    output: str
    iteration: int | None
    made: str  # `3 classes`, `4.92 Å`; "" before it has ended
    ended: float

    @property
    def is_there(self) -> bool:
        """Whether there is a picture of it."""
        return self.iteration is not None or self.state == "succeeded"


@dataclass(frozen=True, slots=True)
class Results:
    """The newest of each."""

    classes: Result | None
    map: Result | None


@dataclass(frozen=True, slots=True)
class Happened:
    """Something to know of a session. `state`: of a job, "" of what is none."""

    t: float
    job: str
    text: str
    state: str


@dataclass(slots=True)
class BehindJobs:
    """The jobs behind a stream, each looked at anew when its files have changed."""

    _known: dict[str, tuple[str, JobStatus]] = field(default_factory=dict)

    def look(self, entries: Iterable[JobEntry]) -> dict[str, tuple[JobEntry, JobStatus]]:
        """Their states now."""
        found = {}
        for entry in entries:
            stamp = entry.stamp()
            known = self._known.get(entry.name)
            # Whether a process lives shows in no file: one that runs is asked each time.
            if known is None or known[0] != stamp or known[1].state == "running":
                known = self._known[entry.name] = (stamp, entry.look())
            found[entry.name] = (entry, known[1])
        return found


def results_of(behind: Mapping[str, tuple[JobEntry, JobStatus]]) -> Results:
    """The newest job that has begun to make classes, and the newest that makes a map."""
    classes: Result | None = None
    volume: Result | None = None
    for entry, status in behind.values():
        outputs = entry.outputs()
        by_kind = {one.kind: name for name, one in reversed(outputs.items())}
        if "model" in by_kind and "volume" not in by_kind and "half maps" not in by_kind:
            classes = _newer(classes, _result(entry, status, by_kind["model"]))
        elif found := next(
            (by_kind[kind] for kind in ("volume", "half maps", "final map") if kind in by_kind), ""
        ):
            volume = _newer(volume, _result(entry, status, found))
    return Results(classes, volume)


def happened(
    steps: Iterable[Step],
    jobs: Mapping[str, FollowedJob],
    behind: Mapping[str, tuple[JobEntry, JobStatus]],
) -> tuple[Happened, ...]:
    """Begin and end of the jobs, changes in mid-stream, doubts; the newest first."""
    found: list[Happened] = []
    for step in steps:
        job = jobs[step.name]
        title = type(step.protocol).label
        if not step.inputs and job.history.began:
            found.append(Happened(job.history.began, job.name, "The session began", ""))
        if step.protocol.name == "sets.filter" and (spec := job.entry.known_spec) is not None:
            values = step.protocol.values
            rule = " and ".join(str(values[name]) for name in ("expression", "ranges") if values.get(name))
            found.append(
                Happened(spec.created, job.name, f"From here on kept where {rule}", "")
                if rule
                else Happened(spec.created, job.name, "A filter was set", "")
            )
        for t, change in job.changes:
            words = ", ".join(f"{name}={value}" for name, value in change.values.items())
            which = "all items" if change.of_all else "what came from then on"
            found.append(Happened(t, job.name, f"{title} changed for {which}: {words}", ""))
        if job.history.ended and job.status.has_ended and job.status.state != "succeeded":
            found.append(
                Happened(job.history.ended, job.name, f"{title} {job.status.state}", job.status.state)
            )
    for entry, status in behind.values():
        history = status.history
        if history.ended and history.state:
            found.append(
                Happened(history.ended, entry.name, f"{_title(entry)} {history.state}", history.state)
            )
    return tuple(sorted(found, key=lambda one: -one.t)[:MOST_HAPPENED])


def _newer(known: Result | None, found: Result) -> Result:
    """Of two that of which there is something to see, else the later one."""
    return known if known is not None and known.is_there and not found.is_there else found


def _result(entry: JobEntry, status: JobStatus, output: str) -> Result:
    from cryoloom.api.totals import totals_of

    made = ""
    if status.has_ended:
        made = totals_of(entry.root, entry.outputs(), status.history, has_ended=True)
    history = status.history
    return Result(
        entry.name, _title(entry), entry.alias, status.state, output, history.iteration, made, history.ended
    )


def _title(entry: JobEntry) -> str:
    try:
        return type(entry.make_protocol()).label
    except Exception:  # of a plugin that is gone or broken
        return entry.protocol
