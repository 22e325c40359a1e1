"""Reading what views show, forgiving: a file that is not there yet gives an empty table."""

import warnings
from pathlib import Path
from typing import Any

import polars as pl

from cryoloom import star
from cryoloom.errors import StarError
from cryoloom.protocol.jobs import ITEM_ID
from cryoloom.protocol.views import Rows

GROUP = "rlnOpticsGroup"
# What RELION 3.0 and older call these tables.
_OF_30 = {"particles": ("images", ""), "micrographs": ("",), "movies": ("",)}


def blocks_of(path: Path) -> dict[str, Any]:
    """All blocks of a STAR file; none where it is missing or not whole."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", star.StarWarning)
        try:
            return dict(star.read(path))
        except (StarError, OSError):
            return {}


def table_of(path: Path, name: str) -> pl.DataFrame:
    """One table; empty where it is missing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", star.StarWarning)
        try:
            table = star.as_table(star.read(path, [name], optional=True).get(name))
        except (StarError, OSError):
            return pl.DataFrame()
    return pl.DataFrame() if table is None else table


def singles_of(path: Path, name: str) -> dict[str, Any]:
    """One block of single values; empty where it is missing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", star.StarWarning)
        try:
            block = star.read(path, [name], optional=True).get(name)
        except (StarError, OSError):
            return {}
    return dict(block) if isinstance(block, dict) else {}


def numbers(frame: pl.DataFrame, label: str) -> list[float]:
    """A column's numbers; empty where it has none."""
    return [float(value) for value in frame[label].to_list()] if label in frame.columns else []


def frame_of(root: Path, rows: Rows) -> pl.DataFrame:
    """The rows that are meant, with their ids where they have some: only the columns that somebody looks at are read.

    A file that is not there yet gives no rows; a label that is missing a column of gaps.

    Raises:
        StarError: a condition or an expression that cannot be judged.
    """
    from cryoloom.star.expressions import evaluated, labels_in, rows_that_hold

    path = root / rows.file
    texts = [rows.where, *rows.made.values()]
    named = {label for text in texts if text for label in (labels_in(text) or ())}
    wanted = {*rows.columns, *named, ITEM_ID, *((GROUP,) if rows.of_group else ())} - {*rows.of_group}
    frame = _read(path, rows.table, wanted)
    if not frame.height:
        return frame
    frame = frame.select(label for label in frame.columns if label in wanted)
    if rows.of_group:
        frame = _with_group_values(frame, table_of(path, "optics"), rows.of_group)
    gaps = [label for label in (*rows.columns, *named) if label not in frame.columns]
    frame = frame.with_columns(pl.lit(None, dtype=pl.Float64).alias(label) for label in gaps)
    if rows.where:
        frame = frame.filter(rows_that_hold(frame, rows.where))
    if frame.height:
        frame = frame.with_columns(evaluated(frame, text).alias(name) for name, text in rows.made.items())
    return frame


def _read(path: Path, name: str, wanted: set[str]) -> pl.DataFrame:
    """A table; of a large one the columns that are not wanted are not even parsed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", star.StarWarning)
        try:
            for names in ([name] if name else None, list(_OF_30.get(name, ()))):
                found = star.read(path, names, columns=wanted, optional=True)
                tables = {block: table for block, table in star.tables_of(found).items() if block != "optics"}
                if tables:
                    return next(iter(tables.values()))
        except (StarError, OSError):
            pass
    return pl.DataFrame()


def _with_group_values(frame: pl.DataFrame, optics: pl.DataFrame, labels: tuple[str, ...]) -> pl.DataFrame:
    there = [label for label in labels if label in optics.columns]
    if GROUP not in frame.columns or GROUP not in optics.columns or not there:
        return frame.with_columns(pl.lit(None, dtype=pl.Float64).alias(label) for label in labels)
    groups = optics.select(GROUP, *there).unique(GROUP, keep="none")
    joined = frame.join(groups, on=GROUP, how="left", maintain_order="left")
    return joined.with_columns(
        pl.lit(None, dtype=pl.Float64).alias(label) for label in labels if label not in there
    )
