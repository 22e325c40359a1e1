"""Names of the files that set operations write: by what the set holds, and by which part of it this is."""

from collections.abc import Callable

from cryoloom.protocol import Protocol

KEPT = "kept"
REJECTED = "rejected"


def set_file(part: str = KEPT) -> Callable[[Protocol], str]:
    """`particles.star`, `particles_rejected.star`; RELION's suffix file for coordinates."""

    def path(protocol: Protocol) -> str:
        kind = protocol.given["input"].kind.replace(" ", "_")
        if kind == "coordinates":
            return f"coords_suffix_{part}.star"
        return f"{kind}.star" if part == KEPT else f"{kind}_{part}.star"

    return path
