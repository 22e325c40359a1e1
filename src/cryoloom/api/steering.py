"""Wishes about jobs that wait or run: how urgent, how much memory, other parameters from now on."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryoloom.engine.calling import call_scheduler
from cryoloom.errors import ParameterError, ProjectError
from cryoloom.project import attempts
from cryoloom.project.retrying import is_import
from cryoloom.project.settings import load_settings
from cryoloom.protocol.protocols import ItemProtocol
from cryoloom.schedule.state import ENDED

if TYPE_CHECKING:
    from cryoloom.api.job import Job


def prioritise(
    job: "Job", *, priority: int | None = None, alone: bool | None = None, memory_gb: float | None = None
) -> None:
    """Change when a job gets its slots; what is None stays as it was.

    Raises:
        ProjectError: the job is RELION's.
        ParameterError: a wish that cannot be counted with.
    """
    if job.entry.spec is None:
        raise ProjectError(
            f"{job.name}", found="a job of RELION's", expected="one that Cryoloom starts", hint=f"{job.entry.how_to_run()}.",
        )  # fmt: skip
    check_wishes(job.name, priority=priority, alone=alone, memory_gb=memory_gb)
    wishes = {"priority": priority, "alone": alone, "memory_gb": memory_gb}
    attempts.write_control(job.folder, **{name: value for name, value in wishes.items() if value is not None})
    call_scheduler(job.project.path)


def stop(job: "Job") -> None:
    """End a job; what is done is kept. Nothing to do where it has ended.

    Raises:
        ProjectError: the job is RELION's.
    """
    if job.entry.spec is None:
        raise ProjectError(f"{job.name}", found="a job of RELION's", expected="one that Cryoloom started")
    if job.has_ended:
        return
    attempts.write_control(job.folder, wanted="stop")
    call_scheduler(job.project.path)


def stop_stream(job: "Job") -> None:
    """Close an import's stream: what has come is processed to the end.

    Raises:
        ProjectError: the job is no import.
    """
    check_stream(job)
    attempts.write_control(job.folder, stream="stop")


def check_settings(root: Path) -> None:
    """That settings can be read: without them no job could be started.

    Raises:
        ProjectError: a file that is none; with its name. A value that cannot be is told by each job that waits.
    """
    load_settings(root)


def check_wishes(
    what: str, *, priority: int | None = None, alone: bool | None = None, memory_gb: float | None = None
) -> None:
    """That they are what the scheduler can count with; None leaves one as it is, a memory of 0 to the protocol.

    Raises:
        ParameterError: a priority that is no whole number, `alone` that is no truth, a memory below 0 or without end.
    """
    if priority is not None and (not isinstance(priority, int) or isinstance(priority, bool)):
        raise ParameterError(f"{what}: priority", found=repr(priority), expected="a whole number, 0 as usual")
    if alone is not None and not isinstance(alone, bool):
        raise ParameterError(f"{what}: alone", found=repr(alone), expected="True or False")
    if memory_gb is None:
        return
    is_number = isinstance(memory_gb, int | float) and not isinstance(memory_gb, bool)
    if not is_number or not 0 <= memory_gb < math.inf:
        raise ParameterError(
            f"{what}: memory_gb", found=f"{memory_gb:g}" if is_number else repr(memory_gb),
            expected="GB that it takes, or 0 for the protocol's own estimate",
        )  # fmt: skip


def check_stream(job: "Job") -> None:
    """Before a stream is closed: whether there is one.

    Raises:
        ProjectError: the job is no import.
    """
    if job.entry.spec is None or not is_import(job.entry):
        raise ProjectError(
            f"{job.name}", found=f"a job of {job.entry.protocol}", expected="an import, which has a stream to close",
            hint=f"cryoloom stop {job.name} ends the job.",
        )  # fmt: skip


def change(job: "Job", given: Mapping[str, Any], *, of_all: bool = False) -> int:
    """Change parameters of a job while items stream through it, or of any job before it is started.

    Args:
        job: one that treats items one by one, and has not ended; or one that was made and not started.
        given: parameters by name.
        of_all: for all items: they are made again, and so is what the next jobs made of them; else for
            those that come from now on.
    Returns:
        The version of the parameters; the journal names it with each item. 0: it has not begun.
    Raises:
        ProjectError: the job has ended, or does not treat items one by one.
        ParameterError: an unknown parameter, or a value that does not fit.
    """
    from cryoloom.project.changing import change_held, is_held
    from cryoloom.project.checking import check_job

    if is_held(job.entry):
        change_held(job.entry, _parameters(job, given))
        return 0
    if job.entry.spec is None or not isinstance(job.entry.make_protocol(), ItemProtocol):
        raise ProjectError(
            f"{job.name}", found="not a job that treats items one by one", expected="one that does",
            hint=f"Programs for whole sets, imports and sets.* keep theirs; cryoloom copy {job.name} NAME=VALUE --branch "
            "makes it again beside this one, with the jobs that need it.",
        )  # fmt: skip
    status = job.entry.status()
    if (state := status.known.last_word or status.state) in ENDED:
        raise ProjectError(
            f"{job.name}", found=state, expected="scheduled or running",
            hint=f"cryoloom copy {job.name} NAME=VALUE --branch makes it again beside this one.",
        )  # fmt: skip
    kind = type(job.entry.make_protocol())
    values = _parameters(job, given)
    given_inputs = job.entry.spec.inputs

    def one_more(wishes: Mapping[str, Any]) -> Mapping[str, Any]:
        changes = wishes["changes"]
        known: dict[str, Any] = dict(job.params)
        for earlier in changes:
            known |= earlier["values"]
        changed = kind(
            {**{name: known[name] for name in kind.params if name in known}, **values}, given_inputs
        )
        check_job(job.project.path, changed, asked=list(values))
        version = max([status.history.version, *(one["version"] for one in changes)]) + 1
        entry = {
            "version": version,
            "values": {name: changed.values[name] for name in values},
            "of_all": of_all,
        }
        return {"changes": [*changes, entry]}

    version: int = attempts.change_control(job.folder, one_more)["changes"][-1]["version"]
    call_scheduler(job.project.path)
    return version


def _parameters(job: "Job", given: Mapping[str, Any]) -> dict[str, Any]:
    from cryoloom.api.given import taken_apart

    values, inputs = taken_apart(job.project.folder, type(job.entry.make_protocol()), given)
    if inputs or not values:
        raise ProjectError(
            f"{job.name}: {', '.join(inputs) or 'nothing'}", found="no parameter", expected="NAME=VALUE of parameters"
        )  # fmt: skip
    return values
