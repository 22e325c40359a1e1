"""A stream is curated while it runs: limits become a filter's, parameters change; what is redone is said first.

A filter keeps its parameters, so that other limits make another one, with the branch behind it; the branch before is stopped
and stays as it is. Without a filter one is put behind the CTF fits, and what took all micrographs is made again of those kept.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from cryoloom.api.limits import Condition, Limit, checked
from cryoloom.api.session import Session
from cryoloom.api.session_now import SessionNow
from cryoloom.api.session_quality import (
    FILTER,
    condition_of_step,
    judged_rows,
    judging_filter,
    kept_by,
    labels_to_judge_by,
)
from cryoloom.api.stream_chain import Step
from cryoloom.errors import ParameterError, ProjectError
from cryoloom.project.copying import branch_of
from cryoloom.protocol.declare import near
from cryoloom.schedule.state import ENDED

if TYPE_CHECKING:
    from cryoloom.api.job import Job
    from cryoloom.api.project import Project


@dataclass(frozen=True, slots=True)
class Consequence:
    """What becomes of a job. `items`: that are made again; None where that is not counted; `seconds`: what they take."""

    job: str
    title: str
    becomes: str  # kept, again, new, stopped, from the start
    items: int | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a change of the stream means, before anything is done.

    Attributes:
        consequences: job by job.
        kept, of: micrographs that would be kept, of those that are there; None for a change of parameters.
        kept_now: that are kept now.
        left_out: jobs behind that are not made again, each with its reason.
    """

    consequences: tuple[Consequence, ...]
    kept: int | None = None
    of: int | None = None
    kept_now: int | None = None
    left_out: Mapping[str, str] | None = None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def plan_limits(session: Session, limits: Mapping[str, Limit]) -> Plan:
    """What it means to judge a stream's micrographs by other limits. Call it after `session.look()`.

    Args:
        session: the stream.
        limits: by label; what is not named stays, `Limit()` is none.
    Raises:
        ParameterError: a label that the filter does not see, or a limit within which nothing can lie.
        ProjectError: there are no micrographs yet.
    """
    step, judge, condition, frame = _judging(session, limits)
    now = session.look()
    kept = kept_by(frame, condition)
    names, left_out = _branch(session, step, judge)
    done = [Consequence(one.name, one.title, "kept", one.done) for one in now.steps if one.name not in names]
    again = [_again(now, name, kept, session) for name in names if judge is None or name != judge.name]
    new = Consequence(judge.name if judge else "", "Filter items", "new", frame.height)
    return Plan((*done, new, *again), kept, frame.height, kept_by(frame, condition_of_step(judge)), left_out)


def set_limits(session: Session, limits: Mapping[str, Limit]) -> "list[Job]":
    """Judge a stream's micrographs by other limits: a filter is made, and the branch behind it; the one before is stopped.

    Returns:
        The jobs that were made, the filter first.
    Raises:
        ParameterError, ProjectError: as `plan_limits`; nothing was made.
    """
    step, judge, condition, _ = _judging(session, limits)
    project = session.project
    names, _ = _branch(session, step, judge)
    if judge is not None:
        made = project.copy(judge.name, branch=True, start=True, **condition.values)
    else:
        made = _filter_between(project, step, names, condition)
    for name in names:
        old = project.job(name)
        if not old.has_ended:
            old.stop()
    return made


def plan_change(session: Session, job: str, *, of_all: bool) -> Plan:
    """What it means to change a step's parameters while items stream through it.

    Raises:
        ProjectError: no step of the stream.
    """
    now = session.look()
    step = _step_called(session, job)
    names, left_out = branch_of(session.project.folder.entries(), step.name)
    found: list[Consequence] = []
    for one in now.steps:
        if one.name in names and of_all:
            found.append(_again(now, one.name, None, session))
        else:
            found.append(Consequence(one.name, one.title, "kept", one.done))
    behind = [name for name in names if name not in {one.name for one in now.steps}]
    if of_all:
        titles = _titles(session, behind)
        found += [Consequence(name, titles[name], "stays", None) for name in behind]
    return Plan((*found,), left_out=left_out)


def change_step(session: Session, job: str, given: Mapping[str, Any], *, of_all: bool) -> int:
    """Change a step's parameters; returns their version. As `Job.change`.

    Raises:
        ProjectError: no step of the stream, or one that cannot change.
        ParameterError: an unknown parameter, or a value that does not fit.
    """
    step = _step_called(session, job)
    return session.project.job(step.name).change(of_all=of_all, **given)


def _judging(session: Session, limits: Mapping[str, Limit]) -> tuple[Step, Step | None, Condition, Any]:
    found = judged_rows(session)
    if found is None:
        raise ProjectError(
            f"{session.project.path}", found="no micrographs that were measured", expected="some, to judge by limits",
            hint="They come with motion correction or CTF estimation.",
        )  # fmt: skip
    step, frame = found
    judge = judging_filter(session)
    labels = labels_to_judge_by(session, step)
    for label in checked(limits):
        if label not in labels:
            raise ParameterError(
                f"limit of {label}", found="no column of these micrographs", expected=f"one of {', '.join(sorted(labels))}",
                hint=near(label, sorted(labels)),
            )  # fmt: skip
    condition = condition_of_step(judge).moved(limits)
    if not condition.sql:
        raise ParameterError(
            "limits", found="none", expected="at least one",
            hint="To keep everything set one that nothing lies outside of.",
        )  # fmt: skip
    return step, judge, condition, frame


def _branch(session: Session, step: Step, judge: Step | None) -> tuple[list[str], dict[str, str]]:
    """The jobs that are made again: the filter with what hangs on it, or what hangs on the micrographs."""
    entries = session.project.folder.entries()
    names, left_out = branch_of(entries, judge.name if judge else step.name)
    return (names if judge else names[1:]), left_out


def _filter_between(project: "Project", step: Step, names: list[str], condition: Condition) -> "list[Job]":
    """A filter behind a step, and copies of the jobs behind that take what it keeps. Nothing starts before all are made."""
    first = project.make(FILTER, {"input": f"{step.name}:{step.output}", **condition.values}, start=False)
    made = [first]
    instead = {(step.name, step.output): f"{first.name}:kept"}
    try:
        for name in names:
            entry = project.job(name).entry
            spec = entry.spec
            given: dict[str, Any] = {}
            for key, dataset in (spec.inputs if spec else {}).items():
                word = instead.get((dataset.job, dataset.output))
                given.setdefault(key.partition("#")[0], []).append(
                    word or f"{dataset.job}:{dataset.output}" if dataset.job else dataset.path
                )
            changed = {
                key: words for key, words in given.items() if any(word in instead.values() for word in words)
            }
            single = {key: words[0] if len(words) == 1 else words for key, words in changed.items()}
            [copy] = project.copy(name, start=False, **single)
            made.append(copy)
            instead |= {(name, output): f"{copy.name}:{output}" for output in copy.entry.outputs()}
    except Exception:
        project.delete(*made)
        raise
    for job in made:
        if not job.asks():
            job.resume()
    return made


def _again(now: SessionNow, name: str, items: int | None, session: Session) -> Consequence:
    step = next((one for one in now.steps if one.name == name), None)
    if step is None:
        return Consequence(name, _titles(session, [name])[name], "from the start")
    count = step.done if items is None else items
    seconds = None if step.each_s is None else count * step.each_s / step.lanes
    return Consequence(name, step.title, "again", count, seconds)


def _titles(session: Session, names: list[str]) -> dict[str, str]:
    entries = {entry.name: entry for entry in session.project.folder.entries()}
    found = {}
    for name in names:
        try:
            found[name] = type(entries[name].make_protocol()).label
        except Exception:  # RELION's, or of a plugin that is gone
            found[name] = entries[name].protocol
    return found


def _step_called(session: Session, job: str) -> Step:
    session.look()
    assert session.chain is not None
    steps = {step.name: step for step in session.chain.steps}
    if job not in steps:
        raise ProjectError(f"{job}", found="no step of the stream", expected=f"one of {', '.join(steps)}")
    if session.jobs[job].status.state in ENDED:
        raise ProjectError(
            f"{job}", found=session.jobs[job].status.state, expected="scheduled or running",
            hint=f"cryoloom copy {job} NAME=VALUE --branch makes it again beside this one.",
        )  # fmt: skip
    return steps[job]
