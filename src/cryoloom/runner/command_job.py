"""A user's program as a job: its code is recorded, it runs, and what it wrote is admitted or refused."""

import shutil
from pathlib import Path

from cryoloom.errors import ProgramError
from cryoloom.project.events import Note
from cryoloom.protocol.command import Command
from cryoloom.protocol.external import ExternalProgram
from cryoloom.runner import programs, provenance
from cryoloom.runner.admitting import admit_outputs
from cryoloom.runner.context import RunContext
from cryoloom.runner.program_job import STEP, check_inputs, publish_outputs, run_command


def run_external_command(run: RunContext) -> None:
    """Run it to its end.

    Raises:
        ProgramError: it failed, or cannot be started.
        CryoloomError: what it promised is not there, or not what it was promised to be.
    """
    code = run.protocol
    assert isinstance(code, ExternalProgram)
    check_inputs(run)
    said: list[str] = []
    if STEP not in run.journal.history.steps_done:
        # First: what an earlier attempt wrote is a file that a word of the command names, and no code.
        _put_aside(run, code)
        _record(run, code.command(run.job))
        run_command(run, code, lambda: said.extend(admit_outputs(run)))
    for text in said:
        run.log(text)
        run.journal.write(Note(text=text))
    publish_outputs(run)


def _record(run: RunContext, command: Command) -> None:
    program = Path(programs.find_program(command.program, run.settings))
    environment = programs.environment(command, run.settings)
    provenance.clear_code(run.folder)
    given = {dataset.path for dataset in run.protocol.given.values()}
    words = [word for word in command.args if word not in given]
    own = [path for word in words if _is_file(path := run.root / word)]
    # A program that is text is code too: a script of the user's, in PATH or not.
    files = [*([program] if _is_text(program) else []), *own]
    kept = provenance.keep_files(run.folder, files)
    said = provenance.record(
        run.folder,
        what="command",
        argv=[str(program), *command.args],
        cwd=run.root,
        kept=kept,
        beside=[path.resolve().parent for path in files],
        interpreter=provenance.interpreter_of(program, environment, run.root),
    )
    run.say_once(said)


def _is_file(path: Path) -> bool:
    """Whether a word names a file; of `python3 -c` it may be a text that no name could be as long as."""
    try:
        return path.is_file()
    except OSError:
        return False


def _is_text(program: Path) -> bool:
    try:
        with program.open("rb") as file:
            return file.read(2) == b"#!"
    except OSError as error:
        raise ProgramError(f"program {program}", found=f"not readable ({error.strerror})") from None


def _put_aside(run: RunContext, code: ExternalProgram) -> None:
    """What an earlier attempt wrote must not pass for what this one promises; it lies with this attempt's files then."""
    for file in (file for promise in code.promises().values() for file in promise.files):
        old = run.folder / file
        if old.exists():
            target = run.attempt / "earlier" / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(old, target)
        # Where they are to be written a folder may be missing.
        old.parent.mkdir(parents=True, exist_ok=True)
