"""What outputs have to show when only their kinds are known: one view after the other, each under its output's name."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from cryoloom.protocol.datasets import Coordinates, Dataset, Mask, Micrographs, Particles, Volume
from cryoloom.protocol.views import View
from cryoloom.views.imports import micrograph_view
from cryoloom.views.maps import map_views
from cryoloom.views.particles import particle_views
from cryoloom.views.picks import relion_pick_views


def views_of_outputs(root: Path, outputs: Mapping[str, Dataset]) -> list[View]:
    """Views of outputs by their kinds; of several outputs each view bears its output's name too."""
    return [
        view if len(outputs) == 1 else replace(view, name=f"{name}_{view.name}")
        for name, dataset in outputs.items()
        for view in _views(root, dataset)
    ]


def _views(root: Path, dataset: Dataset) -> list[View]:
    if isinstance(dataset, Particles):
        return particle_views(dataset.path)
    if isinstance(dataset, Micrographs):
        return [micrograph_view(dataset.path)]
    if isinstance(dataset, Coordinates):
        return relion_pick_views(root, dataset.path)
    if isinstance(dataset, Mask):
        return map_views(dataset.path, "mask")
    return map_views(dataset.path) if isinstance(dataset, Volume) else []
