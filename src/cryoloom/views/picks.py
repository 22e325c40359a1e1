"""Picks: how many on each micrograph, how sure, and where."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryoloom.project.forms.coordinate_files import coordinate_file, suffix_of
from cryoloom.protocol.views import (
    Axis,
    Block,
    Chart,
    Items,
    Look,
    Metrics,
    Micrograph,
    Overlay,
    Rows,
    Values,
    View,
)
from cryoloom.views.imports import pixel_size_of
from cryoloom.views.tables import frame_of, numbers, table_of

_NAME, _FILE, _COUNT = "rlnMicrographName", "rlnMicrographCoordinates", "cryoloomCount"
_MERIT = "rlnAutopickFigureOfMerit"
_NO_MERIT = -900  # RELION writes -999 where a pick has none
_LOOKED_AT = (
    100  # micrographs with picks, spread over all, that tell whether a job's picks have figures of merit
)
SEARCHED = "The circles are of the diameter that was searched."


@dataclass(frozen=True, slots=True)
class Picks:
    """A set of picks: `rows` are the micrographs, whose coordinates lie in a file each."""

    reads: str  # the file that is there as soon as there are picks
    rows: Rows
    micrographs: str  # the table whose optics groups know the pixel sizes
    file_of: Callable[[Mapping[str, Any]], str]  # of a row
    diameter: float  # of the particles in Å; 0 where nobody knows
    worst: str = ""
    caption: str = SEARCHED  # of circles, where the diameter is known

    def counts(self, root: Path) -> list[tuple[int, str, int]]:
        """The micrographs that were picked: number among all from 1, name, number of picks."""
        rows = enumerate(frame_of(root, self.rows).iter_rows(named=True), start=1)
        counted = ((number, str(row[_NAME]), self.count(root, row)) for number, row in rows)
        return [(number, name, count) for number, name, count in counted if count is not None]

    def count(self, root: Path, row: Mapping[str, Any]) -> int | None:
        """How many picks a micrograph has; None where nobody has picked on it."""
        if row.get(_COUNT) is not None:
            return int(row[_COUNT])
        file = root / self.file_of(row)
        return table_of(file, "").height if file.exists() else None

    def merits(self, root: Path, row: Mapping[str, Any]) -> list[float]:
        """The figures of merit of a micrograph's picks."""
        return [
            value for value in numbers(table_of(root / self.file_of(row), ""), _MERIT) if value > _NO_MERIT
        ]

    def have_merits(self, root: Path) -> bool:
        """Whether any pick has a figure of merit: those of people have none."""
        picked = [row for row in frame_of(root, self.rows).iter_rows(named=True) if self.count(root, row)]
        step = max(1, len(picked) // _LOOKED_AT)
        return any(self.merits(root, row) for row in picked[::step])


def pick_views(file: str, micrographs: str, diameter: float = 0.0, *, caption: str = SEARCHED) -> list[View]:
    """Views of a set of picks: `file` has a row a micrograph, with the file of its picks and their number.

    Args:
        file: our table beside RELION's suffix file.
        micrographs: the table of those that were picked, whose optics groups know their pixel sizes.
        diameter: of the particles in Å; 0 where nobody knows.
        caption: what diameter it is.
    """
    rows = Rows(file, "coordinates", (_NAME, _FILE, _COUNT))
    return _views(
        Picks(file, rows, micrographs, lambda row: str(row[_FILE]), diameter, f"0 - {_COUNT}", caption)
    )


def relion_pick_views(
    root: Path, suffix_file: str, diameter: float = 0.0, *, caption: str = SEARCHED
) -> list[View]:
    """Views of picks of RELION's: the suffix file names the micrographs, and lies where their coordinates do."""
    path = root / suffix_file
    words = path.read_text(errors="replace").split() if path.exists() else []
    if not words:
        return []
    job, suffix = suffix_file.removesuffix(path.name), suffix_of(suffix_file)
    rows = Rows(words[0], "micrographs", (_NAME,))
    return _views(
        Picks(
            suffix_file,
            rows,
            words[0],
            lambda row: job + coordinate_file(str(row[_NAME]), suffix),
            diameter,
            caption=caption,
        )
    )


def _views(picks: Picks) -> list[View]:
    return [
        View(
            "counts", "Picks on each micrograph",
            "Even numbers are good; micrographs with few are empty, those with far more than others are carbon or ice.",
            (picks.reads,), lambda look: _counts(look, picks),
        ),
        View(
            "merit", "Figure of merit of picks",
            "Two hills are particles (right) and what is none (left): the valley is a threshold.",
            (picks.reads,), lambda look: _merits(look, picks), has_any=picks.have_merits,
        ),
        View(
            "picks", "Picks on a micrograph",
            "Each particle once, no edge of carbon, no ice. Another micrograph can be asked for.",
            (picks.reads,), lambda look: _on_micrograph(look, picks), 
            items=Items(picks.rows, worst=picks.worst, shows=lambda root, row: bool(picks.count(root, row))),
        ),
    ]  # fmt: skip


def _counts(look: Look, picks: Picks) -> Sequence[Block]:
    found = picks.counts(look.root)
    if not found:
        return []
    numbered, names, counts = (list(column) for column in zip(*found, strict=True))
    columns = {"number": numbered, "picks": counts, _NAME: names}
    axes = Axis("number", "micrograph", is_number=True), Axis("picks", "picks", is_count=True)
    of_all = frame_of(look.root, picks.rows).height
    figures = [
        ("picks", str(sum(counts))),
        ("micrographs", f"{len(counts)} of {of_all}" if len(counts) < of_all else f"{of_all}"),
        ("picks on a micrograph", f"{sum(counts) / len(counts):.1f}"),
    ]
    return [Chart("Picks on each micrograph", "points", Values(columns), *axes), Metrics("Picks", figures)]


def _merits(look: Look, picks: Picks) -> Sequence[Block]:
    rows = frame_of(look.root, picks.rows).iter_rows(named=True)
    merits = [value for row in rows for value in picks.merits(look.root, row)]
    if not merits:
        return []
    axis = Axis("merit", "figure of merit")
    return [Chart("Figure of merit of picks", "histogram", Values({"merit": merits}), axis)]


def _on_micrograph(look: Look, picks: Picks) -> Sequence[Block]:
    name = str(look.item[_NAME])
    places = Rows(picks.file_of(look.item), "", ("rlnCoordinateX", "rlnCoordinateY"))
    count = table_of(look.root / places.file, "").height
    said = picks.caption if picks.diameter else ""
    angpix = pixel_size_of(look.root, picks.micrographs, name)
    title = f"{count} pick{'' if count == 1 else 's'} on {Path(name).stem}"
    return [Micrograph(title, name, (Overlay(places, picks.diameter),), angpix, caption=said)]
