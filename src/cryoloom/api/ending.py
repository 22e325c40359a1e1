"""How a job that was waited for has ended: success, or an error that says what went wrong and what to do.

Waiting itself is `Project.wait`, which only tells the states; a script that goes on with a job's results wants the error.
"""

from cryoloom.api.summary import JobSummary
from cryoloom.errors import JobError
from cryoloom.schedule.state import ENDED


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
