"""What an output has to show on micrographs: which there are, what is known of each, the picks on one, a column of all picks.

An output of micrographs, of coordinates, or of particles that know where they were cut. Places are px of the micrograph as its
file has them: x along a row, y from the file's first row.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryoloom.api.micrograph_source import MERIT, MicrographLine, Source
from cryoloom.api.picking import picks_of, save
from cryoloom.em.names import meant, several_words
from cryoloom.errors import ParameterError, ProjectError
from cryoloom.project.paths import inside
from cryoloom.project.pick_edits import empty_picks
from cryoloom.project.pick_rows import NOTHING
from cryoloom.project.picked_diameter import picked_diameter
from cryoloom.protocol.datasets import Coordinates, Micrographs
from cryoloom.protocol.jobs import ITEM_ID

if TYPE_CHECKING:
    import polars as pl

    from cryoloom.api.job import Job

STEPS = 500  # of a threshold's slider


@dataclass(frozen=True, slots=True)
class MicrographList:
    """The micrographs of an output."""

    job: str
    output: str
    kind: str
    diameter: float  # of a particle, Å; 0 where nobody says
    by_hand: bool  # whether picks can be edited in this job
    are_ends: bool  # whether picks are the two ends of filaments, one after the other
    columns: tuple[str, ...]  # by which picks can be coloured and chosen
    lines: tuple[MicrographLine, ...]


@dataclass(frozen=True, slots=True)
class MicrographFile:
    """Where a micrograph's pixels are."""

    micrograph: str
    path: Path
    angpix: float  # as its optics group says; 0 where none does


@dataclass(frozen=True, slots=True)
class PicksOn:
    """The picks on one micrograph: rlnCoordinateX and rlnCoordinateY, what else is said of each, cryoloomItemId."""

    micrograph: str
    revision: str  # from which an edit begins; "" where nobody can edit, or nobody has
    table: "pl.DataFrame"


@dataclass(frozen=True, slots=True)
class SavedPicks:
    """What became of the picks that were given."""

    revision: str
    ids: tuple[str, ...]  # in the order in which they were given
    followers: tuple[str, ...]  # jobs that made something of the picks before, and can take these
    wholes: tuple[str, ...]  # those that have to be restarted for it


@dataclass(frozen=True, slots=True)
class Spread:
    """A column over all picks of an output, as a threshold sees it."""

    column: str
    total: int
    without: int  # picks that have no value
    steps: tuple[float, ...]  # growing, from the least value to beyond the largest; round numbers
    kept: tuple[int, ...]  # for each of them how many picks have that value or more


def micrographs_of(job: "Job", output: str) -> MicrographList:
    """The micrographs of an output, in the order of its table.

    Raises:
        ProjectError: no such output, or one that knows no micrographs.
    """
    source = Source.of(job, output)
    return MicrographList(
        job.name, output, source.ref.kind, picked_diameter(source.root, source.ref) or 0.0, source.by_hand,
        source.by_hand and job.params.get("do_startend") in (True, "Yes"), source.columns(),
        tuple(source.lines()),
    )  # fmt: skip


def micrograph_file(job: "Job", output: str, asked: str = "") -> MicrographFile:
    """A micrograph of an output.

    Args:
        job: whose.
        output: its name.
        asked: a name, a part that only one has, or a number from 1; "" for the first.
    Raises:
        ProjectError: no such output, or a name that leads out of the project; ParameterError: no such micrograph, or several.
    """
    source = Source.of(job, output)
    sizes = source.sizes()
    name = _one(asked, [*sizes], f"{job.name}:{output}")
    return MicrographFile(name, inside(source.root, name), sizes[name])


def picks_on(job: "Job", output: str, asked: str = "") -> PicksOn:
    """The picks of an output on one micrograph; none where it has only micrographs.

    Raises:
        ProjectError, ParameterError: as `micrograph_named`; DatasetError: a file of picks that is none.
    """
    source = Source.of(job, output)
    name = _one(asked, [*source.sizes()], f"{job.name}:{output}")
    if source.by_hand:
        known = picks_of(job, name)
        return PicksOn(name, known.revision, known.table)
    return PicksOn(name, "", source.picks(name))


def save_picks_on(
    job: "Job", output: str, micrograph: str, picks: Sequence[Mapping[str, Any]], *, since: str
) -> SavedPicks:
    """Make these the picks on a micrograph, if nobody has edited them since; as `picking.save`, for one who keeps them as rows.

    Args:
        job: picking by hand.
        output: its coordinates.
        micrograph: its name.
        picks: rlnCoordinateX and rlnCoordinateY of each; cryoloomItemId of one that there is, or was: it is the same one then.
        since: the revision that the edit began from.
    Raises:
        CryoloomError: as `picking.save`.
    """
    import polars as pl

    Source.of(job, output)
    if picks:
        labels = dict.fromkeys(label for one in picks for label in one)
        table = pl.DataFrame({label: [one.get(label) for one in picks] for label in labels}, strict=False)
    else:
        table = empty_picks()
    if ITEM_ID not in table.columns:
        table = table.with_columns(pl.lit(None, dtype=pl.String).alias(ITEM_ID))
    saved = save(job, micrograph, table, since=since)
    now = picks_of(job, micrograph)
    # Where somebody was quicker than this look, whoever asks has to look again.
    ids = tuple(str(one) for one in now.table[ITEM_ID].to_list()) if now.revision == saved.revision else ()
    return SavedPicks(saved.revision, ids, saved.followers, saved.wholes)


def spread_of(job: "Job", output: str, column: str = MERIT) -> Spread:
    """How many picks of an output a threshold on a column would keep.

    Raises:
        ProjectError: no such output; ParameterError: no pick has that column, or it is none of numbers.
    """
    import numpy as np
    import polars as pl

    source = Source.of(job, output)
    tables = [table for table in source.all_picks() if table.height]
    found = [table[column].cast(pl.Float64, strict=False) for table in tables if column in table.columns]
    if not found:
        raise ParameterError(
            f"{job.name}:{output}: {column}", found="a column that no pick has",
            expected=f"one of {', '.join(source.columns()) or 'none: these picks say nothing but places'}",
        )  # fmt: skip
    total = sum(table.height for table in tables)
    values = pl.concat(found).drop_nulls().drop_nans().to_numpy()
    values = np.sort(values[values != NOTHING.get(column, np.nan)])
    if not len(values):
        return Spread(column, total, total, (), ())
    steps = _steps(float(values[0]), float(values[-1]))
    kept = len(values) - np.searchsorted(values, steps, side="left")
    return Spread(column, total, total - len(values), tuple(steps), tuple(int(one) for one in kept))


def keep_above(job: "Job", output: str, above: float, column: str = MERIT) -> "Job":
    """Make the job that keeps the picks with this value of a column or more; the others are its other output."""
    Source.of(job, output)
    given = {"input": f"{job.name}:{output}", "expression": f"{column} >= {above:.12g}"}
    return job.project.make("sets.filter", given)


def pick_by_hand(job: "Job", output: str, *, filaments: bool = False) -> "Job":
    """Make the job in which picks are set by hand: of micrographs without any, of coordinates with those that there are.

    Args:
        job: whose output.
        output: micrographs, or coordinates.
        filaments: picks are the two ends of each.
    Raises:
        ProjectError: an output that is neither, or coordinates that do not say on which micrographs.
    """
    source = Source.of(job, output)
    given: dict[str, Any] = {"do_startend": filaments}
    if isinstance(source.ref, Micrographs):
        given["fn_in"] = f"{job.name}:{output}"
    elif isinstance(source.ref, Coordinates):
        given |= {"fn_in": source.micrograph_table(), "begin_with": f"{job.name}:{output}"}
    else:
        raise ProjectError(
            f"{job.name}:{output}", found=f"a set of {source.ref.kind}", expected="micrographs or coordinates",
            hint="Pick on the micrographs that they were cut from.",
        )  # fmt: skip
    if diameter := picked_diameter(source.root, source.ref):
        given["diameter"] = diameter
    return job.project.make("relion.manualpick", given)


def _one(asked: str, names: list[str], where: str) -> str:
    if asked in names:
        return asked
    found = meant(asked, names) if asked else names[:1]
    if len(found) == 1:
        return found[0]
    first = (
        f"such as {names[0]}, or a number from 1 to {len(names)}" if names else "as soon as there are some"
    )
    raise ParameterError(
        f"{where}: micrograph {asked}".rstrip(), found=several_words(asked, found) if found else "unknown",
        expected=f"a name that only one has, {first}",
    )  # fmt: skip


def _steps(low: float, high: float) -> list[float]:
    """Round numbers from below the least value to above the largest."""
    if high <= low:
        return [low, math.nextafter(low, math.inf)]
    unit = 10.0 ** math.floor(math.log10((high - low) / STEPS))
    unit *= next(step for step in (1, 2, 5, 10) if unit * step * STEPS >= high - low)
    places = max(0, -math.floor(math.log10(unit)))
    first, last = math.floor(low / unit), math.floor(high / unit) + 1
    return [round(number * unit, places) for number in range(first, last + 1)]
