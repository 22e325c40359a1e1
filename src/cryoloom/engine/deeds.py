"""What the scheduler does when it has decided: each deed is safe to do twice, and to die in the middle of."""

from pathlib import Path
from typing import assert_never

from cryoloom.errors import LaunchError
from cryoloom.launchers.commands import write_command
from cryoloom.launchers.launcher import Launcher, ids_of, submit
from cryoloom.launchers.leftovers import end_left_behind
from cryoloom.project.attempts import Attempt, make_attempt, mark_lost, newest_attempt
from cryoloom.project.folder import ProjectFolder
from cryoloom.project.jobspec import read_spec
from cryoloom.project.jsonfile import write_json
from cryoloom.project.registry import find_protocol
from cryoloom.project.retrying import open_followers
from cryoloom.schedule.decide import Action, CallLost, Cancel, GiveUp, Launch, LaunchAgain, OpenFollowers


def do(project: ProjectFolder, launcher: Launcher, action: Action) -> None:
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
                _launch(project.root, launcher, job, attempt)
        case LaunchAgain(job):
            if running is not None and running.claim is None:
                _launch(project.root, launcher, job, running.folder)
        case CallLost():
            if running is not None:
                _end(launcher, running)
                mark_lost(
                    running, "its process is gone without a word: killed, or the machine lost its power"
                )
        case Cancel():
            if running is not None:
                (running.folder / "cancel").touch()
                if running.claim is None:
                    _take_from_queue(launcher, running)
        case OpenFollowers(job):
            open_followers(project.root, job)
        case GiveUp(why=why):
            if newest is not None:
                write_json(newest.folder / "given_up.json", {"why": why})
        case _:
            assert_never(action)


def _launch(root: Path, launcher: Launcher, job: str, attempt: Path) -> None:
    write_command(root, job, attempt, find_protocol(read_spec(root / job).protocol).__module__)
    try:
        submit(launcher, attempt)
    except LaunchError as error:
        # As an end without a verdict: tried again some times, and then given up with this reason.
        mark_lost(Attempt(attempt, int(attempt.name), None, None), str(error))


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
