"""Thresholds of automatic picking tried on one micrograph: maps of the figure of merit once, then picks in a moment each.

RELION writes what it has computed (`--write_fom_maps`) and picks again from it (`--read_fom_maps`), blobs as well as templates;
what comes out is what a job of relion.autopick gives with the same values. Maps lie in the user's cache, never in the project.
"""

import contextlib
import fcntl
import hashlib
import itertools
import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryoloom.errors import ParameterError, ProgramError, ProjectError
from cryoloom.project.foreign import protocol_as_run
from cryoloom.project.index import cache_folder
from cryoloom.project.registry import find_protocol
from cryoloom.project.settings import load_settings
from cryoloom.protocol.datasets import Dataset, Micrographs
from cryoloom.protocol.declare import relion_text
from cryoloom.protocol.jobs import ITEM_ID, Batch, JobFolder
from cryoloom.protocol.protocols import ItemProtocol

if TYPE_CHECKING:
    import polars as pl

    from cryoloom.api.looking import Seen
    from cryoloom.api.project import Project

PROTOCOL = "relion.autopick"
# What the maps do not depend on: of these several values may be tried.
OF_TEMPLATES = ("threshold_autopick", "mindist_autopick", "maxstddevnoise_autopick", "minavgnoise_autopick")
OF_BLOBS = ("log_adjust_thr", "log_upper_thr")
MOST_TRIALS = 64
MOST_KEPT = 4  # sets of maps: each may hold a GB
NAME, IMAGE = "rlnMicrographName", "rlnReferenceImage"
MADE = "maps.json"


@dataclass(frozen=True, slots=True)
class Trial:
    """One choice of thresholds, and what it picks."""

    values: Mapping[str, float]
    picks: int
    file: Path  # RELION's table of them
    table: "pl.DataFrame"

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"values": dict(self.values), "picks": self.picks, "places": self.table.to_dicts()}


@dataclass(frozen=True, slots=True)
class PickingTrials:
    """What several choices pick on one micrograph."""

    root: Path
    micrograph: str
    micrographs: str  # the table that it is of
    diameter: float  # of circles, Å; 0 where nobody knows
    is_from_maps: bool  # whether maps of an earlier trial served
    trials: tuple[Trial, ...]
    given: Mapping[str, str]  # what is not as relion.autopick has it, besides the thresholds

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "micrograph": self.micrograph,
            "from_earlier_maps": self.is_from_maps,
            "trials": [trial.as_dict() for trial in self.trials],
        }

    def look(self) -> "Seen":
        """The micrograph with the picks of each trial."""
        from cryoloom.api.looking import Seen
        from cryoloom.protocol.views import Micrograph, Overlay, Rows
        from cryoloom.views.imports import pixel_size_of
        from cryoloom.views.resolve import drawn

        angpix = pixel_size_of(self.root, self.micrographs, self.micrograph)
        parts = []
        for trial in self.trials:
            rows = Rows(str(trial.file), "", ("rlnCoordinateX", "rlnCoordinateY"))
            words = ", ".join(f"{name}={relion_text(value)}" for name, value in trial.values.items())
            title = f"{trial.picks} picks: {words}"
            parts.append(
                drawn(Micrograph(title, self.micrograph, (Overlay(rows, self.diameter),), angpix), self.root)
            )
        return Seen(tuple(part for part in parts if part is not None))


def try_picking(
    project: "Project", asked: str, given: Mapping[str, Any] | None = None, *, item: str = ""
) -> PickingTrials:
    """Pick on one micrograph with several thresholds.

    Args:
        project: where the job is.
        asked: a job of relion.autopick, ours or RELION's, whose parameters and inputs are taken; or one that gives micrographs.
        given: parameters and inputs of relion.autopick that are different; of a threshold several values with commas
            between: each is tried with each of the others.
        item: the micrograph: its name or a part that only one has, or its number; the first without one.
    Raises:
        CryoloomError: no such job, micrograph or parameter; what relion.autopick would say.
        ProgramError: RELION ended with an error.
    """
    protocol, tuned = _protocol(project, asked, dict(given or {}))
    root = project.path
    job = JobFolder("AutoPick/", root)
    protocol = protocol.with_values(protocol.resolve_auto(job))
    leading = protocol.given[protocol.leading_input()]
    rows, optics = _one_micrograph(root, leading, item)
    micrograph = str(rows[NAME][0])
    choices = [dict(zip(tuned, values, strict=True)) for values in itertools.product(*tuned.values())]
    folder = cache_folder(root) / "picking" / _digest(protocol, root, rows, optics, micrograph)
    with _alone(folder):
        is_there = (folder / MADE).exists()
        trials = [
            _pick(
                root,
                folder,
                _choice(protocol, values, from_maps=is_there or number > 0),
                rows,
                optics,
                values,
                number,
            )
            for number, values in enumerate(choices)
        ]
        (folder / MADE).write_text(json.dumps({"micrograph": micrograph}))
        _forget_old(folder.parent)
    differing = {
        name: relion_text(protocol.values[name])
        for name, spec in protocol.params.items()
        if name not in tuned and protocol.values[name] != spec.default
    }
    return PickingTrials(
        root, micrograph, leading.path, protocol.known_diameter() or 0.0, is_there, tuple(trials), differing
    )


def _protocol(
    project: "Project", asked: str, given: dict[str, Any]
) -> "tuple[ItemProtocol, dict[str, list[float]]]":
    """relion.autopick with what is given, and the values of thresholds to be tried."""
    from cryoloom.api.given import taken_apart

    kind = find_protocol(PROTOCOL)
    entry = project.job(asked).entry
    if entry.protocol == PROTOCOL:  # RELION's word for its jobs is the same
        known = protocol_as_run(entry)
        values, inputs = dict(known.values), {name: one for name, one in known.given.items() if one}
    else:
        micrographs = [one for one in entry.outputs().values() if isinstance(one, Micrographs)]
        if not micrographs:
            raise ProjectError(
                f"{entry.name}",
                found=f"a job of {entry.protocol}",
                expected="one of relion.autopick, or one that gives micrographs",
            )
        values, inputs = {}, {"fn_input_autopick": micrographs[0]}
        name = asked if ":" in asked else f"{entry.name}"
        given = {"fn_input_autopick": name, **given}
    lists = {name: given.pop(name) for name in (*OF_TEMPLATES, *OF_BLOBS) if name in given}
    more, others = taken_apart(project.folder, kind, given)
    protocol = kind({**values, **more}, {**inputs, **others})
    assert isinstance(protocol, ItemProtocol)
    own = OF_BLOBS if protocol.values["do_log"] else OF_TEMPLATES
    useless = [name for name in lists if name not in own]
    if useless:
        raise ParameterError(
            f"{PROTOCOL}: parameter {useless[0]}", found=f"given, with do_log={relion_text(protocol.values['do_log'])}",
            expected=f"one of {', '.join(own)}",
        )  # fmt: skip
    tried: dict[str, list[float]] = {}
    for name in own:
        words = lists.get(name, protocol.values[name])
        words = words if isinstance(words, list | tuple) else str(words).split(",")
        tried[name] = [float(kind({name: word}).values[name]) for word in words]
    count = 1
    for several in tried.values():
        count *= len(several)
    if count > MOST_TRIALS:
        raise ParameterError(
            f"{PROTOCOL}", found=f"{count} choices to try", expected=f"at most {MOST_TRIALS}"
        )
    return protocol, tried


def _one_micrograph(
    root: Path, micrographs: Dataset, asked: str
) -> "tuple[pl.DataFrame, pl.DataFrame | None]":
    """The micrograph's row and the optics groups."""
    from cryoloom import star
    from cryoloom.em.names import meant, several_words
    from cryoloom.project.item_ids import with_ids

    path = root / micrographs.path
    if not path.exists():
        raise ProjectError(f"{micrographs.path}", found="not there yet", expected="micrographs")
    tables = star.tables_of(star.read(path))
    table = tables.get("micrographs")
    if table is None or not table.height:
        raise ProjectError(
            f"{micrographs.path}", found="without micrographs", expected="some; wait for the first"
        )
    names = [str(name) for name in table[NAME].to_list()]
    found = meant(asked, names) if asked else names[:1]
    if len(found) != 1:
        raise ParameterError(
            f"{micrographs.path}: micrograph {asked}",
            found=several_words(asked, found) if found else "unknown",
            expected=f"a name that only one has, such as {names[0]}, or a number from 1 to {len(names)}",
        )  # fmt: skip
    return with_ids(table)[[names.index(found[0])]], tables.get("optics")


def _digest(
    protocol: ItemProtocol,
    root: Path,
    rows: "pl.DataFrame",
    optics: "pl.DataFrame | None",
    micrograph: str,
) -> str:
    """What the maps depend on: the command but for thresholds, the micrograph's row and optics, and the files that are read."""
    kind = type(protocol)
    usual = {
        name: kind.params[name].default
        for name in (*OF_TEMPLATES, *OF_BLOBS, "do_write_fom_maps", "do_read_fom_maps")
    }
    job = JobFolder("AutoPick/", root)
    command = protocol.with_values(usual).command(job)
    assert command is not None
    files = [root / micrograph]
    for name, one in protocol.given.items():
        if one and name != protocol.leading:
            files += [root / one.path, *(root / stack for stack in _stacks_of(root / one.path))]
    stamps = [(str(file), stat.st_mtime_ns, stat.st_size) for file in files if (stat := file.stat())]
    # The pixel size is nowhere else, and may have been corrected.
    groups = [] if optics is None else optics.to_dicts()
    text = json.dumps([command.args, rows.to_dicts(), groups, stamps], default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _stacks_of(file: Path) -> list[str]:
    """The stacks of images that a table of class averages names."""
    from cryoloom import star

    tables = star.tables_of(star.read(file)).values() if file.suffix == ".star" else ()
    names = [str(one) for table in tables if IMAGE in table.columns for one in table[IMAGE].to_list()]
    return [*dict.fromkeys(name.rpartition("@")[2] for name in names)]


def _choice(protocol: ItemProtocol, values: Mapping[str, float], *, from_maps: bool) -> ItemProtocol:
    """The protocol with these thresholds, which reads maps or writes them."""
    chosen = protocol.with_values(
        {**values, "do_write_fom_maps": not from_maps, "do_read_fom_maps": from_maps}
    )
    chosen.check()
    return chosen


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One trial at a time works with a set of maps."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        folder.mkdir(exist_ok=True)
        yield


def _pick(
    root: Path,
    folder: Path,
    protocol: ItemProtocol,
    rows: "pl.DataFrame",
    optics: "pl.DataFrame | None",
    values: Mapping[str, float],
    number: int,
) -> Trial:
    """Have RELION pick, from maps or anew."""
    import polars as pl

    from cryoloom import star
    from cryoloom.runner import programs

    folder.mkdir(parents=True, exist_ok=True)
    job = JobFolder(f"{folder}/", root)
    batch = Batch(number, rows, optics, job, job.file("micrographs.star"))
    protocol.prepare(job, batch)
    micrograph = str(rows[NAME][0])
    file = folder / protocol.own_file(micrograph)
    file.unlink(missing_ok=True)
    command = protocol.command(job, batch)
    assert command is not None
    out, err = folder / "run.out", folder / "run.err"
    ended = programs.run(command, load_settings(root), cwd=root, out=out, err=err)
    collected = protocol.collect(job, batch)
    if not collected.rows["coordinates"].height:
        # RELION dies when nothing was found, but leaves an empty file then.
        (folder / MADE).unlink(missing_ok=True)
        raise ProgramError(
            f"relion_autopick on {micrograph}",
            found=ended.tail.strip() or f"ended with code {ended.code}",
            expected="picks, or none",
        )
    found = star.as_table(star.read(file).get("")) if file.stat().st_size else None
    table = pl.DataFrame() if found is None else found.drop(ITEM_ID, strict=False)
    # By its values: another trial of the same maps must not change what this one shows.
    words = json.dumps(dict(values), sort_keys=True)
    kept = folder / f"trial_{hashlib.sha256(words.encode()).hexdigest()[:16]}.star"
    star.write(kept, {"": table})
    return Trial(values, table.height, kept, table)


def _forget_old(folder: Path) -> None:
    """Only the newest sets of maps stay."""
    sets = sorted(
        (one for one in folder.iterdir() if one.is_dir()),
        key=lambda one: (one / MADE).stat().st_mtime_ns if (one / MADE).exists() else 0,
    )
    for one in sets[:-MOST_KEPT]:
        shutil.rmtree(one, ignore_errors=True)
