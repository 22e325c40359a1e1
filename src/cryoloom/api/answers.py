"""What people ask of a project first: the resolution, how many particles, the map, how long it took; and how it was made."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryoloom.api.branch import Branch, branch_of
from cryoloom.errors import CryoloomError
from cryoloom.project.attempts import read_control
from cryoloom.protocol.declare import relion_text
from cryoloom.protocol.views import Metrics

if TYPE_CHECKING:
    from cryoloom.api.job import Job
    from cryoloom.api.project import Project
    from cryoloom.api.summary import JobSummary

# Kinds of sets, in the order in which items pass them.
_KINDS = ("movies", "micrographs", "particles")
MOST_NAMED = 40  # jobs, in one row


def answers(project: "Project") -> Metrics:
    """Of the best final map and the jobs that it comes from: resolution, items that are left of each kind, the map; and what
    the whole project took."""
    jobs, summaries = project.jobs(), {summary.name: summary for summary in project.summaries()}
    branch = branch_of(jobs, summaries)
    rows = [*_of_branch(branch, summaries)] if branch is not None else []
    rows += _time(jobs)
    states = [summary.state for summary in summaries.values()]
    counted = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(sorted(states)))
    return Metrics("In short", [*rows, ("jobs", counted or "none")])


def _of_branch(branch: Branch, summaries: "Mapping[str, JobSummary]") -> "Iterator[tuple[str, str]]":
    backwards = branch.nearest_first()
    for job in backwards:
        if said := _resolution(job) or _reached(summaries.get(job.name)):
            yield "resolution", f"{said} ({job.name})"
            break
    for kind in _KINDS:
        firsts = [(job.name, _first(summaries[job.name], kind)) for job in backwards if job.name in summaries]
        found = [(name, output["items"]) for name, output in firsts if output and output["items"]]
        if found:
            (last, left), (first, most) = found[0], max(reversed(found), key=lambda one: int(one[1]))
            more = f", of {most} in {first}" if most != left else ""
            yield kind, f"{left} in {last}{more}"
    maps = [_first(summaries[job.name], "volume", "final map") for job in backwards if job.name in summaries]
    if path := next((output["path"] for output in maps if output), ""):
        yield "map", str(path)
    before = [job.name for job in branch.jobs if job.name != branch.result.name]
    made_of = f", made of {_named(before)}" if before else ""
    yield "of", f"{branch.result.name}{made_of}"
    if branch.newest is not None:
        yield "newer map", f"{branch.newest.name} is newer and coarser: {_resolution(branch.newest)}"
    if branch.beside:
        yield "no part of it", _named([job.name for job in branch.beside])


def _first(summary: "JobSummary", *kinds: str) -> "Mapping[str, Any] | None":
    """A job's first output of a kind, which is what the next one takes; behind it stand what was rejected, and other parts."""
    return next((output for output in summary.outputs.values() if output["kind"] in kinds), None)


def _resolution(job: "Job") -> str:
    """What a job says of the resolution; "" where it does not."""
    try:
        views = {view.name: view for view in job.views()}
        for name in ("resolution", "fsc"):
            for part in views[name].look().parts if name in views else ():
                if isinstance(part, Metrics):
                    return dict(part.rows).get("resolution (FSC 0.143)", "")
    except CryoloomError:
        pass  # of a job that cannot be read its own part of the report tells
    return ""


def _named(jobs: Sequence[str]) -> str:
    """Their names; of very many the last ones, and how many there are before."""
    more = len(jobs) - MOST_NAMED
    return f"{more} others, {', '.join(jobs[-MOST_NAMED:])}" if more > 0 else ", ".join(jobs)


def _reached(summary: "JobSummary | None") -> str:
    """The resolution of a refinement's half maps; "" of other jobs."""
    words = summary.made.split(", ") if summary is not None else []
    return next((word for word in words if word.endswith(" Å")), "")


def _time(jobs: "list[Job]") -> list[tuple[str, str]]:
    histories = [job.entry.look().history for job in jobs if job.entry.known_spec is not None]
    began = [history.began for history in histories if history.began]
    last = [max(history.ended, history.last_done) for history in histories]
    if not began or not max(last):
        return []
    cpu = sum(history.cpu_s + history.program_cpu_s for history in histories)
    told = f"{duration(max(last) - min(began))} from the first job's start to the last one's end; {duration(cpu)} of CPU"
    # RELION keeps no times of its jobs.
    others = len(jobs) - len(histories)
    return [("time", f"{told}, without {others} jobs that RELION ran" if others else told)]


def duration(seconds: float) -> str:
    """A time as people say it: `42 s`, `7 min`, `3 h 12 min`, `2 d 4 h`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"


@dataclass(frozen=True, slots=True)
class Methods:
    """How a result was made, as a paragraph for a paper's methods; `beside`: what was tried and has no part in it."""

    text: str
    beside: str


def methods(project: "Project") -> Methods:
    """How the project's result was made: each step of its branch with what was not left as usual."""
    jobs, summaries = project.jobs(), {summary.name: summary for summary in project.summaries()}
    branch = branch_of(jobs, summaries)
    if branch is None:
        return Methods("", "")
    said = [_sentence(job, summaries[job.name]) for job in branch.jobs if job.name in summaries]
    beside = [f"{job.name} ({job.entry.protocol})" for job in branch.beside]
    return Methods(" ".join(filter(None, said)), ", ".join(beside))


def _sentence(job: "Job", summary: "JobSummary") -> str:
    """A step; "" of one that did not succeed, or that RELION made."""
    if summary.state != "succeeded" or job.entry.known_spec is None:
        return ""
    protocol, made_with = job.entry.make_protocol(), _values_of(job)
    values = [
        f"{name} {', later '.join(map(relion_text, made_with[name]))}{f' {spec.unit}' if spec.unit else ''}"
        for name, spec in protocol.params.items()
        if not spec.own and any(value not in (spec.default, "", None) for value in made_with[name])
    ]
    cited = f" [{', '.join(protocol.cites)}]" if protocol.cites else ""
    return (
        f"{protocol.label} ({protocol.name}{cited}): {', '.join(values) or 'default values'}{_made(summary)}."
    )


def _values_of(job: "Job") -> dict[str, list[Any]]:
    """The values of each parameter with which items were made, in their order: some may have been changed in mid-stream."""
    found = {name: [value] for name, value in job.entry.make_protocol().values.items()}
    for change in read_control(job.folder)["changes"]:
        if change["version"] > job.entry.status().history.version:
            break
        for name, value in change["values"].items():
            found[name] = [*found[name], value]
        if change["of_all"]:
            found = {name: values[-1:] for name, values in found.items()}
    last = job.params  # with what `auto` came to
    return {name: [*values[:-1], last[name]] for name, values in found.items()}


def _made(summary: "JobSummary") -> str:
    counts = [f"{output['items']} {output['kind']}" for output in summary.outputs.values() if output["items"]]
    return f" → {', '.join(counts)}" if counts else ""
