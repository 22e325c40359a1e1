"""The examples in the documents: fenced blocks, with the comment that keeps one from being run.

A block of `text` shows what is printed; any other is an example. The comment stands on the line before the block and is
not shown: `<!-- not run: installs RELION -->`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PRINTED = "text"
# Of the whole page, with reasons of its own for the project that it needs.
RUN_ELSEWHERE = {
    "docs/external.md": "tests/external/test_external_page.py",
    "docs/tutorials/betagal.md": "tests/docs/test_betagal_page.py",
}

_BLOCK = re.compile(
    r"(?:<!-- not run: (?P<reason>[^>]+?) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.M | re.S
)


@dataclass(frozen=True, slots=True)
class Block:
    """An example as it stands in a page."""

    page: str  # below the repository
    line: int  # of its first line
    language: str
    text: str
    reason: str = ""  # why it is not run

    @property
    def where(self) -> str:
        return f"{self.page}:{self.line}"


def pages() -> list[str]:
    """All documents."""
    found = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    return sorted(str(path.relative_to(ROOT)) for path in found)


def blocks_of(page: str, text: str) -> Iterator[Block]:
    """The examples of a page, in their order."""
    for found in _BLOCK.finditer(text):
        if found["language"] != PRINTED:
            line = text.count("\n", 0, found.start("text")) + 1
            yield Block(page, line, found["language"], found["text"], found["reason"] or "")


def all_blocks() -> list[Block]:
    """The examples of all documents but those that a test of their own runs."""
    return [
        block
        for page in pages()
        if page not in RUN_ELSEWHERE
        for block in blocks_of(page, (ROOT / page).read_text())
    ]
