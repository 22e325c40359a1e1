"""Diameters for picking by LoG that are `auto`: from what stands out on the first micrographs."""

from pathlib import Path
from typing import Any

from cryoloom.errors import CryoloomError, DatasetError, ParameterError
from cryoloom.plugins.relion.options.first_items import first_items
from cryoloom.protocol import AUTO, Dataset, Protocol

MICROGRAPHS = 12
LARGEST = 1.3  # of the smallest: particles differ by their view
_PIXEL_SIZES = ("rlnMicrographPixelSize", "rlnMicrographOriginalPixelSize")


def auto_diameters(protocol: Protocol, root: Path, micrographs: Dataset) -> dict[str, Any]:
    """`log_diam_min` and `log_diam_max` in Å, those of them that are `auto`.

    Raises:
        ParameterError: nothing stands out at one scale.
        DatasetError: no micrograph is there, or none can be read.
    """
    values = protocol.values
    wanted = [name for name in ("log_diam_min", "log_diam_max") if values[name] == AUTO]
    if not wanted:
        return {}
    from cryoloom.images.blobs import blob_diameter

    images = _first_images(root, micrographs)
    diameter = blob_diameter(images)
    if diameter is None:
        raise ParameterError(
            f"{protocol.name}: parameter {wanted[0]}",
            found=f"auto, and of {len(images)} micrographs no size of blobs stands out", expected="a diameter in Å",
            hint="Look at one: cryoloom plot JOB micrograph.",
        )  # fmt: skip
    smallest = float(round(diameter)) if "log_diam_min" in wanted else float(values["log_diam_min"])
    found = {"log_diam_min": smallest, "log_diam_max": float(round(LARGEST * diameter))}
    return {name: found[name] for name in wanted}


def _first_images(root: Path, micrographs: Dataset) -> list[tuple[Any, float]]:
    """Of the micrographs that are there by now some, spread over them, each with its Å per pixel."""
    import numpy as np

    from cryoloom.images.headers import read_header
    from cryoloom.images.mrc import read_mrc

    rows = _rows(root, micrographs)
    found, why = [], ""
    for place in np.unique(np.linspace(0, len(rows) - 1, MICROGRAPHS).round().astype(int)):
        name, angpix = rows[place]
        try:
            image = np.asarray(read_mrc(root / name))
            size = angpix or read_header(root / name).angpix
        except (CryoloomError, OSError) as error:
            why = f"{error}"
            continue
        if image.ndim == 2 and size:
            found.append((image, float(size)))
    if not found:
        raise DatasetError(
            f"{micrographs.path}", found="without a micrograph that can be read" + (f" ({why})" if why else ""),
            expected="one with a pixel size, for log_diam_min=auto",
        )  # fmt: skip
    return found


def _rows(root: Path, micrographs: Dataset) -> list[tuple[str, float]]:
    """Names and pixel sizes (0: not known) of the micrographs, as soon as there is one."""
    import polars as pl

    table, optics = first_items(root, micrographs, "rlnMicrographName", sought="log_diam_min")
    sizes: dict[Any, float] = {}
    for label in _PIXEL_SIZES:
        if optics is not None and {label, "rlnOpticsGroup"} <= {*optics.columns}:
            known = optics.drop_nulls(label).select("rlnOpticsGroup", pl.col(label).cast(pl.Float64))
            sizes = {**dict(known.iter_rows()), **sizes}
    groups = table["rlnOpticsGroup"].to_list() if "rlnOpticsGroup" in table.columns else [None] * table.height
    names = table["rlnMicrographName"].to_list()
    return [(str(name), sizes.get(group, 0.0)) for name, group in zip(names, groups, strict=True)]
