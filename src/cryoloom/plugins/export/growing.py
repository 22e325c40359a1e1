"""A table in a folder for others: it grows with whole rows, and after a kill is cut back to those that count."""

from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from cryoloom import star
from cryoloom.em.joining import with_neutral
from cryoloom.errors import DatasetError
from cryoloom.project.trash import files_to_trash
from cryoloom.protocol import JobFolder

FOLDER = "exported"


@dataclass(slots=True)
class GrowingTable:
    """`rows` of it count; all of them can be read by any program at any moment."""

    path: Path
    block: str
    rows: int = 0
    optics: pl.DataFrame | None = None
    labels: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, path: Path, block: str, rows: int) -> "GrowingTable":
        """The table as it was when so many rows were committed; later ones are taken back.

        Raises:
            DatasetError: it has fewer: somebody took it away.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        if not rows:
            return cls(path, block)
        tables = star.tables_of(star.read(path)) if path.exists() else {}
        known = tables.get(block, pl.DataFrame())
        if known.height < rows:
            raise DatasetError(
                f"{path}", found=f"{known.height} rows", expected=f"the {rows} that were exported so far",
                hint="Somebody changed the folder: cryoloom restart of this job exports all again.",
            )  # fmt: skip
        table = cls(path, block, rows, tables.get("optics"), known.columns)
        if known.height > rows:
            table._write(known.head(rows))
        return table

    def add(self, rows: pl.DataFrame, optics: pl.DataFrame | None) -> None:
        """Append rows; on the disk when this returns."""
        if not self.labels:
            self.labels, self.optics = rows.columns, optics
            self._write(rows)
        elif rows.columns != self.labels or _are_others(optics, self.optics):
            # A column or an optics group more: the head is written anew, and the file with it.
            before = star.tables_of(star.read(self.path))[self.block]
            self.labels = [*dict.fromkeys([*self.labels, *rows.columns])]
            self.optics = optics
            both = [with_neutral(one, self.labels).select(self.labels) for one in (before, rows)]
            self._write(pl.concat(both, how="vertical_relaxed"))
        else:
            star.append(self.path, rows, sync=True)
        self.rows += rows.height

    def _write(self, rows: pl.DataFrame) -> None:
        beside = self.path.with_name(f".{self.path.name}.next")
        star.open_growing(
            beside, {} if self.optics is None else {"optics": self.optics}, self.block, self.labels
        )
        star.append(beside, rows.select(self.labels), sync=True)
        beside.replace(self.path)


def begin_folder(job: JobFolder, rows: int) -> None:
    """Where nothing counts so far, what lies in the folder is of an input that was made again, or of a kill: to `Trash/`."""
    if not rows and (job.path / FOLDER).exists():
        files_to_trash(job.root, job.name.rstrip("/"), [FOLDER])


def without_ours(table: pl.DataFrame) -> pl.DataFrame:
    """The table as others know it."""
    return table.select(column for column in table.columns if not column.startswith("cryoloom"))


def other_names(file: str, label: str, found: str) -> DatasetError:
    """The error of a job's own table that names another file than the job would."""
    return DatasetError(
        f"{file}: {label}", found=found, expected="the names that this job gives",
        hint="Somebody changed it: cryoloom restart of this job exports all again.",
    )  # fmt: skip


def _are_others(optics: pl.DataFrame | None, known: pl.DataFrame | None) -> bool:
    if optics is None or known is None:
        return (optics is None) != (known is None)
    return optics.columns != known.columns or optics.height != known.height
