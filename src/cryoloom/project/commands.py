"""The command lines that a job is, all of it in one go: as its note has them, whatever batches it was done in."""

from pathlib import Path

from cryoloom.errors import CryoloomError
from cryoloom.protocol.command import Command
from cryoloom.protocol.conditions import holds
from cryoloom.protocol.edge import call_plugin
from cryoloom.protocol.external import ExternalProgram
from cryoloom.protocol.jobs import JobFolder
from cryoloom.protocol.protocols import ItemProtocol, ProgramProtocol, Protocol


def commands_of(protocol: Protocol, job: JobFolder) -> list[Command]:
    """The programs of a job in their order; none of one that no program does, and of code of the user's own.

    Raises:
        CryoloomError: the protocol cannot say them for these inputs.
    """
    if isinstance(protocol, ExternalProgram):
        return []
    if isinstance(protocol, ProgramProtocol):
        found: list[Command] = [*call_plugin(protocol, "before", job)]
        found.append(call_plugin(protocol, "command", job))
        return [*found, *call_plugin(protocol, "after", job)]
    if isinstance(protocol, ItemProtocol):
        command: Command | None = call_plugin(protocol, "command", job) or call_plugin(
            protocol, "window", job
        )
        return [command] if command is not None else []
    return []


def programs_of(protocol: Protocol, job: JobFolder) -> list[str]:
    """The programs that a job runs, and those that its own programs start: names, or paths as the user gave them."""
    try:
        commands = commands_of(protocol, job)
    except CryoloomError:
        commands = []
    found = [command.program for command in commands] or [*protocol.programs]
    found += ["mpirun"] if any(command.mpi > 1 for command in commands) else []
    facts = protocol.facts()
    for name, spec in protocol.params.items():
        if spec.means == "program" and protocol.values[name] and holds(spec.when, facts):
            text = str(protocol.values[name])
            found.append(str(Path(text)) if "/" in text else text)
    return [*dict.fromkeys(found)]
