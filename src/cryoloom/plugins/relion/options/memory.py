"""How much memory a 3D classification or refinement takes, against what there is, before it dies of it at its last iteration.

Measured with RELION 3.1.3 (double precision, one process, signal up to Nyquist; boxes of 128 and 192 px, 1 and 3 classes, with
and without padding): within 15 % of the formula below, for boxes of which maps are the most. Images that are read into memory
come on top.
"""

import os
from collections.abc import Mapping

from cryoloom.errors import ParameterError
from cryoloom.protocol import AUTO, Box, Protocol

BYTES_ONCE, BYTES_OF_CLASS = 25.0, 13.5  # for each voxel of the padded box


def memory_of_maps_gb(box_px: int, *, classes: int, is_padded: bool, ranks: int) -> float:
    """What the maps of all processes take when the signal reaches Nyquist; the leader of several ranks holds none."""
    voxels = (box_px * (2 if is_padded else 1)) ** 3
    return max(1, ranks - 1) * voxels * (BYTES_ONCE + BYTES_OF_CLASS * classes) / 1e9


def check_memory(protocol: Protocol, boxes: Mapping[str, Box], *, classes: int) -> None:
    """That the maps of a job fit in this machine's memory.

    Raises:
        ParameterError: they do not, and the user does not stand by it.
    """
    box, ranks = boxes.get("fn_img"), protocol.values["nr_mpi"]
    if box is None or ranks == AUTO or protocol.values.get("accept_unusual"):
        return
    is_padded = not protocol.values["do_pad1"]
    needed = memory_of_maps_gb(box.px, classes=classes, is_padded=is_padded, ranks=int(ranks))
    there = _machine_gb()
    if needed <= there:
        return
    ways = [
        *(["fewer ranks with more threads"] if int(ranks) > 2 else []),
        *(["do_pad1=Yes"] if is_padded else []),
    ]
    raise ParameterError(
        f"{protocol.name}: parameter nr_mpi", found=f"{ranks}: about {needed:.0f} GB for maps of {box.px} px",
        expected=f"what this machine has, {there:.0f} GB",
        hint=f"Take {', or '.join([*ways, 'a smaller box'])}. If it runs elsewhere, add accept_unusual=Yes.",
    )  # fmt: skip


def _machine_gb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
