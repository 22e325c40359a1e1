"""A job's life in sentences: what was asked, each attempt, what was done, why it ended. From its files alone."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

from cryoloom.project.attempts import attempts_folder, read_attempt
from cryoloom.project.events import AttemptStarted, Event, ItemsDone, Stamp, read_event
from cryoloom.project.jobspec import JobSpec
from cryoloom.project.journal import FILE


def story(folder: Path, spec: JobSpec) -> list[str]:
    """One line an event that matters, each with its time; many items in a row are one line."""
    lines = [f"{_clock(spec.created)}  made: {spec.protocol}" + (f" ({spec.label})" if spec.label else "")]
    told_of = 0
    items, failed, since, last = 0, 0, 0.0, 0.0
    for stamp, event in _events(folder):
        if isinstance(event, ItemsDone):
            since = since or stamp.t
            items += len(event.items) + event.rows
            failed += len(event.failed)
            last = stamp.t
            continue
        words = event.words(stamp)
        if not words:
            continue
        if items or failed:
            lines.append(_of_items(items, failed, since, last))
            items, failed, since = 0, 0, 0.0
        if isinstance(event, AttemptStarted):
            lines += _ends(folder, told_of, stamp.attempt)
            told_of = stamp.attempt
        lines.append(f"{_clock(stamp.t)}  {words}")
    if items or failed:
        lines.append(_of_items(items, failed, since, last))
    return lines + _ends(folder, told_of, None)


def _ends(folder: Path, first: int, before: int | None) -> list[str]:
    """How attempts ended that could not say so themselves: from `first` on, up to the one that began next."""
    numbers = sorted(int(path.name) for path in attempts_folder(folder).glob("[0-9]*"))
    lines = []
    for number in numbers:
        if number < max(first, 1) or (before is not None and number >= before):
            continue
        attempt = read_attempt(folder, number)
        ended_by = (attempt.exit or {}).get("ended_by", "")
        if ended_by in ("", "exit"):
            continue
        when = (attempt.folder / "exit.json").stat().st_mtime
        why = (attempt.exit or {}).get("why") or {"cancel": "the user stopped it"}.get(ended_by, ended_by)
        lines.append(f"{_clock(when)}  attempt {number} ended: {why}")
    return lines


def _of_items(items: int, failed: int, since: float, last: float) -> str:
    pace = f" within {last - since:.0f} s" if last - since >= 1 else ""
    done = f"{items} items" if items or not failed else ""
    return f"{_clock(since)}  {', '.join(filter(None, (done, f'{failed} failed' if failed else '')))}{pace}"


def _events(folder: Path) -> Iterator[tuple[Stamp, Event]]:
    """What the journal says, as far as it is known what that means."""
    try:
        data = (folder / FILE).read_bytes()
    except OSError:
        return
    for line in data[: data.rfind(b"\n") + 1].splitlines():
        stamp, event = read_event(json.loads(line))
        if event is not None:
            yield stamp, event


def _clock(wall: float) -> str:
    return time.strftime("%F %T", time.localtime(wall))
