"""Boxes and masks that are `auto`: from the diameter that was picked, else from the box that there is."""

import math
from pathlib import Path
from typing import Any

from cryoloom.errors import DatasetError, ParameterError
from cryoloom.project.picked_diameter import picked_diameter
from cryoloom.protocol import AUTO, Dataset, Protocol

MASK, OF_BOX, MOST_OF_BOX = 1.1, 0.9, 0.95
# Half a particle beside it: what defocus spreads, and an edge to normalise by.
BOX = 1.5
HELP_MASK = "auto: 1.1 times the diameter that was picked, at most 0.95 of the box; 0.9 of the box where nobody said one."
HELP_BOX = "auto: 1.5 times the diameter that was picked, as the next number that Fourier transforms like."


def auto_mask(protocol: Protocol, root: Path, particles: Dataset) -> dict[str, Any]:
    """The mask's diameter in Å, where it is `auto`.

    Raises:
        ParameterError: no particles to find it from.
        DatasetError: optics groups that say no box.
    """
    if protocol.values["particle_diameter"] != AUTO:
        return {}
    if not particles:
        raise ParameterError(
            f"{protocol.name}: parameter particle_diameter", found="auto, without particles", expected="a number of Å"
        )  # fmt: skip
    box = box_angst(root, particles)
    picked = picked_diameter(root, particles)
    return {"particle_diameter": float(math.floor(mask_angst(box, picked)))}


def mask_angst(box: float, picked: float | None) -> float:
    """A mask's diameter for a box and, where it is known, the particles' diameter; all in Å."""
    return OF_BOX * box if picked is None else min(MASK * picked, MOST_OF_BOX * box)


def box_angst(root: Path, particles: Dataset) -> float:
    """The smallest box of the optics groups, Å.

    Raises:
        DatasetError: none says one.
    """
    from cryoloom import star

    optics = star.as_table(star.read(root / particles.path, ["optics"], optional=True).get("optics"))
    if optics is None or not {"rlnImageSize", "rlnImagePixelSize"} <= {*optics.columns}:
        raise DatasetError(
            f"{particles.path}: data_optics", found="without box and pixel size", expected="rlnImageSize, rlnImagePixelSize",
            hint="Give particle_diameter a number.",
        )  # fmt: skip
    return float((optics["rlnImageSize"] * optics["rlnImagePixelSize"]).min())  # type: ignore[arg-type]  # numbers


def auto_box(protocol: Protocol, root: Path, micrographs: Dataset, picks: Dataset) -> dict[str, Any]:
    """The box in pixels of the micrographs, where it is `auto`.

    Raises:
        ParameterError: nobody said a diameter, or there are micrographs of several pixel sizes.
    """
    if protocol.values["extract_size"] != AUTO:
        return {}
    where = f"{protocol.name}: parameter extract_size"
    picked = diameter_of_picks(protocol, root, picks)
    from cryoloom import star

    optics = star.as_table(star.read(root / micrographs.path, ["optics"], optional=True).get("optics"))
    label = "rlnMicrographPixelSize"
    sizes = sorted({*optics[label].to_list()}) if optics is not None and label in optics.columns else []
    if len(sizes) != 1:
        raise ParameterError(
            where, found=f"auto, for micrographs of {len(sizes) or 'no'} pixel sizes", expected="a number of pixels",
            hint="A box in pixels fits one pixel size only.",
        )  # fmt: skip
    return {"extract_size": box_px(picked, float(sizes[0]))}


def diameter_of_picks(protocol: Protocol, root: Path, picks: Dataset) -> float:
    """The diameter in Å that a box has to hold.

    Raises:
        ParameterError: no job above says one.
    """
    picked = picked_diameter(root, picks)
    if picked is None:
        raise ParameterError(
            f"{protocol.name}: parameter extract_size", found="auto, and no job above says the particles' diameter",
            expected="a number of pixels", hint="Picking with do_log=Yes says it (log_diam_max).",
        )  # fmt: skip
    return picked


def box_px(diameter: float, angpix: float) -> int:
    """The box for particles of a diameter in Å: even, its prime factors none but 2, 3 and 5."""
    size = 2 * math.ceil(BOX * diameter / angpix / 2)
    while not _is_smooth(size):
        size += 2
    return size


def _is_smooth(number: int) -> bool:
    for prime in (2, 3, 5):
        while number % prime == 0:
            number //= prime
    return number == 1
