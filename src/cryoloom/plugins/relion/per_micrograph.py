"""What RELION's programs that treat micrographs one by one have in common: batch input and output.

Each is given a STAR file of the batch's rows and writes one of the batch's results; ids travel by
the micrographs' names, since these programs drop columns that they do not know.
"""

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from cryoloom import star
from cryoloom.em.optics import with_columns_of
from cryoloom.errors import DatasetError
from cryoloom.protocol import Batch, BatchResult
from cryoloom.protocol.jobs import ITEM_ID

GROUP = "rlnOpticsGroup"
# What each call leaves that tells of its batch only.
CALL_FILES = frozenset(
    {"logfile.pdf", "logfile.pdf.lst", "*_all_*.eps", "*_hist_*.eps", "all_*.eps", "histogram_*.eps"}
)


def write_batch(batch: Batch, table: str, rows: pl.DataFrame, optics: pl.DataFrame | None) -> None:
    """The batch's input STAR for the program; our ids stay out of it."""
    blocks = {} if optics is None else {"optics": _without_ours(optics)}
    star.write(batch.job.root / batch.input_file, {**blocks, table: rows.drop(ITEM_ID, strict=False)})


def optics_of_items(batch: Batch) -> pl.DataFrame | None:
    """The groups that the batch's items are of, for programs that look at the first, or compare all that they are told of."""
    if batch.optics is None or not {GROUP} <= {*batch.optics.columns} & {*batch.items.columns}:
        return batch.optics
    return batch.optics.filter(pl.col(GROUP).is_in(batch.items[GROUP].implode()))


def read_batch(path: Path, table: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A program's output table and optics.

    Raises:
        DatasetError: the table is missing: RELION writes none when nothing came out.
    """
    blocks = star.read(path)
    rows, optics = star.as_table(blocks.get(table)), star.as_table(blocks.get("optics"))
    if rows is None or optics is None:
        raise DatasetError(f"{path.name}", found="without rows", expected=f"a table data_{table}")
    return rows, optics


def is_without_rows(path: Path, table: str) -> bool:
    """Whether a program wrote its output, and no item in it."""
    return star.as_table(star.read(path).get(table)) is None


def with_optics_of_input(optics: pl.DataFrame, given: pl.DataFrame | None) -> pl.DataFrame:
    """A program's optics table with the extra columns of its input's (gain, dose, ...) joined again."""
    if given is None:
        return optics
    return with_columns_of(optics, given, given.columns)


def ids_by_name(rows: pl.DataFrame, label: str, ids: Mapping[str, str]) -> BatchResult:
    """Rows of micrographs with the ids of their input, found by name."""
    names = [str(name) for name in rows[label].to_list()]
    # "" and None alike: a row that belongs to no item. The type is said, since all of them may be None.
    found = pl.Series(ITEM_ID, [ids.get(name) or None for name in names], dtype=pl.String)
    known = rows.with_columns(found).filter(pl.col(ITEM_ID).is_not_null())
    return BatchResult({"micrographs": known}, frozenset(known[ITEM_ID].to_list()))


def _without_ours(optics: pl.DataFrame) -> pl.DataFrame:
    # RELION keeps unknown optics columns through motion correction, but fewer surprises are better.
    return optics.select(name for name in optics.columns if not name.startswith("cryoloom"))
