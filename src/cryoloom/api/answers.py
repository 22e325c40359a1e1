"""What people ask of a project first: the resolution, how many particles, the map, how long it took; and how it was made."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

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


def answers(project: "Project") -> Metrics:
    """The newest resolution, the items that are left of each kind, the newest map, and the time from first to last."""
    jobs, summaries = project.jobs(), {summary.name: summary for summary in project.summaries()}
    ended = [job for job in jobs if job.name in summaries and summaries[job.name].state == "succeeded"]
    rows: list[tuple[str, str]] = []
    for job in reversed(ended):
        said = _resolution(job)
        if said:
            rows.append(("resolution", f"{said} ({job.name})"))
            break
    for kind in _KINDS:
        firsts = [(job.name, _first(summaries[job.name], kind)) for job in ended]
        found = [(name, output["items"]) for name, output in firsts if output and output["items"]]
        if found:
            (first, most), (last, left) = max(found, key=lambda one: int(one[1])), found[-1]
            more = f", of {most} in {first}" if most != left else ""
            rows.append((kind, f"{left} in {last}{more}"))
    maps = [output for job in ended if (output := _first(summaries[job.name], "volume", "final map"))]
    if maps:
        rows.append(("map", str(maps[-1]["path"])))
    rows += _time(jobs)
    states = [summary.state for summary in summaries.values()]
    counted = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(sorted(states)))
    return Metrics("In short", [*rows, ("jobs", counted or "none")])


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


def _time(jobs: "list[Job]") -> list[tuple[str, str]]:
    histories = [job.entry.look().history for job in jobs if job.entry.known_spec is not None]
    began = [history.began for history in histories if history.began]
    last = [max(history.ended, history.last_done) for history in histories]
    if not began or not max(last):
        return []
    cpu = sum(history.cpu_s + history.program_cpu_s for history in histories)
    return [
        (
            "time",
            f"{duration(max(last) - min(began))} from the first job's start to the last one's end; {duration(cpu)} of CPU",
        )
    ]


def duration(seconds: float) -> str:
    """A time as people say it: `42 s`, `7 min`, `3 h 12 min`, `2 d 4 h`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"


def methods(project: "Project") -> str:
    """How the results were made, as a paragraph for a paper's methods: each step with what was not left as usual."""
    summaries = {summary.name: summary for summary in project.summaries()}
    sentences = []
    for job in project.jobs():
        summary = summaries.get(job.name)
        if summary is None or summary.state != "succeeded" or job.entry.spec is None:
            continue
        protocol, made_with = job.entry.make_protocol(), _values_of(job)
        values = [
            f"{name} {', later '.join(map(relion_text, made_with[name]))}{f' {spec.unit}' if spec.unit else ''}"
            for name, spec in protocol.params.items()
            if not spec.own and any(value not in (spec.default, "", None) for value in made_with[name])
        ]
        cited = f" [{', '.join(protocol.cites)}]" if protocol.cites else ""
        sentences.append(
            f"{protocol.label} ({protocol.name}{cited}): {', '.join(values) or 'default values'}{_made(summary)}."
        )
    return " ".join(sentences)


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
