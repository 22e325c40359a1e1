"""Long journals as they were folded last, in the cache: a new look reads on from there.

A journal of 20,000 items takes most of a second to fold, and each `cryoloom ls` is a new process. What is kept is never
needed: it is checked against the journal, and where anything is amiss the journal is folded from its beginning.
"""

import contextlib
import hashlib
import json
import os
from dataclasses import asdict, fields
from pathlib import Path

from cryoloom.project.history import JobHistory, OutputState
from cryoloom.project.index import cache_folder
from cryoloom.project.journal import FILE

LEAST_BYTES = (
    262_144  # a shorter journal is folded faster than the cache is asked; so much more is folded each time
)
TAIL_BYTES = 64  # of what was folded: where these are others, the journal was changed by hand


def remembered(root: Path, job: Path) -> JobHistory | None:
    """A job's history up to some event; None where the journal is short, or none is known that fits it."""
    journal = job / FILE
    try:
        if journal.stat().st_size < LEAST_BYTES:
            return None
        known = json.loads(_file(root, job).read_bytes())
        history = _from_plain(known["history"])
        # One that was begun anew may by chance have the same bytes before the same place.
        with journal.open("rb") as file:
            begins_so = file.read(len(history.head)) == history.head
        if not begins_so or _tail(journal, history.offset).hex() != known["tail"]:
            return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None  # not there, cut, or of another version
    return history


def remember(root: Path, job: Path, history: JobHistory, known_to: int) -> None:
    """Keep a history for the next look, where it has gone on by much since that which was known."""
    if history.offset - known_to < LEAST_BYTES:
        return
    file = _file(root, job)
    beside = file.with_name(f"{file.name}.{os.getpid()}.tmp")
    # A cache that is full or cannot be used costs time, and nothing else.
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"tail": _tail(job / FILE, history.offset).hex(), "history": _plain(history)})
        beside.write_text(text)
        beside.replace(file)


def _file(root: Path, job: Path) -> Path:
    name = hashlib.sha256(str(job.relative_to(root)).encode()).hexdigest()[:16]
    return cache_folder(root) / "folded" / f"{name}.json"


def _tail(journal: Path, offset: int) -> bytes:
    with journal.open("rb") as file:
        file.seek(max(0, offset - TAIL_BYTES))
        return file.read(min(TAIL_BYTES, offset))


def _plain(history: JobHistory) -> dict[str, object]:
    plain = {field.name: getattr(history, field.name) for field in fields(history)}
    plain["head"] = history.head.hex()
    plain["steps_done"] = sorted(history.steps_done)
    plain["outputs"] = {name: asdict(output) for name, output in history.outputs.items()}
    return plain


def _from_plain(plain: dict[str, object]) -> JobHistory:
    """Raises: KeyError, TypeError, ValueError or AttributeError where another version wrote it."""
    names = {field.name for field in fields(JobHistory)}
    if plain.keys() != names:
        raise KeyError(*(plain.keys() ^ names))
    history = JobHistory(**plain)  # type: ignore[arg-type]
    history.head = bytes.fromhex(str(plain["head"]))
    history.steps_done = set(history.steps_done)
    history.failed = {item: (name, why) for item, (name, why) in history.failed.items()}
    history.outputs = {name: OutputState(**output) for name, output in history.outputs.items()}  # type: ignore[arg-type]
    return history
