"""Blocks as tables, and rows as lines: a table of one row may be written as single values, which means the same."""

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from cryoloom.star.lines import Lines
from cryoloom.star.reading import Block
from cryoloom.star.tokens import WHITE, first_word


def as_table(block: Block | None) -> pl.DataFrame | None:
    """A block where a table is expected: single values are its only row; None where there is no block.

    RELION reads `data_optics` in either form, and other libraries write a table of one row as single values.
    """
    if block is None or isinstance(block, pl.DataFrame):
        return block
    return pl.DataFrame({label: [value] for label, value in block.items()})


def tables_of(blocks: Mapping[str, Block]) -> dict[str, pl.DataFrame]:
    """The blocks that hold something, each as a table."""
    tables = {name: as_table(block) for name, block in blocks.items()}
    return {name: table for name, table in tables.items() if table is not None and table.width}


def line_of(path: Path | str, block: str, row: int, label: str = "") -> int:
    """The number of the line, from 1, on which a value stands.

    Args:
        path: the file.
        block: its name as `read` gives it.
        row: from 0.
        label: of the value; only a block of single values has a line for each.
    Returns:
        0 where there is no such row.
    """
    taken: dict[str, int] = {}
    name, is_table, in_head, rows = None, False, False, 0
    with Lines(Path(path)) as lines:
        while (line := lines.next()) is not None:
            text = line.strip(WHITE)
            word = first_word(text) if text else ""
            if not text or text[0] == "#":
                continue
            if text.startswith("data_") or (word == "loop_" and is_table):
                base = word[5:] if text.startswith("data_") else str(name).partition("#")[0]
                taken[base] = taken.get(base, 0) + 1
                name = base if taken[base] == 1 else f"{base}#{taken[base]}"
                is_table, in_head, rows = word == "loop_", word == "loop_", 0
            elif word == "loop_":
                is_table, in_head, rows = True, True, 0
            elif in_head and text[0] == "_":
                continue
            elif is_table:
                in_head = False
                rows += 1
                if name == block and rows == row + 1:
                    return lines.number
            elif name == block and word == f"_{label}":
                return lines.number
    return 0


def heads(path: Path | str) -> dict[str, tuple[str, ...]]:
    """The labels of a file's blocks, up to the rows of the first table that is not `optics`: no row is read.

    Raises:
        StarError: no file to read.
    """
    found: dict[str, tuple[str, ...]] = {}
    name, in_head, is_table = None, False, False
    with Lines(Path(path)) as lines:
        while (line := lines.next()) is not None:
            text = line.strip(WHITE)
            if not text or text[0] == "#":
                continue
            word = first_word(text)
            if text.startswith("data_"):
                name, in_head, is_table = word[5:], False, False
                found.setdefault(name, ())
            elif word == "loop_":
                in_head = is_table = True
            elif name is not None and text[0] == "_" and (in_head or not is_table):
                found[name] = (*found[name], word[1:])
            elif is_table:
                in_head = False
                if name != "optics":
                    break
    return found
