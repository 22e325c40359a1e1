"""What happens in a project, as one stream of events: the journals of all jobs, each event with its job."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cryoloom.project.journal import FILE
from cryoloom.project.pipeline import FILE as PIPELINE
from cryoloom.project.pipeline import read_pipeline
from cryoloom.project.watching import Watcher

LONGEST_WAIT_S = 0.5


def events(root: Path, *, follow: bool = False, since: float = 0.0) -> Iterator[dict[str, Any]]:
    """Every journal line of every job, with `job`; of one job in their order.

    Args:
        root: the project.
        follow: go on as more happens, also in jobs that are made later; never ends by itself.
        since: leave out what happened before this time (seconds of the epoch).
    """
    offsets: dict[str, int] = {}
    watcher = Watcher()
    watcher.watch(root)
    stamp, jobs = -1, list[str]()
    try:
        while True:
            changed = (root / PIPELINE).stat().st_mtime_ns
            if changed != stamp:
                stamp = changed
                jobs = [process.name.rstrip("/") for process in read_pipeline(root).processes]
            found = False
            for job in jobs:
                for event in _news(root / job, job, offsets):
                    found = True
                    if event.get("t", 0.0) >= since:
                        yield {"job": job, **event}
            if found:
                watcher.news()
                continue
            if not follow:
                return
            for job in jobs:
                watcher.watch(root / job / FILE if (root / job / FILE).exists() else root / job)
            watcher.wait(LONGEST_WAIT_S)
    finally:
        watcher.close()


def _news(folder: Path, job: str, offsets: dict[str, int]) -> list[dict[str, Any]]:
    """The whole lines since the last look."""
    try:
        with (folder / FILE).open("rb") as file:
            start = offsets.get(job, 0)
            if file.seek(0, 2) < start:
                start = 0  # the job was begun anew
            file.seek(start)
            data = file.read()
    except OSError:
        return []
    whole = data[: data.rfind(b"\n") + 1]
    offsets[job] = start + len(whole)
    return [json.loads(line) for line in whole.splitlines()]
