"""Files that come into a project: links below `Movies/<import job>/`, or copies."""

import errno
import functools
import json
import os
import shutil
from pathlib import Path

SOURCES = ".sources.jsonl"  # beside copies, one line each


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


def note_source(source: Path, target: Path) -> None:
    """Keep in mind where a copy came from: a link says so itself, a copy does not."""
    if target.is_symlink():
        return
    line = json.dumps({"name": target.name, "source": str(_without_dots(source))})
    with (target.parent / SOURCES).open("a", encoding="utf-8") as file:
        file.write(line + "\n")


def source_of(path: Path) -> Path | None:
    """Where an imported file came from, a link or a copy; None where nobody knows."""
    if path.is_symlink():
        return Path(os.readlink(path))  # noqa: PTH115  the text: it may be relative, and its name is asked for
    try:
        stamp = (path.parent / SOURCES).stat().st_mtime_ns
    except OSError:
        return None
    source = _noted(path.parent / SOURCES, stamp).get(path.name)
    return Path(source) if source else None


@functools.lru_cache(maxsize=64)
def _noted(file: Path, stamp: int) -> dict[str, str]:
    """The sources by name, the newest of each; read again when the file has changed."""
    found = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        try:
            one = json.loads(line)
        except ValueError:
            continue  # cut off by a kill: its file is made again
        found[str(one["name"])] = str(one["source"])
    return found


def _without_dots(path: Path) -> Path:
    """The path without `..`, which means another folder behind a link and when the project is moved."""
    if ".." not in path.parts:
        return path.absolute()
    return path.parent.resolve() / path.name


def _project_of(path: Path) -> Path | None:
    return next((root for root in path.parents if (root / "default_pipeline.star").exists()), None)
