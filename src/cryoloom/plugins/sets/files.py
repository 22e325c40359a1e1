"""What set operations have in common: the names of the files that they write, and how they show themselves."""

from collections.abc import Callable

from cryoloom.protocol import JobFolder, Protocol, View

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


class Counted:
    """Shows how many items went where."""

    def views(self, job: JobFolder) -> list[View]:
        from cryoloom.views import counts

        return counts.kept_and_rejected(job.name)
