"""What every line of a journal has, and what every kind of it does."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from cryoloom.project.history import JobHistory


class Stamp(NamedTuple):
    """What every line has."""

    seq: int
    t: float
    attempt: int


# Of a key that stands in the line only where it says something else than its default.
RARE = {"is_rare": True}


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened; of most kinds nothing is told, of some nothing is to be known later."""

    kind: ClassVar[str]

    def fold(self, history: JobHistory, stamp: Stamp) -> None:
        """Change what is known of the job."""

    def words(self, stamp: Stamp) -> str:
        """The sentence in the job's story; "" where it would only be noise."""
        return ""
