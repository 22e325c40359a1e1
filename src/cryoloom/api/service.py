"""What keeps a project's scheduler alive for days: a unit of the user's systemd, or a line for `crontab`."""

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cryoloom.errors import ProjectError

RESTART_S = 30


def unit_name(root: Path) -> str:
    """The unit of a project; no two projects share one."""
    words = "".join(c if c.isalnum() else "-" for c in root.name)
    return f"cryoloom-{words}-{hashlib.sha256(os.fsencode(root)).hexdigest()[:8]}.service"


def unit_text(root: Path) -> str:
    """The unit: starts the scheduler, and again when it was killed or had nothing to do."""
    command = " ".join(_quoted(word) for word in _command(root))
    return (
        f"[Unit]\nDescription=Cryoloom's scheduler of {str(root).replace('%', '%%')}\n\n"
        # Jobs outlive their scheduler: only its own process is ended with the unit.
        f"[Service]\nExecStart={command}\nRestart=always\nRestartSec={RESTART_S}\nKillMode=process\n\n"
        "[Install]\nWantedBy=default.target\n"
    )


def crontab_line(root: Path) -> str:
    """Where there is no systemd: looked every five minutes; one that lives already lets the other end at once."""
    return f"*/5 * * * * {shlex.join(_command(root)).replace('%', chr(92) + '%')} >/dev/null 2>&1"


@dataclass(frozen=True, slots=True)
class Unit:
    """What would keep a project's scheduler alive, and whether it is there."""

    file: str
    installed: bool
    text: str
    crontab: str  # the line that does it where there is no systemd

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def unit_of(root: Path) -> Unit:
    """The unit of a project; nothing is changed."""
    file = unit_file(root)
    return Unit(str(file), file.exists(), unit_text(root), crontab_line(root))


def install(root: Path) -> Path:
    """Write the unit and have systemd start it; returns its file.

    Raises:
        ProjectError: there is no systemd of this user's; the unit was not kept.
    """
    file = unit_file(root)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(unit_text(root), encoding="utf-8")
    try:
        _systemctl("daemon-reload")
        _systemctl("enable", "--now", file.name)
    except ProjectError:
        file.unlink()
        raise
    return file


def remove(root: Path) -> bool:
    """Take the unit away; whether there was one. Jobs go on."""
    file = unit_file(root)
    if not file.exists():
        return False
    _systemctl("disable", "--now", file.name)
    file.unlink()
    _systemctl("daemon-reload")
    return True


def unit_file(root: Path) -> Path:
    base = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(base) / "systemd" / "user" / unit_name(root)


def _command(root: Path) -> list[str]:
    return [sys.executable, "-m", "cryoloom.engine.scheduler", str(root)]


def _quoted(word: str) -> str:
    """A word as systemd reads it: `%` and `$` mean something to it, and so do blanks and quotes."""
    text = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{text}"'


def _systemctl(*words: str) -> None:
    hint = "Without systemd: put the line that `cryoloom service show` prints into `crontab -e`."
    if shutil.which("systemctl") is None:
        raise ProjectError("systemctl", found="not installed", expected="systemd", hint=hint)
    done = subprocess.run(["systemctl", "--user", *words], capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise ProjectError(
            f"systemctl --user {' '.join(words)}",
            found=f"failed ({done.stderr.strip()})",
            expected="to succeed",
            hint=hint,
        )
