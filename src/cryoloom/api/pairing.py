"""Which step of one project is which of another: by what it does, in the order of their branches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryoloom.api.exporting import asked_of
from cryoloom.errors import CryoloomError
from cryoloom.project.foreign import protocol_of, sources_as_run
from cryoloom.protocol.conditions import holds
from cryoloom.protocol.declare import AUTO, relion_text
from cryoloom.protocol.protocols import Protocol

if TYPE_CHECKING:
    from cryoloom.api.job import Job

# What a step is about, the first of these that it gives: a choice of micrographs is none of particles.
_ABOUT = ("particles", "coordinates", "micrographs", "movies", "polishing parameters")
# Folders whose jobs do very different things; the others' do what the folder is called.
_MIXED = ("Select", "JoinStar", "Import", "Polish")
# Where and how fast a job runs changes no result.
_WITHOUT = frozenset({"Compute", "Running", "Streaming", "Display", "Colors"})


@dataclass(frozen=True, slots=True)
class Step:
    """A job of a branch. `protocol`: None where we have no word for what RELION did."""

    job: "Job"
    protocol: Protocol | None

    @property
    def name(self) -> str:
        return self.job.name

    @property
    def program(self) -> str:
        """What did it: the protocol, of a choice by eye that it was one."""
        if self.protocol is None:
            return self.job.entry.protocol
        return "by eye" if self.protocol.once() else self.protocol.name

    @property
    def does(self) -> tuple[str, str]:
        """What it does, equal for two programs that do the same: RELION's folder, and what comes out where that tells."""
        folder = self.name.partition("/")[0]
        if folder == "External":
            return folder, self.job.entry.protocol
        given = {dataset.kind for dataset in self.job.entry.outputs().values()}
        return folder, next((kind for kind in _ABOUT if kind in given), "") if folder in _MIXED else ""


@dataclass(frozen=True, slots=True)
class Pairing:
    """Steps that are the same; and those of each side that the other does not have."""

    pairs: tuple[tuple[Step, Step], ...]
    only_mine: tuple[Step, ...]
    only_others: tuple[Step, ...]


def steps_of(result: "Job", jobs: "Sequence[Job]") -> list[Step]:
    """A job and all that it comes from, in their order.

    RELION's pipeline does not know all: the post-processing that CTF refinement looks at, parameters of polishing. What a job
    was given says it.
    """
    by_name = {job.name: job for job in jobs}
    found: dict[str, Step] = {}
    ahead = [result.name]
    while ahead:
        name = ahead.pop()
        if name in by_name and name not in found:
            found[name] = _step(by_name[name])
            ahead += sources_of_step(found[name])
    return [found[job.name] for job in jobs if job.name in found]


def sources_of_step(step: Step) -> set[str]:
    """The jobs that a step was given something of."""
    return sources_as_run(step.job.entry)


def _step(job: "Job") -> Step:
    try:
        return Step(job, asked_of(job.entry, protocol_of(job.entry)))
    except CryoloomError:
        return Step(job, None)


def paired(mine: Sequence[Step], others: Sequence[Step]) -> Pairing:
    """The steps that are the same: as many as can be without crossing, the earliest of several; then those that cross."""
    a, b = [step.does for step in mine], [step.does for step in others]
    # best[i][j]: how many pairs mine[i:] and others[j:] can make.
    best = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i in reversed(range(len(a))):
        for j in reversed(range(len(b))):
            best[i][j] = best[i + 1][j + 1] + 1 if a[i] == b[j] else max(best[i + 1][j], best[i][j + 1])
    pairs: list[tuple[int, int]] = []
    i = j = 0
    while i < len(a) and j < len(b):
        if a[i] == b[j]:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif best[i][j + 1] >= best[i + 1][j]:
            j += 1
        else:
            i += 1
    # Branches that run side by side may have their jobs in another order.
    free = [j for j in range(len(b)) if j not in {other for _, other in pairs}]
    for i in (i for i in range(len(a)) if i not in {one for one, _ in pairs}):
        same = next((j for j in free if b[j] == a[i]), None)
        if same is not None:
            pairs.append((i, same))
            free.remove(same)
    taken = {i for i, _ in pairs}
    return Pairing(
        tuple((mine[i], others[j]) for i, j in sorted(pairs)),
        tuple(step for i, step in enumerate(mine) if i not in taken),
        tuple(others[j] for j in free),
    )


def asked_differently(mine: Step, other: Step) -> Mapping[str, tuple[str, str]]:
    """Parameters that change a result and have other values in two jobs of one protocol; mine first.

    A value that is `auto` differs from none: what it came to follows from the data.
    """
    one, two = mine.protocol, other.protocol
    if one is None or two is None or one.name != two.name:
        return {}
    facts = one.facts(), two.facts()
    found: dict[str, tuple[str, str]] = {}
    for name, spec in one.params.items():
        counts = [holds(spec.when, known) for known in facts]
        if spec.own or spec.tab in _WITHOUT or spec.means in ("file", "folder", "program") or not all(counts):
            continue
        values: list[Any] = [one.values[name], two.values[name]]
        if values[0] != values[1] and AUTO not in values:
            found[name] = (relion_text(values[0]), relion_text(values[1]))
    return found
