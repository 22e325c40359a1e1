"""All that can be said against a job before it is made: what is wrong is told at once, and not after hours.

The one place for it: making, copying, continuing, changing and workflows come here. What may have changed until the job
begins is looked at once more then (`check_start`). Labels are looked up in `needs.py` and `columns.py`, sizes in `boxes.py`.
"""

import os
import re
import shlex
import shutil
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from cryoloom.errors import ParameterError, ProjectError
from cryoloom.project.boxes import check_boxes
from cryoloom.project.columns import check_columns
from cryoloom.project.needs import check_needs, is_in_the_making
from cryoloom.project.paths import straight
from cryoloom.project.programs import check_gpu_support, check_other_programs
from cryoloom.protocol.conditions import condition_names, holds
from cryoloom.protocol.datasets import Dataset, Mask
from cryoloom.protocol.declare import ACCEPT_UNUSUAL, AUTO, near, relion_text
from cryoloom.protocol.edge import call_plugin
from cryoloom.protocol.protocols import Protocol

MASK_TOLERANCE = 1e-3  # what a soft edge may overshoot by rounding


def check_job(root: Path, protocol: Protocol, *, asked: Collection[str] = (), waits: bool = False) -> None:
    """That nothing stands against a job, as far as it can be known now.

    Args:
        root: the project.
        protocol: with the job's values and inputs.
        asked: the parameters and inputs that the user gave now; copies have others from before.
        waits: another job comes first, which may make files that this one names.
    Raises:
        CryoloomError: parameter or input, what was found, what was expected, what to do.
    """
    for check in checks_of(root, asked=asked, waits=waits):
        check(protocol)


def checks_of(
    root: Path, *, asked: Collection[str] = (), waits: bool = False
) -> Iterator[Callable[[Protocol], None]]:
    """The checks of `check_job` one by one, for who wants to hear of all that is wrong; in their order."""

    def may_come(protocol: Protocol) -> bool:
        return waits or any(_is_to_come(root, dataset) for dataset in protocol.given.values() if dataset)

    yield lambda protocol: call_plugin(protocol, "check")
    yield lambda protocol: check_effect(protocol, asked)
    yield lambda protocol: check_files(root, protocol, may_come=may_come(protocol))
    yield lambda protocol: check_words(root, protocol, may_come=may_come(protocol))
    yield lambda protocol: check_gpu_support(root, protocol)
    yield lambda protocol: check_other_programs(root, protocol)
    yield lambda protocol: _check_auto(root, protocol)
    if asked:
        yield lambda protocol: call_plugin(protocol, "check_defaults", root, asked)
    yield lambda protocol: check_needs(root, protocol)
    yield lambda protocol: check_columns(root, protocol)
    yield lambda protocol: check_boxes(root, protocol)
    yield lambda protocol: check_contents(root, protocol)


def _check_auto(root: Path, protocol: Protocol) -> None:
    if AUTO in protocol.values.values():
        call_plugin(protocol, "check_auto", root)


def _is_to_come(root: Path, dataset: Dataset) -> bool:
    """Whether a job makes it still, one that is only planned, or that nobody has started, among them."""
    return is_in_the_making(root, dataset) or bool(dataset.job and not (root / dataset.path).exists())


def check_start(root: Path, protocol: Protocol) -> None:
    """What has to hold when a job begins: its files are there, its tables have their labels, its maps fit.

    Raises:
        CryoloomError: as `check_job`.
    """
    check_files(root, protocol)
    check_words(root, protocol)
    check_other_programs(root, protocol)
    check_needs(root, protocol)
    # Nobody is there to be asked any more: what is only doubted, and what the program would do, is done.
    is_doubtful = ACCEPT_UNUSUAL in protocol.params
    accepted = protocol.with_values({ACCEPT_UNUSUAL: True}) if is_doubtful else protocol
    check_boxes(root, accepted)
    check_contents(root, accepted)


def check_contents(root: Path, protocol: Protocol) -> None:
    """Ask the protocol whether the files of its inputs belong together, as far as they are there and whole.

    Raises:
        CryoloomError: they do not; the protocol says what to do.
    """
    asks = type(protocol).check_contents is not Protocol.check_contents
    if not asks and not any(isinstance(dataset, Mask) for dataset in protocol.given.values() if dataset):
        return  # no file is looked for
    there = {
        name: root / dataset.path
        for name, dataset in protocol.given.items()
        if dataset and (root / dataset.path).is_file() and not is_in_the_making(root, dataset)
    }
    for name, path in there.items():
        if isinstance(protocol.given[name], Mask):
            _check_mask(f"{protocol.name}: input {name}", protocol.given[name].path, path)
    if asks:
        call_plugin(protocol, "check_contents", root, there)


def _check_mask(where: str, name: str, path: Path) -> None:
    """That a mask has nothing beyond 0 to 1: RELION's programs refuse it, or weigh voxels by it.

    Raises:
        ParameterError: it has.
    """
    from cryoloom.images.misread import range_of

    low, high = range_of(path)
    if low < -MASK_TOLERANCE or high > 1 + MASK_TOLERANCE:
        raise ParameterError(
            where, found=f"{name}, with values from {low:.3g} to {high:.3g}", expected="a mask, from 0 to 1",
            hint="relion.maskcreate makes one of a map.",
        )  # fmt: skip


def check_repeats(protocol: Protocol, job: str) -> None:
    """That a job can be run by somebody else than who made it; asked before anything of it is touched.

    Raises:
        ProjectError: it cannot, and why.
    """
    if why := protocol.once():
        why = f"{why[0].upper()}{why[1:]}."
        raise ProjectError(
            job,
            found="nothing that Cryoloom could run again",
            expected="a job whose command is known",
            hint=why,
        )


def check_effect(protocol: Protocol, asked: Collection[str]) -> None:
    """That what is given counts: `rescale=64` without `do_rescale=Yes` would be forgotten without a word.

    Who names the switch too, whatever its value, has thought of it.

    Raises:
        ParameterError: what has no effect, and with what it has one.
    """
    facts = protocol.facts()
    for name in asked:
        spec = protocol.params.get(name) or protocol.inputs.get(name.partition("#")[0])
        if spec is None or holds(spec.when, facts) or condition_names(spec.when) & set(asked):
            continue
        param = protocol.params.get(name)
        if param is not None and protocol.values[name] == param.default:
            continue
        what = "parameter" if param is not None else "input"
        value = relion_text(facts[name])
        raise ParameterError(
            f"{protocol.name}: {what} {name}", found=f"{value}, without effect", expected=f"it only where {spec.when}",
            hint=_switch(protocol, spec.when) + f" `cryoloom help {protocol.name}` tells when it counts.",
        )  # fmt: skip


def _switch(protocol: Protocol, condition: str) -> str:
    """How a simple condition is met."""
    name, equals, value = (part.strip() for part in condition.partition("=="))
    if equals and name in protocol.params:
        return f"Add {name}={value}."
    if name in protocol.params and protocol.params[name].type is bool:
        return f"Add {name}=Yes."
    return f"Give {name} too." if name in {**protocol.params, **protocol.inputs} else ""


def check_files(root: Path, protocol: Protocol, *, may_come: bool = False) -> None:
    """That the files and folders which parameters name are there.

    Args:
        root: the project, from which relative paths count.
        protocol: with the job's values.
        may_come: whether files of the project may be made by others before the job begins.
    Raises:
        ParameterError: one is missing; files with a name like it are offered.
    """
    facts = protocol.facts()
    for name, spec in protocol.params.items():
        text = str(protocol.values[name])
        if spec.means not in ("file", "folder") or text in ("", AUTO) or not holds(spec.when, facts):
            continue
        if spec.later and facts.get(spec.later):
            continue
        path = root / Path(text).expanduser()
        if path.is_file() if spec.means == "file" else path.is_dir():
            continue
        if may_come and straight(path).is_relative_to(root):
            continue
        beside = [one.name for one in path.parent.iterdir()] if path.parent.is_dir() else []
        relative = "" if Path(text).expanduser().is_absolute() else f"It counts from {root}."
        why = f"no {spec.means}" if path.exists() else "missing"
        raise ParameterError(
            f"{protocol.name}: parameter {name}", found=f"{text}, which is {why}",
            expected=f"a {spec.means}", hint=f"{near(path.name, beside)} {relative}".strip(),
        )  # fmt: skip


# Their first word that is no option is a file of code.
_INTERPRETERS = re.compile(r"(?:python|pypy)[0-9.]*|bash|dash|sh|zsh|perl|ruby|Rscript|julia|node")


def check_words(root: Path, protocol: Protocol, *, may_come: bool = False) -> None:
    """That the program of a command is there, and the script that an interpreter is given.

    Args:
        root: the project, from which relative paths count.
        protocol: with the job's values.
        may_come: whether files of the project may be made by others before the job begins.
    Raises:
        ParameterError: one is missing; files with a name like it are offered.
    """
    for name, spec in protocol.params.items():
        words = shlex.split(str(protocol.values[name])) if spec.means == "words" else []
        if not words or words[0].startswith("relion_"):
            continue  # where RELION's lie the settings say
        where = f"{protocol.name}: parameter {name}"
        if "/" not in words[0] and shutil.which(words[0]) is None:
            raise ParameterError(
                where, found=f"{words[0]}, which is not installed", expected="a program in PATH, or the path of one"
            )  # fmt: skip
        script = next((word for word in words[1:2] if not word.startswith(("-", "{"))), "")
        files = [words[0]] if "/" in words[0] else []
        files += [script] if script and _INTERPRETERS.fullmatch(Path(words[0]).name) else []
        for text in files:
            path = root / Path(text)
            if path.is_file() and text == words[0] and not os.access(path, os.X_OK):
                raise ParameterError(
                    where, found=f"{text}, which may not be executed", expected="a program",
                    hint=f"chmod +x {path}, or name what runs it: python3 {text}",
                )  # fmt: skip
            if path.is_file() or (may_come and straight(path).is_relative_to(root)):
                continue
            beside = [one.name for one in path.parent.iterdir()] if path.parent.is_dir() else []
            relative = "" if Path(text).is_absolute() else f"It counts from {root}."
            hint = f"{near(path.name, beside)} {relative}".strip()
            raise ParameterError(where, found=f"{text}, which is missing", expected="a file", hint=hint)
