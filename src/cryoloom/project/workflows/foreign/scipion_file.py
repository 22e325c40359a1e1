"""Scipion's workflow files as they are written: boxes with parameters, pointers between them, and a template's questions.

A JSON list with an object for each box. In a template text stands before it, and `~Title|default|type|name~` where somebody is
to give a value, with or without quotation marks around it; `%(NAME)s` is a variable of the environment.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryoloom.errors import ProjectError

CLASS, ID = "object.className", "object.id"
# Types of questions: text, truth, path, whole number, number, file, folder.
_TYPES = {"0": "str", "1": "bool", "2": "path", "3": "int", "4": "float", "5": "path", "6": "path"}
_QUESTION = re.compile(r"~([^~|\n]*)\|([^~|\n]*)\|([^~|\n]*)\|([^~|\n]*)~")
_VARIABLE = re.compile(r"%\(\w+\)s")
_HAS_CLASS = re.compile(rf'"{re.escape(CLASS)}"\s*:')
_POINTER = re.compile(r"(\d+)\.([\w.]*)")


@dataclass(frozen=True, slots=True)
class Pointer:
    """Another box, or one of its outputs."""

    box: str
    output: str  # "" for the box itself
    item: str = ""  # of a set: its number there


@dataclass(frozen=True, slots=True)
class Box:
    """One of a workflow's boxes."""

    id: str
    kind: str
    label: str
    comment: str
    params: Mapping[str, Any]

    @property
    def title(self) -> str:
        """For messages."""
        return f"{self.label or self.kind} ({self.id}, {self.kind})"

    @property
    def waits_for(self) -> list[str]:
        """The boxes that have to end before it begins."""
        return re.findall(r"\d+", str(self.params.get("_prerequisites") or ""))

    def pointers(self, name: str) -> list[Pointer]:
        """The boxes that a parameter points to."""
        value = self.params.get(name)
        several = value if isinstance(value, list) else [value]
        found = [pointer_of(one) for one in several if one not in (None, "")]
        return [one for one in found if one is not None]


@dataclass(frozen=True, slots=True)
class ScipionFile:
    """A file as read. `placeholders`: as our workflows declare them."""

    text: str  # what stands above the boxes
    boxes: tuple[Box, ...]
    placeholders: Mapping[str, dict[str, Any]]


def is_scipion(path: Path) -> bool:
    """Whether a file is one of Scipion's workflows."""
    if not path.is_file():
        return False
    try:
        return bool(_HAS_CLASS.search(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError):
        return False


def pointer_of(value: Any) -> Pointer | None:
    """What a value points to; None of one that is no pointer."""
    found = _POINTER.fullmatch(str(value))
    if found is None:
        return None
    output, _, item = found.group(2).partition(".")
    return Pointer(found.group(1), output, item)


def read_scipion(path: Path) -> ScipionFile:
    """A workflow or template of Scipion's.

    Raises:
        ProjectError: it is not readable, with the line; a box without a number.
    """
    text = path.read_text(encoding="utf-8")
    start = text.find("[")
    questions: dict[str, dict[str, Any]] = {}
    body = _with_names(text[max(start, 0) :], questions)
    try:
        content = json.loads(body)
    except ValueError as error:
        raise ProjectError(
            f"{path}", found=f"no workflow of Scipion's ({error})", expected="a JSON list of boxes"
        ) from None
    boxes = []
    for number, one in enumerate(content if isinstance(content, list) else [content], start=1):
        if not isinstance(one, dict) or not one.get(CLASS) or not str(one.get(ID, "")).isdigit():
            raise ProjectError(
                f"{path}: box {number}", found="without a class or a number", expected=f"{CLASS} and {ID} in each box"
            )  # fmt: skip
        params = {key: value for key, value in one.items() if not key.startswith("object.")}
        label = str(one.get("object.label") or "")
        boxes.append(Box(str(one[ID]), str(one[CLASS]), label, str(one.get("object.comment") or ""), params))
    return ScipionFile(text[: max(start, 0)].strip(), tuple(boxes), questions)


def in_order(boxes: tuple[Box, ...]) -> list[Box]:
    """Each after those that it points to, else as they stand."""
    by_id = {box.id: box for box in boxes}
    found: dict[str, Box] = {}

    def visit(box: Box, trail: tuple[str, ...]) -> None:
        if box.id in found or box.id in trail:
            return
        needed = [pointer.box for name in box.params for pointer in box.pointers(name)]
        for one in (*needed, *box.waits_for):
            if one in by_id:
                visit(by_id[one], (*trail, box.id))
        found[box.id] = box

    for box in boxes:
        visit(box, ())
    return [*found.values()]


def _with_names(body: str, questions: dict[str, dict[str, Any]]) -> str:
    """The JSON with `${name}` for each question, as a text whether or not it stood in quotation marks."""

    def named(found: re.Match[str]) -> str:
        title, default, kind, name = (part.strip() for part in found.groups())
        word = re.sub(r"\W+", "_", name or title).strip("_") or "value"
        word = word if word.isidentifier() else f"p_{word}"
        spec: dict[str, Any] = {"type": _TYPES.get(kind, "str"), "title": title}
        if default and not _VARIABLE.search(default):
            spec["default"] = default
        questions.setdefault(word, spec)
        # An even number of quotation marks before it: it does not stand within a text.
        line = body[body.rfind("\n", 0, found.start()) + 1 : found.start()]
        quotes = len(re.findall(r'(?<!\\)"', line))
        return f'"${{{word}}}"' if quotes % 2 == 0 else f"${{{word}}}"

    return _QUESTION.sub(named, body)


def has_variable(value: Any) -> bool:
    """Whether a text needs a variable of Scipion's environment."""
    return isinstance(value, str) and bool(_VARIABLE.search(value))
