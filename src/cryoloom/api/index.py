"""The index of jobs that have ended: where it lies, and how to make it anew."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from cryoloom.project.index import FILE, cache_folder, drop_index, read_index

if TYPE_CHECKING:
    from cryoloom.api.project import Project


@dataclass(frozen=True, slots=True)
class IndexState:
    """What the index holds; it may be deleted at any time."""

    file: str
    jobs: int  # that have ended

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def index_of(project: "Project") -> IndexState:
    """The index as it is."""
    return IndexState(str(cache_folder(project.path) / FILE), len(read_index(project.path)))


def rebuild_index(project: "Project") -> IndexState:
    """Forget it and look at all jobs anew."""
    drop_index(project.path)
    project.summaries()
    return index_of(project)
