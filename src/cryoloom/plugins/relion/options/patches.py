"""Patches of motion correction that are `auto`: as many as hold enough to be aligned by, in each optics group.

A patch is aligned by what all its pixels say together, so it needs two things: enough of the specimen, and enough electrons a
frame. Both bounds are where `docs/relion.md` ("Patches") has them from: of patches of 614 Å and 1.5 million electrons the
motion was found, of half as many Å and a third of the electrons it was noise. What users of RELION take without thinking, 5 x 5
for frames of 4k and 7 x 5 for those of a K3, follows from the same numbers; more than five along the shorter side follow a
specimen that does not bend so finely.
"""

import math
from pathlib import Path
from typing import Any

from cryoloom.errors import CryoloomError, DatasetError
from cryoloom.plugins.relion.options.first_items import first_items
from cryoloom.protocol import AUTO, Dataset, Protocol

PATCH_X, PATCH_Y = "patch_x", "patch_y"
FEWEST = 3  # with fewer in either direction RELION says that there are too few, and follows no local motion
MOST = 5  # along the shorter side
SMALLEST_PX = 200
SMALLEST_ANGST = 600.0
FEWEST_ELECTRONS = 500_000.0  # in a patch of what is aligned: a frame, or a group of them


def patches_of(size: tuple[int, int], angpix: float, dose: float) -> tuple[int, int]:
    """How many patches suit a movie.

    Args:
        size: (x, y), px.
        angpix: Å a pixel.
        dose: e/Å² of what is aligned, a frame or a group of frames.
    Returns:
        Along x and y; (1, 1) where three along the shorter side would be too small. Never two.
    """
    side = max(SMALLEST_PX * angpix, SMALLEST_ANGST, math.sqrt(FEWEST_ELECTRONS / dose))
    x, y = size
    shorter = min(MOST, int(min(x, y) * angpix / side))
    if shorter < FEWEST:
        return 1, 1
    # Patches are about square, so that the longer side has more.
    along = [round(shorter * length / min(x, y)) for length in (x, y)]
    return along[0], along[1]


def auto_patches(protocol: Protocol, root: Path, movies: Dataset) -> dict[str, int]:
    """`patch_x` and `patch_y`, those of them that are `auto`: the fewest that any optics group needs.

    A job has one number for all of its movies. With fewer than would suit a group its local motion is followed more coarsely;
    with more than suit it noise is followed.

    Raises:
        DatasetError: no movie is there, or none can be read.
    """
    wanted = [name for name in (PATCH_X, PATCH_Y) if protocol.values[name] == AUTO]
    if not wanted:
        return {}
    of_groups = []
    for size, facts in _movies_of_groups(root, movies, wanted[0]):
        angpix = float(facts.get("rlnMicrographOriginalPixelSize") or 1.0)
        dose = protocol.values["dose_per_frame"]
        dose = float(facts.get("cryoloomDosePerFrame") or 1.0) if dose == AUTO else float(dose)
        of_groups.append(patches_of(size, angpix, dose * protocol.values["group_frames"]))
    found = {PATCH_X: min(x for x, _ in of_groups), PATCH_Y: min(y for _, y in of_groups)}
    for name, other in ((PATCH_X, PATCH_Y), (PATCH_Y, PATCH_X)):
        given = protocol.values[other]
        if name in wanted and given != AUTO:
            # Along one side without the other there is no local motion.
            found[name] = 1 if given == 1 else max(FEWEST, found[name])
    return {name: found[name] for name in wanted}


def _movies_of_groups(
    root: Path, movies: Dataset, sought: str
) -> list[tuple[tuple[int, int], dict[str, Any]]]:
    """Of each optics group that has come the size in px of its first movie that can be read, and what its row says."""
    from cryoloom.images.headers import read_header

    table, optics = first_items(root, movies, "rlnMicrographMovieName", sought=sought)
    groups = (
        {row["rlnOpticsGroup"]: row for row in optics.iter_rows(named=True)} if optics is not None else {}
    )
    found: dict[Any, tuple[tuple[int, int], dict[str, Any]]] = {}
    why = ""
    for row in table.iter_rows(named=True):
        group = row.get("rlnOpticsGroup")
        if group in found:
            continue
        try:
            size = read_header(root / str(row["rlnMicrographMovieName"])).size
        except (CryoloomError, OSError) as error:
            why = why or f"{error}"
            continue
        found[group] = size, groups.get(group, {})
    if not found:
        raise DatasetError(
            f"{movies.path}",
            found=f"without a movie that can be read ({why})",
            expected=f"one, for {sought}=auto",
        )
    return [*found.values()]
