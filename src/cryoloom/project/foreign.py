"""Jobs that RELION made: what their `job.star` means in our words."""

from typing import Any

from cryoloom.errors import ParameterError
from cryoloom.project.folder import JobEntry
from cryoloom.project.jobstar import read_job_star
from cryoloom.project.registry import find_protocol
from cryoloom.protocol.protocols import Protocol


def protocol_of(entry: JobEntry) -> Protocol:
    """The protocol with a job's values, whoever made it.

    Raises:
        ParameterError: Cryoloom has no protocol of this kind.
    """
    return entry.make_protocol() if entry.spec is not None else protocol_of_star(entry)


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
