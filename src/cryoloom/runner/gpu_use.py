"""What the programs of a job take of its GPUs: asked of nvidia-smi now and then, while they run.

GPUs are a job's own while it holds their slots, so the load and memory of the card are taken for the job's: process
ids, which nvidia-smi gives too, are those of another namespace in a container.
"""

import subprocess
import time
from collections.abc import Collection
from dataclasses import dataclass, field

SAMPLE_S = 5.0


@dataclass(slots=True)
class GpuMeter:
    """Samples some GPUs; never waits for an answer."""

    gpus: Collection[str]  # indices
    peak_mb: float = 0.0  # the largest sum over the GPUs
    loads: list[float] = field(default_factory=list)  # of all GPUs together, 1.0 a GPU that is busy
    _asked: float = 0.0
    _question: "subprocess.Popen[str] | None" = None

    def look(self) -> None:
        """Take an answer that has come, and ask again when it is time."""
        if not self.gpus:
            return
        if self._question is not None and self._question.poll() is not None:
            assert self._question.stdout is not None
            self.take(self._question.stdout.read())
            self._question.stdout.close()
            self._question = None
        if self._question is None and time.monotonic() - self._asked > SAMPLE_S:
            self._asked = time.monotonic()
            self._question = _ask(self.gpus)
            if self._question is None:
                self.gpus = ()  # no driver: there is nothing to ask

    def take(self, answer: str) -> None:
        """One answer: a line a GPU with its load in percent and its memory in MiB; others are passed over."""
        lines = [line.split(",") for line in answer.splitlines()]
        found = [(float(words[0]), float(words[1])) for words in lines if _are_numbers(words)]
        if found:
            self.loads.append(sum(load for load, _ in found) / 100)
            self.peak_mb = max(self.peak_mb, sum(memory for _, memory in found))

    def gpu_s(self, wall_s: float) -> float:
        """GPU seconds of a run that took so long: the mean load times its time."""
        return wall_s * sum(self.loads) / len(self.loads) if self.loads else 0.0

    def end(self) -> None:
        """Nobody waits for an answer any more."""
        if self._question is not None:
            self._question.kill()
            self._question.wait()
            if self._question.stdout is not None:
                self._question.stdout.close()


def _ask(gpus: Collection[str]) -> "subprocess.Popen[str] | None":
    try:
        return subprocess.Popen(
            ["nvidia-smi", "-i", ",".join(gpus), "--query-gpu=utilization.gpu,memory.used",
             "--format=csv,noheader,nounits"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
    except OSError:
        return None


def _are_numbers(words: list[str]) -> bool:
    # "[N/A]" for a card that does not tell, as with MIG.
    return len(words) == 2 and all(word.strip().replace(".", "", 1).isdigit() for word in words)
