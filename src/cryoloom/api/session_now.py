"""What is told of a stream as it is."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from cryoloom.api.session_disk import Disk
from cryoloom.api.session_results import Happened, Results
from cryoloom.api.session_steps import StepNow

Verdict = Literal["keeps up", "falls behind", "stands", "quiet", "finishing", "ended"]


@dataclass(frozen=True, slots=True)
class FailedItem:
    """An item that a step could not treat."""

    job: str
    item: str
    name: str
    why: str


@dataclass(frozen=True, slots=True)
class SessionNow:
    """A stream as it is.

    Attributes:
        source: the import's name.
        is_open: whether movies may still come.
        began, newest: when the import began, and when the newest movie was written.
        until: up to when it is told: now, or the stream's last sign of life.
        behind_s: age of the oldest movie that is not through all steps; where none waits, the delay with which the last ones
            came through. None before the first is through. Of files that lay there before the import their age counts from
            its beginning.
        pending: movies that are not through all steps.
        verdict, why: whether it keeps up, in a word and a sentence.
        movies: that were imported; `failed_movies` could not be.
        rate: movies an hour that came, lately.
        accepted, judged: micrographs that the filters of the stream kept, of those that they saw; None without a filter.
        particles: that were cut; None before a step does.
        failed: the first of the items that failed, `failed_total` all.
    """

    source: str
    alias: str
    pattern: str
    is_open: bool
    state: str
    began: float
    newest: float
    now: float
    until: float
    behind_s: float | None
    pending: int
    verdict: Verdict
    why: str
    movies: int
    failed_movies: int
    rate: float | None
    accepted: int | None
    judged: int | None
    particles: int | None
    steps: tuple[StepNow, ...]
    failed: tuple[FailedItem, ...]
    failed_total: int
    disk: Disk | None
    results: Results
    happened: tuple[Happened, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        found = asdict(self)
        if self.disk is not None:
            found["disk"] |= {"gb_per_hour": self.disk.gb_per_hour, "hours_left": self.disk.hours_left}
        return found
