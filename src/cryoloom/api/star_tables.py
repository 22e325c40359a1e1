"""One table of a STAR file, whoever wrote it: looked at, asked, sorted, drawn and written as something else.

Each operation gives a new table; the file is never changed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from cryoloom import star
from cryoloom.errors import ParameterError, StarError
from cryoloom.protocol.declare import near
from cryoloom.star.expressions import rows_that_hold

FORMATS = ("csv", "json", "parquet", "star")
BY_SUFFIX = {".csv": "csv", ".json": "json", ".parquet": "parquet", ".star": "star"}


@dataclass(frozen=True, slots=True)
class BlockLine:
    """A block in a list."""

    name: str
    rows: int | None  # None of single values
    labels: int

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class StarTable:
    """A table with the blocks around it: particles mean nothing without their optics groups."""

    file: Path
    blocks: star.Blocks
    name: str
    rows: pl.DataFrame

    def where(self, condition: str) -> "StarTable":
        """The rows for which SQL over the labels holds, `rlnCtfMaxResolution < 4`.

        Raises:
            StarError: no condition, or one that cannot be judged.
        """
        return replace(self, rows=self.rows.filter(rows_that_hold(self.rows, condition)))

    def select(self, labels: Sequence[str]) -> "StarTable":
        """Some columns, in the order wanted.

        Raises:
            StarError: a label that is not there.
        """
        need_labels(self.file, self.rows, labels)
        return replace(self, rows=self.rows.select(labels))

    def sort(self, labels: Sequence[str], *, descending: bool = False) -> "StarTable":
        """Sorted by the first label, then by the others; rows that are equal keep their order.

        Raises:
            StarError: a label that is not there.
        """
        need_labels(self.file, self.rows, labels)
        return replace(self, rows=self.rows.sort(labels, descending=descending, maintain_order=True))

    def draw(self, x: str, y: str = "", kind: str = "", *, target: Path) -> None:
        """A histogram of one column, or one over another; the ending of `target` says how it is drawn.

        Raises:
            StarError: a label that is not there.
            ParameterError: a column without numbers, or an ending that cannot be.
        """
        from cryoloom.views.columns import column_chart
        from cryoloom.views.drawing import draw

        need_labels(self.file, self.rows, [label for label in (x, y) if label])
        draw([column_chart(self.rows, x, y, kind)], target)

    def text(self, form: str) -> str:
        """The rows as text: csv or json.

        Raises:
            ParameterError: another form.
        """
        if form == "csv":
            return self.rows.write_csv()
        if form == "json":
            return self.rows.write_json() + "\n"
        raise ParameterError(f"{self.file} as {form}", found="no text", expected="csv or json")

    def write(self, target: Path, form: str = "") -> None:
        """Write a file; without a form its ending tells it, else it is a STAR file with all blocks."""
        form = form or BY_SUFFIX.get(target.suffix, "star")
        if form == "star":
            star.write(target, {**self.blocks, self.name: self.rows}, comments=self.blocks.comments)
        elif form == "parquet":
            self.rows.write_parquet(target)
        else:
            target.write_text(self.text(form))


def blocks_in(file: Path) -> list[BlockLine]:
    """The blocks of a file, without their rows being read.

    Raises:
        StarError: no STAR file.
    """
    return [
        BlockLine(info.name, info.rows if info.is_table else None, len(info.labels))
        for info in star.scan(file)
    ]


def block_of(file: Path, name: str | None = None) -> tuple[str, pl.DataFrame | Mapping[str, Any]]:
    """A block by its name, the largest table without one: rows, or single values by label.

    Raises:
        StarError: no STAR file, or no such block.
    """
    largest = max(star.scan(file), key=lambda info: (info.is_table, info.rows)).name
    chosen = largest if name is None else name.removeprefix("data_")
    return chosen, star.read(file, blocks=[chosen])[chosen]


def table_of(file: Path, name: str | None = None) -> StarTable:
    """A table by its block's name, the largest without one.

    Raises:
        StarError: no STAR file, or no such table.
    """
    blocks = star.read(file)
    rows = {key: 0 if isinstance(value, dict) else value.height for key, value in blocks.items()}
    chosen = name.removeprefix("data_") if name is not None else max(rows, key=lambda key: rows[key])
    content = star.as_table(blocks.get(chosen))
    if content is None:
        raise StarError(
            f"{file}: block data_{chosen}",
            found="missing",
            expected=f"a table, one of {', '.join(f'data_{key}' for key in blocks)}",
        )
    return StarTable(file, blocks, chosen, content)


def need_labels(file: Path, table: pl.DataFrame, labels: Sequence[str]) -> None:
    """Every label is in the table.

    Raises:
        StarError: one is not; the nearest that are there are offered.
    """
    for label in labels:
        if label not in table.columns:
            raise StarError(
                f"{file}: label {label}",
                found="missing",
                expected=f"one of {', '.join(table.columns)}",
                hint=near(label, table.columns),
            )
