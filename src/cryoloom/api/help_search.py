"""What a word may mean to who asks for help: protocols by name or words, parameters (RELION's job options too), labels."""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from cryoloom.api.label_help import LabelHelp, labels_with
from cryoloom.errors import ParameterError
from cryoloom.project.catalogue import ProtocolLine, protocol_lines
from cryoloom.protocol.declare import near


@dataclass(frozen=True, slots=True)
class Hit:
    """Something that a word was found in: a protocol, or a parameter or an input of one."""

    protocol: str
    parameter: str  # "" where the protocol itself is meant
    what: str  # its label, or what the protocol does


@dataclass(frozen=True, slots=True)
class Hits:
    """All that was found, the likeliest first. `protocol`: the one whose own name was given; the others are like it."""

    hits: tuple[Hit, ...]
    labels: tuple[LabelHelp, ...] = ()
    protocol: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def search_help(text: str) -> Hits:
    """What a word, or several, may mean.

    A protocol whose own name it is (`class2d`), with those of a like name. Else those of a plugin (`sets`); else those whose
    name, label or description have all the words (`motion`, `initial model`), then parameters and labels that do.

    Raises:
        ParameterError: nothing has them; the nearest names are offered.
    """
    kinds = protocol_lines()
    if text.startswith("--"):
        # A program's flag is found as it stands: of `--K` and `--k` one is meant.
        flagged = [
            Hit(kind.name, name, kind.declared[name])
            for kind in kinds
            for name, flags in kind.flags.items()
            if text in flags.split()
        ]
        if flagged:
            return Hits((*flagged,))
    words = text.lower().removeprefix("--").split()
    exact = [kind for kind in kinds if text.lower() in (kind.name, kind.name.partition(".")[2])]
    if len(exact) == 1:
        alike = [
            kind for kind in kinds if text.lower() in kind.name.partition(".")[2] and kind is not exact[0]
        ]
        return Hits((_hit(exact[0]), *map(_hit, alike)), protocol=exact[0].name)
    of_plugin = [kind for kind in kinds if kind.name.startswith(text)]
    if of_plugin:
        return Hits((*map(_hit, of_plugin),))
    # Words that begin so come before words that only contain it: `gain` is no part of "again".
    hits = _hits(kinds, [rf"(?<![a-z]){re.escape(word)}" for word in words])
    found = Hits(hits or _hits(kinds, [re.escape(word) for word in words]), (*labels_with(words),))
    if not found.hits and not found.labels:
        names = [name for kind in kinds for name in (kind.name, kind.name.partition(".")[2], *kind.declared)]
        raise ParameterError(
            f"help on {text}", found="nothing", expected="a protocol, a word of its description, a parameter or a label",
            hint=near(text, names) or "`cryoloom help` lists all protocols.",
        )  # fmt: skip
    return found


def _hits(kinds: Sequence[ProtocolLine], patterns: Sequence[str]) -> tuple[Hit, ...]:
    """Protocols whose name, label or description all patterns are found in, then parameters."""
    by_words = [kind for kind in kinds if _has(f"{kind.name} {kind.label} {kind.help}", patterns)]
    parameters = [
        Hit(kind.name, name, label)
        for kind in kinds
        for name, label in kind.declared.items()
        if _has(f"{name} {label}", patterns)
    ]
    return (*map(_hit, by_words), *parameters)


def _hit(kind: ProtocolLine) -> Hit:
    return Hit(kind.name, "", (kind.help or kind.label).split("\n")[0])


def _has(text: str, patterns: Sequence[str]) -> bool:
    lower = text.lower()
    return all(re.search(pattern, lower) for pattern in patterns)
