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


@dataclass(frozen=True, slots=True)
class Picks:
    """A set of picks: `rows` are the micrographs, whose coordinates lie in a file each."""

    reads: str  # the file that is there as soon as there are picks
    rows: Rows
    micrographs: str  # the table whose optics groups know the pixel sizes
    file_of: Callable[[Mapping[str, Any]], str]  # of a row
    diameter: float  # of the particles in Å; 0 where nobody knows
    worst: str = ""

    def counts(self, root: Path) -> list[tuple[str, int]]:
        """The micrographs that were picked, each with its number of picks."""
        found = []
        for row in frame_of(root, self.rows).iter_rows(named=True):
            count = row.get(_COUNT)
            file = root / self.file_of(row)
            if count is None and file.exists():
                count = table_of(file, "").height
            if count is not None:
                found.append((str(row[_NAME]), int(count)))
        return found


def pick_views(file: str, micrographs: str, diameter: float = 0.0) -> list[View]:
    """Views of a set of picks: `file` has a row a micrograph, with the file of its picks and their number.

    Args:
        file: our table beside RELION's suffix file.
        micrographs: the table of those that were picked, whose optics groups know their pixel sizes.
        diameter: of the particles in Å; 0 where nobody knows.
    """
    rows = Rows(file, "coordinates", (_NAME, _FILE, _COUNT))
    return _views(Picks(file, rows, micrographs, lambda row: str(row[_FILE]), diameter, f"0 - {_COUNT}"))


def relion_pick_views(root: Path, suffix_file: str, diameter: float = 0.0) -> list[View]:
    """Views of picks of RELION's: the suffix file names the micrographs, and lies where their coordinates do."""
    path = root / suffix_file
    words = path.read_text(errors="replace").split() if path.exists() else []
    if not words:
        return []
    job, suffix = suffix_file.removesuffix(path.name), suffix_of(suffix_file)
    rows = Rows(words[0], "micrographs", (_NAME,))
    return _views(
        Picks(
            suffix_file, rows, words[0], lambda row: job + coordinate_file(str(row[_NAME]), suffix), diameter
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
            (picks.reads,), lambda look: _merits(look, picks),
        ),
        View(
            "picks", "Picks on a micrograph",
            "Each particle once, no edge of carbon, no ice. Another micrograph can be asked for.",
            (picks.reads,), lambda look: _on_micrograph(look, picks), items=Items(picks.rows, worst=picks.worst),
        ),
    ]  # fmt: skip


def _counts(look: Look, picks: Picks) -> Sequence[Block]:
    found = picks.counts(look.root)
    if not found:
        return []
    counts = [count for _, count in found]
    columns = {"number": [*range(1, len(counts) + 1)], "picks": counts, _NAME: [name for name, _ in found]}
    axes = Axis("number", "micrograph", is_number=True), Axis("picks", "picks", is_count=True)
    of_all = frame_of(look.root, picks.rows).height
    figures = [
        ("picks", str(sum(counts))),
        ("micrographs", f"{len(counts)} of {of_all}" if len(counts) < of_all else f"{of_all}"),
        ("picks on a micrograph", f"{sum(counts) / len(counts):.1f}"),
    ]
    return [Chart("Picks on each micrograph", "points", Values(columns), *axes), Metrics("Picks", figures)]


def _merits(look: Look, picks: Picks) -> Sequence[Block]:
    files = [picks.file_of(row) for row in frame_of(look.root, picks.rows).iter_rows(named=True)]
    merits = [value for file in files for value in numbers(table_of(look.root / file, ""), _MERIT)]
    # RELION writes -999 where a pick has none.
    merits = [value for value in merits if value > -900]
    if not merits:
        return []
    axis = Axis("merit", "figure of merit")
    return [Chart("Figure of merit of picks", "histogram", Values({"merit": merits}), axis)]


def _on_micrograph(look: Look, picks: Picks) -> Sequence[Block]:
    name = str(look.item[_NAME])
    places = Rows(picks.file_of(look.item), "", ("rlnCoordinateX", "rlnCoordinateY"))
    count = table_of(look.root / places.file, "").height
    said = "The circles are of the diameter that was searched." if picks.diameter else ""
    angpix = pixel_size_of(look.root, picks.micrographs, name)
    title = f"{count} pick{'' if count == 1 else 's'} on {Path(name).stem}"
    return [Micrograph(title, name, (Overlay(places, picks.diameter),), angpix, caption=said)]
