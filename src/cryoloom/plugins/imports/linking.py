"""Names of imported files: links below `Movies/<import job>/`, with the path that they had below the
pattern's fixed part, since RELION keeps that path below each later job's folder.
"""

import errno
import glob
import os
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path

WILD = frozenset("*?[")


def fixed_part(pattern: str) -> Path:
    """The folder of a pattern before its first wildcard: `/data/*/a_*.mrc` → `/data`."""
    parts = Path(pattern).parts
    fixed = []
    for part in parts[:-1]:
        if WILD & set(part):
            break
        fixed.append(part)
    return Path(*fixed) if fixed else Path()


def matching(patterns: str, root: Path, known: Collection[str] = ()) -> Iterator[Path]:
    """Files that match one of the patterns (separated by blanks), sorted; relative to the project.

    Args:
        known: files that are of no interest any more, for which nothing is asked of the disk.
    """
    seen = set()
    for pattern in patterns.split():
        # A pattern may be absolute, which Path.glob refuses.
        for name in sorted(glob.glob(str(root / Path(pattern).expanduser()), recursive=True)):  # noqa: PTH207
            if name in known:
                continue
            path = Path(name)
            # A name that begins with a dot is a file in the making.
            if name not in seen and not path.name.startswith(".") and not path.is_dir():
                seen.add(name)
                yield path


def watchable(patterns: str, root: Path) -> list[Path]:
    """The folders in which a new file or folder can be the first to match; none where one pattern has `**`."""
    found: list[Path] = []
    for pattern in patterns.split():
        whole = root / Path(pattern).expanduser()
        if "**" in whole.parts:
            return []
        folders = [root / fixed_part(str(whole))]
        found += folders
        for part in whole.relative_to(folders[0]).parts[:-1]:
            folders = [path for folder in folders for path in sorted(folder.glob(part)) if path.is_dir()]
            found += folders
    return list(dict.fromkeys(found))


def relion_name(path: Path, below: Path) -> str:
    """The path below the fixed part as RELION bears it: without blanks."""
    try:
        relative = path.relative_to(below)
    except ValueError:
        relative = Path(path.name)
    return "_".join(str(relative).split())


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
    """Bring a file into the project; what is there already under this name is left alone.

    Raises:
        FileNotFoundError: the project is no more where it was.
    """
    make_folder(target.parent)
    if target.exists() or target.is_symlink():
        return
    if copy:
        beside = target.with_name(f".{target.name}.tmp")
        try:
            shutil.copyfile(source, beside)
        except OSError:
            beside.unlink(missing_ok=True)  # half a copy would keep a full disk full
            raise
        beside.replace(target)
    else:
        target.symlink_to(
            Path(os.path.relpath(source, target.parent)) if _is_near(source, target) else source
        )


def _is_near(source: Path, target: Path) -> bool:
    """Relative links within the project, so that it can be moved; absolute ones to elsewhere."""
    root = _project_of(target)
    return root is not None and root in source.parents


def _project_of(path: Path) -> Path | None:
    return next((root for root in path.parents if (root / "default_pipeline.star").exists()), None)
