"""What an attempt is made with is written down for who asks later: programs, versions, seeds, and what its files held."""

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from cryoloom._version import __version__
from cryoloom.errors import CryoloomError
from cryoloom.project.commands import programs_of
from cryoloom.project.fingerprints import Fingerprint, fingerprint
from cryoloom.project.processes import host_name
from cryoloom.project.records import (
    ProgramUsed,
    Record,
    fingerprints_of,
    random_seed_of,
    results_in,
    write_record,
)
from cryoloom.project.settings import Settings
from cryoloom.protocol.command import Command
from cryoloom.protocol.protocols import ProgramProtocol, SetProtocol, SourceProtocol
from cryoloom.runner.context import RunContext
from cryoloom.runner.programs import RELION_ENVIRONMENT, arguments, environment
from cryoloom.runner.provenance import user_name

ASK_S = 10.0
# What our own steps compute with: their versions may change a result.
PACKAGES = ("numpy", "polars", "scipy", "mrcfile", "tifffile")
_VERSION = re.compile(r"\bv?(\d+(?:\.\d+)+[\w.+-]*)")


def inputs_before(run: RunContext) -> dict[str, Fingerprint]:
    """The inputs of a job that reads them whole, before it does; those of others grow, and are looked at afterwards."""
    return _inputs(run) if isinstance(run.protocol, ProgramProtocol | SetProtocol) else {}


def record_attempt(run: RunContext, before: Mapping[str, Fingerprint]) -> None:
    """Write down what an attempt was made with, and what it made.

    Args:
        run: the attempt, which is over.
        before: its inputs as they were before it, where they did not grow.
    Raises:
        OSError: there is no room for it.
    """
    record = Record(
        attempt=run.journal.attempt,
        cryoloom=__version__,
        python=platform.python_version(),
        packages=_versions(),
        host=host_name(),
        system=" ".join(os.uname()[part] for part in (0, 2, 4)),
        user=user_name(),
        programs=_programs(run),
        environment=dict(RELION_ENVIRONMENT) if run.protocol.programs else {},
        random_seed=random_seed_of(run.folder),
        inputs={**_inputs(run), **before},
    )
    write_record(run.folder, record, fingerprints_of(run.root, _made(run)))


def _inputs(run: RunContext) -> dict[str, Fingerprint]:
    """The files that inputs and parameters name."""
    named = [dataset.path for dataset in run.protocol.given.values() if dataset]
    named += [
        str(Path(str(value)).expanduser())
        for name, value in run.protocol.values.items()
        if run.protocol.params[name].means == "file" and value
    ]
    return fingerprints_of(run.root, iter(dict.fromkeys(named)))


def _made(run: RunContext) -> Iterator[str]:
    yield from results_in(run.root, run.name)
    if isinstance(run.protocol, SourceProtocol):
        # An import's files lie, or are linked, beside its folder, where RELION's programs look for them.
        yield from _brought(run)


def _brought(run: RunContext) -> Iterator[str]:
    from cryoloom import star

    label = run.protocol.labels()[0] if isinstance(run.protocol, SourceProtocol) else ""
    for dataset in run.protocol.output_files(run.job).values():
        path = run.root / dataset.path
        if path.suffix != ".star" or not path.is_file():
            continue
        for table in star.tables_of(star.read(path)).values():
            if label in table.columns:
                yield from dict.fromkeys(str(text).rpartition("@")[2] for text in table[label].to_list())


def _programs(run: RunContext) -> dict[str, ProgramUsed]:
    found = {name: program_now(name, run.settings, run.root) for name in programs_of(run.protocol, run.job)}
    return {name: one for name, one in found.items() if one is not None}


def program_now(name: str, settings: Settings, cwd: Path) -> ProgramUsed | None:
    """A program as it lies on this machine and says of itself; None where it is not installed."""
    try:
        argv = arguments(Command(name, ("--version",)), settings)
    except CryoloomError:
        return None
    version = _version(argv, settings, cwd)
    if argv[0] == "bash":
        return ProgramUsed("", version, "")  # environment modules know where it is
    path = shutil.which(argv[0]) or argv[0]
    return ProgramUsed(path, version, _digest(Path(path)))


def _version(argv: list[str], settings: Settings, cwd: Path) -> str:
    """What a program says of its version; "" where it says none."""
    try:
        done = subprocess.run(
            argv, cwd=cwd, env=environment(Command(argv[0], ()), settings), stdin=subprocess.DEVNULL, capture_output=True,
            timeout=ASK_S,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return ""
    said = _VERSION.search((done.stdout + done.stderr)[:4000].decode(errors="replace"))
    return said.group(1) if said else ""


def _digest(path: Path) -> str:
    try:
        return fingerprint(path).digest
    except OSError:
        return ""


def _versions() -> dict[str, str]:
    import importlib.metadata

    found = {}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
