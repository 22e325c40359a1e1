"""What the scheduler does when it has decided: each deed is safe to do twice, and to die in the middle of."""

import sys
import time
from pathlib import Path
from typing import assert_never

from cryoloom.errors import LaunchError, ProjectError
from cryoloom.launchers.asking import asks_of
from cryoloom.launchers.at_hand import AtHand
from cryoloom.launchers.commands import FILE, write_command
from cryoloom.launchers.launcher import Launcher, Silent, ids_of, submit
from cryoloom.launchers.leftovers import end_left_behind
from cryoloom.launchers.site import LOCAL
from cryoloom.project.attempts import Attempt, make_attempt, mark_lost, newest_attempt, read_control
from cryoloom.project.folder import ProjectFolder
from cryoloom.project.jobspec import read_spec
from cryoloom.project.jsonfile import write_json
from cryoloom.project.registry import find_protocol
from cryoloom.project.retrying import open_followers
from cryoloom.schedule.decide import Action, CallLost, Cancel, GiveUp, Launch, LaunchAgain, OpenFollowers


def do(project: ProjectFolder, at_hand: AtHand, action: Action) -> None:
    """Do what was decided, as far as it is still to be done: others may have been faster."""
    folder = project.root / action.job
    newest = newest_attempt(folder)
    number = newest.number if newest is not None else 0
    if not isinstance(action, OpenFollowers) and action.attempt != number:
        return  # of two schedulers the other was faster: there is another attempt now, of which nothing was decided
    running = newest if newest is not None and not newest.ended else None
    match action:
        case Launch(job):
            if running is not None:
                return
            if newest is not None and newest.claim is not None:
                end_left_behind(newest.claim)
            attempt = make_attempt(folder, after=number)
            if attempt is not None:
                _launch(project, at_hand, job, attempt)
        case LaunchAgain(job):
            if running is not None and running.claim is None:
                _launch(project, at_hand, job, running.folder)
        case CallLost():
            if running is not None:
                _end(at_hand.of_attempt(running.folder), running)
                mark_lost(
                    running, "its process is gone without a word: killed, or the machine lost its power"
                )
        case Cancel():
            if running is not None:
                (running.folder / "cancel").touch()
                if running.claim is None:
                    _take_from_queue(at_hand.of_attempt(running.folder), running)
        case OpenFollowers(job):
            open_followers(project.root, job)
        case GiveUp(why=why):
            if newest is not None:
                write_json(newest.folder / "given_up.json", {"why": why})
        case _:
            assert_never(action)


def _launch(project: ProjectFolder, at_hand: AtHand, job: str, attempt: Path) -> None:
    try:
        if not (attempt / FILE).exists():
            _describe(project, at_hand, job, attempt)
        submit(at_hand.of_attempt(attempt), attempt)
    except Silent as silence:
        # Asked again when it has gone unclaimed for a while.
        print(f"{time.strftime('%F %T')} {job}: {silence}", file=sys.stderr)
    except (LaunchError, ProjectError) as error:
        # As an end without a verdict: tried again some times, and then given up with this reason.
        mark_lost(Attempt(attempt, int(attempt.name), None, None), str(error))


def _describe(project: ProjectFolder, at_hand: AtHand, job: str, attempt: Path) -> None:
    """What the attempt's shepherd is to start, and where."""
    spec, control = read_spec(project.root / job), read_control(project.root / job)
    module = find_protocol(spec.protocol).__module__
    name = at_hand.where(str(control["launcher"]), spec.protocol)
    if name == LOCAL:
        write_command(project.root, job, attempt, module)
        return
    asks = asks_of(project.entry(job).make_protocol(), control)
    write_command(project.root, job, attempt, module, name, asks.as_dict(), at_hand.limit_s(name, asks))


def _end(launcher: Launcher, attempt: Attempt) -> None:
    """End what is left of an attempt, and what may still be about to begin."""
    for id in ids_of(launcher, attempt.folder):
        launcher.cancel(id)
    if attempt.claim is not None:
        end_left_behind(attempt.claim)


def _take_from_queue(launcher: Launcher, attempt: Attempt) -> None:
    """It would come, perhaps after hours, only to find that it is not wanted; one that is about to begin finds it at once."""
    ids = ids_of(launcher, attempt.folder)
    for id, standing in launcher.poll(ids).items():
        if standing == "queued":
            launcher.cancel(id)
