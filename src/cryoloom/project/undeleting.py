"""Deleted jobs taken back: out of `Trash/`, into the pipeline, as they were. Jobs that RELION deleted too."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from cryoloom.errors import ProjectError
from cryoloom.project.folder import ProjectFolder
from cryoloom.project.forms import pipeline as pipe
from cryoloom.project.trash import FOLDER


def deleted_jobs(root: Path) -> dict[str, str]:
    """Whole jobs in the trash, each with the folder that it lies in now; of several of one name the newest."""
    found: dict[str, str] = {}
    for part in sorted((root / FOLDER).glob(f"*/job*/{pipe.PART}"), key=lambda path: _copy_of(path.parent)):
        where = part.parent.relative_to(root).as_posix()
        found[where.removeprefix(f"{FOLDER}/").partition(".")[0]] = where
    return found


def undelete_jobs(project: ProjectFolder, jobs: Sequence[str]) -> list[str]:
    """Take jobs out of the trash; returns their names, in the order of their numbers.

    Args:
        project: whose jobs.
        jobs: names or numbers; of `Class2D/job008` and of `8` the same is meant.
    Raises:
        ProjectError: no such job in the trash, its place is taken, or it needs one that is not there; nothing was moved.
    """
    root = project.root
    known = deleted_jobs(root)
    wanted = sorted({_named(job, known) for job in jobs}, key=lambda name: int(name.rpartition("job")[2]))
    parts = {name: pipe.read_part(root / known[name] / pipe.PART) for name in wanted}
    with pipe.changed_pipeline(root) as pipeline:
        for name, part in parts.items():
            _check(root, name, part, pipeline, wanted)
        for name, part in parts.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / known[name]).rename(root / name)
            _take_back(root, name, part, pipeline)
        pipeline.processes.sort(key=lambda process: int(process.name.rstrip("/").rpartition("job")[2]))
    return wanted


def _copy_of(folder: Path) -> tuple[str, int]:
    """`job008.3` after `job008.2`, `job008` before both."""
    name, _, number = folder.name.partition(".")
    return f"{folder.parent.name}/{name}", int(number) if number.isdigit() else 1


def _named(job: str, known: dict[str, str]) -> str:
    word = job.strip().rstrip("/").removeprefix(f"{FOLDER}/")
    number = word.rpartition("/")[2].removeprefix("job")
    found = [name for name in known if name == word]
    if not found and number.isdigit() and "/" not in word:
        found = [name for name in known if int(name.rpartition("job")[2]) == int(number)]
    if len(found) != 1:
        raise ProjectError(
            f"job {job}", found="not in the trash" if not found else f"ambiguous ({', '.join(found)})",
            expected=f"one of {', '.join(known)}" if known else "a deleted job; there is none in the trash",
        )  # fmt: skip
    return found[0]


def _check(
    root: Path, name: str, part: pipe.Pipeline, pipeline: pipe.Pipeline, beside: Sequence[str]
) -> None:
    if (root / name).exists() or pipeline.process(name) is not None:
        raise ProjectError(
            name, found="there already", expected="a place for the deleted one to come back to"
        )
    if part.process(name) is None:
        raise ProjectError(
            f"{name}: {pipe.PART}", found="of another job", expected="its own row of the pipeline"
        )
    for file in part.inputs_of(name):
        maker = "/".join(file.split("/")[:2])
        if not (root / file).exists() and maker not in beside:
            raise ProjectError(
                f"{name}: input {file}", found="not there", expected="what it was made of",
                hint=f"If {maker} was deleted too, take it back as well: `cryoloom undelete {maker} {name}`.",
            )  # fmt: skip


def _take_back(root: Path, name: str, part: pipe.Pipeline, pipeline: pipe.Pipeline) -> None:
    process = part.process(name)
    assert process is not None
    alias = "" if process.alias == "None" else process.alias.rstrip("/")
    if alias and not _linked(root / alias, name):
        process.alias = "None"
    types = dict(part.nodes)
    inputs, outputs = part.inputs_of(name), part.outputs_of(name)
    for file in [*inputs, *(file for file, _ in outputs)]:
        pipeline.add_node(file, types.get(file, -1))
    pipeline.processes.append(process)
    pipeline.input_edges += [(file, f"{name}/") for file in inputs]
    pipeline.output_edges += [(f"{name}/", file) for file, _ in outputs]
    pipe.add_nodes_folder(root, outputs)


def _linked(link: Path, name: str) -> bool:
    """Whether a job has its alias again; another job may have got the name meanwhile."""
    if link.is_symlink() or link.exists():
        return False
    with contextlib.suppress(OSError):
        link.symlink_to(f"../{name}/")
        return True
    return False


def parts_of(pipeline: pipe.Pipeline, names: Sequence[str]) -> Iterator[tuple[str, pipe.Pipeline]]:
    """What a pipeline says of each of these jobs alone, so that it can be taken back."""
    types = dict(pipeline.nodes)
    for name in names:
        process = pipeline.process(name)
        if process is None:
            continue
        inputs, outputs = pipeline.inputs_of(name), pipeline.outputs_of(name)
        part = pipe.Pipeline(counter=2, processes=[process])
        for file in [*inputs, *(file for file, _ in outputs)]:
            part.add_node(file, types.get(file, -1))
        part.input_edges = [(file, f"{name}/") for file in inputs]
        part.output_edges = [(f"{name}/", file) for file, _ in outputs]
        yield name, part
