"""Imports: how many files came and which were refused; a look at a micrograph."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from cryoloom.project.journal import FILE as JOURNAL
from cryoloom.project.journal import read_history
from cryoloom.protocol.views import Block, Items, Look, Metrics, Micrograph, Rows, TableBlock, View
from cryoloom.views.tables import frame_of, numbers

MOST_REFUSED = 200
_NAME, _PIXEL_SIZE = "rlnMicrographName", "rlnMicrographPixelSize"


def import_views(job: str) -> list[View]:
    """The files of an import."""
    return [
        View(
            "imported", "Files",
            "How many files were taken, and why others were not. Refused files stay out of all that "
            "follows.",
            (job + JOURNAL,), lambda look: _files(look.root, job),
        )
    ]  # fmt: skip


def micrograph_view(file: str) -> View:
    """One micrograph of a set."""
    rows = Rows(file, "micrographs", (_NAME,), of_group=(_PIXEL_SIZE,))

    def blocks(look: Look) -> Sequence[Block]:
        name = str(look.item[_NAME])
        return [Micrograph(Path(name).stem, name, pixel_size=look.item.get(_PIXEL_SIZE) or 0.0)]

    return View(
        "micrograph", "One micrograph", "Even ice, particles apart from each other, no crystals. Another one can be asked for.",
        (file,), blocks, items=Items(rows),
    )  # fmt: skip


def pixel_size_of(root: Path, micrographs: str, name: str) -> float:
    """Å per pixel of a micrograph as its optics group says, which counts before its header; 0 where no group does.

    Args:
        root: the project.
        micrographs: a table with the micrograph.
        name: of the micrograph.
    """
    frame = frame_of(root, Rows(micrographs, "micrographs", (_NAME,), of_group=(_PIXEL_SIZE,)))
    sizes = (
        numbers(frame.filter(pl.col(_NAME) == name).drop_nulls(_PIXEL_SIZE), _PIXEL_SIZE)
        if frame.height
        else []
    )
    return sizes[0] if sizes else 0.0


def _files(root: Path, job: str) -> list[Block]:
    history = read_history(root / job)
    if not history.done and not history.failed:
        return []
    shown: list[Block] = [
        Metrics("Files", [("taken", str(len(history.done))), ("refused", str(len(history.failed)))])
    ]
    if history.failed:
        refused = [[Path(name).name, why] for name, why in history.failed.values()]
        shown.append(TableBlock("Refused files", ["file", "reason"], refused[:MOST_REFUSED]))
    return shown
