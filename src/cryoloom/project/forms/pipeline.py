"""`default_pipeline.star` in RELION 3.1's form: the truth for counter, aliases and RELION's jobs.

Read at any time; changed only under `relion_lock`, and only in RELION 3.1's form: what RELION 4 and 5 write is read,
and never written. Columns and tables that we do not know are kept. Written without a STAR library's table types,
because RELION is particular about this file and the command line must start fast.
"""

import contextlib
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cryoloom.errors import ProjectError, UnreadableError
from cryoloom.project.forms.relion31 import type_of_label
from cryoloom.project.relion_lock import PATIENCE_S, relion_lock
from cryoloom.project.sharing import as_folder_says, as_it_was, shared_as
from cryoloom.schedule.state import State

FILE = "default_pipeline.star"
PART = "job_pipeline.star"  # in a job's folder: what the file says of this job alone
WRITING_S = 0.5  # so long a file that is not whole may be one that is being written
RUNNING, SCHEDULED, SUCCEEDED, FAILED, ABORTED = range(5)
STATES: tuple[State, ...] = ("running", "scheduled", "succeeded", "failed", "aborted")

# RELION 4 and 5 write words where 3.1 writes numbers.
_STATUS_LABELS = {"Running": 0, "Scheduled": 1, "Succeeded": 2, "Failed": 3, "Aborted": 4}


@dataclass(slots=True)
class Process:
    """One job's row."""

    name: str  # "Class2D/job008/"
    alias: str  # "Class2D/LoG/" or "None"
    type: int
    status: int
    label: str = ""  # RELION 4's and 5's word for its type: relion.importtomo
    more: dict[str, str] = field(default_factory=dict)  # columns that we do not know


@dataclass(slots=True)
class Pipeline:
    """The whole file."""

    counter: int = 1  # number of the next job
    processes: list[Process] = field(default_factory=list)
    nodes: list[tuple[str, int]] = field(default_factory=list)  # (file, node type)
    input_edges: list[tuple[str, str]] = field(default_factory=list)  # (file, job)
    output_edges: list[tuple[str, str]] = field(default_factory=list)  # (job, file)
    form: str = "3.1"  # of which RELION it is: 3.1, or "4 or 5"
    # What we do not know, and write as it was: of the counter's block, of nodes by file, whole blocks.
    general: dict[str, str] = field(default_factory=dict)
    node_more: dict[str, dict[str, str]] = field(default_factory=dict)
    blocks: list[str] = field(default_factory=list)

    def process(self, name: str) -> Process | None:
        """The row of a job by its name, with or without the trailing slash."""
        wanted = name.rstrip("/") + "/"
        return next((process for process in self.processes if process.name == wanted), None)

    def inputs_of(self, name: str) -> list[str]:
        wanted = name.rstrip("/") + "/"
        return [file for file, job in self.input_edges if job == wanted]

    def outputs_of(self, name: str) -> list[tuple[str, int]]:
        wanted = name.rstrip("/") + "/"
        types = dict(self.nodes)
        return [(file, types.get(file, -1)) for job, file in self.output_edges if job == wanted]

    def add_node(self, file: str, node_type: int) -> None:
        if file not in {name for name, _ in self.nodes}:
            self.nodes.append((file, node_type))

    def text(self) -> str:
        """The file as RELION 3.1 writes it."""
        head = "\n# version 30001\n\ndata_pipeline_"
        general = "".join(f"_{label:<40} {value:>8}\n" for label, value in self.general.items())
        parts = [f"{head}general\n\n_rlnPipeLineJobCounter                   {self.counter:>8}\n{general} \n"]
        more = tuple(dict.fromkeys(label for process in self.processes for label in process.more))
        of_nodes = tuple(dict.fromkeys(label for known in self.node_more.values() for label in known))
        tables: tuple[tuple[str, tuple[str, ...], list[tuple[str, ...]]], ...] = (
            (
                "processes",
                ("ProcessName", "ProcessAlias", "ProcessType", "ProcessStatus", *more),
                [
                    (
                        p.name,
                        p.alias,
                        f"{p.type:>12}",
                        f"{p.status:>12}",
                        *(p.more.get(one, "None") for one in more),
                    )
                    for p in self.processes
                ],
            ),
            (
                "nodes",
                ("NodeName", "NodeType", *of_nodes),
                [
                    (
                        name,
                        f"{kind:>12}",
                        *(self.node_more.get(name, {}).get(one, "None") for one in of_nodes),
                    )
                    for name, kind in self.nodes
                ],
            ),
            ("input_edges", ("EdgeFromNode", "EdgeProcess"), list(self.input_edges)),
            ("output_edges", ("EdgeProcess", "EdgeToNode"), list(self.output_edges)),
        )
        for name, labels, rows in tables:
            if rows:
                header = "".join(f"_{_full(label)} #{n} \n" for n, label in enumerate(labels, start=1))
                lines = "".join(" ".join(word.rjust(10) for word in row) + " \n" for row in rows)
                parts.append(f"{head}{name}\n\nloop_ \n{header}{lines} \n")
        return "".join([*parts, *self.blocks])


def read_pipeline(root: Path) -> Pipeline:
    """The project's pipeline, in the form of any RELION from 3.1 to 5.

    Raises:
        UnreadableError: it is there, and empty, cut short, damaged or not readable: how many jobs there are is not known.
        ProjectError: there is none.
    """
    deadline = time.monotonic() + WRITING_S
    while True:
        try:
            return _read_once(root)
        except UnreadableError:
            # RELION writes it in place: an instant later it may be whole.
            if time.monotonic() > deadline:
                raise
        time.sleep(0.05)


def was_project(root: Path) -> bool:
    """Whether a folder without a pipeline file has jobs all the same: then it is no new one."""
    return (root / ".cryoloom/project.json").exists() or any(
        root.glob("*/job[0-9][0-9][0-9]/job_pipeline.star")
    )


def _read_once(root: Path) -> Pipeline:
    path = root / FILE
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        if was_project(root):
            raise UnreadableError(
                f"{path}", found="gone, though there are jobs", expected="a whole pipeline file",
                hint="Put it back from a copy; each job's own part of it lies in its folder, as job_pipeline.star.",
            ) from None  # fmt: skip
        raise ProjectError(
            f"{root}",
            found="no project (it has no default_pipeline.star)" if root.is_dir() else "no folder",
            expected="a RELION or Cryoloom project",
            hint="Make one with `cryoloom new`, or name it with --project DIR.",
        ) from None
    except (OSError, UnicodeError) as error:
        raise UnreadableError(
            f"{path}",
            found=f"not readable ({getattr(error, 'strerror', '') or error})",
            expected="a pipeline file",
        ) from None
    pipeline, last, has_counter = _parsed(path, text)
    lacks = _what_lacks(root, pipeline, text, last, has_counter)
    if lacks:
        raise UnreadableError(
            f"{path}", found=lacks, expected="a whole pipeline file",
            hint="Put it back from a copy; each job's own part of it lies in its folder, as job_pipeline.star.",
        )  # fmt: skip
    return pipeline


def read_part(path: Path) -> Pipeline:
    """A job's own part of the pipeline, as RELION and we leave it in its folder.

    Raises:
        UnreadableError: it cannot be read, or has a row that is none.
    """
    try:
        return _parsed(path, path.read_text(encoding="utf-8"))[0]
    except (OSError, UnicodeError) as error:
        raise UnreadableError(
            f"{path}",
            found=f"not readable ({getattr(error, 'strerror', '') or error})",
            expected="a job's part of a pipeline",
        ) from None


def _parsed(path: Path, text: str) -> tuple[Pipeline, str, bool]:
    """What a text says; the name of its last block; whether it has the counter."""
    pipeline, has_counter = Pipeline(), False
    block = ""
    labels: list[str] = []
    is_known = True
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split()
        if words and words[0].startswith("data_"):
            block, labels = words[0].removeprefix("data_").removeprefix("pipeline_"), []
            is_known = words[0].startswith("data_pipeline_") and block in _BLOCKS
            if not is_known:
                pipeline.blocks.append(f"\n# version 30001\n\n{line}\n")
        elif not is_known:
            if not (words and words[0].startswith("# version")):
                pipeline.blocks[-1] += f"{line}\n"
        elif not words or words[0].startswith("#"):
            continue
        elif words[0] == "loop_":
            labels = []
        elif words[0].startswith("_"):
            labels.append(words[0].removeprefix("_rlnPipeLine").removeprefix("_"))
            try:
                if labels[-1] == "JobCounter":
                    pipeline.counter, has_counter = int(words[1]), True
                elif block == "general":
                    pipeline.general[words[0][1:]] = words[1]
            except (IndexError, ValueError):
                raise _no_row(path, number, line, block) from None
        else:
            try:
                _take_row(pipeline, block, dict(zip(labels, words, strict=True)))
            except (KeyError, ValueError):
                raise _no_row(path, number, line, block) from None
    return pipeline, block, has_counter


def _no_row(path: Path, number: int, line: str, block: str) -> UnreadableError:
    return UnreadableError(
        f"{path}, line {number}", found=repr(line.strip()[:80]), expected=f"a row of data_pipeline_{block}"
    )


def _what_lacks(root: Path, pipeline: Pipeline, text: str, last: str, has_counter: bool) -> str:
    """How a file shows that it is not whole; "" when it does not.

    RELION ends each table with a line of blanks. Where the cut fell between two tables, those are missed that the jobs'
    own files have.
    """
    if not text.strip():
        return "empty"
    if not has_counter:
        return "without a job counter"
    is_open_ended = not text.endswith("\n") or text.splitlines()[-1].strip()
    if is_open_ended:
        return f"cut short within data_pipeline_{last} (no blank line ends it)"
    if not pipeline.processes and pipeline.counter > 1 and any(root.glob("*/job[0-9]*/job_pipeline.star")):
        return "cut short (without the table processes, though there are jobs)"
    for block, rows in (("nodes", pipeline.nodes), ("output_edges", pipeline.output_edges)):
        if pipeline.processes and not rows and any(_has(root, one, block) for one in pipeline.processes):
            return f"cut short (without the table {block}, which its jobs have)"
    return ""


def _has(root: Path, process: Process, block: str) -> bool:
    """Whether a job's own pipeline file has a table."""
    try:
        return f"data_pipeline_{block}\n" in (root / process.name / "job_pipeline.star").read_text()
    except (OSError, UnicodeError):
        return False


def check_form(root: Path, pipeline: Pipeline) -> None:
    """That a project is of the one form that we write.

    Raises:
        ProjectError: RELION 4 or 5 has made it theirs.
    """
    if pipeline.form != "3.1":
        raise ProjectError(
            f"{root}", found=f"a project of RELION {pipeline.form}",
            expected="one in RELION 3.1's form to be written to: nothing was changed",
            hint="Look at it with `cryoloom ls` and `cryoloom show`; work on its data in a new project: `cryoloom new`.",
        )  # fmt: skip


@contextlib.contextmanager
def changed_pipeline(root: Path, patience_s: float = PATIENCE_S) -> Iterator[Pipeline]:
    """The pipeline under RELION's lock; written back, whole, when the block ends without error.

    Args:
        root: the project.
        patience_s: so long another program may hold the lock.
    Raises:
        ProjectError: it cannot be read, another program holds it, or it is RELION 4's or 5's.
    """
    check_form(root, read_pipeline(root))  # without a lock in a project that is not ours to write
    with relion_lock(root, patience_s), shared_as(root):
        pipeline = read_pipeline(root)
        check_form(root, pipeline)
        before = pipeline.text()
        yield pipeline
        if pipeline.text() != before:
            write_pipeline(root, pipeline)


def write_pipeline(root: Path, pipeline: Pipeline) -> None:
    """Write the file whole, on the disk before it takes the other's place, and tell an open RELION GUI to read it again."""
    path, beside = root / FILE, root / f".{FILE}.{os.getpid()}.tmp"
    with beside.open("w", encoding="utf-8") as file:
        try:
            as_it_was(file.fileno(), path.stat())
        except FileNotFoundError:
            as_folder_says(file.fileno(), root)
        file.write(pipeline.text())
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    with shared_as(root), contextlib.suppress(PermissionError):  # another's, which tells the GUI as well
        (root / ".pipeline_has_changed").touch()


def add_nodes_folder(root: Path, nodes: Iterable[tuple[str, int]]) -> None:
    """Empty files by which the GUI's browser finds nodes of one type."""
    for name, node_type in nodes:
        mark = root / ".Nodes" / str(node_type) / name
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()


_BLOCKS = {
    "general": set[str](),
    "processes": {"ProcessName", "ProcessAlias", "ProcessType", "ProcessStatus"},
    "nodes": {"NodeName", "NodeType"},
    "input_edges": {"EdgeFromNode", "EdgeProcess"},
    "output_edges": {"EdgeProcess", "EdgeToNode"},
}


def _take_row(pipeline: Pipeline, block: str, row: dict[str, str]) -> None:
    if not _BLOCKS[block] <= row.keys():
        # RELION 4 and 5 write words where 3.1 writes numbers.
        pipeline.form = "4 or 5"
    more = {label: text for label, text in row.items() if label not in _BLOCKS[block]}
    if block == "processes":
        status = row.get("ProcessStatus") or str(_STATUS_LABELS[row["ProcessStatusLabel"]])
        label = row.get("ProcessTypeLabel", "")
        kind = row.get("ProcessType") or str(type_of_label(label))
        process = Process(row["ProcessName"], row["ProcessAlias"], int(kind), int(status), label, more)
        pipeline.processes.append(process)
    elif block == "nodes":
        pipeline.nodes.append((row["NodeName"], int(row.get("NodeType", -1))))
        if more:
            pipeline.node_more[row["NodeName"]] = more
    elif block == "input_edges":
        pipeline.input_edges.append((row["EdgeFromNode"], row["EdgeProcess"]))
    elif block == "output_edges":
        pipeline.output_edges.append((row["EdgeProcess"], row["EdgeToNode"]))


def _full(label: str) -> str:
    return label if label.startswith(("rln", "cryoloom")) else f"rlnPipeLine{label}"
