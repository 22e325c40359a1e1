"""The list of protocols, remembered: a list and a word to be completed need no plugin to be loaded.

A cache in the user's cache folder. It holds as long as no file of a plugin's package has changed.
"""

import contextlib
import importlib.util
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cryoloom.errors import CryoloomError
from cryoloom.project.jsonfile import read_json, write_json
from cryoloom.project.registry import all_protocols, plugins

FILE = "protocols.json"


@dataclass(frozen=True, slots=True)
class ProtocolLine:
    """A protocol in a list."""

    name: str
    label: str
    help: str

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def protocol_lines() -> list[ProtocolLine]:
    """All protocols of all plugins, in the order of their names."""
    file, stamp = _file(), [[*one] for one in _stamp()]
    with contextlib.suppress(
        CryoloomError, TypeError, KeyError
    ):  # absent, broken, of another version: made anew
        known = read_json(file)
        if known["stamp"] == stamp:
            return [ProtocolLine(**line) for line in known["protocols"]]
    lines = [ProtocolLine(kind.name, kind.label, kind.__doc__ or "") for kind in all_protocols()]
    with contextlib.suppress(OSError):  # a cache that cannot be used costs time and nothing else
        file.parent.mkdir(parents=True, exist_ok=True)
        write_json(file, {"format": 1, "stamp": stamp, "protocols": [line.as_dict() for line in lines]})
    return lines


def _file() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "cryoloom" / FILE


def _stamp() -> Iterator[tuple[str, int, int]]:
    """Each module of each plugin, with what changes when it is written."""
    for plugin, package in sorted(plugins().items()):
        spec = importlib.util.find_spec(package)
        for place in (spec.submodule_search_locations or ()) if spec is not None else ():
            yield (f"{plugin} {place}", 0, 0)
            for module in sorted(Path(place).glob("*.py")):
                stat = module.stat()
                yield (module.name, stat.st_mtime_ns, stat.st_size)
