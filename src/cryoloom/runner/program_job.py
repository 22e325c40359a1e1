"""Program protocols: run the command, watch it, believe its files and not its word.

RELION's programs say "done" and exit 0 when nothing was written; so every promised output is looked
at before the job is called succeeded.
"""

import signal
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from cryoloom.errors import CryoloomError, PluginError, ProgramError
from cryoloom.project.disk import lack_of_room
from cryoloom.project.events import (
    CommandStarted,
    CommandUsed,
    IterationDone,
    OutputClosed,
    OutputOpened,
    ProgressTold,
)
from cryoloom.project.forms.coordinate_files import table_beside
from cryoloom.project.iterations import whole_iterations
from cryoloom.project.notes import append_note
from cryoloom.protocol.command import Command
from cryoloom.protocol.datasets import Coordinates, Dataset, Table
from cryoloom.protocol.edge import call_plugin
from cryoloom.protocol.jobs import Progress
from cryoloom.protocol.protocols import ProgramProtocol
from cryoloom.runner import programs
from cryoloom.runner.context import RunContext, out_of_time
from cryoloom.runner.last_words import errors, telling
from cryoloom.runner.looking import check_result

USE_S = 10.0
PROGRESS_S = 1.0
STEP = "program"


def run_program(run: RunContext) -> None:
    """Run a program protocol to its end.

    Raises:
        ProgramError: the program failed, or succeeded without a result.
    """
    protocol = run.protocol
    assert isinstance(protocol, ProgramProtocol)
    check_inputs(run)
    done = run.journal.history.steps_done
    before: Sequence[Command] = call_plugin(protocol, "before", run.job)
    after: Sequence[Command] = call_plugin(protocol, "after", run.job)
    if STEP not in done:
        listed: Mapping[str, str] = call_plugin(protocol, "listed", run.job)
        for file, text in listed.items():
            (run.root / file).write_text(text)
        _run_beside(run, "before", before)
        run_command(run, protocol, (lambda: None) if after else (lambda: _check_outputs(run)))
    if after:
        _run_beside(run, "after", after)
        _check_outputs(run)
    remark: str = call_plugin(protocol, "finish", run.job)
    if remark:
        run.say_once(remark)
    doubts: Sequence[str] = call_plugin(protocol, "doubts", run.job)
    for doubt in doubts:
        run.doubt(doubt)
    publish_outputs(run)


def _run_beside(run: RunContext, when: str, commands: Sequence[Command]) -> None:
    """Run a job's further programs, those that are not done.

    Raises:
        ProgramError: one failed.
    """
    for number, command in enumerate(commands, start=1):
        step = f"{when} {number}"
        if step in run.journal.history.steps_done:
            continue
        append_note(run.folder, [command.note()], is_continue=True)
        run.journal.write(CommandStarted(step=step, argv=[command.program, *command.args], mpi=command.mpi))
        with run.slots():
            ended = _run(run, command)
        run.say_ignored(ended.ignored)
        run.journal.write(ended.event(step))
        if ended.code != 0:
            raise _failure(run, command, ended)


def _run(
    run: RunContext,
    command: Command,
    look: Callable[[], bool] | None = None,
    tell: Callable[[float, float], None] | None = None,
) -> programs.Ended:
    return programs.run(
        command,
        run.settings,
        cwd=run.root,
        out=run.folder / "run.out",
        err=run.folder / "run.err",
        look=look,
        gpus=run.gpus(),
        tell=tell,
    )


def run_command(run: RunContext, protocol: ProgramProtocol, judge: Callable[[], None]) -> None:
    """Run the job's program, or go on with it.

    Args:
        run: the attempt.
        protocol: its own.
        judge: looks at what was written when the program says that it succeeded; raises what is wrong with it.
    Raises:
        ProgramError: it failed.
    """
    command: Command | None = None
    if run.journal.attempt > 1:
        _put_torn_aside(run, protocol)
        command = call_plugin(protocol, "resume_command", run.job, [*whole_iterations(run.folder)])
    is_continue = command is not None or bool(run.spec.continues)
    command = command or call_plugin(protocol, "command", run.job)
    assert command is not None
    append_note(run.folder, [command.note()], is_continue=is_continue)
    run.journal.write(CommandStarted(step=STEP, argv=[command.program, *command.args], mpi=command.mpi))
    last_look, last_iteration = 0.0, None

    def look() -> bool:
        """Whether to end it now: when its time is over, with the iteration in hand."""
        nonlocal last_look, last_iteration
        now = time.monotonic()
        if now - last_look > PROGRESS_S:
            last_look = now
            _tell_progress(run, protocol)
        if not run.is_out_of_time:
            last_iteration = run.journal.history.iteration
        return protocol.iterative and run.journal.history.iteration != last_iteration

    last_told, began = 0.0, time.monotonic()

    def tell(cpu_s: float, peak_mb: float) -> None:
        """For those who look meanwhile, and where nobody can say at its end: the longer it runs, the rarer."""
        nonlocal last_told
        now = time.monotonic()
        if now - last_told > max(USE_S, (now - began) / 100):
            last_told = now
            run.journal.write(CommandUsed(step=STEP, cpu_s=round(cpu_s, 2), peak_mb=round(peak_mb, 1)))

    with run.slots():
        ended = _run(run, command, look, tell)
    if not is_continue:
        # With --continue RELION reads fewer options, and the first run has told what it does not know.
        run.say_ignored(ended.ignored)
    if ended.code != 0:
        run.journal.write(ended.event(STEP))
        if run.is_out_of_time:
            raise out_of_time()
        if lack := lack_of_room(run.folder, ended.tail):
            raise lack
        # So that those who look see what `resume` goes on from.
        _tell_progress(run, protocol)
        raise _failure(run, command, ended)
    judge()
    _tell_progress(run, protocol)
    run.journal.write(ended.event(STEP))


def _put_torn_aside(run: RunContext, protocol: ProgramProtocol) -> None:
    """What a killed program left half written lies with this attempt's files, or it would pass for done."""
    torn: Sequence[str] = call_plugin(protocol, "torn", run.job)
    for file in torn:
        target = run.attempt / "torn" / file
        target.parent.mkdir(parents=True, exist_ok=True)
        (run.folder / file).rename(target)


def _failure(run: RunContext, command: Command, ended: programs.Ended) -> ProgramError:
    return ProgramError(
        f"{run.name}: {command.program} {_how_it_failed(ended)}",
        hint=f"All its words: cryoloom log {run.name}",
    )


def _how_it_failed(ended: programs.Ended) -> str:
    """In one line: by what, and what it said."""
    killed = ended.code < 0 or ended.code == 128 + signal.SIGKILL  # mpirun's word for a rank of its
    how = f"was killed by signal {-ended.code}" if ended.code < 0 else f"ended with code {ended.code}"
    words = errors(ended.tail) if killed else telling(ended.tail) or "it said nothing"
    if killed and (ended.code == -signal.SIGKILL or words.endswith("signal 9")):
        words = f"{words}, perhaps for want of memory".removeprefix(", ")
    return f"{how}: {words}" if words else how


def _tell_progress(run: RunContext, protocol: ProgramProtocol) -> None:
    try:
        progress: Progress | None = call_plugin(protocol, "progress", run.job)
    except PluginError as error:
        if not isinstance(error.__cause__, ValueError):
            run.say_once(str(error))  # what is only shown must not end the program
        return
    except (CryoloomError, OSError):
        return  # a file in mid-write; the next look will do
    if progress is None:
        return
    history = run.journal.history
    if progress.iteration is not None and progress.iteration != history.iteration:
        run.journal.write(IterationDone(iteration=progress.iteration))
    known = tuple(history.progress.get(key) for key in ("done", "of", "text"))
    if (progress.done, progress.of, progress.text) != known:
        run.journal.write(ProgressTold(progress.iteration, progress.done, progress.of, progress.text))


def check_inputs(run: RunContext) -> None:
    """That the files of all inputs are there.

    Raises:
        ProgramError: the first that is not.
    """
    for name, dataset in run.protocol.given.items():
        if dataset and not (run.root / dataset.path).exists():
            raise ProgramError(
                f"{run.name}: input {name}", found=f"{dataset.path}, which is not there",
                expected=f"a file that {dataset.job or 'the project'} holds",
            )  # fmt: skip


def _check_outputs(run: RunContext) -> None:
    """Every promised file is there, and a table among them has rows."""
    call_plugin(run.protocol, "name_results", run.job)
    for name, dataset in run.protocol.output_files(run.job).items():
        path = run.root / dataset.path
        if not path.exists() or path.stat().st_size == 0:
            raise ProgramError(
                f"{run.name}: output {name}", found="missing, though the program said that it succeeded",
                expected=dataset.path, hint=f"Its last words: cryoloom log {run.name}",
            )  # fmt: skip
        if isinstance(dataset, Table) and not count_items(path, dataset):
            why: str = call_plugin(run.protocol, "why_empty", run.job, name)
            raise ProgramError(
                f"{run.name}: output {name}", found="a table without rows" + (f": {why}" if why else ""), expected="items",
                hint=f"Its last words: cryoloom log {run.name}",
            )  # fmt: skip
        check_result(run.root, f"{run.name}: output {name}", dataset)


def count_items(path: Path, dataset: Dataset) -> int:
    """How many items a dataset's file holds; 1 for a map."""
    if not isinstance(dataset, Table):
        return 1
    # Imported here: a job without tables starts twice as fast.
    from cryoloom import star

    if isinstance(dataset, Coordinates):
        path = path.with_name(table_beside(path))
    blocks = [block for block in star.scan(path) if block.labels and block.name != "optics"]
    # Single values are a table of one row where they are the items; else they are general remarks.
    tables = [block for block in blocks if block.is_table]
    wanted = [block for block in blocks if block.name == dataset.block] or tables or blocks[:1]
    return wanted[0].rows if wanted else 0


def publish_outputs(run: RunContext, *, absent: Collection[str] = ()) -> None:
    """Say what came out, so that other jobs may take it; `absent`: outputs that could not be made, as the job has told."""
    for name, dataset in run.protocol.output_files(run.job).items():
        if name in absent:
            continue
        path = run.root / dataset.path
        items = count_items(path, dataset)
        size = path.stat().st_size
        file = dataset.path.removeprefix(run.job.name)
        run.journal.write(OutputOpened(name, file, "", [], 1, start=0, end=size, items=items))
        run.journal.write(OutputClosed(output=name, items=items, failed=0, complete=True))
