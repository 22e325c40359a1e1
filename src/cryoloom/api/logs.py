"""What a job's programs said, from the beginning or as it goes on."""

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryoloom.project.journal import FILE as JOURNAL

if TYPE_CHECKING:
    from cryoloom.api.job import Job

OUTPUT = ("run.out", "run.err")
LOOK_S = 0.3
OVERWRITTEN = re.compile(r"[^\r\n]*\r(?=[^\r\n])")


@dataclass(frozen=True)
class JobLog:
    """What a job says: as text all at once, in a loop piece by piece."""

    job: "Job"
    follow: bool = False  # until the job has ended
    events: bool = False  # its journal
    story: bool = False  # its life in sentences

    def __iter__(self) -> Iterator[str]:
        if not self.story:
            yield from log_of(self.job, follow=self.follow, events=self.events)
            return
        yield from (f"{sentence}\n" for sentence in self._sentences())

    def _sentences(self) -> list[str]:
        from cryoloom.project.story import story

        spec = self.job.entry.spec
        if spec is None:
            return [f"{self.job.name} was made by RELION, which keeps no story of its jobs."]
        return story(self.job.folder, spec)

    def as_dict(self) -> dict[str, Any]:
        """For JSON: what is there now."""
        if self.story:
            return {"job": self.job.name, "story": self._sentences()}
        if self.events:
            return {"job": self.job.name, "events": events_of(self.job)}
        return {"job": self.job.name, "text": "".join(log_of(self.job))}

    def __str__(self) -> str:
        return "".join(self)

    def __repr__(self) -> str:
        return "".join(
            JobLog(self.job, events=self.events, story=self.story)
        )  # an evaluated cell must not hang


def log_of(job: "Job", *, follow: bool = False, events: bool = False) -> Iterator[str]:
    """Pieces of text in their order: `run.out`, then `run.err`.

    Of a progress bar its last state is left, as a terminal would show it; while it is followed each is a line.

    Args:
        job: whose.
        follow: go on until the job has ended.
        events: its journal instead.
    """
    files = [job.folder / name for name in ((JOURNAL,) if events else OUTPUT)]
    offsets = dict.fromkeys(files, 0)
    while True:
        # Asked before the look: what is written at the very end is not missed.
        goes_on = follow and not job.has_ended
        for file in files:
            data = _from(file, offsets[file])
            offsets[file] += len(data)
            if data:
                text = data.decode(errors="replace").replace("\r\n", "\n")
                yield text.replace("\r", "\n") if follow else OVERWRITTEN.sub("", text)
        if not goes_on:
            return
        time.sleep(LOOK_S)


def events_of(job: "Job") -> list[dict[str, Any]]:
    """Its journal as it is now, an event a line; a line that is still being written is left out."""
    data = _from(job.folder / JOURNAL, 0)
    return [json.loads(line) for line in data.splitlines(keepends=True) if line.endswith(b"\n")]


def _from(path: Path, offset: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read()
    except FileNotFoundError:
        return b""
