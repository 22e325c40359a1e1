"""What all commands share: the project, printing for people and for programs, errors."""

import json
import math
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryoloom.errors import CryoloomError

if TYPE_CHECKING:
    from cryoloom.api import Project

USAGE = 2  # the user's words are at fault
FAILED = 1  # a job or program failed


def open_project(path: Path | None) -> "Project":
    """The project that a command works on: given, from CRYOLOOM_PROJECT, or around the current folder."""
    from cryoloom.api import Project

    if path is None and os.environ.get("CRYOLOOM_PROJECT"):
        path = Path(os.environ["CRYOLOOM_PROJECT"])
    if path is None:
        here = Path.cwd()
        path = next((f for f in (here, *here.parents) if (f / "default_pipeline.star").exists()), here)
    return Project(path)


def is_terminal() -> bool:
    """Whether a person reads: without a terminal output is plain."""
    return sys.stdout.isatty()


def is_conversation() -> bool:
    """Whether a person can be asked something."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def print_json(content: Any) -> None:
    """JSON for programs; a list with an entry a line, which is written ten times faster. What is no number is null."""
    try:
        text = _as_json(content)
    except ValueError:
        text = _as_json(_finite(content))
    print(text)


def _as_json(content: Any) -> str:
    if not isinstance(content, list):
        return json.dumps(content, indent=1, ensure_ascii=False, default=str, allow_nan=False)
    # `dumps` would make an encoder for each line.
    encode = json.JSONEncoder(ensure_ascii=False, default=str, allow_nan=False).encode
    lines = ",\n".join(map(encode, content))
    return f"[\n{lines}\n]" if content else "[]"


def _finite(content: Any) -> Any:
    """Without nan and infinity, of which JSON has none: other programs end at the word."""
    if isinstance(content, Mapping):
        return {name: _finite(value) for name, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


def table(columns: list[str], rows: list[list[str]]) -> str:
    """Columns aligned with blanks, no ornament."""
    widths = [max(len(row[i]) for row in [columns, *rows]) for i in range(len(columns))]
    lines = ["  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip() for row in
             [columns, *rows]]  # fmt: skip
    return "\n".join(lines)


def split_pair(word: str) -> tuple[str, str]:
    """`name=value`.

    Raises:
        CryoloomError: there is no equals sign.
    """
    name, sign, value = word.partition("=")
    if not sign or not name:
        raise CryoloomError(f"argument {word!r}", found="without =", expected="name=value")
    return name, value


def split_given(words: Sequence[str]) -> dict[str, Any]:
    """Parameters and inputs as given; a name given twice is an input that takes several."""
    found: dict[str, list[str]] = {}
    for word in words:
        name, value = split_pair(word)
        found.setdefault(name, []).append(value)
    return {name: values if len(values) > 1 else values[0] for name, values in found.items()}


def say_error(error: CryoloomError, as_json: bool = False) -> None:
    """One clear sentence on standard error."""
    if as_json:
        print_json({"error": error.as_dict()})
    print(f"cryoloom: {error}", file=sys.stderr)
