"""Other values for a job that has not begun: its `job.json` is written anew, under its id and number.

Only of a job that is held (`wanted: stop`) and never had an attempt, so that nobody reads it at that moment.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cryoloom.errors import ParameterError, ProjectError
from cryoloom.project.attempts import newest_attempt, read_control, write_control
from cryoloom.project.checking import check_job
from cryoloom.project.entry import JobEntry
from cryoloom.project.forms.jobstar import job_star_of
from cryoloom.project.sharing import shared_as
from cryoloom.protocol.edge import call_plugin


def is_held(entry: JobEntry) -> bool:
    """Whether a job of ours was made and is not to start before its user says so."""
    if entry.spec is None or newest_attempt(entry.folder) is not None:
        return False
    return bool(read_control(entry.folder)["wanted"] == "stop")


def change_held(entry: JobEntry, values: Mapping[str, Any]) -> None:
    """Give a held job other values.

    Raises:
        ProjectError: it has begun, or may at any moment.
        ParameterError: a value that cannot be, or with which it would give other files: jobs may wait for these.
    """
    spec = entry.spec
    if spec is None or not is_held(entry):
        raise ProjectError(
            f"{entry.name}", found="begun, or about to begin", expected="a job that was made and not started"
        )
    protocol = spec.make_protocol().with_values(values)
    check_job(entry.root, protocol, asked=list(values), waits=bool(spec.wait_for))
    outputs = call_plugin(protocol, "output_files", entry.job_folder())
    if {name: dataset.path for name, dataset in outputs.items()} != {
        name: dataset.path for name, dataset in spec.outputs.items()
    }:
        raise ParameterError(
            f"{entry.name}: {', '.join(values)}", found="values with which it gives other files", expected="the same outputs",
            hint=f"Others may need these: cryoloom copy {entry.name} NAME=VALUE --branch.",
        )  # fmt: skip
    with shared_as(entry.root):
        write_control(entry.folder, asks="")
        replace(spec, params=protocol.values).write(entry.folder)
        (entry.folder / "job.star").write_text(job_star_of(protocol))
