"""What a label of a STAR file means: its type, unit and the RELION that knows it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from cryoloom.em.labels import Label, all_labels
from cryoloom.errors import ParameterError
from cryoloom.protocol.declare import near


@dataclass(frozen=True, slots=True)
class LabelHelp:
    """One label in words."""

    label: str
    type: str
    unit: str
    since: str
    meaning: str

    def as_dict(self) -> dict[str, str]:
        """For JSON."""
        return asdict(self)


def is_label(text: str) -> bool:
    """Whether a user's word is a label, or the beginning of one."""
    return text.removeprefix("_").startswith(("rln", "cryoloom"))


def labels_named(text: str) -> list[LabelHelp]:
    """The label of this name, else all that begin so.

    Raises:
        ParameterError: there is none; the nearest are offered.
    """
    name, known = text.removeprefix("_"), all_labels()
    if name in known:
        return [_help(known[name])]
    found = [one for one in known.values() if one.name.lower().startswith(name.lower())]
    if not found:
        raise ParameterError(
            f"label {name}", found="unknown", expected="one of RELION's", hint=near(name, [*known])
        )
    return [_help(one) for one in found]


def labels_with(words: Sequence[str]) -> list[LabelHelp]:
    """All labels whose names or meanings have these words, in small letters."""
    return [
        _help(one)
        for one in all_labels().values()
        if all(word in f"{one.name} {one.meaning}".lower() for word in words)
    ]


def _help(label: Label) -> LabelHelp:
    return LabelHelp(label.name, label.type, label.unit, label.since, label.meaning)
