"""How large the particles of a set are, as whoever picked them said: looked up in the jobs that it comes from."""

from pathlib import Path

from cryoloom.errors import CryoloomError
from cryoloom.project.entry import JobEntry
from cryoloom.project.folder import ProjectFolder
from cryoloom.project.foreign import protocol_as_run
from cryoloom.project.lineage import parents_of
from cryoloom.protocol.datasets import Dataset


def picked_diameter(root: Path, dataset: Dataset) -> float | None:
    """The largest diameter in Å that a job above a dataset picked for; None where none says one."""
    entries = {entry.name: entry for entry in ProjectFolder(root).entries()}
    todo, seen, found = [dataset.job], set[str](), list[float]()
    while todo:
        name = todo.pop()
        entry = entries.get(name)
        if entry is None or name in seen:
            continue
        seen.add(name)
        todo += parents_of(entry)
        if (diameter := _of_job(entry)) is not None:
            found.append(diameter)
    return max(found, default=None)


def _of_job(entry: JobEntry) -> float | None:
    try:
        return protocol_as_run(entry).known_diameter()
    except CryoloomError:
        return None  # a job of which nothing is known says no diameter
