"""Jobs of RELION's that no protocol of ours models: what their folder and files tell."""

from collections.abc import Sequence
from pathlib import Path

from cryoloom.project.iterations import newest
from cryoloom.protocol.views import (
    View,
)
from cryoloom.views.classes import refined_views, selection_views
from cryoloom.views.ctf import ctf_views
from cryoloom.views.imports import micrograph_view
from cryoloom.views.local_resolution import locres_views
from cryoloom.views.maps import map_views
from cryoloom.views.optics import optics_view
from cryoloom.views.particles import particle_views
from cryoloom.views.picks import relion_pick_views
from cryoloom.views.polishing import B_FACTORS, TRAINED, polishing_views
from cryoloom.views.tables import blocks_of

# Sets of particles, by what RELION's jobs call them.
_PARTICLES = (
    "particles.star",
    "join_particles.star",
    "particles_subtracted.star",
    "particles_ctf_refine.star",
    "shiny.star",
)
_MICROGRAPHS = (
    "micrographs.star",
    "join_mics.star",
    "micrographs_ctf.star",
    "micrographs_selected.star",
    "logfile_micrographs.star",
)
_MOVIES = ("movies.star", "join_movies.star")


def views_of_files(root: Path, job: str) -> list[View]:
    """What the files of a job have to show, whatever kind of job it is.

    Args:
        root: the project.
        job: the job's name, with its slash.
    """
    folder = root / job
    shown: list[View] = []
    if newest(folder, "model.star") is not None and "2D" not in job:
        shown += refined_views(root, job)
    shown += locres_views(root, job)
    for file in _PARTICLES:
        if (folder / file).exists():
            shown += particle_views(job + file)
    if (folder / "class_averages.star").exists():
        shown += selection_views(job)
    for file in _MICROGRAPHS:
        if (folder / file).exists():
            shown += ctf_views(job + file) if has_ctf(folder / file) else [micrograph_view(job + file)]
            shown.append(optics_view(job + file, "micrographs"))
    shown += [optics_view(job + file, "movies") for file in _MOVIES if (folder / file).exists()]
    for suffix_file in sorted(folder.glob("coords_suffix_*.star")):
        shown += relion_pick_views(root, job + suffix_file.name)
    if (folder / "mask.mrc").exists():
        shown += map_views(job + "mask.mrc", "mask")
    if any((folder / file).exists() for file in (TRAINED, B_FACTORS)):
        shown += polishing_views(job)
    return _named_apart(shown)


def has_ctf(micrographs: Path) -> bool:
    """Whether a table of micrographs says what their CTFs are."""
    columns = {label for block in blocks_of(micrographs).values() for label in getattr(block, "columns", ())}
    return "rlnDefocusU" in columns


def _named_apart(views: Sequence[View]) -> list[View]:
    """Views whose names are all different: of one name the first stays."""
    return [*{view.name: view for view in reversed(views)}.values()][::-1]
