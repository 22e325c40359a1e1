"""`default_pipeline.star` in RELION 3.1's form: the truth for counter, aliases and RELION's jobs.

Read at any time; changed only under `relion_lock`. Written without a STAR library's table types,
because RELION is particular about this file and the command line must start fast.
"""

import contextlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cryoloom.errors import ProjectError
from cryoloom.project.relion_lock import relion_lock

FILE = "default_pipeline.star"
RUNNING, SCHEDULED, SUCCEEDED, FAILED, ABORTED = range(5)
STATES = ("running", "scheduled", "succeeded", "failed", "aborted")

FOLDERS = {
    0: "Import",
    1: "MotionCorr",
    2: "CtfFind",
    3: "ManualPick",
    4: "AutoPick",
    5: "Extract",
    7: "Select",
    8: "Class2D",
    9: "Class3D",
    10: "Refine3D",
    12: "MaskCreate",
    13: "JoinStar",
    14: "Subtract",
    15: "PostProcess",
    16: "LocalRes",
    18: "InitialModel",
    19: "MultiBody",
    20: "Polish",
    21: "CtfRefine",
    99: "External",
}
TYPES = {folder: number for number, folder in FOLDERS.items()}

# RELION 4 and 5 write words where 3.1 writes numbers.
_STATUS_LABELS = {"Running": 0, "Scheduled": 1, "Succeeded": 2, "Failed": 3, "Aborted": 4}


@dataclass(slots=True)
class Process:
    """One job's row."""

    name: str  # "Class2D/job008/"
    alias: str  # "Class2D/LoG/" or "None"
    type: int
    status: int


@dataclass(slots=True)
class Pipeline:
    """The whole file."""

    counter: int = 1  # number of the next job
    processes: list[Process] = field(default_factory=list)
    nodes: list[tuple[str, int]] = field(default_factory=list)  # (file, node type)
    input_edges: list[tuple[str, str]] = field(default_factory=list)  # (file, job)
    output_edges: list[tuple[str, str]] = field(default_factory=list)  # (job, file)

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
        parts = [f"{head}general\n\n_rlnPipeLineJobCounter                   {self.counter:>8}\n \n"]
        tables: tuple[tuple[str, tuple[str, ...], list[tuple[str, ...]]], ...] = (
            (
                "processes",
                ("ProcessName", "ProcessAlias", "ProcessType", "ProcessStatus"),
                [(p.name, p.alias, f"{p.type:>12}", f"{p.status:>12}") for p in self.processes],
            ),
            ("nodes", ("NodeName", "NodeType"), [(name, f"{kind:>12}") for name, kind in self.nodes]),
            ("input_edges", ("EdgeFromNode", "EdgeProcess"), list(self.input_edges)),
            ("output_edges", ("EdgeProcess", "EdgeToNode"), list(self.output_edges)),
        )
        for name, labels, rows in tables:
            if rows:
                header = "".join(f"_rlnPipeLine{label} #{n} \n" for n, label in enumerate(labels, start=1))
                lines = "".join(" ".join(word.rjust(10) for word in row) + " \n" for row in rows)
                parts.append(f"{head}{name}\n\nloop_ \n{header}{lines} \n")
        return "".join(parts)


def read_pipeline(root: Path) -> Pipeline:
    """The project's pipeline, in the form of any RELION from 3.1 to 5.

    Raises:
        ProjectError: there is none, or it cannot be understood.
    """
    path = root / FILE
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise ProjectError(
            f"{root}",
            found="no project (it has no default_pipeline.star)",
            expected="a RELION or Cryoloom project",
            hint="Make one with `cryoloom new`, or name it with --project DIR.",
        ) from None
    except OSError as error:
        raise ProjectError(
            f"{path}", found=f"not readable ({error.strerror})", expected="a pipeline file"
        ) from None
    pipeline = Pipeline()
    block = ""
    labels: list[str] = []
    for number, line in enumerate(lines, start=1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if words[0].startswith("data_"):
            block, labels = words[0][len("data_pipeline_") :], []
        elif words[0] == "loop_":
            labels = []
        elif words[0].startswith("_"):
            labels.append(words[0][len("_rlnPipeLine") :])
            if labels[-1] == "JobCounter":
                pipeline.counter = int(words[1])
        else:
            try:
                _take_row(pipeline, block, dict(zip(labels, words, strict=False)))
            except (KeyError, ValueError):
                raise ProjectError(
                    f"{path}, line {number}",
                    found=repr(line.strip()[:80]),
                    expected=f"a row of data_pipeline_{block}",
                ) from None
    return pipeline


@contextlib.contextmanager
def changed_pipeline(root: Path) -> Iterator[Pipeline]:
    """The pipeline under RELION's lock; written back, whole, when the block ends without error."""
    with relion_lock(root):
        pipeline = read_pipeline(root)
        before = pipeline.text()
        yield pipeline
        if pipeline.text() != before:
            write_pipeline(root, pipeline)


def write_pipeline(root: Path, pipeline: Pipeline) -> None:
    """Write the file whole, and tell an open RELION GUI to read it again."""
    beside = root / f".{FILE}.{os.getpid()}.tmp"
    beside.write_text(pipeline.text(), encoding="utf-8")
    beside.replace(root / FILE)
    (root / ".pipeline_has_changed").touch()


def add_nodes_folder(root: Path, nodes: Iterable[tuple[str, int]]) -> None:
    """Empty files by which the GUI's browser finds nodes of one type."""
    for name, node_type in nodes:
        mark = root / ".Nodes" / str(node_type) / name
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()


def _take_row(pipeline: Pipeline, block: str, row: dict[str, str]) -> None:
    if block == "processes":
        status = row.get("ProcessStatus") or str(_STATUS_LABELS[row["ProcessStatusLabel"]])
        kind = row.get("ProcessType") or str(TYPES.get(row["ProcessName"].split("/")[0], 99))
        pipeline.processes.append(Process(row["ProcessName"], row["ProcessAlias"], int(kind), int(status)))
    elif block == "nodes":
        pipeline.nodes.append((row["NodeName"], int(row.get("NodeType", -1))))
    elif block == "input_edges":
        pipeline.input_edges.append((row["EdgeFromNode"], row["EdgeProcess"]))
    elif block == "output_edges":
        pipeline.output_edges.append((row["EdgeProcess"], row["EdgeToNode"]))
