"""Cleaning: intermediate files of jobs that succeeded go to `Trash/`, by RELION 3.1's own rules.

Gentle cleaning leaves all that another job could take as its input. Harsh cleaning also takes images
that later jobs read through their tables: corrected micrographs, particle stacks. The rules stand on the protocols
(`Protocol.cleaning`, `iterative`); RELION's own jobs have those of the protocol that declares their type. All are
what `relion_pipeliner --gentle_clean` and `--harsh_clean` do; `tests/relion/test_relion_cleaning.py` compares.

One thing is stricter here: a file that a job names as its input, or the job itself as its output, stays
(RELION's gentle cleaning takes `postprocess_masked.mrc` away).
"""

import functools
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from cryoloom.errors import ParameterError, ProjectError
from cryoloom.project.entry import JobEntry
from cryoloom.project.folder import ProjectFolder
from cryoloom.project.forms import pipeline as pipe
from cryoloom.project.forms.relion31 import EXTERNAL
from cryoloom.project.iterations import age_of
from cryoloom.project.lineage import dependents_of, refuse_running
from cryoloom.project.registry import all_protocols, find_protocol
from cryoloom.project.trash import files_to_trash
from cryoloom.protocol.cleaning import Rule

# A file by which a user protects a job from harsh cleaning; RELION's name for it.
PROTECTED = "NO_HARSH_CLEAN"


_ITERATION = re.compile(r"(run(?:_ct\d{1,3})?_it\d{3})_data\.star$")


@dataclass(frozen=True, slots=True)
class FileClass:
    """Files of one kind that go, named relative to the job's folder."""

    what: str
    harsh: bool
    files: tuple[str, ...]
    bytes: int


@dataclass(frozen=True, slots=True)
class Cleaning:
    """What cleaning takes from one job."""

    job: str
    classes: tuple[FileClass, ...]
    kept: tuple[str, ...] = ()  # what the rules would take, but jobs name it as input or output
    warning: str = ""
    trash: str = ""  # where it lies, once it is done

    @property
    def files(self) -> list[str]:
        return [file for one in self.classes for file in one.files]

    @property
    def bytes(self) -> int:
        return sum(one.bytes for one in self.classes)

    def as_dict(self) -> dict[str, object]:
        classes = [
            {"what": one.what, "harsh": one.harsh, "files": len(one.files), "bytes": one.bytes}
            for one in self.classes
        ]
        return {
            "job": self.job,
            "files": len(self.files),
            "bytes": self.bytes,
            "classes": classes,
            "kept": list(self.kept),
            "warning": self.warning,
            "trash": self.trash,
        }


def plan_cleaning(
    project: ProjectFolder, jobs: Sequence[str] | None, *, harsh: bool = False
) -> list[Cleaning]:
    """What cleaning would take; nothing is moved.

    Args:
        project: whose jobs.
        jobs: names, numbers or aliases; None: all that have succeeded and are not protected.
        harsh: also images that later jobs read.
    Raises:
        ProjectError: a named job has not succeeded or is protected; or a job runs that reads from one that
            would be cleaned harshly.
    """
    entries = project.entries()
    nodes = [name for name, _ in pipe.read_pipeline(project.root).nodes]
    nodes += [d.path for entry in entries if (spec := entry.known_spec) for d in spec.inputs.values() if d]
    if jobs is None:
        chosen = [entry for entry in entries if not _obstacle(entry, harsh)[0]]
    else:
        chosen = list({entry.name: entry for entry in map(project.entry, jobs)}.values())
        for entry in chosen:
            found, expected = _obstacle(entry, harsh)
            if found:
                raise ProjectError(f"{entry.name}", found=found, expected=expected)
    plans = [_plan(entry, nodes, entries, harsh) for entry in chosen]
    if harsh:
        harmed = [plan.job for plan in plans if any(one.harsh for one in plan.classes)]
        refuse_running(entries, dependents_of(entries, harmed))
    return [plan for plan in plans if plan.files or plan.kept or jobs is not None]


def clean(project: ProjectFolder, plan: Cleaning) -> Cleaning:
    """Move the files of a plan to `Trash/`; returns it with the place where they lie."""
    if not plan.files:
        return plan
    project.check_form()
    trash = files_to_trash(project.root, plan.job, plan.files)
    _remove_empty_folders(project.root / plan.job, {str(Path(file).parent) for file in plan.files})
    return Cleaning(plan.job, plan.classes, plan.kept, plan.warning, trash)


def _obstacle(entry: JobEntry, harsh: bool) -> tuple[str, str]:
    """Why a job is not cleaned, and what it should be; empty where nothing stands against it."""
    status = entry.look()
    state = status.state
    if status.damage:
        return "not to be known", f"a job whose folder can be read ({status.damage})"
    if state != "succeeded":
        return state, "succeeded: only the intermediate files of finished jobs are known"
    if harsh and (entry.folder / PROTECTED).exists():
        return f"protected by {entry.name}/{PROTECTED}", "free to be cleaned harshly"
    return "", ""


def _plan(entry: JobEntry, nodes: Sequence[str], entries: Sequence[JobEntry], harsh: bool) -> Cleaning:
    prefix = f"{entry.name}/"
    named = {node.removeprefix(prefix) for node in nodes if node.startswith(prefix)}
    taken: set[str] = set()
    kept: list[str] = []
    classes = []
    for what, is_harsh, files in _matches(entry, named, harsh):
        new = [file for file in files if file not in taken]
        kept += [file for file in new if file in named]
        mine = [file for file in new if file not in named]
        taken |= set(new)
        if mine:
            size = sum((entry.folder / file).lstat().st_size for file in mine)
            classes.append(FileClass(what, is_harsh, tuple(mine), size))
    warning = ""
    readers = dependents_of(entries, [entry.name])
    if readers and any(one.harsh for one in classes):
        warning = f"{', '.join(readers)} may need again what is taken from {entry.name}"
    return Cleaning(entry.name, tuple(classes), tuple(kept), warning)


def _matches(entry: JobEntry, named: set[str], harsh: bool) -> Iterator[tuple[str, bool, list[str]]]:
    """Files that the rules take, class by class."""
    rules, iterative = _declared(entry)
    below = _files_below(entry.folder)
    top = sorted(item.name for item in os.scandir(entry.folder) if item.is_file())
    if iterative:
        yield "iterations before the last", False, _early_iterations(top, named)
    for rule in rules:
        if rule.harsh and not harsh:
            continue
        among = below if rule.below else top
        found = [
            file
            for file in among
            if any(fnmatchcase(file.rpartition("/")[2], pattern) for pattern in rule.patterns)
        ]
        yield rule.what, rule.harsh, found


def _declared(entry: JobEntry) -> tuple[tuple[Rule, ...], bool]:
    """The rules of a job, and whether it has iterations."""
    spec = entry.known_spec
    if spec is None:
        return rules_of_type(entry.relion_type)
    try:
        kind = find_protocol(spec.protocol)
    except ParameterError:
        return (), False  # of a plugin that is not installed: nobody knows what its files are
    return kind.cleaning, kind.iterative


@functools.cache
def rules_of_type(number: int) -> tuple[tuple[Rule, ...], bool]:
    """The rules of RELION's own jobs of a type, and whether they have iterations."""
    kinds = [kind for kind in all_protocols() if kind.relion_type == number != EXTERNAL]
    rules = next((kind.cleaning for kind in kinds if kind.cleaning), ())
    return rules, any(kind.iterative for kind in kinds)


def _early_iterations(top: Sequence[str], named: set[str]) -> list[str]:
    """All files of all iterations but the last, and but those that the pipeline or an input names.

    RELION takes a continuation's iterations (`run_ct12_it013`) for later than all before.
    """
    roots = [match.group(1) for name in top if (match := _ITERATION.match(name))]
    roots.sort(key=lambda root: age_of(f"{root}_"))
    going = [root for root in roots[:-1] if not any(root in name for name in named)]
    return [name for name in top if any(name.startswith(root) for root in going)]


def _files_below(folder: Path) -> list[str]:
    """Files in subfolders, as RELION looks for them: no hidden folders, and no links followed."""
    found = []
    for path, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        relative = os.path.relpath(path, folder)
        if relative != ".":
            found += [f"{relative}/{name}" for name in sorted(names)]
    return found


def _remove_empty_folders(job: Path, folders: set[str]) -> None:
    for folder in sorted(folders, key=len, reverse=True):
        path = job / folder
        while path != job and path.is_dir() and not any(path.iterdir()):
            path.rmdir()
            path = path.parent
