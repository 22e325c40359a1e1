"""Files that come into a project: links below `Movies/<import job>/`, or copies."""

import errno
import os
import shutil
from pathlib import Path


def make_folder(folder: Path) -> None:
    """Make a folder of a project, with those above it, but never the project's own.

    Raises:
        FileNotFoundError: the project is no more where it was: renamed, or taken away, while its job runs.
    """
    if folder.is_dir():
        return
    if _project_of(folder) is None:
        raise FileNotFoundError(errno.ENOENT, "The project is no more where it was", str(folder))
    folder.mkdir(parents=True, exist_ok=True)


def link_or_copy(source: Path, target: Path, *, copy: bool) -> None:
    """Bring a file into the project, under a name that no other file has been given.

    What stands there already is this file's link, or was left by a process that was killed before it could say whose
    it was: then it is made anew.

    Raises:
        FileNotFoundError: the project is no more where it was.
    """
    make_folder(target.parent)
    beside = target.with_name(f".{target.name}.tmp")
    beside.unlink(missing_ok=True)
    if copy:
        try:
            shutil.copyfile(source, beside)
        except OSError:
            beside.unlink(missing_ok=True)  # half a copy would keep a full disk full
            raise
    else:
        words = link_text(source, target)
        if target.is_symlink() and os.readlink(target) == words:  # noqa: PTH115  the text, not a path
            return
        beside.symlink_to(words)
    beside.replace(target)


def link_text(source: Path, target: Path) -> str:
    """What a link at `target` says: a relative path within the project, so that it can be moved; else an absolute one."""
    source = _without_dots(source)
    root = _project_of(target)
    if root is not None and root.resolve() in _without_dots(source).parents:
        # Both ends as they are on the disk: a folder on the way may be a link itself.
        return os.path.relpath(source, target.parent.resolve())
    return str(source)


def _without_dots(path: Path) -> Path:
    """The path without `..`, which means another folder behind a link and when the project is moved."""
    if ".." not in path.parts:
        return path.absolute()
    return path.parent.resolve() / path.name


def _project_of(path: Path) -> Path | None:
    return next((root for root in path.parents if (root / "default_pipeline.star").exists()), None)
