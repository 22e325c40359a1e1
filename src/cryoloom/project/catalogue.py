"""The list of protocols, remembered: a list, a word to be completed or searched for need no plugin to be loaded.

A cache in the user's cache folder. It holds as long as no file of a plugin's package has changed.
"""

import contextlib
import importlib.util
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from cryoloom.errors import CryoloomError
from cryoloom.project.jsonfile import read_json, write_json
from cryoloom.project.registry import all_protocols, plugins
from cryoloom.protocol.protocols import Protocol

FILE = "protocols.json"
FORMAT = 3  # 1 had no parameters, 2 no flags


@dataclass(frozen=True, slots=True)
class ProtocolLine:
    """A protocol in a list.

    `declared`: the labels of its inputs and parameters by name, for who searches; `flags`: their flags on a program's
    command line, likewise.
    """

    name: str
    label: str
    help: str
    declared: dict[str, str] = field(default_factory=dict)
    flags: dict[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, str]:
        """For JSON."""
        return {"name": self.name, "label": self.label, "help": self.help}


def protocol_lines() -> list[ProtocolLine]:
    """All protocols of all plugins, in the order of their names."""
    file, stamp = _file(), [[*one] for one in _stamp()]
    with contextlib.suppress(
        CryoloomError, TypeError, KeyError
    ):  # absent, broken, of another version: made anew
        known = read_json(file, FORMAT)
        if (known["format"], known["stamp"]) == (FORMAT, stamp):
            return [ProtocolLine(**line) for line in known["protocols"]]
    lines = [
        ProtocolLine(kind.name, kind.label, kind.__doc__ or "", _declared(kind), _flags(kind))
        for kind in all_protocols()
    ]
    with contextlib.suppress(OSError):  # a cache that cannot be used costs time and nothing else
        file.parent.mkdir(parents=True, exist_ok=True)
        write_json(file, {"format": FORMAT, "stamp": stamp, "protocols": [asdict(line) for line in lines]})
    return lines


def _declared(kind: type[Protocol]) -> dict[str, str]:
    """Inputs and parameters with their labels."""
    inputs = {name: spec.label for name, spec in kind.inputs.items()}
    return inputs | {name: spec.label for name, spec in kind.params.items()}


def _flags(kind: type[Protocol]) -> dict[str, str]:
    """Flags of inputs and parameters, of those that have some."""
    inputs = {name: spec.flag for name, spec in kind.inputs.items()}
    both = inputs | {name: f"{spec.flag} {spec.flag_off}".strip() for name, spec in kind.params.items()}
    return {name: flag for name, flag in both.items() if flag}


def _file() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "cryoloom" / FILE


def _stamp() -> Iterator[tuple[str, int, int]]:
    """Each module of each plugin, with what changes when it is written."""
    for plugin, package in sorted(plugins().items()):
        spec = importlib.util.find_spec(package)
        for place in (spec.submodule_search_locations or ()) if spec is not None else ():
            yield (f"{plugin} {place}", 0, 0)
            for module in sorted(Path(place).rglob("*.py")):
                stat = module.stat()
                yield (str(module.relative_to(place)), stat.st_mtime_ns, stat.st_size)
