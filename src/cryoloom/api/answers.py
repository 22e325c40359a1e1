"""What people ask of a project first: the resolution, how many particles, the map, how long it took."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cryoloom.api.branch import Branch, branch_of
from cryoloom.errors import CryoloomError
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
        sessions = [(name, int(items)) for name, items in reversed(found) if name.startswith("Import/")]
        if kind == "movies" and len(sessions) > 1:
            yield kind, f"{sum(items for _, items in sessions)} in {_named([name for name, _ in sessions])}"
        elif found:
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
