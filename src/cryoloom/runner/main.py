"""`cryoloom-job`: run one attempt at one job. Usage: ROOT JOB ATTEMPT_NUMBER [MODULE], that of its protocol.

The edge of the process: whatever happens ends in one journal line that says so in a sentence.
"""

import contextlib
import errno
import os
import resource
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from cryoloom.errors import CryoloomError, PluginError, ProjectError, UnreadableError
from cryoloom.launchers.allocation import as_allocated
from cryoloom.launchers.auto_cores import auto_cores
from cryoloom.launchers.machine import this_machine
from cryoloom.project.attempts import attempt_numbers, attempts_folder, read_control
from cryoloom.project.checking import check_repeats, check_start
from cryoloom.project.disk import LEAST_BYTES, free_bytes, no_quota, no_space
from cryoloom.project.events import AttemptStarted, AutoResolved, JobEnded, JobSuspended
from cryoloom.project.forms.jobstar import job_star_of
from cryoloom.project.jobspec import read_spec
from cryoloom.project.journal import FORMAT, JournalWriter
from cryoloom.project.notes import append_remark, clear_marks, set_mark
from cryoloom.project.registry import find_protocol, tell_module
from cryoloom.project.settings import load_settings
from cryoloom.project.sharing import umask_of
from cryoloom.project.state import told_by, wishes_of
from cryoloom.protocol.declare import relion_text
from cryoloom.protocol.edge import call_plugin, fault_within
from cryoloom.protocol.external import ExternalProgram
from cryoloom.protocol.jobs import JobFolder
from cryoloom.protocol.protocols import (
    ItemProtocol,
    ProgramProtocol,
    Protocol,
    RowProtocol,
    SetProtocol,
    SourceProtocol,
)
from cryoloom.runner.context import RunContext, Suspended
from cryoloom.runner.given import check_given
from cryoloom.runner.shadow import clear_shadows
from cryoloom.schedule.state import State, is_done, opens_again

RESERVE = ".cryoloom/reserve"
RESERVE_BYTES = 65536


def main() -> int:
    """Entry point."""
    root, name, attempt = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    module = sys.argv[4] if len(sys.argv) > 4 else ""
    os.umask(umask_of(root))
    time_is_up = threading.Event()
    signal.signal(signal.SIGUSR1, lambda *_: time_is_up.set())
    return run_attempt(root, name, attempt, module=module, time_is_up=time_is_up)


def run_attempt(
    root: Path, name: str, attempt: int, *, module: str = "", time_is_up: threading.Event | None = None
) -> int:
    """Run a job once, to its end, its failure or its suspension.

    Args:
        root: the project.
        name: the job's.
        attempt: its number; its folder is there.
        module: where the job's protocol is known to be.
        time_is_up: set from outside when the attempt is to end with the item or iteration in hand.
    """
    folder = root / name
    spec = read_spec(folder)
    if module:
        tell_module(spec.protocol, module)
    own = attempts_folder(folder) / f"{attempt:04d}"
    journal = JournalWriter(folder, attempt)
    told = told_by(journal.history)
    try:
        wishes = wishes_of(read_control(folder))
        if is_done(told, wishes):
            return 0
    except UnreadableError as error:
        print(error, file=sys.stderr)
        return 1  # whether somebody asked for more is not known; the scheduler waits until it is
    is_opened = opens_again(told, wishes)
    closed = [name for name, output in journal.history.outputs.items() if output.closed]
    state: State = "failed"
    why = ""
    protocol: Protocol | None = None
    try:
        begun = AttemptStarted(
            FORMAT, spec.id, os.getpid(), os.uname().nodename, reopens=closed if is_opened else []
        )
        journal.write(begun, sync=True)
        if is_opened:
            (folder / "failed.star").unlink(missing_ok=True)
        for log in ("run.out", "run.err"):
            (folder / log).touch()
        clear_marks(folder)
        fill_reserve(folder)
        for earlier in attempt_numbers(folder):
            if earlier < attempt:  # killed perhaps, in mid-batch
                clear_shadows(attempts_folder(folder) / f"{earlier:04d}")
        job = JobFolder(f"{name}/", root, spec.id)
        protocol = as_allocated(_with_auto(spec.make_protocol(), journal))
        settings = load_settings(root)
        run = RunContext(
            root, name, spec, own, job, protocol, journal, settings, time_is_up or threading.Event()
        )
        run.wishes()
        found: dict[str, Any] = call_plugin(protocol, "resolve_auto", job)
        found |= auto_cores(protocol, this_machine(settings))
        if found:
            journal.write(AutoResolved(values=found))
            said = ", ".join(f"{key}={relion_text(value)}" for key, value in found.items())
            run.say_once(f"auto: {said}")
            append_remark(folder, f"auto: {said}")
            run.protocol = protocol = as_allocated(_with_auto(spec.make_protocol(), journal))
            (folder / "job.star").write_text(job_star_of(protocol))
        if (why_once := protocol.once()) and attempt > 1:
            raise ProjectError(
                name, found="interrupted: the process that ran it is gone", expected="its block to end",
                hint=f"{why_once[0].upper()}{why_once[1:]}.",
            )  # fmt: skip
        check_repeats(protocol, name)
        check_start(root, protocol)
        for remark in check_given(root, protocol):
            run.say_once(remark)
        _run_and_record(run)
        state = "succeeded"
    except Suspended as reason:
        journal.write(JobSuspended(why=str(reason), cause=reason.cause), sync=True)
        journal.close()
        return 0
    except CryoloomError as error:
        why = str(error)
        if isinstance(error, PluginError):
            _keep(folder, error.traceback)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            _pause(journal, folder, own, is_quota=error.errno == errno.EDQUOT)
            return 0
        why = f"{error}; resume the job when that is mended"
        import traceback  # only failures need it

        traceback.print_exc()
    except Exception as error:
        # Wherever it was called: what comes from the protocol's own module is not ours.
        fault = fault_within(protocol, error) if protocol is not None else None
        ours = f"a fault in Cryoloom ({type(error).__name__}: {error}); the traceback is in run.err"
        why = ours if fault is None else str(fault)
        import traceback

        _keep(folder, traceback.format_exc())
    if why:
        with (folder / "run.err").open("a") as file:
            file.write(why + "\n")
    set_mark(folder, state)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    cpu_s, peak_mb = round(usage.ru_utime + usage.ru_stime, 2), round(usage.ru_maxrss / 1024, 1)
    journal.write(JobEnded(state, why, cpu_s, peak_mb), sync=True)
    journal.close()
    return 0 if state == "succeeded" else 1


def _keep(folder: Path, traceback: str) -> None:
    with (folder / "run.err").open("a") as file:
        file.write(traceback)


def _pause(journal: JournalWriter, folder: Path, attempt: Path, *, is_quota: bool) -> None:
    """The disk or the quota is full: say so, and what has to be free before the next attempt."""
    # Room for our last words.
    (folder / RESERVE).unlink(missing_ok=True)
    freed = clear_shadows(attempt)
    # What a quota leaves cannot be asked.
    needs = (0 if is_quota else free_bytes(folder)) + max(LEAST_BYTES, freed)
    why = no_quota(needs) if is_quota else no_space(needs)
    journal.write(JobSuspended(why=why, cause="quota" if is_quota else "disk", needs_free=needs), sync=True)
    journal.close()
    with (folder / "run.err").open("a") as file:
        file.write(why + "\n")


def fill_reserve(folder: Path) -> None:
    """Keep some room aside for the words that say that the disk is full."""
    reserve = folder / RESERVE
    if not reserve.exists() or reserve.stat().st_size < RESERVE_BYTES:
        reserve.write_bytes(bytes(RESERVE_BYTES))


def _with_auto(protocol: Protocol, journal: JournalWriter) -> Protocol:
    """The protocol with what `auto` parameters were resolved to, by this attempt or an earlier one."""
    values = journal.history.values
    if not values:
        return protocol
    return find_protocol(protocol.name)({**protocol.values, **values}, protocol.given)


def _run_and_record(run: RunContext) -> None:
    from cryoloom.runner import recording

    before = recording.inputs_before(run)
    try:
        _run_kind(run)
    except Suspended:
        raise
    except Exception:
        with contextlib.suppress(CryoloomError, OSError):
            recording.record_attempt(run, before)
        raise
    try:
        recording.record_attempt(run, before)
    except CryoloomError as error:
        # The results are what was asked for; only who asks later is told less.
        run.say_once(f"What it was made with could not be written down: {error}")


def _run_kind(run: RunContext) -> None:
    # Imported here: a program's job needs neither streams nor tables to start.
    match run.protocol:
        case ExternalProgram():
            from cryoloom.runner.command_job import run_external_command

            run_external_command(run)
        case ItemProtocol():
            from cryoloom.runner.item_job import run_items

            run_items(run)
        case RowProtocol():
            from cryoloom.runner.row_job import run_rows

            run_rows(run)
        case SourceProtocol():
            from cryoloom.runner.source_job import run_source

            run_source(run)
        case SetProtocol():
            from cryoloom.runner.set_job import run_set

            run_set(run)
        case ProgramProtocol():
            from cryoloom.runner.program_job import run_program

            run_program(run)
        case other:
            raise AssertionError(f"{type(other)} is none of the four kinds of protocols")


if __name__ == "__main__":
    sys.exit(main())
