"""A launcher as the settings describe it: which batch system, which template, what to ask for and what is allowed.

```toml
[launchers.gpu]
system = "slurm"                     # slurm, pbs, sge, lsf
template = "/site/cryo/submit.sh"    # Jinja, RELION's, cryoSPARC's or Scipion's; without one: a plain script of ours
queue = "gpu"
walltime = "24:00:00"                # or minutes
memory_gb = 32                       # where a job does not say itself what it takes
threads = 4                          # of each rank, where the job leaves it to the machine
gpus = 2                             # where a job that runs on GPUs names none
nodes = 1
most_jobs = 50                       # in the queue and running at once; 0: no limit
poll_s = 5                           # one question for all jobs, no oftener than this
grace_s = 90                         # what answers do not name for so long has ended, and was forgotten
submit = "sbatch --parsable"         # instead of the system's own commands; the script stands at its end
extra = { account = "em" }           # what the template asks besides

[launchers]
default = "local"
rules = { "relion.refine3d" = "gpu", "relion.class2d" = "gpu" }
```
"""

import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryoloom.errors import LaunchError, ProjectError
from cryoloom.launchers.systems import SYSTEMS, System
from cryoloom.project.settings import Settings

LOCAL, RELION = "local", "relion"
NUMBERS = ("memory_gb", "threads", "ranks", "gpus", "nodes", "most_jobs", "poll_s", "grace_s")
_TEXTS = ("system", "template", "queue", "walltime", "submit", "ask", "cancel")
# Which system a command to submit belongs to; `qsub` is PBS's and Grid Engine's.
BY_COMMAND = {"sbatch": "slurm", "qsub": "pbs", "bsub": "lsf"}
_NAME = re.compile(r"[A-Za-z][\w-]*")


@dataclass(frozen=True, slots=True)
class Site:
    """One launcher of the settings."""

    name: str
    system: System
    template: str
    template_file: str = ""  # "" for the system's own
    queue: str = ""
    walltime_min: int = 0
    memory_gb: float = 4.0
    ranks: int = 1
    threads: int = 4
    gpus: int = 1
    nodes: int = 1
    most_jobs: int = 0
    poll_s: float = 5.0
    grace_s: float = 90.0
    submit: tuple[str, ...] = ()  # instead of the system's own commands
    ask: tuple[str, ...] = ()
    cancel: tuple[str, ...] = ()
    extra: Mapping[str, str] = field(default_factory=dict)


def names_of(settings: Settings, environ: Mapping[str, str]) -> list[str]:
    """The launchers that there are: this machine, those of the settings, and RELION's where its variables are set."""
    own = {
        name.partition(".")[0]
        for name in settings.under("launchers")
        if "." in name and not name.startswith("rules.")
    }
    relion = [RELION] if environ.get("RELION_QSUB_TEMPLATE") and RELION not in own else []
    return [LOCAL, *sorted(own), *relion]


def site_of(settings: Settings, name: str, environ: Mapping[str, str] | None = None) -> Site:
    """A launcher's description.

    Raises:
        ProjectError: there is none of this name, or a value of it is none; all that is wrong is told.
    """
    environ = os.environ if environ is None else environ
    values = settings.under(f"launchers.{name}")
    if not values and name == RELION and environ.get("RELION_QSUB_TEMPLATE"):
        values = of_relion(environ)
    known = names_of(settings, environ)
    if not values or not _NAME.fullmatch(name):
        raise ProjectError(
            f"launcher {name}", found="not in the settings", expected=f"one of {', '.join(known)}",
            hint="`cryoloom launcher add` sets one up.",
        )  # fmt: skip
    faults = [fault for key, value in values.items() if (fault := _fault(key, value))]
    system = str(values.get("system", ""))
    if system not in SYSTEMS:
        faults.append(f"system is {system!r}: one of {', '.join(SYSTEMS)}")
    file, text = str(values.get("template", "")), ""
    if file and not Path(file).expanduser().is_absolute():
        faults.append(f"template {file} may mean several files: its whole path")
    elif file:
        try:
            text = Path(file).expanduser().read_text(encoding="utf-8")
        except (OSError, UnicodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no text"
            faults.append(f"template {file} cannot be read: {reason}")
    minutes = 0
    try:
        minutes = minutes_of(str(values.get("walltime", "")))
    except LaunchError as error:
        faults.append(f"walltime is {error.found}: {error.expected}")
    if faults:
        raise ProjectError(
            f"launcher {name}",
            found=f"described wrongly: {'; '.join(faults)}",
            expected="values as in docs/clusters.md",
        )
    numbers = {key: type(getattr(_DEFAULTS, key))(values[key]) for key in NUMBERS if key in values}
    return Site(
        name, SYSTEMS[system](), text or SYSTEMS[system].template, file, str(values.get("queue", "")), minutes,
        submit=_words(values, "submit"), ask=_words(values, "ask"), cancel=_words(values, "cancel"),
        extra={key[6:]: str(value) for key, value in values.items() if key.startswith("extra.")}, **numbers,
    )  # fmt: skip


def of_relion(environ: Mapping[str, str]) -> dict[str, Any]:
    """What RELION's own variables say, as a section of the settings."""
    command = environ.get("RELION_QSUB_COMMAND", "qsub")
    first = Path(shlex.split(command)[0]).name if command.strip() else ""
    values: dict[str, Any] = {
        "system": BY_COMMAND.get(first, "pbs"),
        "template": environ["RELION_QSUB_TEMPLATE"],
        "queue": environ.get("RELION_QUEUE_NAME", ""),
        "submit": command,
    }
    # RELION's extra questions are numbered, and their answers have defaults.
    for number in range(1, 100):
        if f"RELION_QSUB_EXTRA{number}" in environ:
            values[f"extra.extra{number}"] = environ.get(f"RELION_QSUB_EXTRA{number}_DEFAULT", "")
    return values


def minutes_of(text: str) -> int:
    """Minutes of `90`, `24:00:00` (hours), `1-12:00:00` (days) or `36h`; 0 of nothing.

    Raises:
        LaunchError: something else.
    """
    text = text.strip()
    if not text or text.isdigit():
        return int(text or 0)
    if match := re.fullmatch(r"(\d+(?:\.\d+)?)\s*([dhm])", text):
        return round(float(match.group(1)) * {"d": 1440, "h": 60, "m": 1}[match.group(2)])
    if match := re.fullmatch(r"(?:(\d+)-)?(\d+):(\d\d)(?::(\d\d))?", text):
        days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
        return days * 1440 + hours * 60 + minutes + (seconds > 0)
    raise LaunchError("walltime", found=repr(text), expected="minutes, 24:00:00, 1-12:00:00 or 36h")


def chosen(settings: Settings, wish: str, protocol: str) -> str:
    """Where a job goes: where its user wishes, else by the rules for protocols, else the default."""
    if wish:
        return wish
    rules = settings.under("launchers.rules")
    return str(rules.get(protocol, settings.get("launchers.default", LOCAL)))


def _fault(key: str, value: Any) -> str:
    if key.startswith("extra."):
        return ""
    if key in NUMBERS:
        try:
            return "" if float(value) >= 0 else f"{key} is {value!r}: a number, 0 or more"
        except (TypeError, ValueError):
            return f"{key} is {value!r}: a number, 0 or more"
    if key not in _TEXTS:
        return f"{key} is unknown: one of {', '.join([*_TEXTS, *NUMBERS, 'extra'])}"
    return "" if isinstance(value, str | int) else f"{key} is {value!r}: a text"


def _words(values: Mapping[str, Any], key: str) -> tuple[str, ...]:
    return (*shlex.split(str(values.get(key, ""))),)


_DEFAULTS = Site("", SYSTEMS["slurm"](), "")
