"""Imports: how many files came and how many were refused; which and why, every job says of its items."""

from pathlib import Path

from cryoloom.project.journal import read_history
from cryoloom.protocol.blocks import Block, Metrics


def import_views(root: Path, job: str) -> list[Block]:
    """Views of an import."""
    history = read_history(root / job)
    if not history.done and not history.failed:
        return []
    counts = [("taken", str(len(history.done))), ("refused", str(len(history.failed)))]
    return [Metrics("imported", "Files", counts)]
