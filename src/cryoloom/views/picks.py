"""Picks: how many on each micrograph, how sure, and where."""

from collections.abc import Sequence
from pathlib import Path

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


def pick_views(file: str, micrographs: str, diameter: float = 0.0) -> list[View]:
    """Views of a set of picks: `file` has a row a micrograph, with the file of its picks and their number.

    Args:
        file: our table beside RELION's suffix file.
        micrographs: the table of those that were picked, whose optics groups know their pixel sizes.
        diameter: of the particles in Å; 0 where nobody knows.
    """
    rows = Rows(file, "coordinates", (_NAME, _FILE, _COUNT))
    few = Items(rows, worst=f"0 - {_COUNT}")
    return [
        View(
            "counts", "Picks on each micrograph",
            "Even numbers are good; micrographs with few are empty, those with far more than others are carbon or ice.",
            (file,), lambda look: _counts(look, rows),
        ),
        View(
            "merit", "Figure of merit of picks",
            "Two hills are particles (right) and what is none (left): the valley is a "
            "threshold.",
            (file,), lambda look: _merits(look, rows),
        ),
        View(
            "picks", "Picks on a micrograph",
            "Each particle once, no edge of carbon, no ice. Another micrograph can be asked for.",
            (file,), lambda look: _on_micrograph(look, micrographs, diameter), items=few,
        ),
    ]  # fmt: skip


def _counts(look: Look, rows: Rows) -> Sequence[Block]:
    frame = frame_of(look.root, rows)
    if not frame.height:
        return []
    counts = numbers(frame, _COUNT)
    columns = {"number": [*range(1, len(counts) + 1)], "picks": counts, _NAME: frame[_NAME].to_list()}
    axes = Axis("number", "micrograph", is_number=True), Axis("picks", "picks", is_count=True)
    figures = [("picks", f"{sum(counts):.0f}"), ("micrographs", str(len(counts))),
               ("picks on a micrograph", f"{sum(counts) / len(counts):.1f}")]  # fmt: skip
    return [Chart("Picks on each micrograph", "points", Values(columns), *axes), Metrics("Picks", figures)]


def _merits(look: Look, rows: Rows) -> Sequence[Block]:
    frame = frame_of(look.root, rows)
    files = frame[_FILE].to_list() if frame.height else []
    merits = [value for file in files for value in numbers(table_of(look.root / str(file), ""), _MERIT)]
    # RELION writes -999 where a pick has none.
    merits = [value for value in merits if value > -900]
    if not merits:
        return []
    axis = Axis("merit", "figure of merit")
    return [Chart("Figure of merit of picks", "histogram", Values({"merit": merits}), axis)]


def _on_micrograph(look: Look, micrographs: str, diameter: float) -> Sequence[Block]:
    name, file = str(look.item[_NAME]), str(look.item[_FILE])
    count = look.item.get(_COUNT)
    picks = Rows(file, "", ("rlnCoordinateX", "rlnCoordinateY"))
    said = "The circles are of the diameter that was searched." if diameter else ""
    title = f"{0 if count is None else int(count)} picks on {Path(name).stem}"
    angpix = pixel_size_of(look.root, micrographs, name)
    return [Micrograph(title, name, (Overlay(picks, diameter),), angpix, caption=said)]
