"""Imports: what came, what was refused and why."""

from pathlib import Path

from cryoloom.project.journal import read_history
from cryoloom.protocol.blocks import Block, Metrics, TableBlock


def import_views(root: Path, job: str) -> list[Block]:
    """Views of an import."""
    history = read_history(root / job)
    if not history.done and not history.failed:
        return []
    shown: list[Block] = [
        Metrics(
            "imported", "Files", [("taken", str(len(history.done))), ("refused", str(len(history.failed)))]
        )
    ]
    if history.failed:
        rows = [[Path(name).name, why] for name, why in history.failed.values()]
        shown.append(TableBlock("refused", "Refused files", ["file", "reason"], rows))
    return shown
