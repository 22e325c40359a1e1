"""The projects that were opened lately, for the first page. A list in the cache folder: lost, it costs nothing."""

import contextlib
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

MOST = 40


@dataclass(frozen=True, slots=True)
class KnownProject:
    """A project that was opened."""

    key: str  # by which addresses name it: folders stand in none
    path: Path
    opened: float  # seconds of the epoch

    @property
    def is_there(self) -> bool:
        return self.path.is_dir()


def key_of(path: Path) -> str:
    """The same for the same folder, always; it tells nothing of it."""
    return hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]


def recent_projects() -> list[KnownProject]:
    """The newest first."""
    try:
        rows = json.loads(_file().read_text())
        found = [
            KnownProject(key_of(Path(row["path"])), Path(row["path"]), float(row["opened"])) for row in rows
        ]
    except (OSError, ValueError, TypeError, KeyError):
        return []
    return sorted(found, key=lambda one: -one.opened)


def remember_project(path: Path, now: float) -> KnownProject:
    """Put a project first in the list."""
    known = KnownProject(key_of(path), path.resolve(), now)
    kept = [known, *(one for one in recent_projects() if one.key != known.key)][:MOST]
    text = json.dumps([{"path": str(one.path), "opened": one.opened} for one in kept])
    file = _file()
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        beside = file.with_name(f".{file.name}.{os.getpid()}")
        beside.write_text(text)
        beside.replace(file)
    return known


def _file() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "cryoloom" / "recent.json"
