"""A table that is given where a set is wanted: it is written as a recorded job, whose output the input then is.

So what follows is as reproducible as if the set had come from a protocol: who wrote it, when, by which code, and from which
jobs its rows come; and it is checked as every set is.
"""

from collections.abc import Mapping, Sequence
from types import FrameType
from typing import TYPE_CHECKING, Any

from cryoloom.api.external import External, code_of
from cryoloom.api.frame_sources import Source, sources_of
from cryoloom.api.frames import as_polars, is_frame
from cryoloom.api.given import taken_apart
from cryoloom.errors import ParameterError
from cryoloom.project.registry import find_protocol
from cryoloom.protocol.datasets import (
    ClassAverages,
    Coordinates,
    Dataset,
    Micrographs,
    Movies,
    Particles,
    Table,
    accepts,
)
from cryoloom.protocol.declare import InputSpec, near, numbered
from cryoloom.protocol.edge import call_plugin
from cryoloom.protocol.protocols import Protocol

if TYPE_CHECKING:
    import polars as pl

    from cryoloom.api.job import Job
    from cryoloom.api.project import Project

NAME, NUMBER, X = "rlnOpticsGroupName", "rlnOpticsGroup", "rlnCoordinateX"
# What a table holds, by the first of these labels that it has.
_TELLING: dict[str, type[Dataset]] = {
    "rlnReferenceImage": ClassAverages,
    "rlnImageName": Particles,
    "rlnMicrographMovieName": Movies,
}


def with_frames_as_jobs(
    project: "Project", protocol: str, given: Mapping[str, Any], caller: FrameType
) -> dict[str, Any]:
    """What was given to a protocol, with a job in the place of each table.

    Args:
        project: where the jobs are made.
        protocol: for which they are.
        given: parameters and inputs by name.
        caller: the frame of the code that gave them.
    Raises:
        ParameterError: a table where none can be, or another fault of what was given; then no job is made.
        DatasetError: a table that is no set of its kind; its job has failed.
    """
    frames = {name: value for name, value in given.items() if _holds_frames(value)}
    if not frames:
        return dict(given)
    kind = find_protocol(protocol)
    # All else first: a slip of the fingers elsewhere must not leave a job behind.
    others = {name: value for name, value in given.items() if name not in frames}
    planned = {name: _sets(kind, name, value) for name, value in frames.items()}
    values, inputs = taken_apart(project.folder, kind, others)
    for name, sets in planned.items():
        inputs |= numbered(name, [set_kind(f"External/job000/{name}.star") for set_kind, _, _ in sets])
    call_plugin(kind(values, inputs), "check")
    made = {
        name: [_written(project, protocol, set_kind, optics, rows, caller) for set_kind, optics, rows in sets]
        for name, sets in planned.items()
    }
    return {**others, **{name: jobs if len(jobs) > 1 else jobs[0] for name, jobs in made.items()}}


def _holds_frames(value: object) -> bool:
    if isinstance(value, Mapping):
        return any(is_frame(one) for one in value.values())
    if isinstance(value, list | tuple):
        return any(is_frame(one) for one in value)
    return is_frame(value)


_Set = tuple[type[Dataset], "pl.DataFrame | None", "pl.DataFrame"]


def _sets(kind: type[Protocol], name: str, value: Any) -> list[_Set]:
    """The sets that an input is given, each with its kind and, where it has them, optics groups.

    Raises:
        ParameterError: an input that takes no table; several where one is wanted; values that are none.
    """
    where = f"{kind.name}: input {name}"
    if name not in kind.inputs:
        raise ParameterError(
            f"{kind.name}: parameter {name}", found="a table" if name in kind.params else "unknown",
            expected="a value" if name in kind.params else "one of its inputs", hint=near(name, [*kind.inputs]),
        )  # fmt: skip
    spec = kind.inputs[name]
    many: Sequence[Any] = [value]
    if isinstance(value, Mapping):
        many = [*value.values()]
    elif isinstance(value, list | tuple):
        many = value
    tables = [as_polars(one, where) for one in many]
    optics = [table for table in tables if NAME in table.columns and NUMBER in table.columns]
    items = [table for table in tables if not any(table is one for one in optics)]
    if len(optics) > 1 or not items or (optics and len(items) > 1) or (len(items) > 1 and not spec.several):
        raise ParameterError(
            where, found=f"{len(items)} tables of items and {len(optics)} of optics groups",
            expected="a table of items, and its optics groups where they are not those of the rows' job",
            hint="sets.join makes one set of several.",
        )  # fmt: skip
    return [(_kind_of(spec, table, where), optics[0] if optics else None, table) for table in items]


def _kind_of(spec: InputSpec, table: "pl.DataFrame", where: str) -> type[Dataset]:
    """What a table holds, by its labels.

    Raises:
        ParameterError: nothing that the input takes.
    """
    found = next((kind for label, kind in _TELLING.items() if label in table.columns), None)
    if found is None and "rlnMicrographName" in table.columns:
        found = Coordinates if X in table.columns else Micrographs
    found = found or Table
    if not issubclass(spec.kind, Table) and spec.kind is not Dataset:
        raise ParameterError(where, found="a table", expected=f"a {spec.kind.kind}")
    if not accepts(spec.kind, found):
        labels = ", ".join(table.columns[:4]) + (", ..." if table.width > 4 else "")
        raise ParameterError(
            where, found=f"a table of {found.kind} ({labels})", expected=f"one of {spec.kind.kind}",
            hint="A set is known by its labels: particles have rlnImageName, micrographs rlnMicrographName.",
        )  # fmt: skip
    return found


def _written(
    project: "Project",
    protocol: str,
    kind: type[Dataset],
    optics: "pl.DataFrame | None",
    rows: "pl.DataFrame",
    caller: FrameType,
) -> "Job":
    sources = sources_of(project.folder, rows, kind)
    if optics is None and kind is not Coordinates:
        for source in sources:
            _check_rivals(project, source, protocol)
    inputs = [_named(source) for source in sources]
    if kind is Coordinates and not inputs:
        # Picks that nobody knows are of micrographs that somebody does.
        names = rows.select("rlnMicrographName").unique()
        inputs = [_named(source) for source in sources_of(project.folder, names, Micrographs)][:1]
    name = kind.kind.replace(" ", "_")
    given = {"input": inputs, "outputs": {name: name}} if inputs else {"outputs": {name: name}}
    with External(project, f"table for {protocol}", given, "", code_of(caller)) as job:
        for source in sources:
            job.say(f"{source.rows} of {rows.height} rows come from {_named(source)}")
        if (unknown := rows.height - sum(source.rows for source in sources)) > 0:
            job.say(f"{unknown} of {rows.height} rows are of no job")
        job.write(name, rows, optics=optics)
    return job


def _check_rivals(project: "Project", source: Source, protocol: str) -> None:
    """That it does not matter from which of several sets the rows are: their optics groups say the same.

    Raises:
        ParameterError: two that do not.
    """
    from cryoloom import star

    def groups(dataset: Dataset) -> "pl.DataFrame | None":
        return star.as_table(star.read(project.path / dataset.path, ["optics"], optional=True).get("optics"))

    own = groups(source.dataset)
    for rival in source.rivals:
        other = groups(rival)
        if own is not None and other is not None and not _say_the_same(own, other):
            raise ParameterError(
                f"{protocol}: a table of {source.dataset.kind}", found=f"rows of {source.dataset.job} or of {rival.job}",
                expected="its optics groups too, since theirs differ", hint="Give a tuple: (optics, items).",
            )  # fmt: skip


def _say_the_same(one: "pl.DataFrame", other: "pl.DataFrame") -> bool:
    from cryoloom.em.joining import with_groups

    merged, first = with_groups(None, one)
    merged, second = with_groups(merged, other)
    return merged.height == one.height and all(first.get(number) == place for number, place in second.items())


def _named(source: Source) -> str:
    return f"{source.dataset.job}:{source.dataset.output}"
