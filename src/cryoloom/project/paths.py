"""Names that tables and users give for files: those of a project stay inside it, and each file has one name."""

import os
from pathlib import Path

from cryoloom.errors import ProjectError
from cryoloom.protocol.declare import AUTO
from cryoloom.protocol.protocols import Protocol


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


def straight(path: Path) -> Path:
    """An absolute path without `..` and `.`: a folder that is a link is followed before it is left, as the system does."""
    found = Path(path.anchor)
    for part in path.parts[1:]:
        if part == "..":
            found = (found.resolve() if found.is_symlink() else found).parent
        else:
            found /= part
    return found


def within(root: Path, text: str) -> Path | None:
    """The file that a user names, as a name of the project; None where it lies outside.

    Args:
        root: the project, resolved; relative names count from it.
        text: as it was given; `~` is the user's home.
    """
    path = straight(root / Path(text).expanduser())
    for one in (path, path.parent.resolve() / path.name, path.resolve()):
        if one.is_relative_to(root):
            return one.relative_to(root)
    return None


def with_straight_files(root: Path, protocol: Protocol) -> Protocol:
    """The protocol with the files that its parameters name by their own names.

    A batch runs in a folder of its own, with links to what the project holds: `../data/gain.mrc` is another file there. So what
    lies in the project is named from it, and what lies elsewhere by its whole path. Other names stay as they were given.
    """
    changed = {}
    for name, spec in protocol.params.items():
        text = str(protocol.values[name])
        if spec.means not in ("file", "folder") or text in ("", AUTO):
            continue
        if ".." in Path(text).parts or text.startswith("~"):
            own = within(root, text)
            changed[name] = str(own if own is not None else straight(root / Path(text).expanduser()))
    return protocol.with_values(changed) if changed else protocol
