"""What happens in a project, as one stream of events: the journals of all jobs, each event with its job."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cryoloom.project.forms.pipeline import FILE as PIPELINE
from cryoloom.project.forms.pipeline import read_pipeline
from cryoloom.project.journal import FILE, HEAD_BYTES
from cryoloom.project.watching import Watcher

LONGEST_WAIT_S = 0.5


def events(root: Path, *, follow: bool = False, since: float = 0.0) -> Iterator[dict[str, Any]]:
    """Every journal line of every job, with `job`; of one job in their order.

    Args:
        root: the project.
        follow: go on as more happens, also in jobs that are made later; never ends by itself.
        since: leave out what happened before this time (seconds of the epoch).
    """
    offsets: dict[str, tuple[int, bytes]] = {}
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


def _news(folder: Path, job: str, known: dict[str, tuple[int, bytes]]) -> list[dict[str, Any]]:
    """The whole lines since the last look; all of them where the journal was begun anew."""
    start, head = known.get(job, (0, b""))
    try:
        with (folder / FILE).open("rb") as file:
            now = file.read(HEAD_BYTES)
            if file.seek(0, 2) < start or not now.startswith(head):
                start = 0
            file.seek(start)
            data = file.read()
    except OSError:
        return []
    whole = data[: data.rfind(b"\n") + 1]
    known[job] = (start + len(whole), now)
    events = []
    for line in whole.splitlines():
        try:
            events.append(json.loads(line))
        except ValueError:
            continue  # `ls` tells of a damaged journal; the others go on
    return events
