"""Groups of particles of like defocus, which share a noise spectrum and a scale where micrographs have too few particles."""

import numpy as np
from numpy.typing import NDArray

from cryoloom.em.poses import Floats

NAME = "ctf_group_{:03d}"


def defocus_groups(defocus: Floats, span: float, least: int) -> NDArray[np.int64]:
    """The group of each particle, from 1 by rising defocus.

    Particles are taken by their defocus. The next group begins where the one before it has `least` particles, and would
    span more than `span` with one more; so the last group may have fewer than `least`.

    Args:
        defocus: (n,), Å, numbers.
        span: Å.
        least: of particles in a group, 1 or more.
    """
    order = np.argsort(defocus, kind="stable")
    rising = defocus[order]
    groups = np.zeros(len(defocus), dtype=np.int64)
    start, number = 0, 0
    while start < len(rising):
        number += 1
        beyond = int(np.searchsorted(rising, rising[start] + span, side="right"))
        end = max(beyond, start + least)
        groups[order[start:end]] = number
        start = end
    return groups
