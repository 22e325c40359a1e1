"""Who can be killed: living processes that work for a project, by kind; waiting for it, and what is left when all is over."""

import contextlib
import json
import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from cryoloom.project.index import cache_folder

KINDS = ("scheduler", "shepherd", "job process", "program")
# On a slow machine a scheduler that is killed at each sight never comes to start what else is to be killed.
AHEAD = 15


def victims(folder: Path, kind: str) -> list[int]:
    """Living processes of a kind that work for the project."""
    if kind == "scheduler":
        lock = cache_folder(folder) / "scheduler.lock"
        text = lock.read_text().strip() if lock.exists() else ""
        return [int(text)] if text and _lives(int(text)) else []
    shepherds = []
    for claim in folder.glob("[A-Z]*/job*/.cryoloom/attempts/*/claim"):
        if not claim.with_name("exit.json").exists():
            shepherds.append(json.loads(claim.read_text())["pid"])
    if kind == "shepherd":
        return shepherds
    bodies, below = [], []
    for pid in shepherds:
        try:
            children = psutil.Process(pid).children()
            bodies += [child.pid for child in children]
            below += [process.pid for child in children for process in child.children(recursive=True)]
        except psutil.Error:
            continue
    return bodies if kind == "job process" else below


def kill_at_random(
    folder: Path,
    chance: random.Random,
    kills: int,
    pause_s: tuple[float, float],
    between: Callable[[bool], None],
) -> dict[str, int]:
    """Kill so many processes of all kinds with -9, none much oftener than another; what was killed how often.

    Args:
        pause_s: the shortest and the longest time between two.
        between: called after each look, with whether something was killed.
    """
    killed = dict.fromkeys(KINDS, 0)
    deadline = time.monotonic() + 10 * kills * pause_s[1] + 60
    while sum(killed.values()) < kills and time.monotonic() < deadline:
        time.sleep(chance.uniform(*pause_s))
        kind = chance.choices(KINDS, (1, 3, 4, 4))[0]
        is_ahead = killed[kind] > min(killed.values()) + AHEAD
        found = [] if is_ahead else victims(folder, kind)
        has_killed = False
        if found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(chance.choice(found), signal.SIGKILL)
                killed[kind] += 1
                has_killed = True
        between(has_killed)
    return killed


def _lives(pid: int) -> bool:
    """Not a zombie that nobody has waited for yet."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def left_behind(folder: Path) -> list[str]:
    """Processes that carry the token of an attempt at a job of the project."""
    tokens = set()
    for command in folder.glob("[A-Z]*/job*/.cryoloom/attempts/*/command.json"):
        tokens.add(f"CRYOLOOM_ATTEMPT={json.loads(command.read_text())['token']}".encode())
    found = []
    for process in psutil.process_iter():
        try:
            environment = Path(f"/proc/{process.pid}/environ").read_bytes().split(b"\0")
            if tokens & set(environment):
                found.append(" ".join(process.cmdline()))
        except (psutil.Error, OSError):
            continue
    return found
