"""Pictures of what a session has come to: class averages side by side, a map."""

from dataclasses import replace
from typing import TYPE_CHECKING

from cryoloom.api.browsing import Browsed
from cryoloom.api.choice import Choice
from cryoloom.api.class_table import COUNT
from cryoloom.api.session_results import Result
from cryoloom.api.sheets import sheet
from cryoloom.errors import CryoloomError
from cryoloom.project.iterations import newest

if TYPE_CHECKING:
    from cryoloom.api.project import Project

MOST_CLASSES = 10
TILE_PX = 128


def classes_picture(project: "Project", result: Result) -> bytes | None:
    """A JPEG of the averages with most particles, of the newest iteration; None where there are none yet."""
    job = project.job(result.job)
    dataset = job.dataset(result.output)
    if not dataset.file.exists():
        file = newest(job.folder, "model.star")
        if file is None:
            return None
        path = str(file.relative_to(project.path))
        dataset = replace(dataset, ref=type(dataset.ref)(path, dataset.ref.job, dataset.ref.output))
    try:
        table = Browsed(dataset)
        label = COUNT if COUNT in table.labels else "rlnClassDistribution"
        rows = table.order(label, descending=True, show="all", choice=Choice())[:MOST_CLASSES]
        return sheet(table, [int(row) for row in rows], tile_px=TILE_PX)
    except (CryoloomError, OSError):
        return None  # it is being written


def map_picture(project: "Project", result: Result) -> bytes | None:
    """A PNG by which the map's job is known; None where there is no picture yet."""
    return project.job(result.job).face().png()
