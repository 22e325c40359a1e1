"""Picks that people edit: a file a micrograph, in RELION's form; each edit whole or not at all, and none over another's.

Whoever edits holds the job's lock of edits and is the one writer of coordinate files and of `edits.jsonl`; the job's
process holds it too while it begins a file. The line of an edit is written first, with the digest of the file that is to be,
which lies beside it; then that takes the file's place. A kill in between is put right by the next who holds the lock.
A file's revision is the digest of what it holds, so that an edit of RELION's own window is seen as one of ours is.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryoloom.errors import DatasetError, ProjectError
from cryoloom.project.item_ids import ids_of_picks, item_id
from cryoloom.project.paths import inside
from cryoloom.project.pick_rows import NOTHING, X, Y, as_before, check_ends, checked, wrong
from cryoloom.project.sharing import as_folder_says, shared_as
from cryoloom.protocol.jobs import ITEM_ID

if TYPE_CHECKING:
    import polars as pl

FILE = "edits.jsonl"
LOCK = Path(".cryoloom/edits.lock")
REVISION_LETTERS = 16
BEGUN, EDITED = "begun", "edited"
DOUBLE_PX = 1.0  # nobody can tell two picks nearer than this from each other


@dataclass(frozen=True, slots=True)
class PickFile:
    """The picks of one micrograph of a job."""

    root: Path
    job: str  # "ManualPick/job003"
    micrograph: str
    file: str  # below the job

    @property
    def where(self) -> str:
        """For messages."""
        return f"{self.job}, picks of {self.micrograph}"

    @property
    def folder(self) -> Path:
        return self.root / self.job

    @property
    def path(self) -> Path:
        return inside(self.folder, self.file)

    @property
    def beside(self) -> Path:
        """Where the next one is written."""
        return self.path.with_name(f".{self.path.name}.next")

    def revision(self) -> str:
        """Of what it holds now; "" where there is no file."""
        return _digest(self.path)


@dataclass(frozen=True, slots=True)
class Edited:
    """What an edit made of a micrograph's picks."""

    revision: str
    picks: int
    added: int = 0
    removed: int = 0
    moved: int = 0

    @property
    def is_one(self) -> bool:
        """Whether it changed anything."""
        return bool(self.added or self.removed or self.moved)


@contextlib.contextmanager
def editing(folder: Path) -> Iterator[None]:
    """Hold a job's lock of edits; what a killed edit left half done is done first."""
    root = folder.parent.parent
    with shared_as(root):
        (folder / LOCK.parent).mkdir(exist_ok=True)
        handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            as_folder_says(handle, folder)
            with contextlib.suppress(OSError):  # a file system without locks: as good as it gets
                fcntl.flock(handle, fcntl.LOCK_EX)
            _finish_last(folder)
            yield
        finally:
            os.close(handle)


def read_picks(picks: PickFile) -> "pl.DataFrame":
    """A micrograph's picks, each with an id; a job of RELION's has the ids that all readers of its picks make.

    Raises:
        StarError: no STAR file.
        DatasetError: without positions.
    """
    from cryoloom import star

    there = picks.path.exists() and picks.path.stat().st_size > 0
    found = star.as_table(star.read(picks.path).get("")) if there else None
    if found is None or not found.width:
        return empty_picks()
    missing = [axis for axis in (X, Y) if axis not in found.columns]
    if missing:
        raise DatasetError(f"{picks.path}", found=f"without {missing[0]}", expected="picks with positions")
    return with_pick_ids(found, picks.micrograph)


def with_pick_ids(table: "pl.DataFrame", micrograph: str) -> "pl.DataFrame":
    """The table with an id for each pick, also for those that another program added."""
    import polars as pl

    return table.with_columns(pl.Series(ITEM_ID, ids_of_picks(micrograph, table), dtype=pl.String))


def save_picks(
    picks: PickFile,
    table: "pl.DataFrame",
    *,
    since: str,
    size: tuple[int, int] | None,
    are_ends: bool = False,
) -> Edited:
    """Make these the picks of a micrograph; the caller holds the lock.

    Args:
        picks: whose.
        table: a pick with an id that is known keeps it wherever it lies now; one without gets a fresh one.
        since: the revision that the caller began from.
        size: of the micrograph, px; None where nobody can tell.
        are_ends: whether they are ends of filaments, the nth two of the file those of the nth.
    Raises:
        ProjectError: somebody else has edited them since; the micrograph has another size by now than they were picked at.
        ParameterError: a position that is none or lies outside the micrograph; an id that none of its picks ever had;
            an end of a filament that has lost its other; a pick that came or was moved onto another one.
    """
    then = sizes_of(picks.folder).get(picks.file, size)
    if size is not None and then is not None and then != size:
        # With an edit the old places would pass for places on the micrograph as it is now.
        raise ProjectError(
            picks.where, found=f"of a micrograph of {then[0]} x {then[1]} px",
            expected=f"{size[0]} x {size[1]} px, as it has now",
            hint=f"Pick in a new job, which may begin with these: cryoloom run relion.manualpick begin_with={picks.job}.",
        )  # fmt: skip
    now = picks.revision()
    if now != since:
        raise ProjectError(
            picks.where, found=f"edited by somebody else meanwhile (revision {now or 'none'})",
            expected=f"revision {since or 'none'}, from which this edit began",
            hint="Look at them as they are now, and do it again: nothing was written.",
        )  # fmt: skip
    before = read_picks(picks)
    after = _with_ids(checked(table, picks.where, size), before, picks)
    shaped = as_before(after, before, picks.where)
    if are_ends:
        check_ends(before[ITEM_ID].to_list(), shaped[ITEM_ID].to_list(), picks.where)
    line = _said(before, shaped)
    _refuse_doubles(picks, shaped, [str(one["id"]) for one in (*line["added"], *line["moved"])])
    edited = Edited(now, shaped.height, *(len(line[what]) for what in ("added", "removed", "moved")))
    if not edited.is_one and shaped.equals(before):
        return edited
    revision = _replace(picks, shaped, {"kind": EDITED, "from": now, **line, **_sized(size)})
    return Edited(revision, edited.picks, edited.added, edited.removed, edited.moved)


def begin_picks(begun: "Sequence[tuple[PickFile, pl.DataFrame, tuple[int, int] | None]]") -> list[int | str]:
    """Give micrographs of one job their first picks, or none; picks that are there stay, and get the ids that they lack.

    Args:
        begun: for each its file, the picks that it begins with, and the micrograph's size in px where it is known.
    Returns:
        For each how many there are now; or why it cannot be picked on: they are of a micrograph of another size.
    """
    from cryoloom import star

    found: list[int | str] = []
    with editing(begun[0][0].folder):
        sizes = sizes_of(begun[0][0].folder)
        lines = []
        for picks, table, size in begun:
            then = sizes.get(picks.file, size)
            if picks.path.exists() and size is not None and then is not None and then != size:
                found.append(_of_another_size(picks, then, size))
                continue
            is_new = not picks.path.exists()
            shaped = table if is_new else read_picks(picks)
            if is_new or not _has_ids(picks, shaped):
                picks.path.parent.mkdir(parents=True, exist_ok=True)
                star.write(picks.path, {"": shaped})
            if picks.file not in sizes:
                lines.append(
                    {"kind": BEGUN, **_about(picks), **_said(shaped.clear(), shaped.clear()), **_sized(size)}
                )
            found.append(shaped.height)
        if lines:
            _append(begun[0][0].folder / FILE, lines)
    return found


def edits_of(folder: Path) -> list[dict[str, Any]]:
    """All edits of a job's picks so far, in their order; none of a job that nobody has edited."""
    try:
        data = (folder / FILE).read_bytes()
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in data[: data.rfind(b"\n") + 1].splitlines()]


def sizes_of(folder: Path) -> dict[str, tuple[int, int]]:
    """Of the micrographs when they were picked on, px, by the files of picks; of those that nobody could tell none."""
    return {line["file"]: (line["size"][0], line["size"][1]) for line in edits_of(folder) if "size" in line}


def empty_picks() -> "pl.DataFrame":
    """No picks, in the form of RELION's window."""
    import polars as pl

    return pl.DataFrame(schema={X: pl.Float64(), Y: pl.Float64(), **_types(), ITEM_ID: pl.String()})


def _with_ids(after: "pl.DataFrame", before: "pl.DataFrame", picks: PickFile) -> "pl.DataFrame":
    """Picks under the ids that they have, new ones under fresh ids; one that was taken out may come back under its own."""
    import polars as pl

    edits = [line for line in edits_of(picks.folder) if line["file"] == picks.file]
    known = {*before[ITEM_ID].to_list(), *(one["id"] for line in edits for one in line["removed"])}
    given = after[ITEM_ID].to_list() if ITEM_ID in after.columns else [None] * after.height
    ids = []
    for row, one in enumerate(given, start=1):
        if one in (None, "", "None"):
            ids.append(item_id(f"{uuid.uuid4()}"))
        elif one in known:
            ids.append(str(one))
        else:
            expected = "the id of a pick of this micrograph, or none for a new pick"
            raise wrong(picks.where, f"{ITEM_ID} in row {row}", str(one), expected)
    if len(set(ids)) < len(ids):
        raise wrong(
            picks.where, ITEM_ID, f"{next(one for one in ids if ids.count(one) > 1)} twice", "each once"
        )
    return after.with_columns(pl.Series(ITEM_ID, ids, dtype=pl.String))


def _refuse_doubles(picks: PickFile, table: "pl.DataFrame", changed: Sequence[str]) -> None:
    """A pick that lies on another one was made by mistake; doubles that are there already are left to be mended."""
    places = {str(one): (float(x), float(y)) for one, x, y in table.select(ITEM_ID, X, Y).iter_rows()}
    for one in changed:
        x, y = places[one]
        for other, (to_x, to_y) in places.items():
            if other != one and (x - to_x) ** 2 + (y - to_y) ** 2 < DOUBLE_PX**2:
                name = "another new one" if other in changed else other
                found = f"on {name} at {to_x:g},{to_y:g}"
                raise wrong(
                    picks.where, f"pick at {x:g},{y:g}", found, f"{DOUBLE_PX:g} px at least from every other"
                )


def _said(before: "pl.DataFrame", after: "pl.DataFrame") -> dict[str, list[dict[str, Any]]]:
    """What changed, by ids."""
    old, new = (
        {str(one): (float(x), float(y)) for one, x, y in table.select(ITEM_ID, X, Y).iter_rows()}
        for table in (before, after)
    )
    return {
        "added": [{"id": one, "x": x, "y": y} for one, (x, y) in new.items() if one not in old],
        "removed": [{"id": one, "x": x, "y": y} for one, (x, y) in old.items() if one not in new],
        "moved": [
            {"id": one, "x": x, "y": y, "from": [*old[one]]}
            for one, (x, y) in new.items()
            if one in old and old[one] != (x, y)
        ],
    }


def _replace(picks: PickFile, table: "pl.DataFrame", line: Mapping[str, Any]) -> str:
    """Write the file beside, journal it, put it into its place; returns its revision."""
    from cryoloom import star

    picks.path.parent.mkdir(parents=True, exist_ok=True)
    star.write(picks.beside, {"": table})
    _sync(picks.beside)
    revision = _digest(picks.beside)
    _append(picks.folder / FILE, [{**_about(picks), **line, "to": revision}], sync=True)
    picks.beside.replace(picks.path)
    return revision


def _append(file: Path, lines: Sequence[Mapping[str, Any]], *, sync: bool = False) -> None:
    """Whole lines behind the last whole one."""
    handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        as_folder_says(handle, file.parent)
        end = file.read_bytes().rfind(b"\n") + 1
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()
        os.ftruncate(handle, end)
        if os.pwrite(handle, text, end) != len(text):
            os.ftruncate(handle, end)
            raise OSError(28, "No space left on device", str(file))
        if sync:
            os.fsync(handle)
    finally:
        os.close(handle)


def _of_another_size(picks: PickFile, then: tuple[int, ...], size: tuple[int, int]) -> str:
    return (
        f"{picks.job}/{picks.file} has picks of a micrograph of {then[0]} x {then[1]} px, and {picks.micrograph} has "
        f"{size[0]} x {size[1]} px now; pick in a new job, which may begin with these picks"
    )


def _about(picks: PickFile) -> dict[str, Any]:
    return {"t": round(time.time(), 3), "micrograph": picks.micrograph, "file": picks.file}


def _sized(size: tuple[int, int] | None) -> dict[str, Any]:
    return {} if size is None else {"size": [*size]}


def _finish_last(folder: Path) -> None:
    """The last edit's file, where whoever wrote it was killed between its line and its coming into its place."""
    last = next((line for line in reversed(edits_of(folder)) if line["kind"] == EDITED), None)
    if last is None:
        return
    picks = PickFile(
        folder.parent.parent, f"{folder.parent.name}/{folder.name}", last["micrograph"], last["file"]
    )
    if picks.beside.exists() and _digest(picks.beside) == last["to"] and picks.revision() == last["from"]:
        picks.beside.replace(picks.path)


def _has_ids(picks: PickFile, known: "pl.DataFrame") -> bool:
    """Whether a file says the ids by which its picks are known."""
    from cryoloom import star

    table = star.as_table(star.read(picks.path).get("")) if picks.path.stat().st_size else None
    if table is None or not table.height:
        return True
    return ITEM_ID in table.columns and table[ITEM_ID].to_list() == known[ITEM_ID].to_list()


def _types() -> "Mapping[str, pl.DataType]":
    import polars as pl

    return {label: pl.Int64() if isinstance(value, int) else pl.Float64() for label, value in NOTHING.items()}


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:REVISION_LETTERS]
    except FileNotFoundError:
        return ""


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
