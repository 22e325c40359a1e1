"""What a job's programs said, from the beginning or as it goes on."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryoloom.project.journal import FILE as JOURNAL

if TYPE_CHECKING:
    from cryoloom.api.job import Job

OUTPUT = ("run.out", "run.err")
LOOK_S = 0.3


def log_of(job: "Job", *, follow: bool = False, events: bool = False) -> Iterator[str]:
    """Pieces of text in their order: `run.out`, then `run.err`; a progress bar's returns are new lines.

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
                yield data.decode(errors="replace").replace("\r", "\n")
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
