"""Multi-body refinement: how much of the variance each movement has."""

from pathlib import Path

from cryoloom.protocol.views import View


def multibody_views(root: Path, job: str) -> list[View]:
    return []
