"""A job's life in sentences: what was asked, each attempt, what was done, why it ended. From its files alone."""

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cryoloom.project.attempts import attempts_folder, read_attempt
from cryoloom.project.jobspec import JobSpec
from cryoloom.project.journal import FILE


def story(folder: Path, spec: JobSpec) -> list[str]:
    """One line an event that matters, each with its time; many items in a row are one line."""
    lines = [f"{_clock(spec.created)}  made: {spec.protocol}" + (f" ({spec.label})" if spec.label else "")]
    told_of = 0
    items, failed, since, last = 0, 0, 0.0, 0.0
    for event in _events(folder):
        if event["kind"] == "items.done":
            since = since or event["t"]
            items += len(event["items"]) + event.get("rows", 0)
            failed += len(event.get("failed", ()))
            last = event["t"]
            continue
        words = _words(event)
        if not words:
            continue
        if items or failed:
            lines.append(_of_items(items, failed, since, last))
            items, failed, since = 0, 0, 0.0
        if event["kind"] == "attempt.started":
            lines += _ends(folder, told_of, event["attempt"])
            told_of = event["attempt"]
        lines.append(f"{_clock(event['t'])}  {words}")
    if items or failed:
        lines.append(_of_items(items, failed, since, last))
    return lines + _ends(folder, told_of, None)


def _words(event: Mapping[str, Any]) -> str:
    match event["kind"]:
        case "attempt.started":
            again = ", ".join(event.get("reopens", ()))
            where = f"{event.get('host', '?')} (process {event.get('pid', '?')})"
            return f"attempt {event['attempt']} began on {where}" + (
                f", open again: {again}" if again else ""
            )
        case "auto.resolved":
            return "found " + ", ".join(f"{name}={value}" for name, value in event["values"].items())
        case "params.changed":
            values = ", ".join(f"{name}={value}" for name, value in event["values"].items())
            return f"changed to {values}, for {'all items' if event['of_all'] else 'the items to come'}"
        case "input.revised":
            return f"input {event['input']} was made again with other parameters; all items once more"
        case "waiting":
            return f"waited: {event['why']}" if event["why"] else "its slots were free"
        case "iteration.done":
            return f"iteration {event['iteration']} done"
        case "command.ended" if event["code"]:
            return f"{event['step']}: its program ended with code {event['code']}"
        case "output.closed":
            return f"output {event['output']} complete: {event['items']} items"
        case "output.reopened":
            return f"output {event['output']} opened again"
        case "job.suspended":
            return f"paused: {event['why']}"
        case "note":
            return str(event["text"])
        case "job.ended":
            return str(event["state"]) + (f": {event['why']}" if event.get("why") else "")
        case _:
            return ""


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
    return f"{_clock(since)}  {items} items{pace}" + (f", {failed} failed" if failed else "")


def _events(folder: Path) -> Iterator[dict[str, Any]]:
    try:
        text = (folder / FILE).read_text(encoding="utf-8")
    except OSError:
        return
    for line in text.splitlines(keepends=True):
        if line.endswith("\n"):
            yield json.loads(line)


def _clock(wall: float) -> str:
    return time.strftime("%F %T", time.localtime(wall))
