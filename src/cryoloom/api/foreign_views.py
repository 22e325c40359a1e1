"""Views of any job: by its protocol, also where RELION made the job.

A job of RELION's has no `job.json`; its `job.star` holds the same parameters under the same names.
"""

from typing import Any

from cryoloom.errors import CryoloomError, ParameterError
from cryoloom.project.folder import JobEntry
from cryoloom.project.jobstar import read_job_star
from cryoloom.project.registry import find_protocol
from cryoloom.protocol.blocks import Block
from cryoloom.protocol.protocols import Protocol


def views_of(entry: JobEntry) -> list[Block]:
    """What a job has to show; an empty list where nothing is known of its kind."""
    try:
        protocol = entry.make_protocol() if entry.spec is not None else protocol_of_star(entry)
    except CryoloomError:
        return []
    return protocol.views(entry.job_folder())


def protocol_of_star(entry: JobEntry) -> Protocol:
    """The protocol and values that a RELION job's `job.star` means.

    Options that our protocol does not have are left out; a value that it would refuse counts as
    not given, since RELION took it.

    Raises:
        ParameterError: Cryoloom has no protocol of this kind.
    """
    kind = find_protocol(entry.protocol)
    _, options = read_job_star(entry.folder / "job.star")
    values: dict[str, Any] = {}
    for name, text in options.items():
        if name in kind.params:
            try:
                kind({name: text})
            except ParameterError:
                continue
            values[name] = text
    inputs = {name: spec.kind(options[name]) for name, spec in kind.inputs.items() if options.get(name)}
    return kind(values, inputs)
