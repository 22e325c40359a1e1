"""What a job needs of the tables that it is given, looked up in their heads before anything runs.

A program that misses a label says so in its own words an hour later, or takes zero for it and says nothing.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from cryoloom.errors import ParameterError
from cryoloom.project.state import job_status
from cryoloom.protocol.conditions import holds
from cryoloom.protocol.datasets import Coordinates, Dataset, Micrographs, Movies, Particles
from cryoloom.protocol.declare import InputSpec
from cryoloom.protocol.protocols import ItemProtocol, Protocol, RowProtocol
from cryoloom.schedule.state import ENDED

GROUP = "rlnOpticsGroup"
# Without these a table is of another kind.
_NAMES: Mapping[type[Dataset], str] = {
    Movies: "rlnMicrographMovieName",
    Micrographs: "rlnMicrographName",
    Particles: "rlnImageName",
}
# By the first of these labels that it has: what a table is instead, and what to do with it.
_INSTEAD = {
    "rlnImageName": "These are particles: import.particles brings them in.",
    "rlnMicrographMovieName": "These are movies: import.movies brings them in, relion.motioncorr makes micrographs of them.",
    "rlnMicrographName": "These are micrographs; bring movies in with import.movies, particles with import.particles.",
}


def check_needs(root: Path, protocol: Protocol) -> None:
    """That the files which are there have the labels that the job needs.

    What a job is still making is not looked at: its labels come with its first items.

    Raises:
        ParameterError: file, label and what to do.
    """
    facts = protocol.facts()
    all_heads: dict[str, Mapping[str, tuple[str, ...]]] = {}
    for name, dataset in protocol.given.items():
        path = root / dataset.path
        if not dataset or path.suffix != ".star" or not path.is_file() or is_in_the_making(root, dataset):
            continue
        _check_items(root, protocol, name, dataset)
        spec = protocol.input_spec(name)
        kind = next((kind for kind in _NAMES if isinstance(dataset, kind)), None)
        needed = [label for label, when in spec.needs.items() if holds(when, facts)]
        from cryoloom import star  # only jobs with tables need it

        heads = star.heads(path)
        all_heads[name] = heads
        if kind is None and not needed:
            continue
        items = {block: labels for block, labels in heads.items() if block != "optics" and labels}
        if not items:
            continue  # no table at all: that is said of what is empty
        block = kind.block if kind is not None and kind.block in items else next(iter(items), "")
        has_optics = bool(heads.get("optics"))
        for label in [*_of_kind(kind, spec, protocol), *needed]:
            of_optics = label.startswith("optics:")
            if of_optics and not has_optics and not isinstance(protocol, ItemProtocol):
                continue  # RELION's programs read tables of 3.0 themselves
            labels = heads.get("optics", ()) if of_optics else items.get(block, ())
            if not any(one in labels for one in label.removeprefix("optics:").split("|")):
                raise _lack(f"{protocol.name}: input {name}", dataset, block, label, heads, kind)
    protocol.check_heads(all_heads)


def _check_items(root: Path, protocol: Protocol, name: str, dataset: Dataset) -> None:
    """What follows an empty set is told before it starts; set operations may have one among others."""
    folder = root / dataset.job
    if isinstance(protocol, RowProtocol) or isinstance(dataset, Coordinates):
        return
    if not dataset.job or not (folder / "job.json").exists():
        return
    output = job_status(folder).history.outputs.get(dataset.output)
    if output is not None and output.closed and output.labels and not output.items:
        raise no_items(protocol, name, dataset)


def no_items(protocol: Protocol, name: str, dataset: Dataset) -> ParameterError:
    """The error of an input that has nothing to work on."""
    return ParameterError(
        f"{protocol.name}: input {name}", found=f"{dataset.path}, which has no {dataset.kind}", expected="items to work on",
        hint=f"Look at what {dataset.job} kept, and why: cryoloom show {dataset.job}" if dataset.job else "",
    )  # fmt: skip


def _of_kind(kind: type[Dataset] | None, spec: InputSpec, protocol: Protocol) -> Iterator[str]:
    """What every table of a kind has to have."""
    if kind is None or spec.kind not in _NAMES:
        return  # any table will do
    yield _NAMES[kind]
    if isinstance(protocol, ItemProtocol):
        yield f"optics:{GROUP}"
        yield GROUP


def is_in_the_making(root: Path, dataset: Dataset) -> bool:
    """Whether one of our jobs is still to make a dataset, or at it."""
    folder = root / dataset.job
    if not dataset.job or not (folder / "job.json").exists():
        return False
    status = job_status(folder)
    output = status.history.outputs.get(dataset.output)
    return not (output is not None and output.closed) and status.state not in ENDED


def _lack(
    where: str,
    dataset: Dataset,
    block: str,
    label: str,
    heads: Mapping[str, tuple[str, ...]],
    kind: type[Dataset] | None,
) -> ParameterError:
    name = label.removeprefix("optics:").replace("|", " and without ")
    labels = heads.get(block, ())
    if label.startswith("optics:") and not heads.get("optics"):
        found = f"{dataset.path}, without data_optics: a table of RELION 3.0 or older"
        hint = (
            "import.movies brings movies in; such a list does not say voltage and pixel size."
            if kind is Movies
            else f"cryoloom star convert {dataset.path} -o NEW.star"
        )
    else:
        table = "data_optics" if label.startswith("optics:") else f"data_{block}"
        found = f"{dataset.path}, whose {table} is without {name}"
        instead = next((text for one, text in _INSTEAD.items() if one in labels), "")
        hint = instead if kind is not None and label == _NAMES[kind] else ""
    return ParameterError(where, found=found, expected=f"{dataset.kind} with {name}", hint=hint)
