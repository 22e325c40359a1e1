"""Staying with jobs: a live table in a terminal, plain lines elsewhere."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cryoloom.cli.shell import is_terminal

if TYPE_CHECKING:
    from cryoloom.api import Job, Project
    from cryoloom.api.summary import JobSummary

MARKS = {"scheduled": "·", "running": "▶", "succeeded": "✓", "failed": "✗", "aborted": "■"}


def follow(project: "Project", jobs: "Sequence[Job] | None", *, quiet: bool = False) -> "list[JobSummary]":
    """Show the progress until the jobs have ended; returns their last state."""
    if quiet:
        return project.wait(jobs)
    if not is_terminal():
        return project.wait(jobs, tell=_PlainLines().tell)
    from rich.live import Live

    with Live(refresh_per_second=4) as screen:
        return project.wait(jobs, tell=lambda shown: screen.update(_rich_table(shown)), every_s=0.4)


def state_text(summary: "JobSummary") -> str:
    """The state for people: what was made and not started yet was not stopped."""
    return "queued" if summary.queued else summary.state if summary.started else summary.why


def why_text(summary: "JobSummary") -> str:
    """Why it is so, in one line; what starts it, of one that was not started."""
    if not summary.started:
        return f"cryoloom resume {summary.name} starts it"
    return " ".join(summary.why.split())


def untold(notes: "Sequence[str]", summary: "JobSummary") -> list[str]:
    """A job's notes without those that stand in its state's line: a doubt is said once."""
    return [note for note in dict.fromkeys(notes) if note not in summary.why]


def items_text(summary: "JobSummary") -> str:
    """`12/14, 2 failed`; for a program its progress."""
    if summary.progress and not summary.total:
        return summary.progress
    if not summary.done and not summary.failed and summary.total is None:
        return ""
    text = f"{summary.done}" + (f"/{summary.total}" if summary.total is not None else "")
    return text + (f", {summary.failed} failed" if summary.failed else "")


def duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return (
        f"{seconds:.0f} s"
        if seconds < 100
        else f"{seconds / 60:.0f} min"
        if seconds < 6000
        else f"{seconds / 3600:.1f} h"
    )


class _PlainLines:
    """One line whenever a job's state changes, and now and then how far it is."""

    def __init__(self) -> None:
        self.told: dict[str, str] = {}

    def tell(self, shown: "list[JobSummary]") -> None:
        for summary in shown:
            line = summary.state + (f": {summary.why}" if summary.why and summary.state != "running" else "")
            if summary.state == "succeeded" and (summary.done or summary.failed):
                line += f" ({items_text(summary)})"
            if self.told.get(summary.name) != line and (summary.state != "scheduled" or summary.stuck):
                self.told[summary.name] = line
                print(f"{summary.name} {summary.protocol} {line}", flush=True)


def _rich_table(shown: "list[JobSummary]"):  # type: ignore[no-untyped-def]
    from rich.table import Table

    view = Table("job", "protocol", "state", "items", "left", "why", box=None, pad_edge=False)
    for summary in shown:
        view.add_row(
            summary.name,
            summary.protocol,
            f"{MARKS.get(summary.state, '')} {summary.state}",
            items_text(summary),
            duration(summary.left_s),
            summary.why,
        )
    return view
