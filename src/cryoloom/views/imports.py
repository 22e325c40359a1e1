"""Imports: how many files came and which were refused; a look at a micrograph."""

from collections.abc import Sequence
from pathlib import Path

from cryoloom.project.journal import FILE as JOURNAL
from cryoloom.project.journal import read_history
from cryoloom.protocol.views import Block, Items, Look, Metrics, Micrograph, Rows, TableBlock, View

MOST_REFUSED = 200


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
    rows = Rows(file, "micrographs", ("rlnMicrographName",))

    def blocks(look: Look) -> Sequence[Block]:
        name = str(look.item["rlnMicrographName"])
        return [Micrograph(Path(name).stem, name)]

    return View(
        "micrograph", "One micrograph", "Even ice, particles apart from each other, no crystals: --item picks another one.",
        (file,), blocks, items=Items(rows),
    )  # fmt: skip


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
