"""Local resolution: how much of the molecule has which, and where."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from cryoloom.protocol.views import Axis, Block, Chart, Look, Metrics, Values, View, VolumeBlock
from cryoloom.views.maps import DENSEST, known_resolutions, map_views

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def locres_views(root: Path, job: str, mask: str = "") -> list[View]:
    """Local resolution: its map, and how much of the molecule has which.

    Args:
        mask: the file of the mask within which the molecule is; "" where there is none.
    """
    file = job + "relion_locres.mrc"
    if not (root / file).exists():
        return []
    histogram = View(
        "local_resolution", "Local resolution", "Where most of the molecule lies; the tail to the right is what moves.",
        (file,), lambda look: _local_resolutions(look, file, mask),
    )  # fmt: skip
    filtered = job + "relion_locres_filtered.mrc"
    if not (root / filtered).exists():
        return [histogram, *map_views(file, "local resolution in Å and no density")]
    within = mask if mask and (root / mask).exists() else ""
    where = f"within the mask {within}" if within else "where the map stands out of the solvent"
    colours = f"Local resolution in Å ({file}), {where}."

    def coloured(how: Literal["slices", "projections"], title: str) -> Sequence[Block]:
        return [VolumeBlock(title, filtered, how, colours, coloured_by=file, within=within)]

    slices, projections = map_views(filtered, "map, filtered by its local resolution")
    return [
        histogram,
        View(
            "coloured", "The map in the colours of its local resolution",
            "Blue is fine, red is coarse: the core of a molecule is blue, what moves and its rim are not. Nine tenths of what "
            "is dense lie between the colours' ends.",
            (filtered, file),
            lambda _: coloured("slices", f"Central slices of {Path(filtered).name}, coloured by local resolution"),
        ),
        slices,
        View(
            "projections", f"Projections of {Path(filtered).name}",
            "The whole map at once, each place in the mean colour of what lies along the line.",
            (*projections.reads, file),
            lambda _: coloured("projections", f"Projections of {Path(filtered).name}, coloured by local resolution"),
        ),
    ]  # fmt: skip


def _local_resolutions(look: Look, file: str, mask: str) -> Sequence[Block]:
    import numpy as np

    from cryoloom.images.mrc import read_mrc

    values = known_resolutions(read_mrc(look.root / file))
    where, molecule = _where_the_molecule_is(look.root, file, mask, values)
    inside = values[np.isfinite(values) & molecule]
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
            "Local resolution",
            [("of", where), ("median", f"{middle:.2f} Å"), ("90 % within", f"{low:.2f} to {high:.2f} Å")],
        ),
    ]


def _where_the_molecule_is(
    root: Path, file: str, mask: str, values: "NDArray[np.float64]"
) -> "tuple[str, NDArray[np.bool_]]":
    """RELION writes a resolution for nearly the whole box, solvent too: what counts, in words and as voxels."""
    import numpy as np

    from cryoloom.images.mrc import read_mrc

    if mask and (root / mask).exists():
        return f"the mask {mask}", np.asarray(read_mrc(root / mask)) > 0.5
    filtered = root / file.replace("relion_locres.mrc", "relion_locres_filtered.mrc")
    known = np.isfinite(values)
    if not filtered.exists() or not known.any():
        return "the whole box, solvent too", known
    density = np.asarray(read_mrc(filtered))
    return "the densest tenth of the box", density >= np.percentile(density[known], DENSEST)
