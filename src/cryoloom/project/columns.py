"""Columns that a user names in conditions and lists, looked up in the inputs that are there before the job is made."""

from collections.abc import Collection, Mapping
from pathlib import Path

from cryoloom.errors import ParameterError
from cryoloom.project.needs import is_in_the_making
from cryoloom.project.state import job_status
from cryoloom.protocol.conditions import holds
from cryoloom.protocol.datasets import Coordinates, Dataset
from cryoloom.protocol.declare import ParamSpec, near
from cryoloom.protocol.edge import call_plugin
from cryoloom.protocol.jobs import ITEM_ID, SOURCE
from cryoloom.protocol.protocols import Protocol, RowProtocol

# Items have these also where their file has not.
_ALWAYS = frozenset({ITEM_ID, SOURCE})


def check_columns(root: Path, protocol: Protocol) -> None:
    """That the columns which parameters name are in the input.

    Inputs that are still being made, or have no items, are not looked at: their labels come with the first items, and
    then the job looks itself. Nor are picks, which lie in files of their own, and tables of RELION 3.0, whose labels
    are given other names when they are read.

    Raises:
        ParameterError: parameter, column and those that there are; or a condition that is none.
    """
    named = labels_named(protocol)
    for name, labels in named.items():
        for dataset in _looked_up(protocol, protocol.params[name]):
            known = _labels(root, dataset)
            missing = sorted(set(labels) - {*known} - _ALWAYS) if known else []
            if missing:
                raise ParameterError(
                    f"{protocol.name}: parameter {name}", found=f"{missing[0]}, a column that {dataset.path} lacks",
                    expected=f"one of {', '.join(known)}", hint=near(missing[0], known),
                )  # fmt: skip


def labels_named(protocol: Protocol) -> Mapping[str, Collection[str]]:
    """The columns that parameters name, by parameter.

    Raises:
        ParameterError: a condition that is no SQL.
    """
    facts = protocol.facts()
    found: dict[str, Collection[str]] = {}
    for name, spec in protocol.params.items():
        text = str(protocol.values[name]).strip()
        if not text or not holds(spec.when, facts):
            continue
        if spec.means == "labels":
            words = (word.strip().removeprefix("-").removeprefix("_") for word in text.split(","))
            found[name] = {word for word in words if word}
        elif spec.means == "condition":
            found[name] = _in_condition(text, f"{protocol.name}: parameter {name}")
    return {**found, **call_plugin(protocol, "named_labels")}


def _in_condition(text: str, where: str) -> Collection[str]:
    from cryoloom.star.expressions import labels_in  # only conditions need it

    labels = labels_in(text)
    if labels is None:
        raise ParameterError(
            where, found=f"{text!r}, which is no SQL", expected="a condition over the items' columns",
            hint="For instance 'rlnCtfMaxResolution < 4 and rlnDefocusU between 5000 and 25000'.",
        )  # fmt: skip
    return labels


def _looked_up(protocol: Protocol, spec: ParamSpec) -> Collection[Dataset]:
    """The datasets whose columns a parameter names."""
    name = spec.of or (protocol.treated if isinstance(protocol, RowProtocol) else "")
    return protocol.datasets_of(name).values() if name else ()


def _labels(root: Path, dataset: Dataset) -> tuple[str, ...]:
    """The columns of a dataset's items; none where they are not known."""
    path = root / dataset.path
    if isinstance(dataset, Coordinates) or path.suffix != ".star" or not path.is_file():
        return ()
    if is_in_the_making(root, dataset) or _is_empty(root, dataset):
        return ()
    from cryoloom import star

    heads = star.heads(path)
    if not heads.get("optics"):
        return ()
    tables = {block: labels for block, labels in heads.items() if block != "optics" and labels}
    own = dataset.block if dataset.block in tables else next(iter(tables), "")
    return tables.get(own, ())


def _is_empty(root: Path, dataset: Dataset) -> bool:
    folder = root / dataset.job
    if not dataset.job or not (folder / "job.json").exists():
        return False
    output = job_status(folder).history.outputs.get(dataset.output)
    return output is not None and not output.items
