"""How many items went where, and tables that a job made."""

from collections.abc import Sequence
from pathlib import Path

from cryoloom.project.journal import FILE as JOURNAL
from cryoloom.project.journal import read_history
from cryoloom.protocol.views import Block, Look, Metrics, TableBlock, View
from cryoloom.views.tables import table_of

MOST_ROWS = 1000


def kept_and_rejected(job: str) -> list[View]:
    """The numbers of each output of a set operation."""
    return [
        View(
            "counts", "Items", "How many items each output has, and what the operation says of them.",
            (job + JOURNAL,), lambda look: _counts(look.root, job),
        )
    ]  # fmt: skip


def table_view(name: str, title: str, help: str, file: str) -> View:
    """A table that a job made, as it is."""

    def blocks(look: Look) -> Sequence[Block]:
        table = table_of(look.root / file, "")
        if not table.height:
            return []
        rows = [["" if value is None else f"{value:g}" if isinstance(value, float) else str(value) for value in row]
                for row in table.head(MOST_ROWS).iter_rows()]  # fmt: skip
        more = f", the first {MOST_ROWS} of {table.height} rows" if table.height > MOST_ROWS else ""
        return [TableBlock(title + more, table.columns, rows)]

    return View(name, title, help, (file,), blocks)


def _counts(root: Path, job: str) -> list[Block]:
    history = read_history(root / job)
    rows = [(name, str(output.items)) for name, output in history.outputs.items()]
    rows += [("note", note) for note in history.notes]
    return [Metrics("Items", rows)] if rows else []
