"""Settings: user's file < project's file < environment < command line; each value knows its source.

```toml
[programs.relion]
path = "/opt/relion/bin"                   # where relion_refine lies
modules = ["relion/3.1.3"]                 # environment modules to load first
environment = { OMP_PROC_BIND = "true" }
mpirun = "mpirun"

[environment]                              # of all jobs: they take no other variables from your shell
OMP_PROC_BIND = "true"

[machine]
cores = 8                                  # at most so many at once, over all projects
live_cores = 1                             # of them, those that only streams of items may take
memory_gb = 64
gpus = "0,1"                               # or "none"

[limits]
motioncor = 2                              # at most so many batches or jobs of a plugin at once
```
"""

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryoloom.errors import ProjectError

KNOWN = {
    "programs.relion.path": "folder of RELION's programs",
    "programs.relion.modules": "environment modules to load before RELION's programs",
    "programs.relion.environment": "variables for RELION's processes only",
    "programs.relion.mpirun": "the program that starts MPI ranks",
    "programs.ctffind.path": "CTFFIND's executable",
    "environment": "variables for all jobs and their programs",
    "machine.cores": "cores that jobs may use at once",
    "machine.live_cores": "cores of them that only streams may take; by default one of four or more",
    "machine.memory_gb": "memory that jobs may use at once, in GB",
    "machine.gpus": "GPUs that jobs may use, 0,1; or none",
    "streams.poll": "1: jobs look at the files that they follow, and never rely on inotify",
    "launchers.default": "where jobs go, the name of a launcher; by default this machine",
    "scheduler.idle_s": "seconds with nothing to do after which the scheduler ends",
}

_TEXTS = ("path", "mpirun")  # of a program's settings


@dataclass(frozen=True, slots=True)
class Settings:
    """Values by dotted name, each with where it comes from."""

    values: Mapping[str, tuple[Any, str]]

    def get(self, name: str, default: Any = None) -> Any:
        return self.values[name][0] if name in self.values else default

    def under(self, prefix: str) -> dict[str, Any]:
        """All values below a dotted name, by the rest of their names."""
        return {
            name[len(prefix) + 1 :]: value
            for name, (value, _) in self.values.items()
            if name.startswith(f"{prefix}.")
        }


def unknown_settings(settings: Settings) -> list[str]:
    """Names that mean nothing to us; of programs and limits only the plugins know, of launchers the launchers."""
    return [
        name
        for name in settings.values
        if name not in KNOWN and not name.startswith(("programs.", "limits.", "launchers."))
    ]


def user_file() -> Path:
    base = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(base) / "cryoloom" / "config.toml"


def load_settings(root: Path | None, environ: Mapping[str, str] | None = None) -> Settings:
    """Settings for a project (or for none).

    `CRYOLOOM_PROGRAMS__RELION__PATH=/opt/relion/bin` sets `programs.relion.path`; lists are words.

    Raises:
        ProjectError: a file is no TOML (the line is named), or a value is of another type than its setting.
    """
    values: dict[str, tuple[Any, str]] = {}
    files = [user_file()] + ([root / ".cryoloom" / "config.toml"] if root else [])
    for file in files:
        try:
            text = file.read_text(encoding="utf-8")
        except FileNotFoundError:
            continue
        except (OSError, UnicodeError) as error:
            raise ProjectError(f"{file}", found=f"not usable ({error})", expected="a TOML file") from None
        import tomllib  # most launches find no settings, and each has little time

        try:
            content = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise ProjectError(f"{file}", found=f"not usable ({error})", expected="a TOML file") from None
        _flatten(content, "", str(file), values)
    for variable, text in (os.environ if environ is None else environ).items():
        rest = variable.removeprefix("CRYOLOOM_")
        # Also a misspelt one, so that `doctor` can tell.
        if rest != variable and "__" in rest:
            name = rest.lower().replace("__", ".")
            values[name] = (_from_text(name, text), f"environment variable {variable}")
    for name, (value, source) in values.items():
        _check(name, value, source)
    return Settings(values)


def _check(name: str, value: Any, source: str) -> None:
    """That a value is of the type that its setting has; numbers of the machine and of limits are checked where they are used.

    Raises:
        ProjectError: it is not; which file or variable says so.
    """
    last = name.rpartition(".")[2]
    if last in _TEXTS and name.startswith("programs."):
        fits, expected = isinstance(value, str), 'text, "..."'
    elif name.endswith(".modules"):
        fits = isinstance(value, list) and all(isinstance(one, str) for one in value)
        expected = 'a list of names, ["..."]'
    elif last == "environment":
        fits = isinstance(value, Mapping) and all(
            isinstance(one, str | int | float) for one in value.values()
        )
        expected = 'a table, { NAME = "..." }'
    elif name == "scheduler.idle_s":
        fits, expected = isinstance(value, int | float) and value >= 0, "seconds, a number"
    else:
        return
    if not fits:
        raise ProjectError(f"{source}: {name}", found=repr(value), expected=expected)


def _from_text(name: str, text: str) -> Any:
    if name.endswith("modules"):
        return shlex.split(text)
    if name.endswith("environment"):
        return dict(word.partition("=")[::2] for word in shlex.split(text))
    return int(text) if text.isdigit() and name.rpartition(".")[2] not in _TEXTS else text


def _flatten(
    content: Mapping[str, Any], prefix: str, source: str, values: dict[str, tuple[Any, str]]
) -> None:
    for name, value in content.items():
        dotted = f"{prefix}{name}"
        if isinstance(value, Mapping) and not f".{dotted}".endswith(".environment"):
            _flatten(value, f"{dotted}.", source, values)
        else:
            values[dotted] = (value, source)
