"""Reading what views show, forgiving: a file that is not there yet gives an empty table."""

import warnings
from pathlib import Path
from typing import Any

import polars as pl

from cryoloom import star
from cryoloom.errors import StarError


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
    table = star.as_table(blocks_of(path).get(name))
    return pl.DataFrame() if table is None else table


def singles_of(path: Path, name: str) -> dict[str, Any]:
    """One block of single values; empty where it is missing."""
    block = blocks_of(path).get(name)
    return block if isinstance(block, dict) else {}


def numbers(frame: pl.DataFrame, label: str) -> list[float]:
    """A column's numbers; empty where it has none."""
    return [float(value) for value in frame[label].to_list()] if label in frame.columns else []
