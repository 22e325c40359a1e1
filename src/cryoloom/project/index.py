"""The index: what is known of jobs that have ended, so that looking at ten thousand of them takes no time.

A cache in the user's cache folder, never in the project: each row holds as long as its job's stamp does, and all
of it can be made again from the job folders. Any process may read it and add to it.
"""

import contextlib
import hashlib
import os
import sqlite3
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

FILE = "index.sqlite"
_SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Row:
    """One job that has ended."""

    name: str
    stamp: str  # `JobEntry.stamp`, when its files were folded
    state: str
    summary: str  # JSON


def cache_folder(root: Path) -> Path:
    """Where what can be rebuilt lies: never in the project."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    name = hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:16]
    return Path(base) / "cryoloom" / f"{root.resolve().name}-{name}"


def read_index(root: Path) -> dict[str, Row]:
    """All rows by name; none where the index is missing, broken or of another version."""
    path = cache_folder(root) / FILE
    try:
        if not path.exists():
            return {}
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=1.0)) as base:
            if base.execute("pragma user_version").fetchone()[0] != _SCHEMA:
                return {}
            rows = base.execute("select name, stamp, state, summary from job")
            return {row[0]: Row(*row) for row in rows}
    except (sqlite3.Error, OSError):
        return {}


def add_to_index(root: Path, rows: Iterable[Row], gone: Collection[str] = ()) -> None:
    """Remember rows, and forget jobs; a lost or locked index costs time and nothing else."""
    folder = cache_folder(root)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _add(folder / FILE, rows, gone)
    except OSError:
        pass  # a cache that cannot be used
    except sqlite3.DatabaseError as error:
        if not isinstance(error, sqlite3.OperationalError):
            drop_index(root)  # no database at all: the next look makes it anew


def drop_index(root: Path) -> None:
    """Forget everything."""
    (cache_folder(root) / FILE).unlink(missing_ok=True)


def _add(path: Path, rows: Iterable[Row], gone: Collection[str]) -> None:
    with contextlib.closing(sqlite3.connect(path, timeout=1.0)) as base:
        base.execute("pragma synchronous=off")
        with base:
            if base.execute("pragma user_version").fetchone()[0] != _SCHEMA:
                base.execute("drop table if exists job")
                base.execute(
                    "create table job (name text primary key, stamp text, state text, summary text) without rowid"
                )
                base.execute(f"pragma user_version = {_SCHEMA}")
            base.executemany("delete from job where name = ?", [(name,) for name in gone])
            values = [(row.name, row.stamp, row.state, row.summary) for row in rows]
            base.executemany("insert or replace into job values (?, ?, ?, ?)", values)
