"""What is installed and what is missing, and where each setting comes from."""

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cryoloom._version import __version__
from cryoloom.errors import ProjectError
from cryoloom.launchers.machine import gpus, this_machine
from cryoloom.project.programs import is_without_gpu, program_file
from cryoloom.project.registry import all_protocols, plugins
from cryoloom.project.settings import KNOWN, Settings, load_settings, unknown_settings
from cryoloom.protocol.declare import near

REFINE = "relion_refine"  # tells RELION's version
# Our extras by the module that each brings.
EXTRAS = {"gemmi": "images"}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    what: str
    ok: bool
    found: str


@dataclass(frozen=True, slots=True)
class KnownSetting:
    """A setting with its value and where that comes from."""

    name: str
    value: Any
    source: str


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What `cryoloom doctor` prints."""

    checks: tuple[Check, ...]
    settings: tuple[KnownSetting, ...]

    @property
    def healthy(self) -> bool:
        return all(check.ok for check in self.checks)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "checks": [asdict(check) for check in self.checks],
            "settings": [asdict(setting) for setting in self.settings],
        }


def diagnose(root: Path | None) -> Diagnosis:
    """Look at the installation, with the settings of a project or with the user's own.

    Raises:
        ProjectError: a file of settings that is none.
    """
    settings = load_settings(root)
    protocols, needed = _programs_of_protocols()
    programs = {name: _program(name, names, settings) for name, names in sorted(needed.items())}
    checks = (
        Check("cryoloom", True, __version__),
        Check("python", sys.version_info >= (3, 11), sys.version.split()[0]),
        Check("GPUs", True, ", ".join(gpus()) or "none"),
        _machine(settings),
        _star_reader(),
        protocols,
        *programs.values(),
        _relion_version(programs.get(REFINE)),
        _gpu_support(programs.get(REFINE)),
        *(_module(module, extra) for module, extra in EXTRAS.items()),
        *_unknown(settings),
    )
    known = [KnownSetting(name, *settings.values.get(name, ("", "not set"))) for name in KNOWN]
    others = [
        KnownSetting(name, value, source)
        for name, (value, source) in settings.values.items()
        if name not in KNOWN
    ]
    return Diagnosis(checks, (*known, *others))


def _machine(settings: Settings) -> Check:
    try:
        machine = this_machine(settings)
    except ProjectError as error:
        return Check("settings", False, str(error))
    return Check("cores and memory for jobs", True, f"{machine.cores}, {machine.memory_mb / 1024:.3g} GB")


def _star_reader() -> Check:
    from cryoloom.star import compiled

    slow = "in Python, slower: install a C++ compiler (apt-get install g++) and then Cryoloom again"
    return Check("STAR reader", True, "compiled" if compiled.library() is not None else slow)


def _programs_of_protocols() -> tuple[Check, dict[str, list[str]]]:
    """How many protocols there are, and what they need, each program with the protocols that need it."""
    needed: dict[str, list[str]] = {}
    count = 0
    try:
        for kind in all_protocols():
            count += 1
            for program in kind.programs:
                needed.setdefault(program, []).append(kind.name)
    except Exception as error:  # the edge to plugins: the rest of the installation is looked at all the same
        found = f"{count}, and a plugin that is broken ({type(error).__name__}: {error})"
        return Check("protocols", False, found), needed
    return Check("protocols", True, f"{count} of {', '.join(sorted(plugins()))}"), needed


def _program(name: str, needed_by: list[str], settings: Settings) -> Check:
    path = program_file(name, settings)
    if path is not None:
        return Check(name, True, str(path))
    modules = settings.get("programs.relion.modules")
    if name.startswith("relion_") and modules:
        return Check(name, True, f"by the environment modules {modules}")
    hint = "apt-get install relion" if name.startswith(("relion_", "mpirun")) else "not in PATH"
    return Check(name, False, f"missing: {hint}; needed by {', '.join(needed_by)}")


def _relion_version(refine: Check | None) -> Check:
    if refine is None or not Path(refine.found).is_file():
        return Check("RELION version", False, "unknown")
    out = subprocess.run([refine.found, "--version"], capture_output=True, text=True, timeout=20)
    words = (out.stdout + out.stderr).split()
    version = next((word for word in words if word[:1].isdigit()), "unknown")
    return Check("RELION version", version.startswith("3.1"), version)


def _gpu_support(refine: Check | None) -> Check:
    path = Path(refine.found) if refine is not None else Path()
    if not path.is_file():
        return Check("RELION on GPUs", True, "unknown")
    return Check("RELION on GPUs", True, "no: built without CUDA" if is_without_gpu(path) else "yes")


def _module(module: str, extra: str) -> Check:
    there = importlib.util.find_spec(module) is not None
    return Check(module, there, "installed" if there else f"missing: pip install 'cryoloom[{extra}]'")


def _unknown(settings: Settings) -> Iterator[Check]:
    """Settings that mean nothing, most likely misspelt."""
    for name in unknown_settings(settings):
        hint = near(name, list(KNOWN))
        yield Check(f"setting {name}", False, f"unknown, in {settings.values[name][1]}. {hint}".strip())
