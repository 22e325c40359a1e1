"""Groups of particles of like defocus, which share a noise spectrum and a scale where micrographs have too few particles."""

import numpy as np
from numpy.typing import NDArray

from cryoloom.em.poses import Floats

NAME = "ctf_group_{:03d}"


def defocus_groups(
    defocus: Floats, span: float, least: int, optics: NDArray[np.int64] | None = None
) -> NDArray[np.int64]:
    """The group of each particle, from 1 by rising defocus, optics group by optics group.

    Particles are taken by their defocus. The next group begins where the one before it has `least` particles, and would
    span more than `span` with one more; so the last group of an optics group may have fewer than `least`. Particles of
    two optics groups are never in one: RELION 3.1 takes a group for one of its first particle's optics group, and noise
    of other pixels or another camera is another.

    Args:
        defocus: (n,), Å, numbers.
        span: Å.
        least: of particles in a group, 1 or more.
        optics: (n,), numbers of optics groups; None: one for all.
    """
    if optics is not None:
        groups = np.zeros(len(defocus), dtype=np.int64)
        for group in np.unique(optics):
            mine = optics == group
            groups[mine] = groups.max(initial=0) + defocus_groups(defocus[mine], span, least)
        return groups
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
