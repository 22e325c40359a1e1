"""Image stacks that a table of particles names: found, measured, and linked under names of their own."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from cryoloom.em.names import readable
from cryoloom.errors import DatasetError, ImageError
from cryoloom.images.stacks import StackSize
from cryoloom.plugins.imports.linking import link_or_copy, make_folder


@dataclass(frozen=True, slots=True)
class Stack(StackSize):
    """One stack that was found."""

    source: Path  # resolved
    target: str  # its name in the project


@dataclass(slots=True)
class Stacks:
    """The stacks by the names that a table has for them."""

    found: dict[str, Stack] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)  # name → why it cannot be taken, as a clause
    said: list[str] = field(default_factory=list)  # what was converted


def bring_stacks(
    names: Sequence[str], root: Path, folder: str, bases: Sequence[Path], *, by_tail: bool
) -> Stacks:
    """Find the stacks, look at each, and link it below a job's folder; no two get one name.

    Args:
        names: as the table has them.
        root, folder: the project, and the job's folder with its slash.
        bases: folders in which the names begin, tried in this order.
        by_tail: whether the longest tail of a name that exists below a base will do.
    Raises:
        DatasetError: two names lead to one file that only one of them can mean.
    """
    from cryoloom.images.headers import read_header
    from cryoloom.images.misread import convert_for_relion

    stacks = Stacks()
    targets: dict[Path, str] = {}
    meant: dict[Path, str] = {}
    for name in names:
        place = _find(name, bases, by_tail=by_tail)
        if place is None:
            stacks.lost[name] = "which is missing"
            continue
        source, tail = place[0].resolve(), place[1]
        whole = os.path.normpath(name)
        if source in meant and tail != whole and meant[source] != whole:
            raise DatasetError(
                f"{source}", found=f"meant by {meant[source]} and by {name}", expected="one file for each name",
                hint="Say with stacks_below= a folder in which they are apart.",
            )  # fmt: skip
        meant.setdefault(source, whole)
        try:
            header = read_header(source)
        except ImageError as error:
            stacks.lost[name] = str(error)
            continue
        if source not in targets:
            target = _free_target(folder, tail, set(targets.values()))
            make_folder((root / target).parent)
            (root / target).unlink(missing_ok=True)  # of an attempt before this one
            try:
                said = convert_for_relion(source, root / target)
            except ImageError as error:
                stacks.lost[name] = str(error)
                continue
            if said:
                stacks.said.append(f"{tail}: {said}")
            else:
                link_or_copy(source, root / target, copy=False)
            targets[source] = target
        stacks.found[name] = Stack(header.frames, header.size, source, targets[source])
    return stacks


def _find(name: str, bases: Sequence[Path], *, by_tail: bool) -> tuple[Path, str] | None:
    """The file that a name means, and the part of the name that was found."""
    path = Path(name)
    if path.is_absolute() and path.is_file():
        return path, os.path.normpath(name)
    parts = path.parts[1:] if path.is_absolute() else path.parts
    first = 0 if not path.is_absolute() or by_tail else len(parts)
    last = len(parts) if by_tail else first + 1
    for start in range(first, last):
        tail = Path(*parts[start:])
        for base in bases:
            if (base / tail).is_file():
                return base / tail, os.path.normpath(tail)
    return None


def _free_target(folder: str, tail: str, taken: set[str]) -> str:
    """A name below the job's folder that no other stack has; RELION takes a stack by its ending."""
    parts = [part for part in Path(tail).parts if part not in ("/", "..", ".")]
    path = Path(readable("/".join(parts)))
    suffix = ".mrcs" if path.suffix in ("", ".mrc") else path.suffix
    stem = f"{folder}{path.with_suffix('')}"
    return next(name for n in count(1) if (name := f"{stem}{'' if n == 1 else f'_{n}'}{suffix}") not in taken)
