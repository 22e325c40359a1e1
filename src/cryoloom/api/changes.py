"""Which jobs have changed since the last look: what a page has to ask anew, and nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryoloom.errors import CryoloomError

if TYPE_CHECKING:
    from cryoloom.api.project import Project


@dataclass
class Changes:
    """Looks at a project's jobs by the stamps of their files; costs a few calls of the system for each job."""

    project: "Project"
    _known: Mapping[str, str] = field(default_factory=dict)

    def look(self) -> frozenset[str]:
        """Jobs that were made, have changed or are gone; at the first look all of them.

        While the list of jobs cannot be read, in the middle of a change, nothing has changed.
        """
        try:
            now = {entry.name: entry.stamp() for entry in self.project.folder.entries()}
        except (CryoloomError, OSError):
            return frozenset()
        before, self._known = self._known, now
        return frozenset(name for name in {*now, *before} if now.get(name) != before.get(name))
