"""How many items went where."""

from pathlib import Path

from cryoloom.project.journal import read_history
from cryoloom.protocol.blocks import Block, Metrics


def kept_and_rejected(root: Path, job: str) -> list[Block]:
    """The numbers of each output of a set operation."""
    history = read_history(root / job)
    rows = [(name, str(output.items)) for name, output in history.outputs.items()]
    rows += [("note", note) for note in history.notes]
    return [Metrics("counts", "Items", rows)] if rows else []
