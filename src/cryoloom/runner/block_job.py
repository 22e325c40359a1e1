"""A block of a script or notebook as a job: the user's own process claims the attempt and writes its journal.

So each file has one writer here too: what shepherd and job's process write elsewhere, this process writes, and nobody else.
It takes no slots, since a person is at work in it, and nothing that it has begun is ended with it. See decision 22.
"""

import contextlib
import os
import resource
import signal
import threading
import time
import traceback
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryoloom import shepherd
from cryoloom.errors import CryoloomError, ProjectError
from cryoloom.project.attempts import attempts_folder, make_attempt
from cryoloom.project.checking import check_start
from cryoloom.project.entry import JobEntry
from cryoloom.project.events import AttemptStarted, JobEnded, Note
from cryoloom.project.journal import FORMAT, JournalWriter
from cryoloom.project.notes import append_note, clear_marks, set_mark
from cryoloom.project.settings import load_settings
from cryoloom.project.sharing import shared_as
from cryoloom.runner import provenance
from cryoloom.runner.admitting import admit_outputs
from cryoloom.runner.context import RunContext
from cryoloom.runner.given import check_given
from cryoloom.runner.main import fill_reserve
from cryoloom.runner.program_job import publish_outputs
from cryoloom.schedule.state import State

LOOK_S = 0.2  # for a wish to stop it
ATTEMPT = 1  # a block has no other
_PACKAGE = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Code:
    """The text of a block, as this process read it."""

    what: str  # "script" or "cell"
    path: str  # where it stands, in words
    files: Sequence[tuple[str, str, str]]  # path, name of its copy, text
    folder: Path  # whose git repository it belongs to
    doubt: str = ""  # why what ran may not be what was kept


def claim_here(folder: Path) -> None:
    """Take the job's one attempt for this process, before anybody can see the job.

    Raises:
        ProjectError: somebody has it.
    """
    attempt = make_attempt(folder)
    # Without a session: the other processes of this one's are the user's, and live on when it dies.
    if attempt is None or not shepherd.claim(str(attempt), uuid.uuid4().hex, None):
        raise ProjectError(f"{folder}", found="being run already", expected="a new job")


@dataclass(slots=True)
class Block:
    """An open block."""

    run: RunContext
    _watch: "_Watch"
    _cpu_s: float = field(default_factory=time.process_time)
    _pid: int = field(default_factory=os.getpid)
    is_over: bool = False

    def say(self, text: str) -> None:
        """A remark of the user's, in log and journal."""
        with shared_as(self.run.root):
            self.run.log(text)
        self.run.journal.write(Note(text=text))

    def end(self, error: BaseException | None) -> None:
        """The block is over: its outputs are looked at, and the job ends.

        Args:
            error: with which it was left; the job has failed then, or was interrupted.
        Raises:
            CryoloomError: an output that is not what was promised; the job has failed.
        """
        if os.getpid() != self._pid:
            return  # a fork of the process that has the claim: what it does is none of the job's
        failure: BaseException | None = None
        self.is_over = True
        try:
            self._watch.stop()
            if error is None:
                with shared_as(self.run.root):
                    for text in admit_outputs(self.run):
                        self.say(text)
                    publish_outputs(self.run)
        except BaseException as found:  # an interruption too: the job has to end
            failure = found
        self._close(error or failure)
        if failure is not None and error is None:
            raise failure

    def _close(self, error: BaseException | None) -> None:
        run = self.run
        state: State = "succeeded" if error is None else "failed"
        why = "" if error is None else f"{type(error).__name__}: {error}".rstrip(": ")
        if isinstance(error, CryoloomError):
            why = str(error)
        if isinstance(error, KeyboardInterrupt):
            state, why = "aborted", "stopped by the user" if self._watch.asked else "interrupted by the user"
        with shared_as(run.root):
            if error is not None:
                run.log("".join(_told(error)), error=True)
                run.log(why, error=True)
            set_mark(run.folder, state)
        cpu_s = round(time.process_time() - self._cpu_s, 2)
        peak_mb = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)
        run.journal.write(JobEnded(state, why, cpu_s, peak_mb), sync=True)
        run.journal.close()
        ended_by = "cancel" if self._watch.asked else "exit"
        shepherd.finish(str(run.attempt), {"ended_by": ended_by, "code": int(error is not None), "why": ""})


def open_block(entry: JobEntry, code: Code) -> Block:
    """Begin the job that `claim_here` has claimed.

    Args:
        entry: the job's.
        code: that is about to run, to be kept.
    Raises:
        CryoloomError: an input that is not fit to be used; the job has failed.
    """
    assert entry.spec is not None
    root, folder = entry.root, entry.folder
    attempt = attempts_folder(folder) / f"{ATTEMPT:04d}"
    protocol = entry.make_protocol()
    with shared_as(root):
        journal = JournalWriter(folder, ATTEMPT)
        journal.write(AttemptStarted(FORMAT, entry.spec.id, os.getpid(), os.uname().nodename), sync=True)
        for log in ("run.out", "run.err"):
            (folder / log).touch()
        clear_marks(folder)
        fill_reserve(folder)
    run = RunContext(
        root, entry.name, entry.spec, attempt, entry.job_folder(), protocol, journal, load_settings(root), threading.Event()
    )  # fmt: skip
    block = Block(run, _Watch(attempt))
    try:
        with shared_as(root):
            append_note(folder, [f"# a {code.what}, {code.path}; its text is in {provenance.CODE}/"])
            for promise in _promises(run):
                (folder / promise).parent.mkdir(parents=True, exist_ok=True)
            kept = [provenance.keep_text(folder, *file) for file in code.files]
            said = provenance.record(
                folder, what=code.what, argv=_own_words(), cwd=Path.cwd(), kept=kept, beside=[code.folder],
                interpreter=provenance.own_interpreter(),
            )  # fmt: skip
        for text in filter(None, (said, code.doubt)):
            block.say(text)
        check_start(root, protocol)
        for remark in check_given(root, protocol):
            block.say(remark)
    except BaseException as error:
        block.end(error)
        raise
    block._watch.start()
    return block


def _promises(run: RunContext) -> list[str]:
    from cryoloom.protocol.external import ExternalCode

    assert isinstance(run.protocol, ExternalCode)
    return [promise.file for promise in run.protocol.promises().values()]


def _told(error: BaseException) -> Iterator[str]:
    """The traceback of what a block raised, by the user's own lines; "" where it was none of them.

    What we refuse is said in words, and our lines help nobody; of anything else they tell where it went wrong.
    """
    told = traceback.TracebackException.from_exception(error)
    if isinstance(error, CryoloomError):
        told.stack = traceback.StackSummary.from_list(
            [frame for frame in told.stack if not Path(frame.filename).is_relative_to(_PACKAGE)]
        )
        told.__cause__ = told.__context__ = None
        if not told.stack:
            return
    yield from told.format()


def _own_words() -> list[str]:
    """The command line of this process; that of a notebook's kernel too."""
    try:
        return [
            word.decode(errors="replace")
            for word in Path("/proc/self/cmdline").read_bytes().split(b"\0")[:-1]
        ]
    except OSError:
        return []


class _Watch(threading.Thread):
    """What a shepherd does for other jobs: shows that we live, and hears a wish to stop."""

    def __init__(self, attempt: Path) -> None:
        super().__init__(name=f"cryoloom {attempt.parents[2].name}", daemon=True)
        self.attempt = attempt
        self.asked = False
        self._over = threading.Event()
        main = threading.main_thread()
        # As Ctrl+C, or a notebook's own stop button, also within a sleep; other threads cannot be interrupted.
        self._main = main.ident if threading.current_thread() is main else None

    def run(self) -> None:
        count, last = 0, 0.0
        while not self._over.wait(LOOK_S):
            if time.monotonic() - last > shepherd.HEARTBEAT_S:
                count, last = count + 1, time.monotonic()
                shepherd.beat(str(self.attempt), count)
            if not self.asked and (self.attempt / "cancel").exists():
                self.asked = True
                if self._main is not None:
                    signal.pthread_kill(self._main, signal.SIGINT)

    def stop(self) -> None:
        """The block is over; an interruption that comes now is of the block still."""
        self._over.set()
        if self.is_alive():
            with contextlib.suppress(RuntimeError):
                self.join()
