"""The state of jobs in a few words: what `cryoloom ls` prints and `--json` gives."""

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from cryoloom.api.totals import totals_of
from cryoloom.project.entry import JobEntry
from cryoloom.project.history import JobHistory
from cryoloom.project.index import Row, add_to_index, read_index
from cryoloom.project.lineage import waiting_facts
from cryoloom.project.made_of_picks import edited_since
from cryoloom.project.state import JobStatus
from cryoloom.schedule.facts import JobFacts
from cryoloom.schedule.state import State
from cryoloom.schedule.waiting import Waits

NOT_STARTED = "not started"


@dataclass(frozen=True, slots=True)
class JobSummary:
    """One line of the list."""

    name: str
    alias: str
    label: str
    protocol: str
    state: State
    why: str
    done: int
    failed: int
    total: int | None
    outputs: Mapping[str, Mapping[str, Any]]
    progress: str
    left_s: float | None
    seconds: float | None
    made: str  # `513 particles`
    ours: bool
    stuck: bool = field(default=False)  # waits for a job that will not go on by itself
    damage: str = ""  # why its files do not tell what it is
    queued: bool = False  # its attempt was given to a batch system, and has not begun

    @property
    def started(self) -> bool:
        """Whether anybody asked for it to run; a job that was only made is `aborted` in RELION's words."""
        return self.state != "aborted" or self.why != NOT_STARTED

    def as_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "alias": self.alias,
            "label": self.label,
            "protocol": self.protocol,
            "state": self.state,
            "started": self.started,
            "why": self.why,
            "items": {"done": self.done, "failed": self.failed, "total": self.total},
            "outputs": dict(self.outputs),
            "progress": self.progress,
            "left_s": self.left_s,
            "seconds": self.seconds,
            "made": self.made,
        }


def summarise(root: Path, entries: Sequence[JobEntry], waits: Mapping[str, str]) -> list[JobSummary]:
    """The lines of all jobs. Of jobs that have ended the index is asked, as far as nothing has changed since."""
    index = read_index(root)
    found: list[JobSummary] = []
    fresh: list[Row] = []
    statuses: dict[str, JobStatus] = {}
    known: dict[str, JobSummary] = {}
    stamps = {entry.name: entry.stamp() for entry in entries}
    by_name = {entry.name: entry for entry in entries}
    for entry in entries:
        row = index.get(entry.name)
        summary = _remembered(row) if row is not None and row.stamp == stamps[entry.name] else None
        if summary is not None:
            known[entry.name] = summary
        else:
            statuses[entry.name] = entry.look()

    @functools.cache
    def look(name: str) -> JobFacts | None:
        if name in known:
            return _ended_facts(known[name])
        return _facts(by_name[name], statuses[name]) if name in statuses else None

    waiting = Waits(look)
    for entry in entries:
        if entry.name in known:
            found.append(known[entry.name])
            continue
        status = statuses[entry.name]
        if status.damage:
            found.append(_damaged(entry, status))
            continue
        summary = _summary(entry, status, waits, _hindrance(look(entry.name), waiting, waits))
        found.append(summary)
        if status.has_ended:
            text = json.dumps(asdict(summary), ensure_ascii=False)
            fresh.append(Row(entry.name, stamps[entry.name], status.state, text))
    gone = index.keys() - by_name.keys()
    if fresh or gone:
        add_to_index(root, fresh, gone)
    return _with_edited_picks(found, entries)


def _with_edited_picks(found: Sequence[JobSummary], entries: Sequence[JobEntry]) -> list[JobSummary]:
    """What is made of picks that were edited since says so; the index does not know it, as it is no matter of that job."""
    edited = edited_since(entries)
    said = "made of the picks as they were before they were edited: cryoloom picks {} --dependents"
    return [
        replace(one, why=said.format(edited[one.name])) if one.name in edited and not one.why else one
        for one in found
    ]


def _remembered(row: Row) -> JobSummary | None:
    """A line of the index; None where another version wrote it: it is looked anew then."""
    try:
        return JobSummary(**json.loads(row.summary))
    except (TypeError, ValueError):
        return None


def _damaged(entry: JobEntry, status: JobStatus) -> JobSummary:
    """A job whose files do not tell what it is: told as such, and nothing of it is touched."""
    return JobSummary(
        entry.name, entry.alias, "", entry.protocol, status.state, status.why, 0, 0, None, {}, "", None, None, "",
        ours=True, stuck=True, damage=status.damage,
    )  # fmt: skip


def _ended_facts(summary: JobSummary) -> JobFacts:
    closed = (name for name, output in summary.outputs.items() if output["closed"])
    return JobFacts(summary.name, summary.state, closed_outputs=frozenset(closed))


def _facts(entry: JobEntry, status: JobStatus) -> JobFacts:
    if entry.known_spec is None or status.damage:
        return JobFacts(entry.name, status.state, foreign=True)  # RELION's, or nobody knows
    return waiting_facts(entry.known_spec, status)


def _hindrance(facts: JobFacts | None, waiting: Waits, waits: Mapping[str, str]) -> str:
    """Why a scheduled job waits in vain; "" where it does not."""
    if facts is None or facts.state != "scheduled":
        return ""
    if facts.foreign:  # of a protocol that nobody has; the scheduler may know more of that
        return facts.why and (waits.get(facts.name, "") or facts.why)
    wait = waiting.of(facts)
    return wait.why if wait.in_vain else ""


def _summary(entry: JobEntry, status: JobStatus, waits: Mapping[str, str], dead: str) -> JobSummary:
    history = status.history
    why = status.why
    if status.state == "scheduled":
        # "": none of the jobs can be started.
        of_relion = "" if status.damage or entry.known_spec is not None else entry.how_to_run()
        why = of_relion or dead or waits.get(entry.name, "") or waits.get("") or why
    newest = status.known.attempt
    is_unseen = status.state == "running" and newest is not None and newest.lives is None
    queued = is_unseen and newest is not None and not newest.claimed and entry.name in waits
    if is_unseen:
        why = waits.get(entry.name, why)
    if status.state == "succeeded" and history.doubts:
        why = why or f"doubtful: {history.doubts[0]}"
    done, failed = history.count, len(history.failed)
    total = history.total
    if entry.spec is not None and not done and history.progress.get("done") is not None:
        done, total = history.progress["done"], history.progress["of"]
    outputs = entry.outputs()
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
        {name: _output(dataset.path, dataset.kind, name, history) for name, dataset in outputs.items()},
        _progress(history, status.state),
        seconds_left(history, status.state),
        round((history.ended or 0) - history.began, 1) if history.ended and history.began else None,
        totals_of(entry.root, outputs, history, has_ended=status.has_ended),
        entry.spec is not None,
        bool(dead),
        queued=queued,
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
