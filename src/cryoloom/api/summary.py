"""The state of jobs in a few words: what `cryoloom ls` prints and `--json` gives."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from cryoloom.errors import CryoloomError
from cryoloom.project.folder import JobEntry
from cryoloom.project.index import Row, add_to_index, read_index
from cryoloom.project.journal import JobHistory
from cryoloom.project.registry import find_protocol
from cryoloom.project.state import ENDED, JobStatus


@dataclass(frozen=True, slots=True)
class JobSummary:
    """One line of the list."""

    name: str
    alias: str
    label: str
    protocol: str
    state: str
    why: str
    done: int
    failed: int
    total: int | None
    outputs: Mapping[str, Mapping[str, Any]]
    progress: str
    left_s: float | None
    seconds: float | None
    ours: bool
    stuck: bool = field(default=False)  # waits for a job that will not go on by itself
    damage: str = ""  # why its files do not tell what it is

    def as_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "alias": self.alias,
            "label": self.label,
            "protocol": self.protocol,
            "state": self.state,
            "why": self.why,
            "items": {"done": self.done, "failed": self.failed, "total": self.total},
            "outputs": dict(self.outputs),
            "progress": self.progress,
            "left_s": self.left_s,
            "seconds": self.seconds,
        }


def summarise(root: Path, entries: Sequence[JobEntry], waits: Mapping[str, str]) -> list[JobSummary]:
    """The lines of all jobs. Of jobs that have ended the index is asked, as far as nothing has changed since."""
    index = read_index(root)
    found: list[JobSummary] = []
    fresh: list[Row] = []
    states: dict[str, str] = {}
    stuck: set[str] = set()
    statuses: dict[str, JobStatus] = {}
    known: dict[str, JobSummary] = {}
    stamps = {entry.name: entry.stamp() for entry in entries}
    for entry in entries:
        row = index.get(entry.name)
        summary = _remembered(row) if row is not None and row.stamp == stamps[entry.name] else None
        if summary is not None:
            known[entry.name] = summary
            states[entry.name] = summary.state
        else:
            statuses[entry.name] = entry.look()
            states[entry.name] = statuses[entry.name].state
    for entry in entries:
        if entry.name in known:
            found.append(known[entry.name])
            continue
        status = statuses[entry.name]
        if status.damage:
            found.append(_damaged(entry, status))
            continue
        dead = _dead_parent(entry, states, stuck) if status.state == "scheduled" else ""
        if dead:
            stuck.add(entry.name)
        summary = _summary(entry, status, waits, dead)
        found.append(summary)
        if status.state in ENDED and (status.attempt is None or status.attempt.ended):
            text = json.dumps(asdict(summary), ensure_ascii=False)
            fresh.append(Row(entry.name, stamps[entry.name], status.state, text))
    gone = index.keys() - states.keys()
    if fresh or gone:
        add_to_index(root, fresh, gone)
    return found


def _remembered(row: Row) -> JobSummary | None:
    """A line of the index; None where another version wrote it: it is looked anew then."""
    try:
        return JobSummary(**json.loads(row.summary))
    except (TypeError, ValueError):
        return None


def _damaged(entry: JobEntry, status: JobStatus) -> JobSummary:
    """A job whose files do not tell what it is: told as such, and nothing of it is touched."""
    return JobSummary(
        entry.name, entry.alias, "", entry.protocol, status.state, status.why, 0, 0, None, {}, "", None, None,
        ours=True, stuck=True, damage=status.damage,
    )  # fmt: skip


def _summary(entry: JobEntry, status: JobStatus, waits: Mapping[str, str], dead: str) -> JobSummary:
    history = status.history
    why = status.why
    if status.state == "scheduled":
        told = waits.get(entry.name, "")
        # What the scheduler says of a protocol is more than we know; "": none of the jobs can be started.
        why = (told if dead.startswith("protocol ") else "") or dead or told or waits.get("") or why
    done, failed = history.count, len(history.failed)
    total = history.total
    if entry.spec is not None and not done and history.progress.get("done") is not None:
        done, total = history.progress["done"], history.progress["of"]
    return JobSummary(
        entry.name,
        entry.alias,
        entry.spec.label if entry.spec else "",
        entry.protocol,
        status.state,
        why,
        done,
        failed,
        total,
        {
            name: _output(dataset.path, dataset.kind, name, history)
            for name, dataset in entry.outputs().items()
        },
        _progress(history, status.state),
        seconds_left(history, status.state),
        round((history.ended or 0) - history.began, 1) if history.ended and history.began else None,
        entry.spec is not None,
        bool(dead) and status.state == "scheduled",
    )


def _output(path: str, kind: str, name: str, history: JobHistory) -> dict[str, Any]:
    state = history.outputs.get(name)
    return {
        "path": path,
        "kind": kind,
        "items": state.items if state else None,
        "closed": state.closed if state else None,
    }


def _progress(history: JobHistory, state: str) -> str:
    if state != "running" or not history.progress:
        return ""
    iteration, of = history.progress.get("iteration"), history.progress.get("of")
    words = f"iteration {iteration}" + (f" of {of}" if of else "") if iteration is not None else ""
    return ", ".join(filter(None, [words, str(history.progress.get("text") or "")]))


def seconds_left(history: JobHistory, state: str) -> float | None:
    """Seconds left, by the pace since it was started last; None where the end or the pace is unknown."""
    if state != "running":
        return None
    done, total, last = history.count + len(history.failed), history.total, history.last_done
    if not done and history.progress.get("of"):
        done, total, last = history.progress["done"], history.progress["of"], history.progress["t"]
    began, lately = history.attempt_began, done - history.had
    if lately <= 0 or not total or last <= began or done > total:
        return None
    return round((last - began) / lately * (total - done), 1)


def _dead_parent(entry: JobEntry, states: Mapping[str, str], stuck: set[str]) -> str:
    """The sentence about a job that this one waits for in vain, or about the protocol that nobody has."""
    if entry.spec is None:
        return ""
    try:
        find_protocol(entry.spec.protocol)
    except CryoloomError as error:
        return str(error)
    except Exception:  # of a plugin that is broken: the scheduler says how, and it may be mended at any time
        return ""
    inputs = [dataset.job for dataset in entry.spec.inputs.values() if dataset.output]
    for name in (*entry.spec.wait_for, *inputs):
        if states.get(name) in ("failed", "aborted"):
            how = "failed" if states[name] == "failed" else "was stopped"
            return f"needs {name}, which {how}; cryoloom resume {name}"
        if name in stuck:
            return f"waits for {name}, which waits in vain"
    return ""
