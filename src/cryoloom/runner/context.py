"""What every kind of job run needs at hand: the job, its protocol, its journal, its settings."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cryoloom.errors import CryoloomError, UnreadableError
from cryoloom.launchers import ledger
from cryoloom.launchers.machine import gpus_of_string, this_machine
from cryoloom.launchers.requests import request_of
from cryoloom.project.attempts import read_control
from cryoloom.project.events import Doubt, Note, Waiting
from cryoloom.project.jobspec import JobSpec
from cryoloom.project.journal import JournalWriter
from cryoloom.project.settings import Settings, load_settings
from cryoloom.project.watching import Watcher
from cryoloom.protocol.jobs import JobFolder
from cryoloom.protocol.protocols import Protocol
from cryoloom.schedule.slots import Machine
from cryoloom.schedule.state import Cause

# A job that waits for slots looks at least so often: the ledger does not change when who holds them dies.
LOOK_S = 0.25
TELL_WAIT_S = 5.0


class Suspended(Exception):
    """The job cannot go on now, through no fault of its own; the scheduler starts it again.

    `cause`: "walltime" where its time was over before it was through; "" where it waits for another job.
    """

    def __init__(self, why: str, cause: Cause = "") -> None:
        super().__init__(why)
        self.cause = cause


def out_of_time() -> Suspended:
    """The batch system will end this attempt: what is done is kept, the next attempt goes on."""
    return Suspended("its time limit came near; goes on in the next attempt", "walltime")


@dataclass(slots=True)
class RunContext:
    """One attempt at one job."""

    root: Path
    name: str  # "Class2D/job012"
    spec: JobSpec
    attempt: Path  # its folder
    job: JobFolder
    protocol: Protocol
    journal: JournalWriter
    settings: Settings
    time_is_up: threading.Event
    last_wishes: dict[str, Any] = field(default_factory=dict)

    @property
    def is_out_of_time(self) -> bool:
        """Whether to end with the item or iteration in hand."""
        return self.time_is_up.is_set()

    @property
    def folder(self) -> Path:
        return self.root / self.name

    def log(self, text: str, *, error: bool = False) -> None:
        """A line for the user in `run.out`, or `run.err`."""
        with (self.folder / ("run.err" if error else "run.out")).open("a", encoding="utf-8") as file:
            file.write(text.rstrip() + "\n")

    def take_over_log(self, out: Path, err: Path) -> None:
        """What a program said beside the job's logs stands in them from now on, in one piece."""
        for source, name in ((out, "run.out"), (err, "run.err")):
            with (self.folder / name).open("ab") as file:
                file.write(source.read_bytes())
            source.unlink()

    def say_once(self, text: str) -> None:
        """A remark about the job, in its log and its journal."""
        if text not in self.journal.history.notes:
            self.log(text)
            self.journal.write(Note(text=text))

    def doubt(self, text: str) -> None:
        """What makes a result look wrong; in its log and its journal, and in the list of jobs."""
        if text not in self.journal.history.doubts:
            self.log(text)
            self.journal.write(Doubt(text=text))

    def say_ignored(self, options: tuple[str, ...]) -> None:
        """Options that the program did not know: a result without them is not what was asked for."""
        for option in options:
            self.doubt(f"RELION ignored {option}, which it does not know; look at other_args.")

    def machine(self) -> Machine:
        """What jobs may take of this machine."""
        return this_machine(self.settings)

    def stream_stopped(self) -> bool:
        """Whether the user asked for the stream's end (`cryoloom stop JOB --stream`)."""
        return bool(self.wishes()["stream"] == "stop")

    def wishes(self) -> dict[str, Any]:
        """What the user wants of the job; where it cannot be read now, what was wanted when it could.

        Raises:
            Suspended: it could never be read: nobody knows whether the job is to run at all.
        """
        try:
            self.last_wishes = read_control(self.folder)
        except UnreadableError as error:
            if not self.last_wishes:
                raise Suspended(str(error), "wishes") from None
            self.say_once(f"{error} The wishes of before hold.")
        return self.last_wishes

    def gpus(self, named: str | None = None) -> frozenset[str]:
        """The GPUs that the job's programs run on; `named`: by RELION's string instead of the protocol's."""
        text = self.protocol.gpus() if named is None else named
        return frozenset() if text is None else gpus_of_string(text, self.machine().gpus)

    @contextlib.contextmanager
    def slots(self, slot: str = "", gpus: str | None = None) -> Iterator[None]:
        """Hold cores, memory and GPUs of the machine while the block runs; waits until they are free.

        Args:
            slot: which of several shares of this process.
            gpus: instead of those that the protocol names.
        """

        def take() -> str:
            # A user may change while it waits how urgent it is, and what jobs may take.
            machine = self.machine()
            request = request_of(self.root, self.name, self.protocol, self.wishes(), machine)
            if gpus is not None:
                request = replace(request, gpus=gpus_of_string(gpus, machine.gpus))
            return ledger.take(request, machine, slot)

        if take():
            self._wait_for(take)
        try:
            yield
        finally:
            ledger.give_back(slot)

    def _wait_for(self, take: Callable[[], str]) -> None:
        """Look again whenever others have taken or given back; after some seconds the journal says for whom we wait."""
        told, began = "", time.monotonic()
        with contextlib.closing(Watcher()) as watcher:
            watcher.watch(ledger.ledger_file())
            while why := take():
                with contextlib.suppress(CryoloomError):  # while they are being written, the known ones count
                    self.settings = load_settings(self.root)
                if why != told and time.monotonic() - began > TELL_WAIT_S:
                    told = why
                    self.journal.write(Waiting(why=why))
                watcher.wait(LOOK_S)
        if told:
            self.journal.write(Waiting(why=""))
