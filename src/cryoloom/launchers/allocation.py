"""What is different in a job of a batch system: cores and GPUs are the allocation's, whatever the settings say of this machine.

GPUs are counted from 0 there: the batch system has chosen which they are, and shows a job no others.
"""

import os
import re
from collections.abc import Mapping

from cryoloom.protocol.protocols import Protocol

VARIABLE = "CRYOLOOM_ALLOCATION"  # set by the shepherd


def is_in_allocation(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether this process was started through a batch system."""
    return environ.get(VARIABLE) == "1"


def renumbered(gpus: str) -> str:
    """RELION's GPU string by places in an allocation: `2,3:6` becomes `0,1:2`."""
    names = dict.fromkeys(re.findall(r"[^:,\s]+", gpus))
    places = {name: str(place) for place, name in enumerate(names)}
    return re.sub(r"[^:,\s]+", lambda match: places[match.group()], gpus)


def as_allocated(protocol: Protocol) -> Protocol:
    """A job's protocol with the GPUs that it has in an allocation; elsewhere as it is."""
    text = protocol.gpus()
    if not text or not is_in_allocation() or renumbered(text) == text:
        return protocol
    return protocol.with_values({"gpu_ids": renumbered(text)})
