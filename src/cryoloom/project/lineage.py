"""Who needs whom: parents and dependents of jobs, ours and RELION's alike; what a job takes, and for whom it waits."""

import functools
from collections.abc import Iterable, Sequence
from pathlib import Path

from cryoloom.errors import CryoloomError, ProjectError
from cryoloom.project.entry import JobEntry
from cryoloom.project.history import JobHistory
from cryoloom.project.jobspec import FILE as SPEC_FILE
from cryoloom.project.jobspec import JobSpec, read_spec
from cryoloom.project.state import JobStatus, job_status
from cryoloom.protocol.declare import AUTO
from cryoloom.protocol.protocols import ItemProtocol, Protocol, RowProtocol, SourceProtocol
from cryoloom.schedule.facts import Ages, Asked, JobFacts, Need, Outputs, facts_of
from cryoloom.schedule.waiting import Waits


def sources_of(entry: JobEntry) -> set[str]:
    """Jobs whose files a job reads, or that it continues: what its results are made of."""
    sources = {"/".join(file.split("/")[:2]) for file in entry.input_files}
    spec = entry.known_spec
    if spec is not None:
        sources |= {dataset.job for dataset in spec.inputs.values()} | {spec.continues}
    return sources - {entry.name, ""}


def parents_of(entry: JobEntry) -> set[str]:
    """Jobs whose files a job reads, whose end it waits for, or that it continues."""
    spec = entry.known_spec
    waited_for = set() if spec is None else {*spec.wait_for}
    return (sources_of(entry) | waited_for) - {entry.name, ""}


def dependents_of(entries: Sequence[JobEntry], jobs: Iterable[str]) -> list[str]:
    """All jobs that need one of these, directly or by others, in the order of their numbers."""
    found = set(jobs)
    first = frozenset(found)
    while True:
        # Not one pass: a job that RELION continued may read from one with a later number.
        more = {entry.name for entry in entries if entry.name not in found and parents_of(entry) & found}
        if not more:
            return [entry.name for entry in entries if entry.name in found - first]
        found |= more


def needs_of(protocol: Protocol) -> tuple[Need, ...]:
    """What a job takes from others."""
    follows = isinstance(protocol, ItemProtocol | RowProtocol)
    # What a user made `auto` may be found in an input; what always is travels with the items, or is the machine's.
    asked = (name for name, spec in protocol.params.items() if spec.default != AUTO)
    is_early = type(protocol).resolve_auto is Protocol.resolve_auto or not any(
        protocol.values[name] == AUTO for name in asked
    )
    return tuple(
        Need(
            dataset.job, dataset.output, streams=follows and protocol.input_spec(name).streams, early=is_early
        )
        for name, dataset in protocol.given.items()
        # A file that is no output of its job was there when it was named: nothing is waited for.
        if dataset and dataset.job and dataset.output
    )


def gives_early(protocol: Protocol) -> bool:
    """Whether a job's outputs grow with its items, and do not come at its end."""
    if isinstance(protocol, RowProtocol):
        return not protocol.needs_all()
    return isinstance(protocol, ItemProtocol | SourceProtocol)


def outputs_of(history: JobHistory, *, grow: bool) -> Outputs:
    """Which outputs of a job can be read by now."""
    closed = (name for name, output in history.outputs.items() if output.closed)
    return Outputs(frozenset(history.outputs), frozenset(closed), grow)


def waiting_facts(spec: JobSpec, status: JobStatus) -> JobFacts:
    """One of our jobs, as far as it waits for others and they for it."""
    try:
        protocol = spec.make_protocol()
        asked = Asked(needs_of(protocol), spec.wait_for)
        outputs = outputs_of(status.history, grow=gives_early(protocol))
    except CryoloomError as error:  # nobody has its protocol
        return JobFacts(spec.name, status.state, str(error), foreign=True)
    except Exception:  # of a plugin that is broken: the scheduler says how, and it may be mended at any time
        return JobFacts(spec.name, status.state, foreign=True)
    return facts_of(spec.name, status.known, asked, outputs, Ages())


def dead_above(root: Path, job: str) -> str:
    """The failed or stopped job for which one that is scheduled waits, itself or by others; "" where there is none.

    Raises:
        ProjectError: a description on the way cannot be read.
    """

    @functools.cache
    def look(name: str) -> JobFacts:
        folder = root / name
        if not (folder / SPEC_FILE).exists():
            return JobFacts(name, "running", foreign=True)  # RELION's, of which only the pipeline knows more
        return waiting_facts(read_spec(folder), job_status(folder, JobHistory(names_items=False)))

    return Waits(look).of(look(job)).end


def refuse_running(entries: Sequence[JobEntry], jobs: Iterable[str]) -> None:
    """Nothing is taken from under a running job.

    Raises:
        ProjectError: one of them runs.
    """
    wanted = set(jobs)
    for entry in entries:
        if entry.name in wanted and entry.look().state == "running":
            raise ProjectError(
                f"{entry.name}", found="running", expected="ended",
                hint=f"Stop it first: cryoloom stop {entry.name}",
            )  # fmt: skip
