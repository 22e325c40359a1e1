"""Where a job runs: on this machine, or through a launcher of the settings; and what it asks of the batch system there."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryoloom.engine.calling import call_scheduler
from cryoloom.errors import LaunchError, ParameterError, ProjectError
from cryoloom.launchers.site import LOCAL, chosen, minutes_of, site_of
from cryoloom.project import attempts
from cryoloom.project.settings import load_settings

if TYPE_CHECKING:
    from cryoloom.api.job import Job


def send(job: "Job", launcher: str, given: Mapping[str, Any]) -> str:
    """Have a job started by another launcher, or ask there for something else.

    One that waits in a queue is taken out of it and begins anew; one that runs goes on where it is, and its next attempt goes
    there.

    Args:
        job: that Cryoloom starts.
        launcher: its name; "" as the settings say.
        given: `queue`, `walltime`, and what the site's template asks besides.
    Returns:
        What becomes of it, in a sentence.
    Raises:
        ProjectError: a job of RELION's, or no such launcher.
        ParameterError: a walltime that is none, or more than one line.
    """
    if job.entry.spec is None:
        raise ProjectError(
            f"{job.name}", found="a job of RELION's", expected="one that Cryoloom starts", hint=f"{job.entry.how_to_run()}.",
        )  # fmt: skip
    check_sending(job.project.path, job.name, job.protocol, launcher, given)
    newest = attempts.newest_attempt(job.folder)
    waits = newest is not None and not newest.ended and newest.claim is None
    wishes: dict[str, Any] = {
        "launcher": launcher,
        "batch": {name: str(value) for name, value in given.items()},
    }
    if waits and newest is not None:
        wishes["reopen"] = newest.number
    attempts.write_control(job.folder, **wishes)
    call_scheduler(job.project.path)
    where = launcher or "where the settings say"
    if waits:
        return f"{job.name} is taken out of its queue and goes to {where}"
    if newest is not None and not newest.ended:
        return f"{job.name} runs; its next attempt goes to {where}"
    return f"{job.name} goes to {where}"


def check_sending(root: Path, what: str, protocol: str, launcher: str, given: Mapping[str, Any]) -> None:
    """That there is such a launcher, and that its batch system can be asked for this.

    Raises:
        ProjectError: there is none, or the settings describe it wrongly.
        ParameterError: a value that cannot be.
    """
    settings = load_settings(root)
    where = chosen(settings, launcher, protocol)
    if launcher and launcher != LOCAL:
        site_of(settings, launcher)
    if given and where == LOCAL:
        raise ParameterError(
            f"{what}: {', '.join(given)}", found="asked of this machine", expected="a launcher with a queue",
            hint="Say which: --launcher NAME; `cryoloom launcher list`.",
        )  # fmt: skip
    for name, value in given.items():
        if "\n" in str(value):
            raise ParameterError(f"{what}: {name}", found=repr(value), expected="one line")
    try:
        minutes_of(str(given.get("walltime", "")))
    except LaunchError as error:
        raise ParameterError(
            f"{what}: walltime", found=repr(given["walltime"]), expected=error.expected
        ) from None
