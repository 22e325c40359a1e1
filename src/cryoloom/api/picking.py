"""Picks that people edit, one micrograph at a time: read with their revision, saved when nobody else has edited since."""

import functools
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cryoloom.api.pick_edit import PickEdit, edited
from cryoloom.em.names import meant, several_words
from cryoloom.engine.calling import call_scheduler
from cryoloom.errors import CryoloomError, ImageError, ProjectError
from cryoloom.project import attempts
from cryoloom.project.forms.coordinate_files import coordinate_file, suffix_of
from cryoloom.project.forms.relion31 import TYPES
from cryoloom.project.made_of_picks import PROTOCOL, Reader, has_news, readers_of
from cryoloom.project.pick_edits import PickFile, editing, edits_of, read_picks, save_picks
from cryoloom.project.retrying import numbers_of, reopen
from cryoloom.project.sharing import shared_as
from cryoloom.protocol.datasets import Coordinates

if TYPE_CHECKING:
    import polars as pl

    from cryoloom.api.job import Job

NAME = "rlnMicrographName"
# A job that is about to end when an edit comes must not end without having heard of it.
HEARD_S, LOOK_S = 5.0, 0.02


@dataclass(frozen=True, slots=True)
class MicrographPicks:
    """The picks of a micrograph as they are now."""

    job: str
    micrograph: str
    revision: str  # "" where there was never one
    size: tuple[int, int] | None  # of the micrograph, px
    table: "pl.DataFrame"  # a pick a row: rlnCoordinateX, rlnCoordinateY, what else its file says, cryoloomItemId

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "job": self.job,
            "micrograph": self.micrograph,
            "revision": self.revision,
            "size": None if self.size is None else [*self.size],
            "picks": self.table.to_dicts(),
        }


@dataclass(frozen=True, slots=True)
class PicksSaved:
    """What became of an edit."""

    job: str
    micrograph: str
    revision: str
    picks: int
    added: int
    removed: int
    moved: int
    followers: tuple[str, ...] = ()  # jobs that ended with other picks, and can take these
    wholes: tuple[str, ...] = ()  # jobs that took as a whole what those made: they have to be restarted
    reopened: bool = False  # whether the followers take these
    why: Mapping[str, str] = field(default_factory=dict)  # of each of them: what it made of the picks before
    doubt: str = ""  # what could not be looked at

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "job": self.job, "micrograph": self.micrograph, "revision": self.revision, "picks": self.picks,
            "added": self.added, "removed": self.removed, "moved": self.moved,
            "reopened": list(self.followers) if self.reopened else [],
            "made_of_other_picks": [*(() if self.reopened else self.followers), *self.wholes],
            "why": {**self.why}, "doubt": self.doubt,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class PickedMicrograph:
    """A micrograph of a picking job, and how many picks it has."""

    micrograph: str
    picks: int

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"micrograph": self.micrograph, "picks": self.picks}


def is_picked_by_hand(job: "Job") -> bool:
    """Whether picks of this job can be edited: picking by hand, ours or RELION's."""
    entry = job.entry
    is_ours = entry.spec is None or entry.spec.protocol == PROTOCOL
    return is_ours and entry.relion_type == TYPES["ManualPick"]


def picked_micrographs(job: "Job") -> list[PickedMicrograph]:
    """The micrographs that can be picked on, each with its number of picks now.

    Raises:
        ProjectError: no job of picking by hand, or one that has no micrograph yet.
    """
    return [
        PickedMicrograph(picks.micrograph, read_picks(picks).height if picks.path.exists() else 0)
        for picks in _files(job).values()
    ]


def picks_of(job: "Job", micrograph: str) -> MicrographPicks:
    """The picks of a micrograph, with the revision from which an edit begins.

    Args:
        job: picking by hand, ours or RELION's.
        micrograph: its name, a part that only one has, or its number from 1 (`0004` is a part of a name).
    Raises:
        ProjectError: no such job, or no such micrograph in it.
    """
    picks = _file_of(job, micrograph)
    for _ in range(10):
        revision = picks.revision()
        table = read_picks(picks)
        if picks.revision() == revision:  # else it was edited between the two looks
            break
    return MicrographPicks(job.name, picks.micrograph, revision, _size(picks), table)


def save(
    job: "Job", micrograph: str, table: "pl.DataFrame", *, since: str, dependents: bool = False
) -> PicksSaved:
    """Make these the picks of a micrograph.

    Args:
        job: picking by hand, ours or RELION's.
        micrograph: its name, a part that only one has, or its number from 1 (`0004` is a part of a name).
        table: rlnCoordinateX and rlnCoordinateY in px, and what else is known; a pick under its cryoloomItemId keeps that
            wherever it lies now, one without gets a fresh one.
        since: the revision that the edit began from.
        dependents: the jobs that made something of the picks before make it again.
    Raises:
        ProjectError: somebody else has edited them since; no such job or micrograph.
        ParameterError: a position outside the micrograph, an id that is none of its picks', or a double.
    """
    return _edit(job, _file_of(job, micrograph), lambda _: table, since, dependents)


def edit(
    job: "Job", micrograph: str, what: PickEdit, *, since: str | None = None, dependents: bool = False
) -> PicksSaved:
    """Add, remove or move picks of a micrograph.

    Args:
        job: picking by hand, ours or RELION's.
        micrograph: its name, a part that only one has, or its number from 1 (`0004` is a part of a name).
        what: to be done.
        since: only if nobody has edited them since this revision; None: whatever they are now.
        dependents: as of `save`.
    Raises:
        ProjectError, ParameterError: as `save`; no pick of that name, none or several near that place; one named twice.
    """
    picks = _file_of(job, micrograph)
    return _edit(
        job, picks, lambda table: edited(table, what, picks, _reach_px(job, picks)), since, dependents
    )


def hand_on(job: "Job") -> tuple[str, ...]:
    """Have the jobs that made something of earlier picks make it again of those that are there now; which they are.

    Raises:
        ProjectError: no job of picking by hand, or one of RELION's: what follows that has to be restarted.
    """
    _files(job)
    entries = job.project.folder.entries()
    if job.entry.spec is None:
        names = ", ".join(one.job for one in readers_of(entries, job.entry)) or "what was made of them"
        raise ProjectError(
            f"{job.name}", found="a job of RELION's, whose picks nobody gives out again",
            expected="a job of relion.manualpick", hint=f"Restart {names}: cryoloom restart JOB.",
        )  # fmt: skip
    is_edited = has_news(job.entry, in_files=True)
    readers = readers_of(entries, job.entry, is_edited=is_edited)
    followers = tuple(one.job for one in readers if one.is_stale and not one.takes_whole)
    if followers or is_edited:
        _publish(job, followers)
    return followers


def _edit(
    job: "Job",
    picks: PickFile,
    change: "Callable[[pl.DataFrame], pl.DataFrame]",
    since: str | None,
    dependents: bool,
) -> PicksSaved:
    with editing(picks.folder):
        began = picks.revision() if since is None else since
        size = _size(picks)
        are_ends = job.params.get("do_startend") in (True, "Yes")  # text in a job of RELION's
        done = save_picks(picks, change(read_picks(picks)), since=began, size=size, are_ends=are_ends)
    entries = job.project.folder.entries()
    # To ask what became of each job takes longer than an edit: only where any reads from this one.
    is_read = any(file.startswith(f"{job.name}/") for entry in entries for file in entry.input_files)
    readers: Sequence[Reader] = ()
    if done.is_one and is_read:
        readers = readers_of(entries, job.entry, is_edited=True)
    followers = tuple(one.job for one in readers if not one.takes_whole)
    wholes = tuple(one.job for one in readers if one.takes_whole)
    if job.entry.spec is None:
        # Nothing is given out again: who read the files has read them.
        followers, wholes, dependents = (), (*followers, *wholes), False
    elif done.is_one:
        _publish(job, followers if dependents else ())
    return PicksSaved(
        job.name, picks.micrograph, done.revision, done.picks, done.added, done.removed, done.moved,
        followers, wholes, dependents and bool(followers), {one.job: one.why for one in readers},
        "" if size else f"{picks.micrograph} is not there: nobody can tell whether these places lie within it",
    )  # fmt: skip


def _publish(job: "Job", followers: Sequence[str]) -> None:
    """Have the job give its picks out again, as another revision; and these jobs, which have ended, take them."""
    entries = [job.project.folder.entry(name) for name in followers]
    version = 0

    def one_more(wishes: Mapping[str, Any]) -> dict[str, Any]:
        nonlocal version
        known = job.entry.status().history.version
        waiting = [change for change in wishes["changes"] if change["version"] > known]
        version = max([known, *(change["version"] for change in waiting)])
        if waiting and not waiting[-1]["values"]:
            return {}  # one that the job has not heard of yet stands for this edit too: it looks at the files afterwards
        version += 1
        kept = [change for change in wishes["changes"] if change["values"] or change["version"] > known]
        return {"changes": [*kept, {"version": version, "values": {}, "of_all": True}]}

    with shared_as(job.project.path):
        attempts.change_control(job.folder, one_more)
        end = time.monotonic() + HEARD_S
        while True:
            status = job.entry.status()
            if status.state == "succeeded" and status.history.version < version:
                reopen(job.entry, followers=entries)
                break
            if entries:
                attempts.change_control(job.folder, functools.partial(_opening, numbers_of(entries)))
                entries = []
            # One that runs might be about to end; one that waits or was stopped looks when it begins.
            if status.state != "running" or status.history.version >= version or time.monotonic() > end:
                break
            time.sleep(LOOK_S)
    call_scheduler(job.project.path)


def _opening(more: Mapping[str, int], wishes: Mapping[str, Any]) -> dict[str, Any]:
    return {"opens": wishes["opens"] | more}


def _file_of(job: "Job", asked: str) -> PickFile:
    """The picks of the micrograph that is meant, by its name, a part of it, or its number."""
    files = _files(job)
    found = meant(asked, [*files])
    if len(found) == 1:
        return files[found[0]]
    if found:
        raise ProjectError(
            f"{job.name}: micrograph {asked}", found=several_words(asked, found),
            expected="a name that only one has",
        )  # fmt: skip
    raise ProjectError(
        f"{job.name}: micrograph {asked}", found="unknown", 
        expected=f"a name such as {next(iter(files))}, or a number from 1 to {len(files)}",
        hint=f"cryoloom picks {job.name} lists them.",
    )  # fmt: skip


def _files(job: "Job") -> dict[str, PickFile]:
    """The files of a job's picks, by micrograph."""
    from cryoloom import star

    entry = job.entry
    if not is_picked_by_hand(job):
        raise ProjectError(
            f"{job.name}", found=f"a job of {entry.protocol}", expected="picking by hand",
            hint=f"Make one that begins with these picks: cryoloom run {PROTOCOL} fn_in=MICROGRAPHS begin_with={job.name}",
        )  # fmt: skip
    files: dict[str, PickFile] = {}
    suffix_file = next((one.path for one in entry.outputs().values() if isinstance(one, Coordinates)), "")
    path = job.project.path / suffix_file
    if entry.spec is None and suffix_file and path.exists():
        for listed in path.read_text().split():
            tables = star.tables_of(star.read(job.project.path / listed))
            table = next((one for one in tables.values() if NAME in one.columns), None)
            for name in () if table is None else table[NAME].to_list():
                file = coordinate_file(str(name), suffix_of(suffix_file))
                files.setdefault(str(name), PickFile(job.project.path, job.name, str(name), file))
    # In the order of the table, as a micrograph may be named by its number.
    for line in edits_of(job.folder):
        files.setdefault(
            line["micrograph"], PickFile(job.project.path, job.name, line["micrograph"], line["file"])
        )
    if not files:
        raise ProjectError(
            f"{job.name}", found=f"without a micrograph ({job.state})", expected="some to pick on",
            hint=f"It has them as soon as it has begun: cryoloom show {job.name}.",
        )  # fmt: skip
    return files


def _size(picks: PickFile) -> tuple[int, int] | None:
    """The size of a micrograph in px; None where its image is not on this machine, and nothing else tells it."""
    from cryoloom.images.headers import read_header

    try:
        return read_header(picks.root / picks.micrograph).size
    except ImageError:
        pass
    told = next(
        (line["size"] for line in edits_of(picks.folder) if line["file"] == picks.file and "size" in line),
        None,
    )
    return (told[0], told[1]) if told else _size_of_movie(picks)


def _size_of_movie(picks: PickFile) -> tuple[int, int] | None:
    """As RELION's motion correction says it in the file beside the micrograph."""
    from cryoloom import star
    from cryoloom.em.names import without_ending

    try:
        general = star.read(picks.root / f"{without_ending(picks.micrograph)}.star").get("general")
    except (CryoloomError, OSError):
        return None
    if not isinstance(general, Mapping):
        return None
    try:
        binning = float(general.get("rlnMicrographBinning", 1)) or 1.0
        wide, high = (math.ceil(int(general[f"rlnImageSize{axis}"]) / binning) for axis in "XY")
    except (KeyError, TypeError, ValueError):
        return None
    return wide, high


def _reach_px(job: "Job", picks: PickFile) -> float | None:
    """Half a particle, in px of the micrograph; None where its pixel size is not known."""
    from cryoloom.views.imports import pixel_size_of

    inputs = job.entry.spec.inputs if job.entry.spec is not None else {}
    micrographs = inputs["fn_in"].path if "fn_in" in inputs else str(job.params.get("fn_in", ""))
    angpix = pixel_size_of(job.project.path, micrographs, picks.micrograph)
    return None if not angpix else float(job.params.get("diameter", 100)) / 2 / angpix
