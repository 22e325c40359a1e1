"""Local resolution: how much of the molecule has which, and where."""

from collections.abc import Sequence
from pathlib import Path

from cryoloom.protocol.views import Axis, Block, Chart, Look, Metrics, Values, View, VolumeBlock
from cryoloom.views.maps import known_resolutions, map_views


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
