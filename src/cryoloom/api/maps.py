"""The maps of a job: which there are, what their headers and values say, and their voxels as a page draws them.

A map is named by its job and its file's name below the job's folder (a file elsewhere in the project by its name there), and
only what a job lists here is ever read: no other file is served under any name.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from cryoloom.errors import CryoloomError, ProjectError
from cryoloom.project.iterations import course
from cryoloom.project.lineage import sources_of
from cryoloom.protocol import datasets as kinds

if TYPE_CHECKING:
    from cryoloom.api.job import Job
    from cryoloom.api.map_values import MapFacts
    from cryoloom.api.project import Project
    from cryoloom.images.volumes import Voxels

MAPS = (kinds.Volume, kinds.Mask, kinds.HalfMaps, kinds.LocalResolution)
KINDS = ("volume", "final map", "mask", "half maps", "local resolution")
LOCAL_RESOLUTION = "local resolution"
_OF_ITERATION = re.compile(r"run(?:_ct\d+)?_it\d+_((?:half([12])_)?(?:class|body)(\d+)\.mrc)")
MOST_JOBS = 500


@dataclass(frozen=True)
class JobMap:
    """A map that a job made."""

    job: "Job"
    name: str  # below the job's folder, or of the project where it lies elsewhere
    kind: str  # of `KINDS`
    output: str = ""  # "" for one of an iteration
    iteration: int | None = None
    number: int | None = None  # of its class or body, where there may be several
    half: int | None = None

    @property
    def path(self) -> Path:
        """Its file."""
        own = self.job.folder / self.name
        return own if own.exists() else self.job.project.path / self.name

    @property
    def title(self) -> str:
        """What it is, in a few words: `017 half 1, iteration 4`."""
        digits = self.job.name.rpartition("job")[2]
        what = {"half maps": f"half {self.half}", "volume": "map"}.get(self.kind, self.kind)
        if self.output not in ("", "volume", "half_maps", "final_map", "mask", "local_resolution"):
            what = self.output.replace("_", " ") + (f", half {self.half}" if self.half else "")
        if self.number is not None:
            part = "body" if self.is_body else "class"
            what = f"{part} {self.number}" + (f", half {self.half}" if self.half else "")
        return f"{digits} {what}" + ("" if self.iteration is None else f", iteration {self.iteration}")

    @property
    def is_body(self) -> bool:
        """Whether it is a body of multi-body refinement, of which all particles have one."""
        return "_body" in self.path.name

    @property
    def of_class(self) -> int | None:
        """The class whose particles it is made of; None where it is of all."""
        return None if self.is_body else self.number

    @cached_property
    def stamp(self) -> str:
        """Of the file as it is now: another one when it was written anew."""
        from cryoloom.api.map_values import stamp_of

        return stamp_of(self.path)

    def voxels(self) -> "Voxels":
        """Its values in bytes, its box and where it lies.

        Raises:
            ImageError: no map, or one without any number.
        """
        from cryoloom.api.map_values import voxels_of

        return voxels_of(self.path, self.kind)

    def facts(self) -> "MapFacts":
        """Its box, values and proposed level, and what is doubtful.

        Raises:
            ImageError: no map, or one without any number.
        """
        from cryoloom.api.map_values import facts_of

        return facts_of(self.voxels(), self.kind)

    def level_of(self, weight_kda: float) -> float:
        """The level that encloses so much protein.

        Raises:
            ParameterError: more than the box holds, or less than a voxel.
            ImageError: no map with a pixel size.
        """
        from cryoloom.api.suggesting import mask_threshold

        return mask_threshold(self.path, weight_kda=weight_kda).threshold

    def __repr__(self) -> str:
        return f"<JobMap {self.title}: {self.path.name}>"


def maps_of(job: "Job") -> list[JobMap]:
    """The maps of a job whose files are there: its outputs, then those of its iterations, the newest first."""
    found = [one for one in _outputs(job) if one.path.is_file()]
    known = {one.path for one in found}
    return found + [one for one in _of_iterations(job) if one.path not in known]


def map_of(job: "Job", name: str) -> JobMap:
    """The map of this name.

    Raises:
        ProjectError: the job has none of that name.
    """
    known = maps_of(job)
    for one in known:
        if one.name == name:
            return one
    raise ProjectError(
        f"{job.name}: map {name}", found="not there",
        expected=f"one of {', '.join(one.name for one in known[:6])}" if known else "a job with maps",
    )  # fmt: skip


def jobs_with_maps(project: "Project") -> "list[tuple[Job, list[JobMap]]]":
    """Jobs that made maps, the newest first, each with its outputs whose files are there."""
    found = []
    for job in reversed(project.jobs()):
        try:
            maps = [one for one in _outputs(job) if one.path.is_file()]
        except CryoloomError:
            continue  # a job whose description cannot be read has no maps that anybody could name
        if maps:
            found.append((job, maps))
        if len(found) == MOST_JOBS:
            break
    return found


def origins(job: "Job") -> "Iterator[Job]":
    """The job, then those of which its results are made, the nearest first."""
    known = {entry.name: entry for entry in job.project.folder.entries()}
    queue, seen = [job.name], {job.name}
    while queue:
        name = queue.pop(0)
        if name not in known:
            continue
        yield job.project.job(name)
        more = sorted(sources_of(known[name]) - seen, reverse=True)
        seen.update(more)
        queue += more


def _outputs(job: "Job") -> Iterator[JobMap]:
    for output, ref in job.entry.outputs().items():
        if not isinstance(ref, MAPS) or not ref.path.endswith((".mrc", ".map")):
            continue
        if isinstance(ref, kinds.HalfMaps) and ref.has_other:
            for half in (1, 2):
                yield JobMap(job, _name(job, ref.half(half)), ref.kind, output, half=half)
        else:
            yield JobMap(job, _name(job, ref.path), ref.kind, output)


def _of_iterations(job: "Job") -> list[JobMap]:
    names = (path.name for path in job.folder.glob("run*_it*_*.mrc"))
    endings = {match.group(1): match for match in map(_OF_ITERATION.fullmatch, names) if match}
    several = sum(match.group(2) is None for match in endings.values()) > 1
    found = []
    for ending, match in endings.items():
        half = int(match.group(2)) if match.group(2) else None
        number = int(match.group(3)) if several or "body" in ending else None
        for iteration, path in course(job.folder, ending).items():
            kind = "volume" if half is None else "half maps"
            found.append(JobMap(job, path.name, kind, "", iteration, number, half))
    return sorted(found, key=lambda one: (-(one.iteration or 0), one.number or 0, one.half or 0))


def _name(job: "Job", path: str) -> str:
    return path.removeprefix(f"{job.name}/")
