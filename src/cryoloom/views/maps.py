"""Maps and masks: central slices, projections, and what their pixels are."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryoloom.errors import CryoloomError
from cryoloom.protocol.views import Block, Look, Metrics, View, VolumeBlock

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


# Percentile of a map, above which the molecule is where no mask says it.
DENSEST = 90


def map_views(file: str, what: str = "map") -> list[View]:
    """Views of one map of the project; `what`: which it is, where the file's name does not tell."""
    name = Path(file).name
    of = name if what in ("map", "mask") else f"{name}, the {what}"
    return [
        View(
            "slices", f"Central slices of {of}", "Structure within, flat around: streaks and shells are artefacts.",
            (file,), lambda look: [*_figures(look, file, what), VolumeBlock(f"Central slices of {of}", file)],
        ),
        View(
            "projections", f"Projections of {of}", "To be compared with the class averages.",
            (file,), lambda look: [VolumeBlock(f"Projections of {of}", file, "projections")],
        ),
    ]  # fmt: skip


def known_resolutions(locres: "NDArray[Any]") -> "NDArray[np.float64]":
    """RELION's local resolutions, Å, as float64 of the map's shape; nan in the box's corners, where it writes 0, and where it
    writes 100 and more. The solvent has values too."""
    import numpy as np

    values = np.asarray(locres, dtype=np.float64)
    return np.where((values > 0) & (values < 99), values, np.nan)


def enclosed_by(path: Path) -> str:
    """How much of its box a mask encloses, in words; "" where there is no mask."""
    from cryoloom.images.mrc import read_mrc

    try:
        return _enclosed(read_mrc(path))
    except (CryoloomError, OSError):
        return ""


def _enclosed(mask: "NDArray[Any]") -> str:
    return f"{100 * float((mask > 0.5).mean()):.1f} % of the box"


def _figures(look: Look, file: str, what: str) -> Sequence[Block]:
    import numpy as np

    from cryoloom.images.headers import read_header
    from cryoloom.images.mrc import read_mrc

    path = look.root / file
    try:
        header, values = read_header(path), np.asarray(read_mrc(path))
    except (CryoloomError, OSError):
        return []
    rows = [("box", " x ".join(str(size) for size in values.shape[::-1]) + " px")]
    if header.angpix:
        rows.append(("pixel size", f"{header.angpix:g} Å"))
    if what == "mask":
        rows.append(("encloses", _enclosed(values)))
        if header.angpix:
            volume = float(values.sum(dtype=np.float64)) * header.angpix**3
            rows.append(("volume", f"{volume / 1000:.0f} nm³"))
    else:
        rows.append(("values", f"{values.min():.4g} to {values.max():.4g}, deviation {values.std():.4g}"))
    return [Metrics(Path(file).name, rows)]
