"""The small picture by which a job is known, and whether it is still the same."""

import os
from dataclasses import dataclass
from pathlib import Path

from cryoloom.api.looking import JobView


@dataclass(frozen=True)
class Face:
    """The small picture by which a job is known. `stamp`: of the files that it would be made of; what has it is unchanged."""

    root: Path
    views: tuple[JobView, ...]

    @property
    def stamp(self) -> tuple[tuple[str, int, int], ...]:
        files = dict.fromkeys(file for view in self.views for file in view.declared.reads)
        found = ((file, _stat(self.root / file)) for file in files)
        return tuple((file, stat.st_mtime_ns, stat.st_size) for file, stat in found if stat is not None)

    def png(self) -> bytes | None:
        """A square PNG; None where nothing of the job is a picture yet."""
        from cryoloom.views.faces import face_of

        return face_of([view.declared for view in self.views], self.root)


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None
