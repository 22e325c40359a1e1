"""Programs are started, take time and memory, go on by iterations and end."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from cryoloom.project.events.event import RARE, Event, Stamp
from cryoloom.project.history import JobHistory


@dataclass(frozen=True, slots=True)
class CommandStarted(Event):
    """A program is started."""

    kind = "command.started"
    step: str
    argv: Sequence[str]
    mpi: int = 1


@dataclass(frozen=True, slots=True)
class CommandUsed(Event):
    """What a running program has taken since it began."""

    kind = "command.used"
    step: str
    cpu_s: float
    peak_mb: float = 0.0

    def fold(self, history: JobHistory, stamp: Stamp) -> None:
        _fold_use(history, self.cpu_s, self.peak_mb, of_running=self.cpu_s)


@dataclass(frozen=True, slots=True)
class CommandEnded(Event):
    """A program has ended, with what it took. `gpu_s`: load of its GPUs times time; `gpu_mb`: of their memory, at most."""

    kind = "command.ended"
    step: str
    code: int
    wall_s: float = 0.0
    cpu_s: float = 0.0
    peak_mb: float = 0.0
    gpu_s: float = field(default=0.0, metadata=RARE)
    gpu_mb: float = field(default=0.0, metadata=RARE)

    def fold(self, history: JobHistory, stamp: Stamp) -> None:
        _fold_use(history, self.cpu_s, self.peak_mb, of_running=0.0)
        history.gpu_s += self.gpu_s
        history.gpu_mb = max(history.gpu_mb, self.gpu_mb)
        if self.code == 0:
            history.steps_done.add(self.step)

    def words(self, stamp: Stamp) -> str:
        return f"{self.step}: its program ended with code {self.code}" if self.code else ""


@dataclass(frozen=True, slots=True)
class IterationDone(Event):
    """An iterative program has finished an iteration."""

    kind = "iteration.done"
    iteration: int

    def fold(self, history: JobHistory, stamp: Stamp) -> None:
        history.last_progress_attempt = stamp.attempt
        history.iteration = self.iteration

    def words(self, stamp: Stamp) -> str:
        return f"iteration {self.iteration} done"


@dataclass(frozen=True, slots=True)
class ProgressTold(Event):
    """How far a program is, as its protocol reads it; null what it does not say."""

    kind = "progress"
    iteration: int | None = None
    done: int | None = None
    of: int | None = None
    text: str = ""

    def fold(self, history: JobHistory, stamp: Stamp) -> None:
        history.progress = {
            "t": stamp.t, "iteration": self.iteration, "done": self.done, "of": self.of, "text": self.text
        }  # fmt: skip


def _fold_use(history: JobHistory, cpu_s: float, peak_mb: float, *, of_running: float) -> None:
    """What a program has taken since it began; of one that runs, more will come."""
    history.program_cpu_s += max(0.0, cpu_s - history.running_cpu_s)
    history.running_cpu_s = of_running
    history.peak_mb = max(history.peak_mb, peak_mb)
