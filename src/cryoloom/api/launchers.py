"""Launchers for a user: which there are, a new one set up from what the site has, one tried."""

import json
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cryoloom.errors import LaunchError, ParameterError, ProjectError
from cryoloom.launchers.adopting import Adopted, adopted, system_here
from cryoloom.launchers.asking import Asks
from cryoloom.launchers.batch import Batch, write_script
from cryoloom.launchers.commands import OF_HOST
from cryoloom.launchers.launcher import Silent
from cryoloom.launchers.site import LOCAL, NUMBERS, Site, names_of, site_of
from cryoloom.launchers.systems import SYSTEMS
from cryoloom.project.jsonfile import read_json_if_there, write_json
from cryoloom.project.settings import load_settings, user_file
from cryoloom.runner.programs import RELION_ENVIRONMENT

PATIENCE_S = 300.0


@dataclass(frozen=True, slots=True)
class Described:
    """A launcher in words."""

    name: str
    system: str
    template: str
    queue: str
    walltime_min: int
    fault: str = ""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of a trial: the script, and what it found where it ran; `faults` say what is missing."""

    script: str
    found: Mapping[str, str]
    faults: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        return {"script": self.script, "found": dict(self.found), "faults": list(self.faults)}


def launchers(root: Path | None) -> list[Described]:
    """Those that jobs of a project may go to; one that is described wrongly says how."""
    settings = load_settings(root)
    found = []
    for name in names_of(settings, os.environ):
        if name == LOCAL:
            found.append(Described(LOCAL, "this machine", "", "", 0))
            continue
        try:
            site = site_of(settings, name)
        except ProjectError as error:
            found.append(Described(name, "", "", "", 0, str(error)))
            continue
        template = site.template_file or f"a plain one for {site.system.name}"
        found.append(Described(name, site.system.name, template, site.queue, site.walltime_min))
    return found


def add(name: str, source: Path | None, given: Mapping[str, str]) -> tuple[Path, Adopted]:
    """Write a launcher into the user's settings.

    Args:
        name: of one's own.
        source: a file of the site's; None: a plain script for the batch system that is here.
        given: values of the section that are to hold instead of what was understood.
    Returns:
        The file, and what was understood.
    Raises:
        ParameterError: a name that is none, or is taken.
        LaunchError: no batch system is here, or the file is none.
        ProjectError: what would be written is no launcher.
    """
    if not name.isidentifier() or name in (LOCAL, "rules", "default"):
        raise ParameterError("The launcher's name", found=repr(name), expected="a word of letters and digits")
    settings = load_settings(None)
    if settings.under(f"launchers.{name}"):
        where = next(
            source for key, (_, source) in settings.values.items() if key.startswith(f"launchers.{name}.")
        )
        raise ParameterError(f"launcher {name}", found=f"in {where}", expected="a new name")
    found = (
        adopted(source, given.get("system", ""))
        if source
        else Adopted({"system": given.get("system") or system_here()})
    )
    values = {**found.values, **given}
    if given.get("template"):
        values["template"] = str(Path(given["template"]).expanduser().resolve())
    if values["system"] not in SYSTEMS:
        raise LaunchError(
            "The batch system", found=repr(values["system"] or "neither sbatch nor qsub nor bsub in PATH"),
            expected=f"one of {', '.join(SYSTEMS)}", hint="Say which with system=...",
        )  # fmt: skip
    file = user_file()
    if found.template:
        kept = file.parent / "launchers" / f"{name}.sh"
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(found.template, encoding="utf-8")
        values["template"] = str(kept)
    section = section_of(name, values)
    file.parent.mkdir(parents=True, exist_ok=True)
    before = file.read_text(encoding="utf-8") if file.exists() else ""
    beside = file.with_name(f".{file.name}.tmp")
    beside.write_text(
        before + ("\n" if before and not before.endswith("\n\n") else "") + section, encoding="utf-8"
    )
    beside.replace(file)
    try:
        site_of(load_settings(None), name)
    except ProjectError:
        file.write_text(before, encoding="utf-8")
        raise
    return file, found


def section_of(name: str, values: Mapping[str, Any]) -> str:
    """A section as TOML."""
    lines = [f"[launchers.{name}]"]
    extra = {key[6:]: value for key, value in values.items() if key.startswith("extra.")}
    for key, value in values.items():
        if not key.startswith("extra.") and value != "":
            is_number = key in NUMBERS and str(value).replace(".", "", 1).isdigit()
            lines.append(f"{key} = {value if is_number else json.dumps(value, ensure_ascii=False)}")
    if extra:
        pairs = ", ".join(
            f"{key} = {json.dumps(str(value), ensure_ascii=False)}" for key, value in extra.items()
        )
        lines.append(f"extra = {{ {pairs} }}")
    return "\n".join(lines) + "\n"


def rendered(root: Path, name: str, given: Mapping[str, str]) -> tuple[Site, Path]:
    """The script of a trial job, and its folder; nothing is submitted.

    Raises:
        ProjectError, LaunchError: a launcher that is none, a template that asks for what nobody gave.
    """
    site = site_of(load_settings(root), name)
    attempt = root / ".cryoloom" / "trials" / name / ".cryoloom" / "attempts" / f"{time.time_ns()}"
    attempt.mkdir(parents=True)
    extra = {key: value for key, value in given.items() if key not in ("queue", "ranks", "gpus")}
    numbers = {key: _number(key, given.get(key, default)) for key, default in (("ranks", "2"), ("gpus", "0"))}
    asks = Asks(
        ranks=numbers["ranks"], threads=1, gpus=numbers["gpus"], queue=given.get("queue", ""),
        walltime_min=5, extra=extra,
    )  # fmt: skip
    write_json(
        attempt / "command.json",
        {"argv": ["/bin/sh", "-c", _TRIAL, "trial", str(attempt / "found")], "cwd": str(root), "env": RELION_ENVIRONMENT,
         "token": f"{time.time_ns():x}", "launcher": name, "asks": asks.as_dict(), "of_host": OF_HOST},
    )  # fmt: skip
    write_script(site, attempt)
    return site, attempt


def _number(name: str, text: str) -> int:
    if not str(text).isdigit():
        raise ParameterError(name, found=repr(text), expected="a whole number")
    return int(text)


# Printed on the node, as `name value` a line. `mpirun` starts its ranks as the allocation has them.
_TRIAL = """
{
echo "node $(hostname)"
echo "python $(command -v python3)"
echo "relion $(command -v relion_refine)"
echo "gpus ${CUDA_VISIBLE_DEVICES:-}"
echo "clock $(date +%s)"
echo "cores ${SLURM_CPUS_ON_NODE:-$(nproc)}"
echo "ranks $(mpirun sh -c 'echo $OMPI_COMM_WORLD_RANK$PMI_RANK' 2>/dev/null | sort -u | wc -l)"
} > "$1.tmp" && mv "$1.tmp" "$1"
"""


def tried(root: Path, name: str, given: Mapping[str, str], patience_s: float = PATIENCE_S) -> Trial:
    """Submit a trial job, wait for it, and say what it found and what is missing.

    Raises:
        ProjectError, LaunchError: as `rendered`; a submission that is refused.
    """
    site, attempt = rendered(root, name, given)
    script = (attempt / "submit.sh").read_text(encoding="utf-8")
    batch = Batch(site)
    began = time.time()
    try:
        id = batch.submit(attempt)
    except Silent as silence:
        return Trial(script, {}, (f"the batch system does not answer: {silence}",))
    end = time.monotonic() + patience_s
    while time.monotonic() < end and not (attempt / "exit.json").exists():
        if batch.poll([id])[id] == "over" and time.monotonic() > end - patience_s + 30:
            break
        time.sleep(0.2)
    found = dict(line.split(" ", 1) for line in _lines(attempt / "found") if " " in line)
    found["id"] = id
    ended = read_json_if_there(attempt / "exit.json")
    return Trial(script, found, (*_faults(found, ended, batch, id, attempt, given, began),))


def _faults(
    found: Mapping[str, str], ended: Mapping[str, Any] | None, batch: Batch, id: str, attempt: Path,
    given: Mapping[str, str], began: float,
) -> list[str]:  # fmt: skip
    if ended is None:
        said = " ".join(_lines(attempt / "batch.err") + _lines(attempt / "batch.out"))
        return [
            f"the job did not come to its end: {batch.said_of(id)}" + (f". It said: {said}" if said else "")
        ]
    faults = []
    if not found.get("relion"):
        faults.append(
            "relion_refine is not in PATH there: a line such as `module load relion` belongs into the template"
        )
    wanted = int(given.get("ranks", 2))
    if found.get("ranks") != str(wanted):
        faults.append(
            f"mpirun starts {found.get('ranks') or 'no'} ranks there, not the {wanted} that were asked for"
        )
    if int(given.get("gpus", 0)) and len(found.get("gpus", "").split(",")) != int(given["gpus"]):
        faults.append(f"the GPUs there are {found.get('gpus') or 'none'}, not {given['gpus']} of them")
    clock = float(found.get("clock", "0") or 0)
    if clock and not began - 5 <= clock <= time.time() + 5:
        faults.append(f"its clock is off by {clock - time.time():.0f} s")
    return faults


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
