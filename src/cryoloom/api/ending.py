"""Waiting for jobs, and how one that was waited for has ended: success, or an error that says what went wrong and what to do.

Waiting only tells the states (`Project.wait`); a script that goes on with a job's results wants the error (`Job.wait`).
"""

import time
from collections.abc import Callable, Set
from typing import TYPE_CHECKING

from cryoloom.api.summary import JobSummary
from cryoloom.engine.calling import ensure_scheduler
from cryoloom.errors import JobError
from cryoloom.project.forms import pipeline as pipe
from cryoloom.project.retrying import opened_by
from cryoloom.project.watching import Watcher
from cryoloom.schedule.state import ENDED

if TYPE_CHECKING:
    from cryoloom.api.project import Project

LIVE = ("scheduled", "running")
CALL_S = 1.0  # between looks whether a scheduler lives


def wait_for_end(
    project: "Project",
    names: Set[str] | None,
    *,
    timeout_s: float | None,
    tell: "Callable[[list[JobSummary]], None] | None",
    every_s: float,
) -> "list[JobSummary]":
    """Stay until jobs have ended, or nothing can go on without the user; see `Project.wait`."""
    began, pause, has_ended = time.monotonic(), 0.02, False
    called = float("-inf")
    # The scheduler writes each change of a state into the pipeline.
    watcher = Watcher()
    watcher.watch(project.path, only=(pipe.FILE,))
    while True:
        # Before the states: who was opened after these were read would look as if it had ended.
        is_opening = has_ended and _opens_any(project, names)
        shown = [summary for summary in project.summaries() if names is None or summary.name in names]
        if tell is not None:
            tell(shown)
        waiting = [summary for summary in shown if summary.state in LIVE and summary.ours]
        if waiting and all(summary.stuck for summary in waiting):
            break
        if not waiting and not is_opening:
            if has_ended:
                break
            has_ended = True
            continue
        has_ended = False
        if timeout_s is not None and time.monotonic() - began > timeout_s:
            break
        if time.monotonic() - called > CALL_S:
            # One that was started just now needs a moment to take its lock, and another one would only slow it down.
            ensure_scheduler(project.path)
            called = time.monotonic()
        left_s = every_s if timeout_s is None else max(0.0, began + timeout_s - time.monotonic())
        watcher.wait(min(pause, left_s))
        pause = min(pause * 1.5, every_s)
    watcher.close()
    return shown


def _opens_any(project: "Project", names: Set[str] | None) -> bool:
    """Whether a job is still to be opened again that one waits for."""
    asked = (opened_by(project.path / entry.name) for entry in project.folder.entries())
    return any(opened and (names is None or not names.isdisjoint(opened)) for opened in asked)


def check_succeeded(summary: JobSummary, timeout_s: float | None = None) -> None:
    """That a job has succeeded, at the end of waiting for it.

    Args:
        summary: its state when the waiting was over.
        timeout_s: after how many seconds it was.
    Raises:
        JobError: it failed, was stopped, or will not end by waiting.
        TimeoutError: it goes on by itself.
    """
    if summary.state == "succeeded":
        return
    if summary.state in ENDED or summary.stuck or not summary.ours:
        raise JobError(summary.name, state=summary.state, why=_why(summary), hint=_what_to_do(summary))
    why = f" ({summary.why})" if summary.why else ""
    after = f" after {timeout_s:g} s" if timeout_s is not None else ""
    raise TimeoutError(
        f"{summary.name} is {summary.state}{why}{after}, and goes on. Wait again, or end it: cryoloom stop {summary.name}"
    )


def _why(summary: JobSummary) -> str:
    if not summary.ours and not summary.why:
        return "RELION's own, of which nobody tells us when it ends"
    return " ".join(summary.why.split()).removeprefix(f"{summary.name}: ")


def _what_to_do(summary: JobSummary) -> str:
    """The next command."""
    name = summary.name
    if summary.damage:
        return "Nothing of it is touched before its files are as they were."
    if not summary.ours:
        return f"See it in RELION, or its output: cryoloom log {name}"
    match summary.state:
        case "failed":
            log = "" if f"cryoloom log {name}" in summary.why else f"Its output: cryoloom log {name}. "
            return f"{log}When the cause is mended: cryoloom resume {name}"
        case "aborted":
            return f"To go on: cryoloom resume {name}"
        case _:
            return f"It starts by itself when that is mended: cryoloom show {name}"
