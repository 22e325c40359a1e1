"""What is seen of a set first, before anybody has asked for anything: by the kind of its items."""

from cryoloom.api.browsing import Browsed
from cryoloom.api.class_table import CLASS, COUNT, RESOLUTION, SHARE
from cryoloom.protocol.jobs import ITEM_ID

# Columns of captions and tables.
FIRST = {
    "model": (CLASS, COUNT, RESOLUTION, SHARE, "rlnAccuracyRotations", "rlnAccuracyTranslationsAngst"),
    "class averages": (SHARE, RESOLUTION, "rlnAccuracyRotations"),
    "movies": ("rlnMicrographMovieName", "rlnOpticsGroup"),
    "micrographs": (
        "rlnCtfMaxResolution", "rlnDefocusU", "rlnAccumMotionTotal", "rlnCtfFigureOfMerit", "rlnCtfAstigmatism",
        "rlnMicrographName", "rlnOpticsGroup",
    ),
    "coordinates": ("rlnAutopickFigureOfMerit", "rlnCoordinateX", "rlnCoordinateY", "rlnClassNumber", "rlnMicrographName"),
    "particles": (
        "rlnMaxValueProbDistribution", "rlnClassNumber", "rlnAutopickFigureOfMerit", "rlnCtfMaxResolution", "rlnDefocusU",
        "rlnMicrographName", "rlnOpticsGroup",
    ),
}  # fmt: skip
# One column over another, or a histogram of the first.
AXES = {
    "model": (RESOLUTION, SHARE),
    "class averages": (RESOLUTION, SHARE),
    "micrographs": ("rlnDefocusU", "rlnCtfMaxResolution"),
    "coordinates": ("rlnAutopickFigureOfMerit", ""),
    "particles": ("rlnAutopickFigureOfMerit", ""),
}


def first_columns(table: Browsed) -> list[str]:
    """The columns that are looked at first."""
    named = [label for label in FIRST.get(table.dataset.kind, ()) if label in table.labels]
    return named or [label for label in table.labels if label != ITEM_ID][:6]


def first_axes(table: Browsed) -> tuple[str, str]:
    """What to draw first: one column over another, or "" for a histogram of the first."""
    x, y = AXES.get(table.dataset.kind, ("", ""))
    if x not in table.labels or table.height < 2:
        x, y = next((one.name for one in table.columns if one.is_number), ""), ""
    return x, y if y in table.labels else ""


def first_sort(table: Browsed) -> str:
    """What the items are sorted by at first, "-" before it for the largest first; "" as they stand in the file."""
    return f"-{COUNT}" if table.dataset.kind == "model" and COUNT in table.labels else ""
