"""Protocols by name, found through entry points: our own as any other package's.

An entry point `cryoloom.plugins` names a package; `relion.class2d` is the protocol that its module
`class2d` declares. Only that one module is imported to launch a job.
"""

import functools
import importlib
from collections.abc import Iterator
from types import ModuleType

from cryoloom.errors import ParameterError
from cryoloom.protocol.declare import near
from cryoloom.protocol.protocols import Protocol

GROUP = "cryoloom.plugins"
# RELION's jobs that are others here, and what to do instead.
_ELSEWHERE = {
    "relion.import": "import.movies, import.micrographs, import.particles, import.coordinates, import.volume, import.mask.",
    "relion.external": "external.command runs any program as a job.",
}
_told: dict[str, str] = {}


@functools.cache
def plugins() -> dict[str, str]:
    """Names of the installed plugins and their packages."""
    from importlib.metadata import entry_points  # a launch is told the module, and has no time for this

    return {point.name: point.value for point in entry_points(group=GROUP)}


@functools.cache
def find_protocol(name: str) -> type[Protocol]:
    """The protocol of a name.

    Raises:
        ParameterError: there is none; the nearest names are offered.
    """
    told = _in_told_module(name)
    if told is not None:
        return told
    plugin, _, module = name.partition(".")
    package = plugins().get(plugin)
    if package is not None:
        try:
            found = _in_module(importlib.import_module(f"{package}.{module}"), name)
        except ModuleNotFoundError as error:
            if not (error.name or "").startswith(package):
                raise
            found = None
        if found is not None:
            return found
    if name in _ELSEWHERE:
        raise ParameterError(
            f"protocol {name}", found="a kind of RELION's jobs that Cryoloom shows and does not run",
            expected="one that `cryoloom help` lists", hint=_ELSEWHERE[name],
        )  # fmt: skip
    names = [protocol.name for protocol in all_protocols()]
    raise ParameterError(
        f"protocol {name}", found="unknown", expected="one that `cryoloom help` lists", hint=near(name, names)
    )


def all_protocols() -> Iterator[type[Protocol]]:
    """Every protocol of every plugin, by name."""
    import pkgutil

    for plugin, package_name in sorted(plugins().items()):
        package = importlib.import_module(package_name)
        for module in sorted(info.name for info in pkgutil.iter_modules(package.__path__)):
            found = _in_module(importlib.import_module(f"{package_name}.{module}"), f"{plugin}.{module}")
            if found is not None:
                yield found


def tell_module(name: str, module: str) -> None:
    """Where a protocol was found a moment ago, by another process with the same plugins."""
    _told[name] = module


def _in_told_module(name: str) -> type[Protocol] | None:
    try:
        return _in_module(importlib.import_module(_told[name]), name)
    except (KeyError, ModuleNotFoundError):
        return None


def _in_module(module: ModuleType, name: str) -> type[Protocol] | None:
    for value in vars(module).values():
        if isinstance(value, type) and issubclass(value, Protocol) and value.__dict__.get("name") == name:
            return value
    return None
