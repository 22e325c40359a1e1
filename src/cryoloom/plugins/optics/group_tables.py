"""A table that tells which optics group a file is of: a STAR file of RELION's, or of a program that writes such."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from cryoloom import star
from cryoloom.em.names import Tails
from cryoloom.em.optics import NAME, NUMBER, check_groups
from cryoloom.errors import DatasetError

_FILES = ("rlnMicrographName", "rlnMicrographMovieName")
# What a group says of its own images; those of the items stay as they are.
_OF_IMAGES = frozenset({NUMBER, NAME, "rlnImagePixelSize", "rlnImageSize", "rlnImageDimensionality"})


class GroupTable:
    """The groups of a table by name, and the group of each file."""

    def __init__(self, path: Path) -> None:
        """Read a table: of two columns, file and number or name of its group, or with data_optics beside it.

        Raises:
            DatasetError: it has no files with groups; two of its groups have one name and say different things; a file is in
                a group that is missing.
        """
        blocks = star.read(path)
        groups = star.as_table(blocks.get("optics"))
        tables = [table for name, table in star.tables_of(blocks).items() if name != "optics"]
        with_files = [
            (table, label) for table in tables for label in _FILES
            if NUMBER in table.columns and label in table.columns
        ]  # fmt: skip
        if groups is None:
            groups, with_files = _of_two_columns(tables)
        if not with_files:
            raise DatasetError(
                f"{path}", found="without files and their groups",
                expected=f"a table with {' or '.join(_FILES)}, and {NUMBER} or {NAME}",
                hint="data_optics beside it says what each group is; without it they are called opticsGroup1 and so on.",
            )  # fmt: skip
        self.given: dict[str, Mapping[str, Any]] = {}
        names: dict[int, str] = {}
        for row in groups.iter_rows(named=True):
            name = str(row.get(NAME) or f"opticsGroup{row[NUMBER]}")
            said = {
                label: value for label, value in row.items() if label not in _OF_IMAGES and value is not None
            }
            if self.given.setdefault(name, said) != said or row[NUMBER] in names:
                raise DatasetError(
                    f"{path}: data_optics", found=f"{name} twice", expected="one row a group",
                    hint=f"Give one of them another {NAME} and another {NUMBER}.",
                )  # fmt: skip
            names[row[NUMBER]] = name
        self._groups_of: dict[str, dict[str, None]] = {}
        for table, label in with_files:
            check_groups(list(names), table, f"{path}")
            for file, group in table.select(label, NUMBER).unique(maintain_order=True).iter_rows():
                self._groups_of.setdefault(str(file), {})[names[group]] = None
        self._files = Tails()
        self._files.add(self._groups_of)

    def groups_of(self, file: str) -> list[str]:
        """The groups that a file may be of: none, the one, or several where the table does not tell."""
        return [*dict.fromkeys(group for row in self._files.of(file) for group in self._groups_of[row])]

    def rows_of(self, file: str) -> list[str]:
        """The files of the table that may be meant."""
        return [*self._files.of(file)]


def _of_two_columns(tables: list[pl.DataFrame]) -> tuple[pl.DataFrame, list[tuple[pl.DataFrame, str]]]:
    """The groups that tables without data_optics name, by number or by name, and the tables with the column of their files."""
    found: list[tuple[pl.DataFrame, str]] = []
    names: dict[str, int] = {}
    for table in tables:
        label = next((label for label in _FILES if label in table.columns), None)
        column = next((column for column in (NAME, NUMBER) if column in table.columns), None)
        if label is None or column is None:
            continue
        words = table[column].cast(pl.String).to_list()
        called = [word if column == NAME else f"opticsGroup{word}" for word in words]
        for name in called:
            names.setdefault(name, len(names) + 1)
        numbers = pl.Series(NUMBER, [names[name] for name in called], dtype=pl.Int64)
        found.append((table.select(label).with_columns(numbers), label))
    groups = pl.DataFrame(
        {NUMBER: [*names.values()], NAME: [*names]}, schema={NUMBER: pl.Int64, NAME: pl.String}
    )
    return groups, found
