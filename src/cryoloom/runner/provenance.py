"""Where foreign code comes from: its files are kept in the job's folder, with commit, interpreter and packages.

`provenance.json` says what ran, `code/` has its text as it was then. What cannot be found out (no git, a program that is no
Python) is left out: a record never keeps a job from running.
"""

import getpass
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from cryoloom._version import __version__
from cryoloom.project.jsonfile import write_json
from cryoloom.project.processes import host_name

FILE, CODE = "provenance.json", "code"
FORMAT = 1
# Larger files among a program's arguments are data, or models.
MOST_BYTES = 1_000_000
MOST_CHANGED = 50
ASK_S, GIT_S = 30.0, 10.0
_PACKAGES = (
    "import importlib.metadata as m, json, platform, sys; print(json.dumps({'python': platform.python_version(), "
    "'executable': sys.executable, 'packages': {d.metadata['Name']: d.version for d in m.distributions()}}))"
)


@dataclass(frozen=True, slots=True)
class Commit:
    """The state of a git repository that code lies in."""

    folder: str
    commit: str
    dirty: bool | None  # None: git did not say in time
    changed: Sequence[str] = ()  # files that are not as in the commit, the first fifty

    def words(self) -> str:
        changed = ", ".join(self.changed[:3]) + (", ..." if len(self.changed) > 3 else "")
        said = {
            True: f" with changes that are not committed ({changed})",
            False: "",
            None: ", of which git did not say what is changed",
        }
        return f"commit {self.commit[:12]} of {self.folder}{said[self.dirty]}"


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python and what is installed for it."""

    python: str
    executable: str
    packages: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Kept:
    """A file of the code as it was: where it lay, and its copy below the job; no copy of one that is too large."""

    path: str
    copy: str
    sha256: str


def record(
    folder: Path,
    *,
    what: str,
    argv: Sequence[str],
    cwd: Path,
    kept: Sequence[Kept],
    beside: Sequence[Path],
    interpreter: Interpreter | None,
) -> str:
    """Write down what runs; returns it in a sentence.

    Args:
        folder: the job's.
        what: "command", "script" or "cell".
        argv: the command line; of a block that of its process.
        cwd: where it runs.
        kept: its files.
        beside: folders whose git repositories the code belongs to.
        interpreter: the Python that runs it, None where it is none.
    """
    commits = [commit for path in dict.fromkeys(beside) if (commit := commit_of(path)) is not None]
    commits = [*{commit.folder: commit for commit in commits}.values()]
    content: dict[str, Any] = {
        "format": FORMAT, "what": what, "argv": [*argv], "cwd": str(cwd), "code": [asdict(one) for one in kept],
        "git": [asdict(one) for one in commits], "python": None if interpreter is None else asdict(interpreter),
        "user": user_name(), "host": host_name(), "system": " ".join(os.uname()[i] for i in (0, 2, 4)), "cryoloom": __version__,
    }  # fmt: skip
    write_json(folder / FILE, content, sync=True)
    said = [
        f"Code: {', '.join(one.path for one in kept)}"
        if kept
        else f"Code of a {what}, whose text is not known"
    ]
    said += [commit.words() for commit in commits] or ["of no git commit that is known"]
    said += [f"Python {interpreter.python}"] if interpreter is not None else []
    return "; ".join(said) + f". Kept in {CODE}/ and {FILE}."


def keep_text(folder: Path, path: str, name: str, text: str) -> Kept:
    """Keep code that is text in somebody's memory: a notebook's cell, a script as it was when it was read."""
    target = _free(folder, name)
    data = text.encode()
    target.write_bytes(data)
    return Kept(path, f"{CODE}/{target.name}", hashlib.sha256(data).hexdigest())


def keep_files(folder: Path, files: Sequence[Path]) -> list[Kept]:
    """Keep copies of files that are code or its settings, not data."""
    found = []
    for path in files:
        if path.stat().st_size > MOST_BYTES:
            found.append(Kept(str(path), "", ""))
            continue
        target = _free(folder, path.name)
        shutil.copyfile(path, target)
        found.append(
            Kept(str(path), f"{CODE}/{target.name}", hashlib.sha256(target.read_bytes()).hexdigest())
        )
    return found


def clear_code(folder: Path) -> None:
    """Another attempt is about to keep its code: that of the one before is put aside, under its number."""
    old = folder / CODE
    if old.is_dir():
        number = 1
        while (aside := folder / f"{CODE}.{number}").exists():
            number += 1
        old.rename(aside)


def own_interpreter() -> Interpreter:
    """The Python that we run in."""
    import importlib.metadata
    import platform

    packages = {one.metadata["Name"]: one.version for one in importlib.metadata.distributions()}
    return Interpreter(platform.python_version(), sys.executable, _sorted(packages))


def interpreter_of(program: Path, environment: Mapping[str, str], cwd: Path) -> Interpreter | None:
    """The Python that a program is, or that its first line names; None where it is something else."""
    python = _python_of(program, environment)
    if python is None:
        return None
    try:
        done = subprocess.run(
            [python, "-c", _PACKAGES], cwd=cwd, env=dict(environment), stdin=subprocess.DEVNULL, capture_output=True,
            timeout=ASK_S, check=True,
        )  # fmt: skip
        found = json.loads(done.stdout)
        return Interpreter(found["python"], found["executable"], _sorted(found["packages"]))
    except (OSError, subprocess.SubprocessError, ValueError, KeyError):
        return None


def commit_of(folder: Path) -> Commit | None:
    """The commit that is checked out where a folder lies, and what differs from it; None without git."""
    top = _git(folder, "rev-parse", "--show-toplevel")
    commit = _git(folder, "rev-parse", "HEAD")
    status = _git(folder, "status", "--porcelain", "--untracked-files=normal", "-z")
    if not top or not commit:
        return None
    if status is None:
        return Commit(top.strip(), commit.strip(), None)
    # Of a renamed file the old name follows as an entry of its own, without a mark.
    changed = [entry[3:] for entry in status.split("\0") if entry[2:3] == " "]
    return Commit(top.strip(), commit.strip(), bool(changed), changed[:MOST_CHANGED])


def _git(folder: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words], stdin=subprocess.DEVNULL, capture_output=True, timeout=GIT_S, check=True,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},  # whoever only looks writes no index
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode(errors="replace")


def _python_of(program: Path, environment: Mapping[str, str]) -> str | None:
    if program.name.startswith("python"):
        return str(program)
    try:
        with program.open("rb") as file:
            first = file.readline(500).decode(errors="replace")
    except OSError:
        return None
    words = first.removeprefix("#!").split() if first.startswith("#!") else []
    if len(words) > 1 and Path(words[0]).name == "env":
        words = [shutil.which(words[1], path=environment.get("PATH")) or ""]
    return words[0] if words and Path(words[0]).name.startswith("python") else None


def _free(folder: Path, name: str) -> Path:
    """A place below `code/` that no other file of this job has."""
    (folder / CODE).mkdir(exist_ok=True)
    target, number = folder / CODE / name, 2
    while target.exists():
        target, number = folder / CODE / f"{Path(name).stem}_{number}{Path(name).suffix}", number + 1
    return target


def _sorted(packages: Mapping[Any, str]) -> dict[str, str]:
    return {str(name): packages[name] for name in sorted(packages, key=lambda name: str(name).lower())}


def user_name() -> str:
    """Who runs this, by the system."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())  # an account that the system does not know
