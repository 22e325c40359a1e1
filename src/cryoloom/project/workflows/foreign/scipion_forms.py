"""What can become of a box of Scipion's and of its parameters: the forms of the rows in `scipion_table.py`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class To:
    """A parameter of ours.

    `convert`: its value by theirs; None there means that nobody can say. `ask`: then it is asked for, since its default might
    be far off. `is_pace`: it is about how fast items go, and not about what comes out.
    """

    name: str
    convert: Callable[[Any], Any] | None = None
    ask: str = ""
    is_pace: bool = False


@dataclass(frozen=True, slots=True)
class File:
    """A file of the author's machine: whoever runs the workflow names theirs."""

    name: str
    help: str


@dataclass(frozen=True, slots=True)
class Lost:
    """No counterpart. `without`: the values with which it had no effect."""

    why: str
    without: tuple[Any, ...] = (None, "", False)


@dataclass(frozen=True, slots=True)
class Changed:
    """The same is done in another way, whatever its value."""

    why: str
    without: tuple[Any, ...] = ()


class Idle:
    """Of no consequence for what comes out."""


@dataclass(frozen=True, slots=True)
class Given:
    """An input: the parameters of theirs that may point to it, the first that does counts; `a>b` is b of the box at a."""

    ways: tuple[str, ...]
    where: tuple[str, Any] | None = None  # a parameter of theirs and its value with which this input counts


@dataclass(frozen=True, slots=True)
class Kind:
    """A class of theirs: the protocol of ours, and what becomes of its inputs, parameters and outputs."""

    protocol: str
    inputs: Mapping[str, Given] = field(default_factory=dict)
    params: Mapping[str, "Fate"] = field(default_factory=dict)
    # By their name, "" for the box itself: ours that may be meant, of which the wanted kind is taken.
    outputs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    always: Mapping[str, Any] = field(default_factory=dict)
    programs: Mapping[str, str] = field(default_factory=dict)  # parameters that name one, with words for it
    said: str = ""  # of each such box


Fate = To | File | Lost | Changed | Idle
