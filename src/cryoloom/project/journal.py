"""`journal.jsonl`: what happened to a job, one JSON object a line, appended by the job's process alone.

The line is the commit: a dataset is valid up to the `end` that the last line names, an item is done
when a line says so. Unknown kinds and keys are kept and passed over. Order is `seq`, never the clock.
"""

import json
import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from cryoloom.errors import ProjectError, UnreadableError
from cryoloom.project.jsonfile import check_format
from cryoloom.schedule.state import Cause, State

FILE = "journal.jsonl"
HEAD_BYTES = 160  # holds time and process of the first event
FORMAT = 1  # stands in each `attempt.started`


@dataclass(slots=True)
class OutputState:
    """A growing dataset as its producer has committed it."""

    file: str
    table: str
    labels: list[str]
    generation: int
    start: int  # byte offset of the first row
    end: int  # committed end
    items: int = 0
    closed: bool = False
    revision: int = 0  # grows when all items were made again, with other parameters


@dataclass(slots=True)
class JobHistory:
    """The journal folded: all that is known of a job's past."""

    head: bytes = b""  # how the journal begins: one that was begun anew begins otherwise
    names_items: bool = True  # else items are counted in `rows_done`, and `done` stays empty
    seq: int = -1
    offset: int = 0  # bytes read, up to the last whole line
    attempts: int = 0
    attempt: int = 0  # the number of the last one that began
    last_progress_attempt: int = 0  # the last one that finished an item, a step or an iteration
    suspended: str = ""
    needs_free: int = 0  # bytes of disk without which it cannot go on
    cause: Cause = ""  # what the last attempt ran short of
    done: dict[str, float] = field(default_factory=dict)  # item id → wall time, for people
    rows_done: int = 0  # of a set operation, whose items are not named here: they stand in its outputs
    last_done: float = 0.0  # wall time
    failed: dict[str, tuple[str, str]] = field(default_factory=dict)  # item id → (name, reason)
    total: int | None = None
    outputs: dict[str, OutputState] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)  # `auto` parameters, resolved
    used: list[dict[str, Any]] = field(
        default_factory=list
    )  # what `auto` meant for items of some optics groups
    version: int = 0  # how often the parameters were changed
    input_revisions: dict[str, int] = field(default_factory=dict)
    steps_done: set[str] = field(default_factory=set)
    iteration: int | None = None
    progress: dict[str, Any] = field(default_factory=dict)
    waiting: str = ""
    state: State | Literal[""] = ""  # "" while not ended
    why: str = ""
    notes: list[str] = field(default_factory=list)
    began: float = 0.0
    attempt_began: float = 0.0
    had: int = 0  # items, or iterations, that were through when this attempt began
    ended: float = 0.0
    cpu_s: float = 0.0
    program_cpu_s: float = 0.0
    running_cpu_s: float = 0.0  # part of it: of a program that runs still
    gpu_s: float = 0.0  # load of its GPUs times time
    gpu_mb: float = 0.0  # of their memory, at most
    peak_mb: float = 0.0  # of its process, or of one of its programs

    def take(self, event: Mapping[str, Any]) -> None:
        """Fold one event."""
        self.seq = event["seq"]
        kind = event["kind"]
        # An end for want of room or time is none that got anything done.
        is_short = kind == "job.suspended" and bool(event.get("cause"))
        if kind in ("items.done", "iteration.done", "job.suspended") and not is_short:
            self.last_progress_attempt = event["attempt"]
        match kind:
            case "attempt.started":
                self.attempts += 1
                self.attempt = event["attempt"]
                self.state, self.why, self.waiting, self.suspended = "", "", "", ""
                self.needs_free, self.cause = 0, ""
                self.began = self.began or event["t"]
                self.attempt_began = event["t"]
                self.had = int(self.progress.get("done") or 0) if not self.count else self.count
                self.failed = {}
                self.total = None  # more may come
                self.running_cpu_s = 0.0
                # In this very event: nobody may see the attempt, and its outputs still closed.
                for name in event.get("reopens", ()):
                    self.outputs[name].closed = False
            case "output.opened":
                known = self.outputs.get(event["output"])
                if known is not None and event.get("revision", 0) > known.revision:
                    # All items are made again, with other parameters: nothing is through any more.
                    self.done, self.failed = {}, {}
                self.outputs[event["output"]] = OutputState(
                    event["file"], event["table"], event["labels"], event["generation"], event["start"], event["end"],
                    event.get("items", 0), revision=event.get("revision", 0),
                )  # fmt: skip
            case "items.done":
                self._take_items(event)
            case "rows.forgotten":
                self.rows_done, self.done, self.failed = 0, {}, {}
            case "input.revised":
                self.input_revisions[event["input"]] = event["revision"]
            case "params.changed":
                self.version = event["version"]
                self.values |= event["values"]
            case "items.known":
                self.total = event["total"]
            case "output.closed":
                if event["output"] in self.outputs:
                    self.outputs[event["output"]].closed = True
            case "output.reopened":
                if event["output"] in self.outputs:
                    self.outputs[event["output"]].closed = False
            case "auto.resolved":
                self.values |= event["values"]
            case "auto.used":
                if event["values"] not in self.used:
                    self.used.append(dict(event["values"]))
            case "command.used":
                self._take_use(event, of_running=event["cpu_s"])
            case "command.ended":
                self._take_use(event, of_running=0.0)
                self.gpu_s += event.get("gpu_s", 0.0)
                self.gpu_mb = max(self.gpu_mb, event.get("gpu_mb", 0.0))
                if event["code"] == 0:
                    self.steps_done.add(event["step"])
            case "iteration.done":
                self.iteration = event["iteration"]
            case "progress":
                self.progress = dict(event)
            case "waiting":
                self.waiting = event["why"]
            case "note":
                self.notes.append(event["text"])
            case "job.suspended":
                self.suspended, self.needs_free = event["why"], event.get("needs_free", 0)
                self.cause = event.get("cause", "")
            case "job.ended":
                self.state, self.why, self.ended = event["state"], event.get("why", ""), event["t"]
                self.cpu_s += event.get("cpu_s", 0.0)
                self.peak_mb = max(self.peak_mb, event.get("peak_mb", 0.0))

    @property
    def resolved(self) -> dict[str, Any]:
        """What `auto` parameters came to, where it is the same for all items."""
        return {**(self.used[0] if len(self.used) == 1 else {}), **self.values}

    @property
    def count(self) -> int:
        """How many items are through."""
        return len(self.done) + self.rows_done

    def _take_use(self, event: Mapping[str, Any], *, of_running: float) -> None:
        """What a program has taken since it began."""
        self.program_cpu_s += max(0.0, event.get("cpu_s", 0.0) - self.running_cpu_s)
        self.running_cpu_s = of_running
        self.peak_mb = max(self.peak_mb, event.get("peak_mb", 0.0))

    def _take_items(self, event: Mapping[str, Any]) -> None:
        self.rows_done += event.get("rows", 0)
        self.last_done = event["t"]
        if self.names_items:
            for item in event["items"]:
                self.done[item] = event["t"]
                self.failed.pop(item, None)
        else:
            self.rows_done += len(event["items"])
        for failure in event.get("failed", ()):
            self.failed[failure["item"]] = (failure.get("name", ""), failure["why"])
        for name, committed in event["outputs"].items():
            output = self.outputs[name]
            output.generation, output.end = committed["generation"], committed["end"]
            output.items = committed["items"]


def read_history(folder: Path, since: JobHistory | None = None) -> JobHistory:
    """Fold a job's journal, or what has come since the last look.

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
    for line in whole.splitlines():
        try:
            event = json.loads(line)
            if event["kind"] == "attempt.started":
                check_format(f"{folder / FILE}", event.get("format", 1), FORMAT)
            history.take(event)
        except (ValueError, TypeError, KeyError) as error:
            raise ProjectError(
                f"{folder / FILE}, behind event {history.seq}", found=f"{line[:80]!r} ({error!r})",
                expected="an event of the job, as Cryoloom writes them",
                hint="Take that line out, or put the file back from a copy.",
            ) from None  # fmt: skip
    history.offset += len(whole)
    return history


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

    def write(self, kind: str, *, sync: bool = False, **facts: Any) -> None:
        """Append one event, and fold it; any thread may."""
        with self._lock:
            event = {
                "seq": self.history.seq + 1,
                "t": round(time.time(), 3),
                "attempt": self.attempt,
                "kind": kind,
                **facts,
            }
            line = (json.dumps(event, ensure_ascii=False) + "\n").encode()
            written = os.write(self._handle, line)
            if written != len(line):
                os.ftruncate(self._handle, self.history.offset)
                raise OSError(28, "No space left on device", str(self.path))
            self.history.take(event)
            self.history.offset += len(line)
        if sync:
            os.fdatasync(self._handle)

    def close(self) -> None:
        os.close(self._handle)
