"""Files that a script cannot make: small tables are written into it, raw data are linked, the rest is copied."""

import os
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cryoloom import star
from cryoloom.project.entry import JobEntry
from cryoloom.project.records import results_in

MOST_BYTES = 2_000_000  # of a table that stands in the script
END = "END_OF_FILE"
_FILES = ("rlnMicrographMovieName", "rlnMicrographName", "rlnImageName")


@dataclass
class Sources:
    """Where files come from: the project, and the folder that all raw data lie below, as far as a script uses them."""

    root: Path
    raw_root: Path
    made: tuple[str, ...] = ()  # folders outside of jobs that jobs of the script make
    uses_raw: bool = False
    uses_project: bool = False

    @classmethod
    def of(cls, root: Path, imports: Iterable[str], made: Iterable[str]) -> "Sources":
        """Of a project, the names of its imports, and folders outside of jobs that others make."""
        folders = {
            str(target.parent)
            for job in imports
            for name in _names(root, job)
            if (target := _target(root / name)) is not None and not target.is_relative_to(root)
        }
        return cls(root, Path(os.path.commonpath(folders) if folders else "/"), tuple(made))

    def variables(self) -> list[tuple[str, str, str]]:
        """Name, value and meaning of the script's variables."""
        found = [("RAW", str(self.raw_root), "the raw data lie")] * self.uses_raw
        return found + [("PROJECT", str(self.root), "files of the project lie")] * self.uses_project

    def of_raw(self, path: Path) -> str:
        self.uses_raw = True
        return f'"$RAW"/{shlex.quote(str(path.relative_to(self.raw_root)))}'

    def of_project(self, name: str) -> str:
        self.uses_project = True
        return f'"$PROJECT"/{shlex.quote(name)}'


def files_again(entry: JobEntry, sources: Sources) -> list[str]:
    """Lines that put a job's files where they are: its results, and what an import has brought for them.

    Raises:
        OSError: one cannot be read.
    """
    root = sources.root
    lines, folders = [], {entry.name}
    for name in _names(root, entry.name):
        path = root / name
        folder = str(Path(name).parent)
        if folder not in folders:
            lines.append(f"mkdir -p {shlex.quote(folder)}")
            folders.add(folder)
        if path.is_symlink():
            lines.append(_link(path, name, sources))
        elif path.suffix == ".star" and path.stat().st_size <= MOST_BYTES:
            lines += written(name, path.read_text(encoding="utf-8"))
        else:
            # What an import named lies where it lay, and may be large; what a job made is copied.
            verb = "cp" if Path(name).is_relative_to(entry.name) else "ln -s"
            lines.append(f"{verb} {sources.of_project(name)} {shlex.quote(name)}")
    return lines


def written(name: str, text: str) -> list[str]:
    """Lines that write a text into a file."""
    end = END
    while end in text.splitlines():
        end += "_"
    # A here-document ends with a line's end, whatever the text does.
    return [f"cat > {shlex.quote(name)} <<'{end}'", *text.removesuffix("\n").split("\n"), end]


def _link(path: Path, name: str, sources: Sources) -> str:
    target = _target(path)
    assert target is not None
    if target.is_relative_to(sources.root):
        inside = target.relative_to(sources.root)
        if not any(inside.is_relative_to(folder) for folder in sources.made):
            return f"ln -s {sources.of_project(str(inside))} {shlex.quote(name)}"
        return f"ln -s {shlex.quote(os.path.relpath(target, path.parent))} {shlex.quote(name)}"
    return f"ln -s {sources.of_raw(target)} {shlex.quote(name)}"


def _target(path: Path) -> Path | None:
    """Where a link leads, itself a link or not; None where it is none."""
    return Path(os.path.normpath(path.parent / path.readlink())) if path.is_symlink() else None


def _names(root: Path, job: str) -> list[str]:
    """A job's results, and what lies where an import puts movies and micrographs: `Movies/job002`, and what its tables name."""
    found = dict.fromkeys(results_in(root, job))
    folder, _, number = job.partition("/")
    for beside in sorted(root.glob(f"*/{number}")):
        if beside.parent.name != folder and not (beside / "job.star").exists():
            found |= dict.fromkeys(
                sorted(str(one.relative_to(root)) for one in beside.rglob("*") if not one.is_dir())
            )
    if folder != "Import":
        return [*found]  # what its tables name others have made
    for table in [name for name in found if name.endswith(".star") and name.startswith(f"{job}/")]:
        for name in named_in(root / table):
            if not Path(name).is_absolute() and (root / name).exists():
                found.setdefault(name)
    return [*found]


def named_in(table: Path) -> list[str]:
    """Movies, micrographs and stacks of images that a table names."""
    found: dict[str, None] = {}
    for one in star.tables_of(star.read(table)).values():
        for label in _FILES:
            if label in one.columns:
                found |= dict.fromkeys(str(text).rpartition("@")[2] for text in one[label].to_list())
    return [*found]
