"""Which jobs a project's result was made by: the best final map and what it comes from; all others are trials beside it.

A project has trials: a second classification, another mask, a post-processing of an early refinement. Who asks for the result
asks for one map, and for the jobs that led to it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryoloom.api.totals import final_resolution
from cryoloom.errors import CryoloomError
from cryoloom.project.foreign import sources_as_run

if TYPE_CHECKING:
    from cryoloom.api.job import Job
    from cryoloom.api.summary import JobSummary

# What a job gives, the nearest to a result first: of jobs that give the first of these that any gives the newest is meant.
# Half maps are a refinement's; a map alone is a reference, a class or an initial model.
_NEAREST = (
    ("half maps",),
    ("final map", "volume"),
    ("particles",),
    ("coordinates",),
    ("micrographs",),
    ("movies",),
)


@dataclass(frozen=True)
class Branch:
    """A result's job and those that it comes from.

    `jobs`: they and it, in the order of their numbers. `distance`: how many steps before the result's job each lies; 0 its own.
    `beside`: the jobs that succeeded and have no part in it. `newest`: the newest post-processing, where that is another one.
    """

    result: "Job"
    jobs: tuple["Job", ...]
    distance: Mapping[str, int]
    beside: tuple["Job", ...]
    newest: "Job | None" = None

    def nearest_first(self) -> list["Job"]:
        """Its jobs from the result backwards; of those that are equally far the newest first."""
        age = {job.name: -place for place, job in enumerate(self.jobs)}
        return sorted(self.jobs, key=lambda job: (self.distance[job.name], age[job.name]))


def branch_of(jobs: "Sequence[Job]", summaries: "Mapping[str, JobSummary]") -> Branch | None:
    """The branch of a project's result; None while no job has succeeded.

    Its result is the post-processing with the finest resolution, the newest of equal ones; without one the newest refinement,
    map, set of particles and so on.
    """
    ended = [job for job in jobs if job.name in summaries and summaries[job.name].state == "succeeded"]
    if not ended:
        return None
    resolutions = {job.name: found for job in ended if (found := _resolution(job, summaries[job.name]))}
    sharpened = [job for job in ended if job.name in resolutions]
    if sharpened:
        # Rounded as people read it: what differs in no digit that is told is equal.
        result = min(reversed(sharpened), key=lambda job: round(resolutions[job.name], 2))
    else:
        result = _nearest_to_a_result(ended, summaries)
    distance = _distances(result, {job.name: job for job in jobs})
    part = tuple(job for job in jobs if job.name in distance)
    newest = sharpened[-1] if sharpened and sharpened[-1].name != result.name else None
    return Branch(result, part, distance, tuple(job for job in ended if job.name not in distance), newest)


def branch_to(result: "Job", jobs: "Sequence[Job]") -> Branch:
    """The branch of one job, whatever the project's result is; nothing lies beside it."""
    distance = _distances(result, {job.name: job for job in jobs})
    return Branch(result, tuple(job for job in jobs if job.name in distance), distance, ())


def _resolution(job: "Job", summary: "JobSummary") -> float | None:
    """Å, of a post-processing."""
    path = next(
        (output["path"] for output in summary.outputs.values() if output["kind"] == "postprocess"), ""
    )
    try:
        return final_resolution(job.project.path / path) if path else None
    except (CryoloomError, OSError, ValueError):
        return None  # a file that cannot be read: the job's own part of the report tells


def _nearest_to_a_result(ended: "Sequence[Job]", summaries: "Mapping[str, JobSummary]") -> "Job":
    for kinds in _NEAREST:
        for job in reversed(ended):
            if any(output["kind"] in kinds for output in summaries[job.name].outputs.values()):
                return job
    return ended[-1]


def _distances(result: "Job", jobs: "Mapping[str, Job]") -> dict[str, int]:
    """How far each job that the result comes from lies before it."""
    found = {result.name: 0}
    ring = [result]
    while ring:
        ahead: list[Job] = []
        for job in ring:
            for name in sorted(sources_as_run(job.entry)):
                if name in jobs and name not in found:
                    found[name] = found[job.name] + 1
                    ahead.append(jobs[name])
        ring = ahead
    return found
