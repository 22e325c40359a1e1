"""The scheduler of one project: looks, decides, acts; ends when nothing is left to do.

Run as `python -m cryoloom.engine.scheduler ROOT`. It may be killed at any moment: all that it knows
lies in the job folders, and jobs go on without it.
"""

import contextlib
import fcntl
import hashlib
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import assert_never

from cryoloom.engine.facts import FactGatherer
from cryoloom.launchers import local
from cryoloom.launchers.machine import usable_cores
from cryoloom.project import pipeline as pipe
from cryoloom.project.attempts import make_attempt, mark_lost, newest_attempt
from cryoloom.project.folder import ProjectFolder
from cryoloom.project.jsonfile import read_json_or_none, write_json
from cryoloom.project.notes import set_mark
from cryoloom.project.settings import load_settings
from cryoloom.schedule.decide import (
    Action,
    CallLost,
    Cancel,
    Decision,
    GiveUp,
    JobFacts,
    Launch,
    LaunchAgain,
    decide,
)

LOOK_S = 0.1
SLOW_LOOK_S = 0.5
IDLE_S = 60.0


def cache_folder(root: Path) -> Path:
    """Where what can be rebuilt lies: never in the project."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    name = hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:16]
    return Path(base) / "cryoloom" / f"{root.resolve().name}-{name}"


def ensure_scheduler(root: Path) -> None:
    """Start the project's scheduler, detached, unless one lives."""
    folder = cache_folder(root)
    folder.mkdir(parents=True, exist_ok=True)
    if _is_locked(folder / "scheduler.lock"):
        return
    with (folder / "scheduler.log").open("ab") as log:
        subprocess.Popen(
            [sys.executable, "-m", "cryoloom.engine.scheduler", str(root.resolve())],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def read_waits(root: Path) -> dict[str, str]:
    """Why jobs wait, as the scheduler last said; empty without one."""
    content = read_json_or_none(cache_folder(root) / "waits.json") or {}
    return {str(name): str(why) for name, why in content.get("waits", {}).items()}


def main(root: Path) -> int:
    """Run until nothing has been there to do for a while."""
    folder = cache_folder(root)
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder / "scheduler.lock", os.O_RDWR | os.O_CREAT, 0o600)
    if not _locked_within(handle, 1.0):
        return 0  # another one lives
    os.ftruncate(handle, 0)
    os.write(handle, f"{os.getpid()}\n".encode())
    # A launched shepherd that has ended must not stay behind as a zombie of ours.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    project = ProjectFolder(root)
    settings = load_settings(project.root)
    gatherer = FactGatherer(project, usable_cores(settings.get("machine.cores")))
    idle_s = float(settings.get("scheduler.idle_s", IDLE_S))
    last_busy = time.monotonic()
    last_waits: dict[str, str] | None = None
    while time.monotonic() - last_busy < idle_s:
        if not (project.root / pipe.FILE).exists():
            return 0  # the project was removed
        facts = gatherer.look()
        decision = decide(facts)
        for action in decision.actions:
            with _reported(action):
                _do(project, action)
        with _reported("statuses"):
            _tell_pipeline(project, facts, gatherer)
        if decision.waits != last_waits:
            last_waits = dict(decision.waits)
            write_json(folder / "waits.json", {"waits": last_waits})
        if decision.busy or decision.actions:
            last_busy = time.monotonic()
        time.sleep(LOOK_S if _is_lively(decision, facts) else SLOW_LOOK_S)
    return 0


def _is_lively(decision: Decision, facts: Mapping[str, JobFacts]) -> bool:
    return bool(decision.actions) or any(job.state == "running" for job in facts.values())


def _do(project: ProjectFolder, action: Action) -> None:
    folder = project.root / action.job
    match action:
        case Launch(job):
            previous = newest_attempt(folder)
            if previous is not None and previous.claim is not None:
                _sweep(str(previous.claim.get("token")))
            attempt = make_attempt(folder)
            if attempt is not None:
                local.launch(project.root, job, attempt)
        case LaunchAgain():
            newest = newest_attempt(folder)
            if newest is not None:
                if not (newest.folder / "command.json").exists():
                    local.launch(project.root, action.job, newest.folder)
                else:
                    local.start_shepherd(newest.folder)
        case CallLost():
            newest = newest_attempt(folder)
            if newest is not None and not newest.ended:
                _sweep(str((newest.claim or {}).get("token")))
                mark_lost(newest, "its shepherd is gone without a word")
        case Cancel():
            newest = newest_attempt(folder)
            if newest is not None and not newest.ended:
                (newest.folder / "cancel").touch()
        case GiveUp(job, why):
            newest = newest_attempt(folder)
            if newest is not None:
                write_json(newest.folder / "given_up.json", {"why": why})
        case _:
            assert_never(action)


def _sweep(token: str) -> None:
    """End what an attempt left behind; twice nothing found means clean."""
    clean = 0
    while clean < 2:
        found = local.processes_of(token)
        clean = 0 if found else clean + 1
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def _tell_pipeline(project: ProjectFolder, facts: Mapping[str, JobFacts], gatherer: FactGatherer) -> None:
    """Bring RELION's pipeline up to date, and leave the mark of a job that could not itself."""
    statuses = {}
    for name, job in facts.items():
        if gatherer.watched[name].entry.spec is None:
            continue
        statuses[name] = pipe.STATES.index(job.state)
        if job.state == "aborted" and not (project.root / name / "RELION_JOB_EXIT_ABORTED").exists():
            set_mark(project.root / name, "aborted")
    project.set_statuses(statuses)


@contextlib.contextmanager
def _reported(what: object) -> Iterator[None]:
    """One job's trouble must not end the scheduler of all: report it and go on."""
    try:
        yield
    except Exception:
        print(f"{time.strftime('%F %T')} {what}", file=sys.stderr)
        traceback.print_exc()


def _locked_within(handle: int, patience_s: float) -> bool:
    """Take the scheduler's lock; who merely looks whether it is held has it for an instant."""
    began = time.monotonic()
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() - began > patience_s:
                return False
            time.sleep(0.05)


def _is_locked(path: Path) -> bool:
    try:
        handle = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
