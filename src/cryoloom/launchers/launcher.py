"""What a launcher is: the way in which an attempt's shepherd is started, here or by a batch system.

Whether an attempt runs and how it ended is told by its files alone. A launcher is asked about one that nobody has
claimed (is it still in a queue?), and about one on a host whose processes cannot be seen from here. None of its
answers is needed: who cannot say says "unknown".
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

from cryoloom.project.jsonfile import read_json_if_there, write_json

FILE = "handle.json"  # beside the claim

# "over": it has ended or was ended, or never began and will not.
Standing: TypeAlias = Literal["queued", "running", "over", "unknown"]


class Silent(Exception):
    """A batch system that does not answer: it may have taken what it was given, and nothing is known of it."""


class Launcher(Protocol):
    """Starts shepherds of attempts. Each method returns soon; none is asked twice for the answer to stand."""

    @property
    def name(self) -> str:
        """By which the settings and its attempts know it."""
        ...

    @property
    def comes_late(self) -> bool:
        """Whether an attempt that it calls running may be long in claiming: its script loads modules first."""
        ...

    def submit(self, attempt: Path) -> str:
        """Have the shepherd of an attempt started, whose `command.json` is there; returns its id.

        It may come late or never, and be submitted again: the claim lets one through.

        Raises:
            LaunchError: it is refused, and would be again.
            Silent: nobody knows whether it was taken.
        """
        ...

    def poll(self, ids: Collection[str]) -> Mapping[str, Standing]:
        """What is known of these; one question to a batch system serves all, and ids may be left out."""
        ...

    def cancel(self, id: str) -> None:
        """Take one out of the queue, and end it where it runs; nothing to do where it is over."""
        ...

    def said_of(self, id: str) -> str:
        """A sentence for the user about an attempt that cannot be seen from here; "" where there is nothing to say."""
        ...


@dataclass(frozen=True, slots=True)
class Handle:
    """By what a launcher knows an attempt: once by each submission."""

    launcher: str = ""
    ids: tuple[str, ...] = ()


def read_handle(attempt: Path) -> Handle:
    """The handle of an attempt; an empty one before it was submitted, or where the scheduler was killed just then.

    Raises:
        UnreadableError: it is there and cannot be read.
    """
    content = read_json_if_there(attempt / FILE) or {}
    return Handle(str(content.get("launcher", "")), (*map(str, content.get("ids", ())),))


def submit(launcher: Launcher, attempt: Path) -> None:
    """Submit an attempt, once more where it was, and note by what it is known.

    Raises:
        LaunchError: it is refused.
        Silent: nobody knows whether it was taken.
    """
    known = ids_of(launcher, attempt)
    new = launcher.submit(attempt)
    write_json(attempt / FILE, {"launcher": launcher.name, "ids": [*dict.fromkeys((*known, new))]})


def ids_of(launcher: Launcher, attempt: Path) -> tuple[str, ...]:
    """The ids under which this launcher knows an attempt; none of another's."""
    handle = read_handle(attempt)
    return handle.ids if handle.launcher == launcher.name else ()


def standing_of(standings: Iterable[Standing]) -> Standing:
    """Of an attempt that was submitted several times: who is in a queue or runs may still come."""
    known = {*standings}
    for standing in ("queued", "running"):
        if standing in known:
            return standing
    return "over" if known == {"over"} else "unknown"
