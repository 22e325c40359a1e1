"""Names that tables and users give for files of a project: they stay inside it."""

import os
from pathlib import Path

from cryoloom.errors import ProjectError


def inside(root: Path, name: str | Path) -> Path:
    """The file of that name in a project; what it links to may lie elsewhere.

    Raises:
        ProjectError: the name leads out of the project, or is a path of this machine elsewhere.
    """
    path = Path(os.path.normpath(root / name))
    if not path.is_relative_to(os.path.normpath(root)):
        raise ProjectError(
            f"{name}", found="a name that leads out of the project", expected="a file below it",
            hint="Bring the file in with an import.",
        )  # fmt: skip
    return path
