"""The commands that a `job.star` means, without running anything."""

from pathlib import Path

from cryoloom.errors import ProjectError
from cryoloom.project.foreign import protocol_for
from cryoloom.project.forms.jobstar import read_job_star
from cryoloom.project.forms.relion31 import FOLDERS, lost_options, unknown_options
from cryoloom.protocol.command import Command
from cryoloom.protocol.edge import call_plugin
from cryoloom.protocol.jobs import JobFolder
from cryoloom.protocol.protocols import ItemProtocol, ProgramProtocol, SourceProtocol


def commands_of(file: Path, job: str = "") -> list[str]:
    """The commands, as RELION notes them in `note.txt`.

    Args:
        file: a job.star.
        job: name of the job's folder ("Class2D/job008"); found from the file's place where empty.
    Raises:
        ProjectError: no job.star, or of a kind that Cryoloom has no protocol for.
        ParameterError: an option has a value that cannot be.
    """
    number, options = read_job_star(file)
    kind = protocol_for(file, number, options)
    known = {**dict.fromkeys([*kind.params, *kind.inputs]), **kind.relion_fixed}
    if lost := unknown_options(number, options, known):
        raise lost_options(file, kind.name, lost, "RELION notes its own command in note.txt.")
    values = {name: text for name, text in options.items() if name in kind.params}
    inputs = {name: spec.kind(options[name]) for name, spec in kind.inputs.items() if options.get(name)}
    protocol = kind(values, inputs)
    if not job:
        parent, kind_folder = file.resolve().parent, file.resolve().parent.parent
        own = parent.name.startswith("job") and kind_folder.name in FOLDERS.values()
        job = f"{kind_folder.name}/{parent.name}" if own else f"{kind.folder}/job001"
    folder = JobFolder(f"{job.rstrip('/')}/", Path())
    if isinstance(protocol, SourceProtocol):
        return protocol.notes(folder)
    if isinstance(protocol, ProgramProtocol | ItemProtocol):
        command: Command | None = call_plugin(protocol, "command", folder)
        beside: list[list[Command]] = [[], []]
        if isinstance(protocol, ProgramProtocol):
            beside = [[*call_plugin(protocol, when, folder)] for when in ("before", "after")]
        if command is not None:
            return [one.note() for one in (*beside[0], command, *beside[1])]
    raise ProjectError(
        f"{file}", found=f"a job of {protocol.name}", expected="one that runs a program of RELION's"
    )
