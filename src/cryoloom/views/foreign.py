"""Jobs of RELION's that no protocol of ours models: what their folder and files tell."""

from collections.abc import Sequence
from pathlib import Path

from cryoloom.project.iterations import newest
from cryoloom.protocol.views import (
    Axis,
    Block,
    Chart,
    Look,
    Metrics,
    Values,
    View,
    VolumeBlock,
)
from cryoloom.views.classes import refined_views, selection_views
from cryoloom.views.ctf import ctf_views
from cryoloom.views.imports import micrograph_view
from cryoloom.views.maps import known_resolutions, map_views
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


def locres_views(root: Path, job: str) -> list[View]:
    """Local resolution: its map, and how much of the molecule has which."""
    file = job + "relion_locres.mrc"
    if not (root / file).exists():
        return []
    histogram = View(
        "local_resolution", "Local resolution", "Where most of the molecule lies; the tail to the right is what moves.",
        (file,), lambda look: _local_resolutions(look, file),
    )  # fmt: skip
    filtered = job + "relion_locres_filtered.mrc"
    coloured = View(
        "coloured", "The map in the colours of its local resolution",
        "Blue is fine, red is coarse: the core of a molecule is blue, what moves and its rim are not. Nine tenths of what is "
        "dense lie between the colours' ends.",
        (filtered, file), lambda _: [VolumeBlock("Local resolution, Å", filtered, coloured_by=file)],
    )  # fmt: skip
    return [histogram, *([coloured] if (root / filtered).exists() else []), *map_views(file)]


def _local_resolutions(look: Look, file: str) -> Sequence[Block]:
    import numpy as np

    from cryoloom.images.mrc import read_mrc

    values = known_resolutions(read_mrc(look.root / file))
    inside = values[np.isfinite(values)]
    if not inside.size:
        return []
    low, middle, high = np.percentile(inside, (5, 50, 95))
    chart = Chart(
        "Local resolution",
        "histogram",
        Values({"resolution": inside.ravel().tolist()}),
        Axis("resolution", "local resolution, Å"),
    )
    return [
        chart,
        Metrics(
            "Local resolution", [("median", f"{middle:.2f} Å"), ("90 % within", f"{low:.2f} to {high:.2f} Å")]
        ),
    ]


def _named_apart(views: Sequence[View]) -> list[View]:
    """Views whose names are all different: of one name the first stays."""
    return [*{view.name: view for view in reversed(views)}.values()][::-1]
