"""`journal.jsonl`: what happened to a job, one JSON object a line, appended by the job's process alone.

The line is the commit: a dataset is valid up to the `end` that the last line names, an item is done
when a line says so. Order is `seq`, never the clock. What the lines say is told in `project/events/`.
"""

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from cryoloom.errors import ProjectError, UnreadableError
from cryoloom.project.events import AttemptStarted, Event, Stamp, fold, read_event, record_of
from cryoloom.project.history import JobHistory
from cryoloom.project.jsonfile import check_format

FILE = "journal.jsonl"
HEAD_BYTES = 160  # holds time and process of the first event
MANY = 100  # lines
FORMAT = 1  # stands in each `attempt.started`


def read_history(
    folder: Path, since: JobHistory | None = None, told: Callable[[Stamp, Event], None] | None = None
) -> JobHistory:
    """Fold a job's journal, or what has come since the last look; `told` hears each event that is new.

    A last line without its newline (a kill in mid-write) does not count. A journal that was
    begun anew since the last look, which is shorter or begins otherwise, is folded anew.

    Raises:
        UnreadableError: it cannot be read now, or a newer version writes it.
        ProjectError: a line is no event.
    """
    history = since or JobHistory()
    try:
        with (folder / FILE).open("rb") as file:
            head = file.read(HEAD_BYTES)
            if os.fstat(file.fileno()).st_size < history.offset or not head.startswith(history.head):
                history = JobHistory(names_items=history.names_items)
            history.head = head
            file.seek(history.offset)
            data = file.read()
    except FileNotFoundError:
        return JobHistory(
            names_items=since is None or since.names_items
        )  # not begun; or restarted, and then what was read before is no longer so
    except OSError as error:
        raise UnreadableError(
            f"{folder / FILE}", found=f"not readable ({error.strerror})", expected="the job's journal"
        ) from None
    whole = data[: data.rfind(b"\n") + 1]
    for line, record in records_of(whole):
        try:
            stamp, event = read_event(json.loads(line) if record is None else record)
            if isinstance(event, AttemptStarted):
                check_format(f"{folder / FILE}", event.format, FORMAT)
            fold(history, stamp, event)
            if told is not None and event is not None:
                told(stamp, event)
        except (ValueError, TypeError, KeyError) as error:
            raise ProjectError(
                f"{folder / FILE}, behind event {history.seq}", found=f"{line[:80]!r} ({error!r})",
                expected="an event of the job, as Cryoloom writes them",
                hint="Take that line out, or put the file back from a copy.",
            ) from None  # fmt: skip
    history.offset += len(whole)
    return history


def records_of(data: bytes) -> Iterator[tuple[bytes, dict[str, Any] | None]]:
    """Lines with what they say; None where one of its neighbours, or itself, is no JSON.

    Many are parsed in one go: it takes a third of the time, and a journal may have tens of thousands.
    """
    lines = data.splitlines()
    for first in range(0, len(lines), MANY):
        some = lines[first : first + MANY]
        try:
            records = json.loads(b"[" + b",".join(some) + b"]")
        except ValueError:
            records = []
        # A line that holds several objects, or a part of one, is none.
        yield from zip(some, records if len(records) == len(some) else [None] * len(some), strict=True)


class JournalWriter:
    """The one writer of a job's journal: the process that holds the attempt's claim."""

    def __init__(self, folder: Path, attempt: int) -> None:
        """Open for appending; a torn last line of a killed predecessor is cut off."""
        self.path = folder / FILE
        self.attempt = attempt
        self.history = read_history(folder)
        # The workers of an item job tell of their programs while the main thread commits.
        self._lock = threading.Lock()
        self._handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.ftruncate(self._handle, self.history.offset)

    def write(self, event: Event, *, sync: bool = False) -> None:
        """Append one event, and fold it; any thread may."""
        with self._lock:
            stamp = Stamp(self.history.seq + 1, round(time.time(), 3), self.attempt)
            line = (json.dumps(record_of(stamp, event), ensure_ascii=False) + "\n").encode()
            written = os.write(self._handle, line)
            if written != len(line):
                os.ftruncate(self._handle, self.history.offset)
                raise OSError(28, "No space left on device", str(self.path))
            fold(self.history, stamp, event)
            self.history.offset += len(line)
        if sync:
            os.fdatasync(self._handle)

    def close(self) -> None:
        os.close(self._handle)
