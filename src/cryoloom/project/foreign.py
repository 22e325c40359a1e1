"""Jobs that RELION made: what their `job.star` means in our words, and what in it we have no words for."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryoloom.errors import CryoloomError, ParameterError, ProjectError
from cryoloom.project.entry import JobEntry
from cryoloom.project.forms.jobstar import read_job_star
from cryoloom.project.forms.relion31 import (
    EXTERNAL,
    label_of_type,
    lost_options,
    meaningless,
    unknown_options,
)
from cryoloom.project.lineage import sources_of
from cryoloom.project.registry import all_protocols, find_protocol
from cryoloom.protocol.conditions import holds
from cryoloom.protocol.protocols import Protocol


def protocol_as_run(entry: JobEntry) -> Protocol:
    """As `protocol_of`, with the values that `auto` came to and those that were changed while items streamed.

    Raises:
        CryoloomError: as `protocol_of`.
    """
    protocol = protocol_of(entry)
    if entry.spec is None:
        return protocol
    values = entry.status().history.resolved
    return protocol.with_values({name: value for name, value in values.items() if name in protocol.params})


def sources_as_run(entry: JobEntry) -> set[str]:
    """As `sources_of`, with what RELION's pipeline does not tell: the post-processing that a CTF refinement looks at.

    A job is of another's files if its `job.star` names them.
    """
    found = sources_of(entry)
    if entry.spec is not None:
        return found
    try:
        protocol = protocol_of(entry)
    except CryoloomError:
        return found
    facts = protocol.facts()
    named = {
        "/".join(dataset.path.split("/")[:2])
        for name, dataset in protocol.given.items()
        if dataset and holds(protocol.inputs[name].when, facts)
    }
    return (found | named) - {entry.name}


def protocol_of(entry: JobEntry, *, whole: bool = False) -> Protocol:
    """The protocol with a job's values, whoever made it.

    Args:
        entry: the job.
        whole: all of it, to be run again; else as much as is known, to look at it.
    Raises:
        ParameterError: Cryoloom has no protocol of this kind.
        ProjectError: with `whole`, options of RELION's job that ours does not have.
    """
    return entry.make_protocol() if entry.spec is not None else protocol_of_star(entry, whole=whole)


def protocol_of_star(entry: JobEntry, *, whole: bool = False) -> Protocol:
    """The protocol and values that a RELION job's `job.star` means.

    Without `whole`, options that our protocol does not have are left out, and a value that it would refuse
    counts as not given, since RELION took it.

    Raises:
        ParameterError: Cryoloom has no protocol of this kind.
        ProjectError: with `whole`, there are such options; they are named.
    """
    file = entry.folder / "job.star"
    number, options = read_job_star(file)
    kind = protocol_for(file, number, options)
    values: dict[str, Any] = {}
    lost: dict[str, str] = unknown_options(number, options, known_options(kind)) if whole else {}
    for name, text in options.items():
        if name in kind.params:
            try:
                kind({name: text})
            except ParameterError:
                lost[name] = text
                continue
            values[name] = text
    if whole and lost:
        raise lost_options(
            file,
            kind.name,
            lost,
            "Copy or continue it in RELION's GUI; without them it would be another job.",
        )
    inputs = {name: spec.kind(options[name]) for name, spec in kind.inputs.items() if options.get(name)}
    return kind(values, inputs)


def protocol_for(file: Path, number: int, options: Mapping[str, str]) -> type[Protocol]:
    """The protocol of ours that a `job.star` of RELION's is a job of.

    Of several that RELION has one type for (imports), that whose fixed options stand in the file.

    Raises:
        ProjectError: there is none, and what the file asks for instead.
    """
    label = label_of_type(number)
    if number == EXTERNAL and options.get("param1_label") == "protocol":
        return find_protocol(options.get("param1_value", ""))
    found = [kind for kind in all_protocols() if kind.relion_type == number != EXTERNAL]
    idle = meaningless(number, options)
    fitting = [
        kind
        for kind in found
        if all(key in idle or options.get(key, value) == value for key, value in kind.relion_fixed.items())
    ]
    if len(found) == 1:
        return found[0]
    if len(fitting) == 1:
        return fitting[0]
    asked = (
        f" ({options['node_type']})" if options.get("do_other") == "Yes" and options.get("node_type") else ""
    )
    known = ", ".join(kind.name for kind in found)
    raise ProjectError(
        f"{file}", found=f"a job of {label}{asked}",
        expected=f"one that Cryoloom has a protocol for ({known})" if known else "one that Cryoloom has a protocol for",
    )  # fmt: skip


def known_options(kind: type[Protocol]) -> dict[str, str | None]:
    """The options that a protocol has; with a value where it stands for that one only."""
    return {**dict.fromkeys([*kind.params, *kind.inputs]), **kind.relion_fixed}
