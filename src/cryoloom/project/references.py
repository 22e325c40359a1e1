"""Inputs as users name them: `JOB`, `JOB:output`, an alias, or a file of the project."""

from pathlib import Path

from cryoloom.errors import ParameterError, ProjectError
from cryoloom.project.entry import JobEntry
from cryoloom.project.folder import ProjectFolder
from cryoloom.project.iterations import newest
from cryoloom.project.paths import within
from cryoloom.protocol.datasets import (
    ClassAverages,
    Coordinates,
    Dataset,
    Micrographs,
    Movies,
    Optimiser,
    Particles,
    Table,
    accepts,
)
from cryoloom.protocol.declare import InputSpec, near
from cryoloom.schedule.state import ENDED

# What a table without a telling name holds, by the first of these labels that it has.
_TELLING: dict[str, type[Dataset]] = {
    "rlnReferenceImage": ClassAverages,
    "rlnImageName": Particles,
    "rlnMicrographMovieName": Movies,
    "rlnMicrographName": Micrographs,
}


def resolve_input(project: ProjectFolder, spec: InputSpec, text: str, owner: str) -> Dataset:
    """The dataset that an input's text means.

    Args:
        project: where to look.
        spec: the input; its kind decides which output of a job is meant.
        text: as the user gave it.
        owner: the protocol's name, for messages.
    Raises:
        ParameterError: no such job or file, or a dataset of the wrong kind.
    """
    where = f"{owner}: input {spec.name}"
    name, _, output = text.strip().partition(":")
    path = name.rstrip("/")
    entry = _entry_or_none(project, path)
    if entry is not None:
        return _of_job(project.root, entry, output, spec, where)
    return _of_file(project, path, spec, where)


def _entry_or_none(project: ProjectFolder, text: str) -> JobEntry | None:
    try:
        return project.entry(text)
    except ProjectError as error:
        if error.found.startswith("ambiguous"):
            raise
        return None


def _nearest(project: ProjectFolder, text: str) -> str:
    """A hint that offers jobs with a name or alias like this one, "" where none has."""
    names = [
        (entry.name, entry.alias, spec.label if (spec := entry.known_spec) else "")
        for entry in project.entries()
    ]
    return near(text, [name for several in names for name in several if name])


def _of_job(root: Path, entry: JobEntry, output: str, spec: InputSpec, where: str) -> Dataset:
    outputs = entry.outputs()
    if output:
        if output not in outputs:
            raise ParameterError(
                where,
                found=f"{entry.name}:{output}",
                expected=f"one of its outputs: {', '.join(outputs) or 'none'}",
            )
        candidates = [outputs[output]]
    else:
        candidates = list(outputs.values())
    fitting = [dataset for dataset in candidates if accepts(spec.kind, type(dataset))]
    if spec.kind is Optimiser and not any((root / dataset.path).exists() for dataset in fitting):
        # RELION's own jobs say nothing of theirs, and while a refinement runs the newest is that of an iteration.
        found = newest(root / entry.name, "optimiser.star")
        if found is not None and entry.status().state in ENDED:
            return Optimiser(f"{entry.name}/{found.name}", entry.name, "")
    if not fitting:
        given = ", ".join(f"{name} ({dataset.kind})" for name, dataset in outputs.items()) or "nothing"
        raise ParameterError(
            where,
            found=f"{entry.name}, which gives {given}"
            if not output
            else f"{entry.name}:{output} ({candidates[0].kind})",
            expected=f"a job that gives {spec.kind.kind}",
        )
    return fitting[0]


def _of_file(project: ProjectFolder, text: str, spec: InputSpec, where: str) -> Dataset:
    path = within(project.root, text)
    if path is None:
        raise ParameterError(
            where,
            found=f"{text}, a file outside the project",
            expected="a job, or a file of the project",
            hint="Bring it in with an import protocol first: `cryoloom help import` lists them.",
        )
    known = project.find_dataset(str(path))
    if known.job:
        if not accepts(spec.kind, type(known)):
            raise ParameterError(
                where, found=f"{text} ({known.kind})", expected=f"a dataset of kind {spec.kind.kind}"
            )
        return known
    if not (project.root / path).exists():
        raise ParameterError(
            where,
            found=f"{text}, neither a job nor a file",
            expected=f"a job that gives {spec.kind.kind}, or a file of the project",
            hint=_nearest(project, text) or "`cryoloom ls` lists the jobs.",
        )
    _check_ending(path, spec, where)
    job = "/".join(path.parts[:2]) if len(path.parts) > 2 and path.parts[1].startswith("job") else ""
    kind = spec.kind
    if kind is Dataset:  # any will do: what it is its ending says
        kind = Table if path.suffix == ".star" else type(known)
    if kind is Table:
        kind = _kind_of_table(project.root / path)
    return kind(str(path), job if _entry_or_none(project, job or "-") else "", "")


def _kind_of_table(path: Path) -> type[Dataset]:
    """What a STAR file holds, by the name of its table, else by what its rows name."""
    from cryoloom import star

    if path.name.startswith("coords_suffix"):
        return Coordinates
    blocks = [block for block in star.scan(path) if block.name != "optics"]
    by_name = {kind.block: kind for kind in (Movies, Micrographs, Particles)}
    for block in blocks:
        if block.name in by_name:
            return by_name[block.name]
    labels = {label for block in blocks for label in block.labels}
    for label, kind in _TELLING.items():
        if label in labels:
            return kind
    return Table


def _check_ending(path: Path, spec: InputSpec, where: str) -> None:
    """A map where a table is wanted, or the reverse, is found before a program starts."""
    is_star = path.suffix == ".star"
    wants_star = bool(getattr(spec.kind, "block", "")) or spec.kind.kind in (
        "table",
        "class averages",
        "model",
    )
    wants_map = spec.kind.kind in ("volume", "mask", "half maps", "final map")
    if (wants_star and not is_star) or (wants_map and is_star):
        raise ParameterError(where, found=str(path), expected=f"a file of kind {spec.kind.kind}")
