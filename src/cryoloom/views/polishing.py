"""Bayesian polishing of RELION's: the B factor of each frame, and what training found of the particles' motion."""

from collections.abc import Sequence
from pathlib import Path

from cryoloom.protocol.views import Axis, Block, Chart, Look, Metrics, Rows, View

TRAINED, B_FACTORS = "opt_params_all_groups.txt", "bfactors.star"
# In the order in which RELION writes them, with the units of its options.
_SIGMAS = (
    ("velocity (--s_vel)", "Å per e/Å²"),
    ("divergence (--s_div)", "Å"),
    ("acceleration (--s_acc)", "Å per e/Å²"),
)


def polishing_views(job: str) -> list[View]:
    """Views of a polishing job; `job`: its name, with its slash."""
    return [
        View(
            "trained", "Motion parameters from training",
            "Standard deviations of the particles' motion; the polishing job takes this file, or these numbers.",
            (job + TRAINED,), lambda look: _trained(look.root / job / TRAINED),
        ),
        View(
            "bfactors", "B factor of each frame",
            "The first frames suffer from motion, the later ones from radiation; in between the curve is highest. Frames far "
            "below carry little of the map's detail.",
            (job + B_FACTORS,), lambda look: _b_factors(look, job + B_FACTORS),
        ),
    ]  # fmt: skip


def _trained(path: Path) -> Sequence[Block]:
    try:
        values = [float(word) for word in path.read_text().split()]
    except (OSError, ValueError):
        return []
    if len(values) != len(_SIGMAS):
        return []
    rows = [(what, f"{value:g} {unit}") for (what, unit), value in zip(_SIGMAS, values, strict=True)]
    return [Metrics("Motion parameters from training", rows)]


def _b_factors(look: Look, file: str) -> Sequence[Block]:
    rows = Rows(file, "perframe_bfactors", made={"frame": "rlnMovieFrameNumber + 1"})
    frame = Axis("frame", "frame, counted from 1", is_number=True)
    return [
        Chart(
            "B factor of each frame", "line", rows, frame,
            Axis("rlnBfactorUsedForSharpening", "B factor, Å²"),
        ),
        Chart(
            "Scale of each frame", "line", rows, frame, Axis("rlnFittedInterceptGuinierPlot", "intercept of the Guinier fit"),
        ),
    ]  # fmt: skip
