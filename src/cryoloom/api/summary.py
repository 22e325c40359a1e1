"""The state of jobs in a few words: what `cryoloom ls` prints and `--json` gives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cryoloom.project.folder import JobEntry
from cryoloom.project.journal import JobHistory
from cryoloom.project.state import JobStatus


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


def summarise(entries: Sequence[JobEntry], waits: Mapping[str, str]) -> list[JobSummary]:
    """The lines of all jobs."""
    statuses = {entry.name: entry.status() for entry in entries}
    states = {name: status.state for name, status in statuses.items()}
    found: list[JobSummary] = []
    stuck: set[str] = set()
    for entry in entries:
        status = statuses[entry.name]
        dead = _dead_parent(entry, states, stuck)
        if dead and status.state == "scheduled":
            stuck.add(entry.name)
        found.append(_summary(entry, status, waits, dead))
    return found


def _summary(entry: JobEntry, status: JobStatus, waits: Mapping[str, str], dead: str) -> JobSummary:
    history = status.history
    why = status.why
    if status.state == "scheduled":
        why = dead or waits.get(entry.name, "") or why
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
        _left(history, status.state),
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


def _left(history: JobHistory, state: str) -> float | None:
    """Seconds left, by the pace so far; None where the end is unknown."""
    if state != "running":
        return None
    done, total = history.count + len(history.failed), history.total
    began = history.began
    last = history.last_done
    if not done and history.progress.get("of"):
        done, total, last = history.progress["done"], history.progress["of"], history.progress["t"]
    if not done or not total or last <= began or done > total:
        return None
    return round((last - began) / done * (total - done), 1)


def _dead_parent(entry: JobEntry, states: Mapping[str, str], stuck: set[str]) -> str:
    """The sentence about a job that this one waits for in vain."""
    if entry.spec is None:
        return ""
    inputs = [dataset.job for dataset in entry.spec.inputs.values() if dataset.output]
    for name in (*entry.spec.wait_for, *inputs):
        if states.get(name) in ("failed", "aborted"):
            how = "failed" if states[name] == "failed" else "was stopped"
            return f"needs {name}, which {how}; cryoloom resume {name}"
        if name in stuck:
            return f"waits for {name}, which waits in vain"
    return ""
