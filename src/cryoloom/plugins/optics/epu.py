"""Beam shifts of EPU sessions, and the groups that they fall into.

EPU writes an XML file beside each exposure. With aberration-free image shift the beam goes to the same few
places of each hole pattern, and each place has its own beam tilt: one optics group each.
"""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cryoloom.em.poses import Floats
from cryoloom.errors import DatasetError

# Pairwise distances grow with the square: more exposures than these are given to the groups of a sample.
_SAMPLE = 2000


def beam_shift(path: Path) -> tuple[float, float]:
    """The beam shift of an exposure, in EPU's own units.

    Raises:
        DatasetError: no XML, or none of an exposure.
    """
    try:
        root = ElementTree.parse(path).getroot()
    except (ElementTree.ParseError, OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path}", found=f"unreadable ({error})", expected="an XML file of EPU") from None
    for element in root.iter():
        if _name(element.tag) == "BeamShift":
            found = {_name(child.tag): child.text or "" for child in element}
            try:
                return float(found["_x"]), float(found["_y"])
            except (KeyError, ValueError):
                break
    raise DatasetError(f"{path}", found="without a beam shift", expected="an exposure's XML file of EPU")


def clustered(shifts: Floats, groups: int = 0) -> NDArray[np.int64]:
    """Which group each beam shift belongs to, numbered from 1 by place: from left to right, then upwards.

    Args:
        shifts: (n, 2).
        groups: how many; 0: where the distance between groups is largest, compared with that inside.
    """
    from scipy.cluster.hierarchy import fcluster, linkage

    n = len(shifts)
    if n < 2:
        return np.ones(n, dtype=np.int64)
    chosen = np.random.default_rng(0).permutation(n)[:_SAMPLE]
    sample = shifts[chosen]
    tree = linkage(sample, method="ward" if groups else "single")
    if groups:
        found = fcluster(tree, groups, criterion="maxclust")
    else:
        heights = np.maximum(tree[:, 2], 1e-9 * max(float(np.ptp(shifts)), 1e-9))
        gaps = heights[1:] / heights[:-1]
        # One group, unless joining groups takes a step at least three times as long as joining members.
        cut = int(np.argmax(gaps)) if len(gaps) and gaps.max() >= 3.0 else len(heights) - 1
        limit = heights[cut] * 1.0001
        found = fcluster(tree, limit, criterion="distance")
    centres = np.stack([sample[found == number].mean(axis=0) for number in np.unique(found)])
    scale = max(float(np.ptp(centres)), 1e-12)
    order = np.lexsort((centres[:, 1], np.round(centres[:, 0] / scale, 2)))
    distances = np.linalg.norm(shifts[:, None] - centres[order][None], axis=-1)
    return np.asarray(np.argmin(distances, axis=1) + 1, dtype=np.int64)


def _name(tag: str) -> str:
    """A tag without its namespace."""
    return tag.rpartition("}")[2]
