"""Placeholders: what a workflow asks of whoever runs it, each with type, unit, default and limits."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryoloom.errors import ParameterError
from cryoloom.project.workflows.faults import Fault
from cryoloom.protocol.declare import Param, near, parse, relion_text

PATTERN = re.compile(r"\$\{(\w+)\}")
TYPES: Mapping[str, type] = {"str": str, "int": int, "float": float, "path": str, "bool": bool}
KEYS = ("type", "title", "unit", "default", "help", "min", "max", "choices", "comment")


@dataclass(frozen=True, slots=True)
class Placeholder:
    """One of them, as declared."""

    name: str
    type: str = "str"
    title: str = ""
    unit: str = ""
    default: Any = None  # None: it has to be given
    help: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple[Any, ...] = ()

    def expected(self) -> str:
        """What it takes, in words."""
        what = {"int": "a whole number", "float": "a number", "bool": "Yes or No", "path": "a path"}
        words = what.get(self.type, "a text")
        words += f" in {self.unit}" if self.unit else ""
        words += f", at least {self.low:g}" if self.low is not None else ""
        words += f", at most {self.high:g}" if self.high is not None else ""
        return words + (f", one of {', '.join(map(relion_text, self.choices))}" if self.choices else "")

    def typed(self, value: Any) -> Any:
        """A value as given, with the placeholder's type.

        Raises:
            ParameterError: it is none, or beyond the limits.
        """
        spec = Param(None, self.title or self.name)
        spec.name, spec.type = self.name, TYPES[self.type]
        try:
            if not isinstance(value, str | int | float | bool):
                raise ParameterError(self.name)
            # 1 for a truth is a slip, and a truth for a number is one too.
            if isinstance(value, bool) is not (self.type == "bool") and not isinstance(value, str):
                raise ParameterError(self.name)
            result = parse(spec, value, "")
        except ParameterError:
            raise self._refused(value) from None
        if isinstance(result, int | float) and not isinstance(result, bool):
            is_low = self.low is not None and result < self.low
            if is_low or (self.high is not None and result > self.high) or not math.isfinite(result):
                raise self._refused(value)
        if self.choices and result not in self.choices:
            raise self._refused(value)
        return result

    def as_dict(self) -> dict[str, Any]:
        """As it stands in a file."""
        known: dict[str, Any] = {
            "type": self.type, "title": self.title, "unit": self.unit, "default": self.default, "help": self.help,
            "min": self.low, "max": self.high, "choices": [*self.choices],
        }  # fmt: skip
        return {key: value for key, value in known.items() if value not in (None, "", [])}

    def question(self) -> str:
        """How somebody is asked for it."""
        said = self.title or self.help or self.name
        more = self.expected() + (f"; {self.help}" if self.help and self.help != said else "")
        return f"{said} [{self.name}: {more}]"

    def _refused(self, value: Any) -> ParameterError:
        return ParameterError(
            f"placeholder {self.name}", found=repr(value), expected=self.expected(),
            hint=f"Give it with --set {self.name}=VALUE.",
        )  # fmt: skip


def read_placeholder(name: str, content: Any, file: str) -> tuple[Placeholder, list[Fault]]:
    """A placeholder as its file declares it, and what is wrong with the declaration."""
    field = f"placeholder {name}"
    if not isinstance(content, dict):
        return Placeholder(name), [
            Fault(
                file, "", "placeholders", f"{name!r} without a description",
                'an object for each: {"name": {"type": "str", "default": "...", "help": "..."}}',
            )
        ]  # fmt: skip
    faults = [
        Fault(file, "", f"{field}, {key}", "unknown", f"one of {', '.join(KEYS)}", near(key, KEYS))
        for key in content
        if key not in KEYS
    ]
    if not name.isidentifier():
        faults.append(Fault(file, "", field, "no name", "letters, digits and _"))
    kind = content.get("type", "str")
    if kind not in TYPES:
        faults.append(
            Fault(file, "", f"{field}, type", repr(kind), f"one of {', '.join(TYPES)}", near(str(kind), [*TYPES]))
        )  # fmt: skip
        kind = "str"
    limits: dict[str, float | None] = {}
    for key in ("min", "max"):
        limits[key] = content.get(key)
        is_number = isinstance(limits[key], int | float) and not isinstance(limits[key], bool)
        if limits[key] is not None and (not is_number or kind not in ("int", "float")):
            faults.append(
                Fault(file, "", f"{field}, {key}", repr(limits[key]), "a number, of a placeholder of type int or float")
            )  # fmt: skip
            limits[key] = None
    choices = content.get("choices", [])
    if not isinstance(choices, list):
        faults.append(Fault(file, "", f"{field}, choices", repr(choices), "a list of values"))
        choices = []
    words = {key: str(content.get(key) or "") for key in ("title", "unit", "help")}
    bare = Placeholder(name, kind, low=limits["min"], high=limits["max"])
    typed = []
    for choice in choices:
        try:
            typed.append(bare.typed(choice))
        except ParameterError as error:
            faults.append(Fault(file, "", f"{field}, choices", error.found, error.expected))
    found = Placeholder(
        name, kind, words["title"], words["unit"], content.get("default"), words["help"],
        limits["min"], limits["max"], tuple(typed),
    )  # fmt: skip
    return found, faults


def names_in(value: Any) -> set[str]:
    """The placeholders that a value names, also in the entries of lists and objects."""
    if isinstance(value, str):
        return set(PATTERN.findall(value))
    if isinstance(value, dict):
        return set().union(*map(names_in, value.values())) if value else set()
    if isinstance(value, list):
        return set().union(*map(names_in, value)) if value else set()
    return set()


def filled(value: Any, values: Mapping[str, Any]) -> Any:
    """A value with its placeholders filled, as far as there are values; one that is the whole text keeps its type."""
    if isinstance(value, str):
        whole = PATTERN.fullmatch(value)
        if whole:
            return values.get(whole.group(1), value)
        return PATTERN.sub(
            lambda found: relion_text(values[found.group(1)]) if found.group(1) in values else found.group(0), value
        )  # fmt: skip
    if isinstance(value, dict):
        return {key: filled(entry, values) for key, entry in value.items()}
    if isinstance(value, list):
        return [filled(entry, values) for entry in value]
    return value
