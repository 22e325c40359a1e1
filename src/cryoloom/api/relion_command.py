"""The commands that a `job.star` means, without running anything."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from cryoloom.errors import ProjectError
from cryoloom.project.foreign import protocol_for
from cryoloom.project.forms.jobstar import read_job_star
from cryoloom.project.forms.relion31 import EXTERNAL, FOLDERS, lost_options, unknown_options
from cryoloom.protocol.command import Command
from cryoloom.protocol.edge import call_plugin
from cryoloom.protocol.jobs import JobFolder
from cryoloom.protocol.protocols import ItemProtocol, ProgramProtocol, SourceProtocol

if TYPE_CHECKING:
    from cryoloom.api.project import Project

# RELION's fields of an External job, and the options of its executable.
_EXTERNAL = {
    "in_mov": "--in_movies",
    "in_mic": "--in_mics",
    "in_part": "--in_parts",
    **{name: f"--{name}" for name in ("in_coords", "in_3dref", "in_mask")},
}


def lines_of(asked: str, job: str = "", project: "Project | None" = None) -> list[str]:
    """All lines that RELION runs for a job, to be pasted into a shell in the project.

    Args:
        asked: a file job.star, or a job of the project: name, number, alias.
        job: the folder that a file's job has; found from the file's place where empty.
        project: of which it is a job; None: it is a file.
    Raises:
        ProjectError: neither a file nor a job; no job.star; or of a kind that Cryoloom has no protocol for.
        ParameterError: an option has a value that cannot be.
    """
    file = Path(asked)
    if project is not None:
        entry = project.job(asked).entry
        file, job = entry.folder / "job.star", job or entry.name
        protocol = entry.make_protocol() if entry.known_spec is not None else None
        if isinstance(protocol, SourceProtocol) and (
            told := protocol.notes(JobFolder(f"{job.rstrip('/')}/", Path()))
        ):
            # RELION's form of an import has no place for several groups or patterns: job.star says less than was done.
            return told
    return commands_of(file, job)


def commands_of(file: Path, job: str = "") -> list[str]:
    """The lines of a job.star; see `lines_of`."""
    number, options = read_job_star(file)
    folder = JobFolder(f"{(job or _folder_of(file, number)).rstrip('/')}/", Path())
    if number == EXTERNAL:
        return [_external_line(options, folder)]
    kind = protocol_for(file, number, options)
    known = {**dict.fromkeys([*kind.params, *kind.inputs]), **kind.relion_fixed}
    if lost := unknown_options(number, options, known):
        raise lost_options(file, kind.name, lost, "RELION notes its own command in note.txt.")
    values = {name: text for name, text in options.items() if name in kind.params}
    inputs = {name: spec.kind(options[name]) for name, spec in kind.inputs.items() if options.get(name)}
    protocol = kind(values, inputs)
    if isinstance(protocol, SourceProtocol):
        return protocol.notes(folder)
    if isinstance(protocol, ProgramProtocol):
        programs: list[list[Command]] = [
            [*call_plugin(protocol, when, folder)] for when in ("before", "after")
        ]
        return [one.line() for one in (*programs[0], call_plugin(protocol, "command", folder), *programs[1])]
    if isinstance(protocol, ItemProtocol):
        command: Command | None = call_plugin(protocol, "command", folder) or call_plugin(
            protocol, "window", folder
        )
        if command is not None:
            echoed: Mapping[str, str] = call_plugin(protocol, "echoed", folder)
            return [command.line(), *(f"echo {text} > {target}" for target, text in echoed.items())]
    raise ProjectError(
        f"{file}", found=f"a job of {protocol.name}", expected="one that runs a program of RELION's"
    )


def _folder_of(file: Path, number: int) -> str:
    """The job's folder by the file's place; of a file elsewhere that of the first job of its kind."""
    parent, kind_folder = file.resolve().parent, file.resolve().parent.parent
    if parent.name.startswith("job") and kind_folder.name in FOLDERS.values():
        return f"{kind_folder.name}/{parent.name}"
    return f"{FOLDERS.get(number, 'External')}/job001"


def _external_line(options: Mapping[str, str], folder: JobFolder) -> str:
    """The line of an External job, whatever its executable is."""
    words = [options.get("fn_exe", ""), "--o", folder.name]
    for field, flag in _EXTERNAL.items():
        words += [flag, options[field]] if options.get(field) else []
    for number in range(1, 11):
        label, value = (options.get(f"param{number}_{part}", "") for part in ("label", "value"))
        words += [f"--{label}", value] if label else []
    return " ".join([*words, "--j", options.get("nr_threads", "1"), options.get("other_args", "")]).strip()
