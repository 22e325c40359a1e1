"""Each command that a message suggests exists, with the options that it names."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import cryoloom
from cryoloom.cli.main import app
from cryoloom.project.registry import find_protocol

SOURCE = Path(cryoloom.__file__).parent
ROOT = Path(__file__).parents[2]
# A value that is filled in stands as X; `cryoloom` in prose is followed by another word than a command's.
SUGGESTED = re.compile(r"(?:`|: |^| {2}|; |or |then )cryoloom ([a-z]+(?:[ ][^`;()\n]*)?)")


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """All strings of a module but its docstrings, with their lines."""
    tree = ast.parse(path.read_text())
    documentation = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield (
                node.lineno,
                "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values),
            )
        elif (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in documentation | inside
        ):
            yield node.lineno, node.value


def suggestions() -> Iterator[tuple[str, str]]:
    for path in sorted(SOURCE.rglob("*.py")):
        for line, text in texts(path):
            for found in SUGGESTED.findall(text):
                yield f"{path.relative_to(SOURCE)}:{line}", found.strip()


def wrong_of(words: list[str]) -> str:
    """What of a suggested command does not exist; "" where all does."""
    command: Any = app
    words = [*words]
    while hasattr(command, "commands"):
        if not words or words[0] not in command.commands:
            return f"no command {' '.join(words[:1]) or 'after the group'}"
        command = command.commands[words.pop(0)]
    known = {name for one in command.params for name in (*one.opts, *one.secondary_opts)} | {"--help"}
    given = {found for word in words for found in re.findall(r"^(--?[a-zA-Z][\w-]*)", word)}
    if command.name == "run" and words and re.fullmatch(r"[a-z]+\.[a-z_]+", words[0]):
        find_protocol(words[0])
    return f"no options {sorted(given - known)}" if given - known else ""


def documented() -> Iterator[tuple[str, str]]:
    """The commands in the prose and tables of the documents; those in their examples are run."""
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))):
        prose = re.sub(r"(?ms)^```.*?^```$", "", path.read_text())
        for found in re.findall(r"`cryoloom ([a-z]+[^`\n]*)`", prose):
            yield path.name, found


SUGGESTIONS = sorted(set(suggestions()))


def test_what_does_not_exist_is_found() -> None:
    assert len(SUGGESTIONS) > 40
    assert wrong_of(["retry", "X", "--dependents"]) == wrong_of(["star", "show", "X"]) == ""
    assert (
        wrong_of(["retries", "X"])
        and wrong_of(["retry", "X", "--dependants"])
        and wrong_of(["star", "shows"])
    )


@pytest.mark.parametrize(
    ("where", "text"), SUGGESTIONS, ids=[f"{where} {text}" for where, text in SUGGESTIONS]
)
def test_a_command_that_is_suggested_exists_with_its_options(where: str, text: str) -> None:
    wrong = wrong_of([word.rstrip(".,:") for word in text.split()])

    assert not wrong, f"{where} suggests `cryoloom {text}`: {wrong}"


def test_each_command_that_the_documents_name_exists_with_its_options() -> None:
    named = [*documented()]

    wrong = [
        f"{page}: `cryoloom {text}`: {why}"
        for page, text in named
        if (why := wrong_of([word.strip("[]").rstrip(".,:") for word in text.split()]))
    ]

    assert len(named) > 80
    assert not wrong, "\n".join(wrong)
