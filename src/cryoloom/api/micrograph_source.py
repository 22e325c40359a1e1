"""The files of an output that say what lies on micrographs: tables of micrographs, files of picks, particles with places.

Tables are remembered by what changes when their file does, since a page asks for the same one again and again.
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryoloom.api.picking import is_picked_by_hand, picked_micrographs
from cryoloom.errors import CryoloomError, ProjectError
from cryoloom.project.forms.coordinate_files import coordinate_file, suffix_of, table_beside
from cryoloom.project.item_ids import with_ids
from cryoloom.project.paths import inside
from cryoloom.project.pick_edits import with_pick_ids
from cryoloom.project.pick_rows import NOTHING, X, Y
from cryoloom.protocol.datasets import Coordinates, Dataset, Micrographs, Particles
from cryoloom.protocol.jobs import ITEM_ID
from cryoloom.protocol.views import Rows
from cryoloom.views.tables import frame_of, table_of
from cryoloom.views.tracks import PIXEL as MOVIE_PIXEL

if TYPE_CHECKING:
    import polars as pl

    from cryoloom.api.job import Job

NAME, FILE, COUNT = "rlnMicrographName", "rlnMicrographCoordinates", "cryoloomCount"
GROUP, PIXEL_SIZE = "rlnOpticsGroup", "rlnMicrographPixelSize"
MERIT = "rlnAutopickFigureOfMerit"
_PLACES = (X, Y, GROUP, PIXEL_SIZE)
_ORIGINS = ("rlnOriginXAngst", "rlnOriginYAngst")
_FACTS = ("rlnDefocusU", "rlnDefocusV", "rlnDefocusAngle", "rlnCtfMaxResolution")
_MOTION = "motion"  # Å: RELION writes px of the movie


@dataclass(frozen=True, slots=True)
class Defocus:
    """As RELION has it."""

    u: float  # Å
    v: float
    angle: float  # degrees, of u


@dataclass(frozen=True, slots=True)
class MicrographLine:
    """A micrograph of an output, and what is known of it; None and 0 where nobody says."""

    micrograph: str
    picks: int | None
    angpix: float
    defocus: Defocus | None
    fit: float | None  # Å, to which the CTF fits
    motion: float | None  # Å
    id: str = ""  # of the micrograph as an item, where the output is a set of them


NOTHING_KNOWN = MicrographLine("", None, 0.0, None, None, None)


@dataclass(frozen=True, slots=True)
class Source:
    """An output, and where its files say what."""

    job: "Job"
    ref: Dataset
    root: Path
    by_hand: bool

    @classmethod
    def of(cls, job: "Job", output: str) -> "Source":
        known = job.entry.outputs()
        ref = known.get(output)
        if not isinstance(ref, Micrographs | Coordinates | Particles):
            fitting = [
                name for name, one in known.items() if isinstance(one, Micrographs | Coordinates | Particles)
            ]
            raise ProjectError(
                f"{job.name}:{output}", found="no such output" if ref is None else f"a {ref.kind}",
                expected=f"one that knows micrographs: {', '.join(fitting) or 'this job has none'}",
            )  # fmt: skip
        is_hand = isinstance(ref, Coordinates) and is_picked_by_hand(job)
        return cls(job, ref, job.project.path, is_hand)

    def micrograph_table(self) -> str:
        """The file that lists the micrographs of coordinates: the first that RELION's suffix file names.

        Raises:
            ProjectError: none is named, or others list micrographs that are not in the first.
        """
        words = _words(self.root, self.ref)
        if not words:
            raise ProjectError(
                f"{self.ref.path}", found="without the name of a table of micrographs", expected="RELION's suffix file",
                hint="It is there as soon as its job has begun.",
            )  # fmt: skip
        first, *others = (
            {line.micrograph for line in _micrograph_lines(*_stamped(self.root, word))} for word in words
        )
        beyond = sorted(set().union(*others) - first)
        if beyond:
            raise ProjectError(
                f"{self.ref.path}: {' and '.join(words)}",
                found=f"micrographs that {words[0]} does not list, such as {beyond[0]}", expected="one table with all of them",
                hint="sets.join makes one: give it to relion.manualpick as fn_in, and these picks as begin_with.",
            )  # fmt: skip
        return words[0]

    def sizes(self) -> dict[str, float]:
        """Å per pixel by micrograph, in the order of the table."""
        return {line.micrograph: line.angpix for line in self._facts()} or {}

    def lines(self) -> list[MicrographLine]:
        """What is known of each, with the number of picks as it is now."""
        if not self.by_hand:
            return [*self._facts()]
        try:
            counts = {one.micrograph: one.picks for one in picked_micrographs(self.job)}
        except ProjectError:
            counts = {}  # it has not begun yet
        facts = {line.micrograph: line for line in self._facts()}
        return [_counted(facts.get(name, NOTHING_KNOWN), name, count) for name, count in counts.items()]

    def _facts(self) -> tuple[MicrographLine, ...]:
        if isinstance(self.ref, Micrographs):
            return _micrograph_lines(*_stamped(self.root, self.ref.path))
        if isinstance(self.ref, Particles):
            return _particle_lines(*_stamped(self.root, self.ref.path))
        told = {
            line.micrograph: line
            for file in _words(self.root, self.ref)
            for line in _micrograph_lines(*_stamped(self.root, file))
        }
        found = [
            _counted(
                told.get(name, NOTHING_KNOWN),
                name,
                _pick_table(self.root, file).height if count is None else count,
            )
            for name, file, count in self._files()
        ]
        if self.by_hand:  # those that its own table does not list yet
            listed = {line.micrograph for line in found}
            found += [line for name, line in told.items() if name not in listed]
        return tuple(found)

    def _files(self) -> list[tuple[str, str, int | None]]:
        """Micrograph and file of picks of coordinates, and how many it says that there are: a table of RELION's does not."""
        suffix_file = self.root / self.ref.path
        beside = table_beside(suffix_file)
        if beside != suffix_file.name:
            table = _table(*_stamped(self.root, str(Path(self.ref.path).with_name(beside))), "coordinates")
            return [] if not table.height else [*table.select(NAME, FILE, COUNT).iter_rows()]
        folder, suffix = Path(self.ref.path).parent, suffix_of(self.ref.path)
        names = (line.micrograph for file in _words(self.root, self.ref)
                 for line in _micrograph_lines(*_stamped(self.root, file)))  # fmt: skip
        listed = ((name, f"{folder}/{coordinate_file(name, suffix)}") for name in names)
        return [(name, file, None) for name, file in listed if (self.root / file).exists()]

    def picks(self, micrograph: str) -> "pl.DataFrame":
        """The picks on a micrograph."""
        import polars as pl

        if isinstance(self.ref, Micrographs):
            return no_picks()
        if isinstance(self.ref, Particles):
            return _particle_picks(*_stamped(self.root, self.ref.path)).filter(pl.col(NAME) == micrograph)
        file = next((file for name, file, _ in self._files() if name == micrograph), "")
        table = _pick_table(self.root, file) if file else no_picks()
        return with_pick_ids(table, micrograph) if table.height else no_picks()

    def all_picks(self) -> "list[pl.DataFrame]":
        """The picks of all micrographs, in as many tables as there are files."""
        if isinstance(self.ref, Micrographs):
            return []
        if isinstance(self.ref, Particles):
            return [_particle_picks(*_stamped(self.root, self.ref.path))]
        return [
            _pick_table(self.root, file) for _, file, count in self._files() if count != 0 or self.by_hand
        ]

    def columns(self) -> tuple[str, ...]:
        """Columns of numbers of the first picks that there are, the figure of merit first."""
        table: pl.DataFrame | None = None
        if isinstance(self.ref, Particles):
            table = _particle_picks(*_stamped(self.root, self.ref.path))
        elif isinstance(self.ref, Coordinates):
            files = ((file, count) for _, file, count in self._files() if count != 0 or self.by_hand)
            tables = (_pick_table(self.root, file) for file, _ in files)
            table = next((one for one in tables if one.height), None)
        if table is None:
            return ()
        numbers = (label for label, kind in table.schema.items() if kind.is_numeric())
        known = [label for label in numbers if label not in _PLACES and _tells_apart(table[label])]
        return (*(label for label in known if label == MERIT), *(label for label in known if label != MERIT))


def _counted(line: MicrographLine, name: str, picks: int | None) -> MicrographLine:
    return MicrographLine(name, picks, line.angpix, line.defocus, line.fit, line.motion, line.id)


def _tells_apart(values: "pl.Series") -> bool:
    known = values.drop_nulls()
    return known.n_unique() > 1 or (values.name == MERIT and (known != NOTHING[MERIT]).any())


def _words(root: Path, ref: Dataset) -> list[str]:
    """The tables of micrographs that RELION's suffix file names."""
    try:
        return inside(root, ref.path).read_text(errors="replace").split()
    except OSError:
        return []


def _stamped(root: Path, file: str) -> tuple[Path, int, int]:
    """A file of the project and what changes when it does: tables are remembered by it."""
    path = inside(root, file)
    try:
        stat = path.stat()
    except OSError:
        return path, 0, 0
    return path, stat.st_mtime_ns, stat.st_size


@functools.lru_cache(maxsize=16)
def _table(path: Path, stamp: int, size: int, name: str) -> "pl.DataFrame":
    return table_of(path, name)


@functools.lru_cache(maxsize=16)
def _micrograph_lines(path: Path, stamp: int, size: int) -> tuple[MicrographLine, ...]:
    made = {_MOTION: f"rlnAccumMotionTotal * {MOVIE_PIXEL}"}
    rows = Rows(
        path.name, "micrographs", (NAME, *_FACTS, ITEM_ID), made=made, of_group=(PIXEL_SIZE, MOVIE_PIXEL)
    )
    frame = with_ids(frame_of(path.parent, rows))
    return tuple(_line(row, None) for row in frame.iter_rows(named=True) if row.get(NAME))


@functools.lru_cache(maxsize=16)
def _particle_lines(path: Path, stamp: int, size: int) -> tuple[MicrographLine, ...]:
    import polars as pl

    table = _particle_picks(path, stamp, size)
    if NAME not in table.columns or not table.height:
        return ()
    known = [label for label in (*_FACTS, PIXEL_SIZE) if label in table.columns]
    if _FACTS[0] in known:
        # Each particle may have a defocus of its own: the middle one speaks for the micrograph, with its own astigmatism.
        order = pl.col(_FACTS[0]).cast(pl.Float64, strict=False)
        facts = [pl.col(label).sort_by(order).get((pl.len() - 1) // 2) for label in known]
    else:
        facts = [pl.col(label).first() for label in known]
    rows = table.group_by(NAME, maintain_order=True).agg(pl.len().alias(COUNT), *facts)
    return tuple(_line(row, int(row[COUNT])) for row in rows.iter_rows(named=True))


def _line(row: Mapping[str, Any], picks: int | None) -> MicrographLine:
    u, v, angle = (_number(row.get(label)) for label in _FACTS[:3])
    defocus = None if u is None or v is None else Defocus(u, v, angle or 0.0)
    return MicrographLine(
        str(row[NAME]), picks, _number(row.get(PIXEL_SIZE)) or 0.0, defocus, _number(row.get(_FACTS[3])),
        _number(row.get(_MOTION)), str(row.get(ITEM_ID) or ""),
    )  # fmt: skip


def _number(value: Any) -> float | None:
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if found == found and abs(found) != float("inf") else None


@functools.lru_cache(maxsize=16)
def _particle_picks(path: Path, stamp: int, size: int) -> "pl.DataFrame":
    """Particles as picks: where their centres lie by now, with the pixel size of their micrograph."""
    import polars as pl

    table, optics = table_of(path, "particles"), table_of(path, "optics")
    if not table.height or any(label not in table.columns for label in (NAME, X, Y)):
        return no_picks().with_columns(pl.lit("").alias(NAME))
    table = with_ids(table).with_columns(pl.col(X).cast(pl.Float64), pl.col(Y).cast(pl.Float64))
    if GROUP in table.columns and PIXEL_SIZE in optics.columns:
        groups = optics.select(GROUP, pl.col(PIXEL_SIZE).cast(pl.Float64)).unique(GROUP, keep="none")
        table = table.join(groups, on=GROUP, how="left", maintain_order="left")
    if PIXEL_SIZE in table.columns and all(label in table.columns for label in _ORIGINS):
        # As in `em.places`: the origin says how far the image is moved to bring the particle to its middle.
        table = table.with_columns(
            (
                pl.col(axis)
                - (pl.col(origin).cast(pl.Float64) / pl.col(PIXEL_SIZE)).fill_nan(None).fill_null(0.0)
            )
            for axis, origin in zip((X, Y), _ORIGINS, strict=True)
        )
    return table.select(label for label in table.columns if label not in ("rlnImageName",))


def _pick_table(root: Path, file: str) -> "pl.DataFrame":
    """A micrograph's file of picks as it is; empty where nobody has picked, or what is there is none."""
    try:
        path = inside(root, file)
        table = table_of(path, "") if path.exists() and path.stat().st_size else no_picks()
    except (CryoloomError, OSError):
        return no_picks()
    return table if X in table.columns and Y in table.columns else no_picks()


def no_picks() -> "pl.DataFrame":
    import polars as pl

    return pl.DataFrame(schema={X: pl.Float64(), Y: pl.Float64(), ITEM_ID: pl.String()})
