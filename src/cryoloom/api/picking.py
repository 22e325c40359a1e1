"""Picks that people edit, one micrograph at a time: read with their revision, saved when nobody else has edited since."""

import functools
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryoloom.em.names import meant, several_words
from cryoloom.engine.calling import call_scheduler
from cryoloom.errors import ImageError, ParameterError, ProjectError
from cryoloom.project import attempts
from cryoloom.project.forms.coordinate_files import coordinate_file, suffix_of
from cryoloom.project.forms.relion31 import TYPES
from cryoloom.project.pick_edits import PickFile, editing, edits_of, read_picks, save_picks
from cryoloom.project.pick_rows import X, Y
from cryoloom.project.retrying import followers_of, numbers_of, reopen, wholes_of
from cryoloom.project.sharing import shared_as
from cryoloom.protocol.datasets import Coordinates
from cryoloom.protocol.jobs import ITEM_ID

if TYPE_CHECKING:
    import polars as pl

    from cryoloom.api.job import Job

PROTOCOL = "relion.manualpick"
NAME = "rlnMicrographName"
# A job that is about to end when an edit comes must not end without having heard of it.
HEARD_S, LOOK_S = 5.0, 0.02
LISTED_PX = 0.1  # as exactly as places are listed


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

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "job": self.job, "micrograph": self.micrograph, "revision": self.revision, "picks": self.picks,
            "added": self.added, "removed": self.removed, "moved": self.moved,
            "reopened": list(self.followers) if self.reopened else [],
            "made_of_other_picks": [*(() if self.reopened else self.followers), *self.wholes],
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class PickedMicrograph:
    """A micrograph of a picking job, and how many picks it has."""

    micrograph: str
    picks: int

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"micrograph": self.micrograph, "picks": self.picks}


@dataclass(frozen=True, slots=True)
class PickEdit:
    """What is done to a micrograph's picks, in this order: some go, some move, some come. A pick is named by id or place.

    A place means the pick that lies there, or the only one within half a particle."""

    remove: tuple[str, ...] = ()  # ids, or "X,Y"
    move: tuple[tuple[str, tuple[float, float]], ...] = ()
    add: tuple[tuple[float, float], ...] = ()


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
        job, picks, lambda table: _edited(table, what, picks, _reach_px(job, picks)), since, dependents
    )


def hand_on(job: "Job") -> tuple[str, ...]:
    """Have the jobs that made something of earlier picks make it again of those that are there now; which they are.

    Raises:
        ProjectError: no job of picking by hand, or one of RELION's: what follows that has to be restarted.
    """
    _files(job)
    if job.entry.spec is None:
        names = ", ".join(followers_of(job.project.folder, job.name)) or "what was made of them"
        raise ProjectError(
            f"{job.name}", found="a job of RELION's, whose picks nobody gives out again",
            expected="a job of relion.manualpick", hint=f"Restart {names}: cryoloom restart JOB.",
        )  # fmt: skip
    followers = followers_of(job.project.folder, job.name)
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
        are_ends = job.params.get("do_startend") in (True, "Yes")  # text in a job of RELION's
        done = save_picks(picks, change(read_picks(picks)), since=began, size=_size(picks), are_ends=are_ends)
    # To ask what became of each job takes longer than an edit: only where any reads from this one.
    is_read = any(
        file.startswith(f"{job.name}/")
        for entry in job.project.folder.entries()
        for file in entry.input_files
    )
    folder = job.project.folder
    followers = followers_of(folder, job.name) if is_read else ()
    wholes = wholes_of(folder, job.name) if is_read else ()
    if job.entry.spec is None:
        # Nothing is given out again: who read the files has read them.
        followers, wholes, dependents = (), (*followers, *wholes), False
    elif done.is_one:
        _publish(job, followers if dependents else ())
    return PicksSaved(
        job.name, picks.micrograph, done.revision, done.picks, done.added, done.removed, done.moved,
        followers if done.is_one else (), wholes if done.is_one else (), dependents and done.is_one and bool(followers),
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


def _edited(table: "pl.DataFrame", what: PickEdit, picks: PickFile, reach_px: float | None) -> "pl.DataFrame":
    """The table after an edit."""
    import polars as pl

    # All are named as the picks are now: a place that is named twice does not mean the pick behind it the second time.
    ids = [_meant(table, name, picks, reach_px) for name in (*what.remove, *(name for name, _ in what.move))]
    twice = next((one for one in ids if ids.count(one) > 1), "")
    if twice:
        raise ParameterError(
            f"{picks.job}, picks of {picks.micrograph}: {twice}", found="named twice in one edit",
            expected="each pick once",
        )  # fmt: skip
    table = table.filter(~pl.col(ITEM_ID).is_in(ids[: len(what.remove)]))
    for one, (_, (x, y)) in zip(ids[len(what.remove) :], what.move, strict=True):
        is_it = pl.col(ITEM_ID) == one
        moved = [
            pl.when(is_it).then(pl.lit(to)).otherwise(pl.col(axis)).alias(axis)
            for axis, to in ((X, x), (Y, y))
        ]
        table = table.with_columns(moved)
    if what.add:
        new = pl.DataFrame(
            {X: [x for x, _ in what.add], Y: [y for _, y in what.add]}, schema={X: pl.Float64, Y: pl.Float64}
        )
        table = pl.concat([table, new], how="diagonal_relaxed")
    return table


def _meant(table: "pl.DataFrame", name: str, picks: PickFile, reach_px: float | None) -> str:
    """The id of the pick that is named, by its id or by a place near it."""
    where = picks.where
    if "," not in name:
        if name in table[ITEM_ID].to_list():
            return name
        raise ParameterError(
            f"{where}: {name}", found="unknown", expected="the id of one of its picks, or X,Y"
        )
    x, y = place(name)
    far = sorted(
        (((float(px) - x) ** 2 + (float(py) - y) ** 2) ** 0.5, str(one), float(px), float(py))
        for one, px, py in table.select(ITEM_ID, X, Y).iter_rows()
    )
    here = [one for one in far if one[0] <= LISTED_PX]
    if reach_px is None and not here:
        raise ParameterError(
            f"{where}: {name}", found="micrographs whose pixel size is not known",
            expected="a pick's id, or its very place", hint=f"cryoloom picks {picks.job} lists them.",
        )  # fmt: skip
    near = here or [one for one in far if one[0] <= (reach_px or 0)]
    if not near:
        raise ParameterError(
            f"{where}: {name}", found="no pick" + (f"; the nearest is {far[0][0]:.0f} px away" if far else ""),
            expected=f"one within {reach_px:.0f} px, half a particle",
        )  # fmt: skip
    if len(near) > 1:
        them = ", ".join(f"{one} at {px:g},{py:g} ({away:.1f} px away)" for away, one, px, py in near[:4])
        more = f" and {len(near) - 4} more" if len(near) > 4 else ""
        raise ParameterError(
            f"{where}: {name}", found=f"{len(near)} picks that may be meant: {them}{more}",
            expected="the id of one, or its very place",
        )  # fmt: skip
    return near[0][1]


def place(text: str) -> tuple[float, float]:
    """`X,Y` in px of the micrograph.

    Raises:
        ParameterError: it is none.
    """
    words = text.split(",")
    try:
        x, y = (float(word) for word in words)
        if not (math.isfinite(x) and math.isfinite(y)):  # of nan no pick is further away than half a particle
            raise ValueError(text)
    except ValueError:
        raise ParameterError(
            f"place {text!r}", found="no place", expected="X,Y in px of the micrograph"
        ) from None
    return x, y


def moved(text: str) -> tuple[str, tuple[float, float]]:
    """`ID=X,Y` or `X,Y=X,Y`: a pick, and where it lies from now on.

    Raises:
        ParameterError: it is no such thing.
    """
    name, sign, to = text.partition("=")
    if not sign or not name:
        raise ParameterError(f"move {text!r}", found="no pick and place", expected="ID=X,Y or X,Y=X,Y")
    return name, place(to)


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
    if (entry.spec is not None and entry.spec.protocol != PROTOCOL) or entry.relion_type != TYPES[
        "ManualPick"
    ]:
        raise ProjectError(
            f"{job.name}", found=f"a job of {entry.protocol}", expected="picking by hand",
            hint=f"Make one that begins with these picks: cryoloom run {PROTOCOL} fn_in=MICROGRAPHS begin_with={job.name}",
        )  # fmt: skip
    files = {
        line["micrograph"]: PickFile(job.project.path, job.name, line["micrograph"], line["file"])
        for line in edits_of(job.folder)
    }
    suffix_file = next((one.path for one in entry.outputs().values() if isinstance(one, Coordinates)), "")
    path = job.project.path / suffix_file
    if entry.spec is None and suffix_file and path.exists():
        for listed in path.read_text().split():
            tables = star.tables_of(star.read(job.project.path / listed))
            table = next((one for one in tables.values() if NAME in one.columns), None)
            for name in () if table is None else table[NAME].to_list():
                file = coordinate_file(str(name), suffix_of(suffix_file))
                files.setdefault(str(name), PickFile(job.project.path, job.name, str(name), file))
    if not files:
        raise ProjectError(
            f"{job.name}", found=f"without a micrograph ({job.state})", expected="some to pick on",
            hint=f"It has them as soon as it has begun: cryoloom show {job.name}.",
        )  # fmt: skip
    return files


def _size(picks: PickFile) -> tuple[int, int] | None:
    """The size of a micrograph in px; None where its image is not on this machine."""
    from cryoloom.images.headers import read_header

    try:
        return read_header(picks.root / picks.micrograph).size
    except ImageError:
        return None


def _reach_px(job: "Job", picks: PickFile) -> float | None:
    """Half a particle, in px of the micrograph; None where its pixel size is not known."""
    from cryoloom.views.imports import pixel_size_of

    inputs = job.entry.spec.inputs if job.entry.spec is not None else {}
    micrographs = inputs["fn_in"].path if "fn_in" in inputs else str(job.params.get("fn_in", ""))
    angpix = pixel_size_of(job.project.path, micrographs, picks.micrograph)
    return None if not angpix else float(job.params.get("diameter", 100)) / 2 / angpix
