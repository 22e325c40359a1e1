"""A project as a shell script: what RELION did is written as RELION's own lines, what we did as `cryoloom` lines."""

import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from cryoloom._version import __version__
from cryoloom.api.methods import values_of
from cryoloom.api.script_files import Sources, files_again, written
from cryoloom.errors import CryoloomError
from cryoloom.project.commands import commands_of
from cryoloom.project.entry import JobEntry
from cryoloom.project.foreign import protocol_as_run, sources_as_run
from cryoloom.project.notes import own_command
from cryoloom.project.records import random_seed_of, read_record
from cryoloom.protocol.command import Command
from cryoloom.protocol.declare import relion_text
from cryoloom.protocol.edge import call_plugin
from cryoloom.protocol.external import ExternalCode, ExternalProgram
from cryoloom.protocol.protocols import ItemProtocol, ProgramProtocol, Protocol, SourceProtocol
from cryoloom.runner.programs import RELION_ENVIRONMENT

if TYPE_CHECKING:
    from cryoloom.api.project import Project

How = Literal["programs", "cryoloom", "files"]
_SAID: Mapping[How, str] = {
    "programs": "Made again by programs alone",
    "cryoloom": "Made again by `cryoloom`, since no other program does it",
    "files": "Not made again: files of the project, or of its raw data, are put there",
}


@dataclass(frozen=True, slots=True)
class Script:
    """A script. `jobs`: how each is made again; `left_out`: jobs that are not in it, and why."""

    text: str
    jobs: Mapping[str, How]
    left_out: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Step:
    how: How
    lines: list[str]
    programs: tuple[str, ...] = ()


def script_of(project: "Project", jobs: Sequence[str] = ()) -> Script:
    """A shell script that makes jobs again in an empty folder, under their names.

    Args:
        project: whose jobs.
        jobs: names, numbers or aliases, with all that they are made of; without any, all that succeeded.
    Raises:
        ProjectError: no such job.
    """
    entries = {entry.name: entry for entry in project.folder.entries()}
    wanted = _with_sources(entries, [project.folder.entry(job).name for job in jobs]) if jobs else {*entries}
    imports = [name for name in wanted if name.startswith("Import/")]
    sources = Sources.of(project.path.resolve(), imports, _made_outside(entries, wanted))
    steps: dict[str, _Step] = {}
    left_out: dict[str, str] = {}
    for name in sorted(wanted, key=lambda one: int(one.rpartition("job")[2])):
        entry = entries[name]
        if (state := entry.look().state) != "succeeded":
            left_out[name] = f"it has not succeeded ({state})"
            continue
        try:
            steps[name] = _step(entry, sources)
        except (CryoloomError, OSError) as error:
            left_out[name] = str(error)
    while lost := {
        name: of for name, step in steps.items() if step.how != "files" and (of := sources_as_run(entries[name]) & {*left_out})
    }:  # fmt: skip
        for name, of in lost.items():
            left_out[name] = f"it is made of {', '.join(sorted(of))}"
            del steps[name]
    return Script(
        _text(project, entries, steps, left_out, sources),
        {name: one.how for name, one in steps.items()},
        left_out,
    )


def _with_sources(entries: Mapping[str, JobEntry], jobs: Sequence[str]) -> set[str]:
    found: set[str] = set()
    waiting = [*jobs]
    while waiting:
        name = waiting.pop()
        if name in entries and name not in found:
            found.add(name)
            waiting += sources_as_run(entries[name])
    return found


def _made_outside(entries: Mapping[str, JobEntry], wanted: set[str]) -> list[str]:
    """The folders beside jobs that simulated microscopes write into."""
    specs = [entries[name].known_spec for name in wanted]
    return [
        str(spec.params["out"]) for spec in specs if spec is not None and spec.protocol == "simulate.movies"
    ]


def _step(entry: JobEntry, sources: Sources) -> _Step:
    """How one job is made again.

    Raises:
        CryoloomError: nobody knows how.
        OSError: a file of it cannot be read.
    """
    protocol, job = protocol_as_run(entry), entry.job_folder()
    if isinstance(protocol, SourceProtocol) or entry.name.startswith("Import/"):
        return _Step("files", files_again(entry, sources))
    if isinstance(protocol, ExternalProgram):
        command: Command = call_plugin(protocol, "command", job)
        return _Step("programs", [_line(command)], (command.program,))
    if protocol.by_hand or protocol.once() or isinstance(protocol, ExternalCode):
        return _Step(
            "files", ["# By hand, or by code of a script or notebook.", *files_again(entry, sources)]
        )
    commands = commands_of(protocol, job)
    if not commands or _why_not_in_one(entry, protocol) or commands[0].program == "cryoloom":
        return _own(entry, protocol)
    lines: list[str] = []
    if isinstance(protocol, ProgramProtocol):
        named: Sequence[str] | None = call_plugin(protocol, "named_by_shell", job)
        if named is None:
            return _own(entry, protocol)
        listed: Mapping[str, str] = call_plugin(protocol, "listed", job)
        for file, text in listed.items():
            lines += written(file, text)
        lines += [*(_line(_with_seed(one, entry)) for one in commands), *named]
    elif isinstance(protocol, ItemProtocol):
        without, given = _without_failed(entry, protocol)
        lines += [*without, *(_line(command, given) for command in commands)]
        echoed: Mapping[str, str] = call_plugin(protocol, "echoed", job)
        lines += [f"echo {shlex.quote(text)} > {shlex.quote(target)}" for target, text in echoed.items()]
    programs = [one.program for one in commands] + ["mpirun"] * any(one.mpi > 1 for one in commands)
    return _Step("programs", lines, tuple(programs))


def _own(entry: JobEntry, protocol: Protocol) -> _Step:
    changed = [
        f"# {name} was {', later '.join(map(relion_text, values))}, while items came: the last is for all of them here."
        for name, values in values_of(entry).items()
        if len(values) > 1
    ]
    return _Step("cryoloom", [*changed, f"{own_command(protocol)} --as {entry.name} --wait"], ("cryoloom",))


def _why_not_in_one(entry: JobEntry, protocol: Protocol) -> str:
    """Why one call of a program is not what was done; "" where it is."""
    if entry.spec is None or not isinstance(protocol, ItemProtocol):
        return ""
    history = entry.status().history
    if len(history.used) > 1:
        return "its optics groups have other values each"
    return "its parameters were changed while items came" if history.version else ""


def _with_seed(command: Command, entry: JobEntry) -> Command:
    """With the seed that RELION drew by the clock, so that it draws the same again."""
    if not command.program.startswith("relion_refine") or "--random_seed" in command.args:
        return command
    record = read_record(entry.folder)
    seed = record.random_seed if record is not None else random_seed_of(entry.folder)
    if seed is None:
        return command
    return Command(
        command.program, (*command.args, "--random_seed", str(seed)), command.mpi, command.threads,
        command.gpu_ids, command.env,
    )  # fmt: skip


def _without_failed(entry: JobEntry, protocol: ItemProtocol) -> tuple[list[str], dict[str, str]]:
    """Lines that leave out items that failed, at which a program would end; and the file that stands for another."""
    failed = [name for name, _ in entry.status().history.failed.values()] if entry.spec is not None else []
    if not failed:
        return [], {}
    whole = protocol.given[protocol.leading_input()].path
    rest = f"{entry.name}/input.star"
    words = " ".join(f"-e {shlex.quote(f'{name} ')}" for name in sorted(failed))
    return [
        f"# {len(failed)} of its items failed, and are left out.",
        f"grep -vF {words} {shlex.quote(whole)} > {shlex.quote(rest)}",
    ], {whole: rest}


def _line(command: Command, given: Mapping[str, str] | None = None) -> str:
    args = tuple((given or {}).get(word, word) for word in command.args)
    variables = [f"{name}={text}" for name, text in command.env.items()]
    line = Command(command.program, args, command.mpi).text()
    return f"env {shlex.join(variables)} {line}" if variables else line


def _text(
    project: "Project", entries: Mapping[str, JobEntry], steps: Mapping[str, _Step], left_out: Mapping[str, str],
    sources: Sources,
) -> str:  # fmt: skip
    name = project.path.resolve().name
    programs = sorted({program for step in steps.values() for program in step.programs})
    lines = [
        "#!/bin/sh",
        f"# Makes jobs of the project {name} again, under their names.",
        f"# Written by cryoloom {__version__} on {time.strftime('%Y-%m-%d')}{_versions(entries, steps)}.",
        "#",
        "# sh THIS FOLDER    FOLDER is new or empty; without it `again`.",
    ]
    for variable, path, meaning in sources.variables():
        lines.append(f"# {variable}={path} is where {meaning}: set it where they lie elsewhere.")
    for how, said in _SAID.items():
        if named := [job for job, step in steps.items() if step.how == how]:
            lines += ["#", f"# {said}:", *_folded(named)]
    if left_out:
        lines += ["#", "# Left out:", *(f"#   {job}: {_one_line(why)}" for job, why in left_out.items())]
    lines += [
        "set -eu",
        *(f"{variable}=${{{variable}:-{shlex.quote(path)}}}" for variable, path, _ in sources.variables()),
    ]
    lines += [f"export {variable}={shlex.quote(text)}" for variable, text in RELION_ENVIRONMENT.items()]
    lines += [
        f"for program in {' '.join(map(shlex.quote, programs))}; do",
        '    command -v "$program" > /dev/null || { echo "$program is not installed, or not in PATH" >&2; exit 1; }',
        "done",
    ] if programs else []  # fmt: skip
    lines += [
        'folder=${1:-again}; mkdir -p "$folder"; cd "$folder"',
        '[ -z "$(ls -A)" ] || { echo "$folder is not empty" >&2; exit 1; }',
    ]
    if any(step.how == "cryoloom" for step in steps.values()):
        lines.append("cryoloom new .")
    for job, step in steps.items():
        label = entries[job].alias or (spec.label if (spec := entries[job].known_spec) else "")
        lines += ["", f"# {job}: {entries[job].protocol}{f', {_one_line(label)}' if label else ''}"]
        # `cryoloom` makes the folder of its job itself, and refuses one that is there.
        lines += [f'echo "{job}"', *([] if step.how == "cryoloom" else [f"mkdir -p {job}"]), *step.lines]
    return "\n".join(lines) + "\n"


def _versions(entries: Mapping[str, JobEntry], steps: Mapping[str, _Step]) -> str:
    """Which RELION it was, where that is known."""
    found: dict[str, None] = {}
    for name in steps:
        record = read_record(entries[name].folder)
        for program, used in (record.programs if record is not None else {}).items():
            if program.startswith("relion_") and used.version:
                found[f"RELION {used.version}"] = None
    return f"; the jobs were made by {', '.join(found)}" if found else ""


def _folded(words: Sequence[str]) -> list[str]:
    return [f"#   {' '.join(words[begin : begin + 6])}" for begin in range(0, len(words), 6)]


def _one_line(text: str) -> str:
    return " ".join(text.split())
