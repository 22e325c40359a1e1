"""Which jobs are a stream: an import, and the steps behind it that take what comes, one after the other."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cryoloom.project.entry import JobEntry
from cryoloom.project.lineage import dependents_of
from cryoloom.protocol.protocols import ItemProtocol, Protocol, RowProtocol, SourceProtocol

STREAMED = ("movies", "micrographs", "coordinates", "particles")


@dataclass(frozen=True, slots=True)
class Step:
    """A job of the chain.

    Attributes:
        entry: the job.
        protocol: with its values.
        output: the first of its outputs that grows; of a filter that which it keeps.
        kind: of that output.
        inputs: the outputs of the chain that it takes: job and output.
    """

    entry: JobEntry
    protocol: Protocol
    output: str
    kind: str
    inputs: tuple[tuple[str, str], ...]

    @property
    def name(self) -> str:
        return self.entry.name

    @property
    def names_items(self) -> bool:
        """Whether its journal names each item: a set operation only counts rows."""
        return not isinstance(self.protocol, RowProtocol)


@dataclass(frozen=True, slots=True)
class Chain:
    """An import with its steps, in the order in which items pass them, and the jobs behind that take sets as a whole."""

    steps: tuple[Step, ...]
    behind: tuple[JobEntry, ...]

    @property
    def source(self) -> Step:
        return self.steps[0]


def sources_in(entries: Iterable[JobEntry]) -> list[JobEntry]:
    """Imports of movies or micrographs, in the order of their numbers."""
    found = []
    for entry in entries:
        step = _step(entry, {})
        if step is not None and isinstance(step.protocol, SourceProtocol):
            found.append(entry)
    return found


def chain_of(entries: Sequence[JobEntry], source: JobEntry) -> Chain:
    """The steps behind an import.

    Where the way forks, it is the longest that counts, of equally long ones the newest: a branch that was copied with other
    parameters takes the place of the one before, and one that was stopped counts only where there is no other.
    """
    first = _step(source, {})
    assert first is not None
    known = {source.name: first}
    depth = {source.name: 0}
    dependents = {*dependents_of(entries, [source.name])}
    for entry in entries:
        if entry.name not in dependents:
            continue
        step = _step(entry, known)
        if step is None or not step.inputs:
            continue
        spec = entry.known_spec
        taken = {one.job for one in spec.inputs.values()} if spec else set()
        if any(job in dependents and job not in known for job in taken):
            continue  # it waits for what takes sets as a whole
        known[entry.name] = step
        depth[entry.name] = 1 + max(depth[job] for job, _ in step.inputs)
    last = max(known, key=lambda name: (_is_alive(known[name]), depth[name], _number(name)))
    steps = _way_to(last, known)
    order = sorted(steps, key=lambda step: (depth[step.name], _number(step.name)))
    names = {step.name for step in order}
    behind = {*dependents_of(entries, [last])}
    return Chain((*order,), tuple(entry for entry in entries if entry.name in behind - names))


def _way_to(last: str, known: dict[str, Step]) -> list[Step]:
    found: dict[str, Step] = {}
    todo = [last]
    while todo:
        name = todo.pop()
        if name not in found:
            found[name] = known[name]
            todo += [job for job, _ in known[name].inputs]
    return [*found.values()]


def _step(entry: JobEntry, known: dict[str, Step]) -> Step | None:
    """A job as a step behind those that are known; None where it does not stream."""
    spec = entry.known_spec
    if spec is None:
        return None
    try:
        protocol = spec.make_protocol()
    except Exception:  # of a plugin that is gone or broken: the list of jobs says so
        return None
    match protocol:
        case SourceProtocol() | ItemProtocol():
            pass
        case RowProtocol() if not protocol.needs_all():
            pass
        case _:
            return None
    outputs = [(name, one.kind) for name, one in spec.outputs.items() if one.kind in STREAMED]
    if not outputs:
        return None
    output, kind = outputs[0]
    inputs = tuple(
        (one.job, one.output)
        for name, one in protocol.given.items()
        if one and one.job in known and protocol.input_spec(name).streams
    )
    return Step(entry, protocol, output, kind, inputs)


def _is_alive(step: Step) -> bool:
    return step.entry.look().state not in ("aborted", "failed")


def _number(name: str) -> int:
    return int(name.rpartition("job")[2])
