"""How a result was made, for the methods section of a paper: each step with its program, numbers and references."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from cryoloom._version import __version__
from cryoloom.api.branch import Branch, branch_of, branch_to
from cryoloom.api.citing import bibtex_of, reference
from cryoloom.api.table_one import table_one
from cryoloom.errors import CryoloomError
from cryoloom.project.attempts import read_control
from cryoloom.project.entry import JobEntry
from cryoloom.project.foreign import protocol_as_run, protocol_of
from cryoloom.project.records import read_record
from cryoloom.protocol.conditions import holds
from cryoloom.protocol.declare import ParamSpec, relion_text
from cryoloom.protocol.protocols import Protocol

if TYPE_CHECKING:
    from cryoloom.api.job import Job
    from cryoloom.api.project import Project
    from cryoloom.api.summary import JobSummary

DOUBTFUL = "doubtful: "
# Where and how fast a job runs changes no result.
_WITHOUT = frozenset({"Compute", "Running"})
_FOLDERS = re.compile(r"(?<![\w.])~?/(?:[^\s,=/]+/)+")
# Picking's GPUs stand among its own parameters; where the files of an import lay is nobody's matter.
_UNTOLD = frozenset({"use_gpu", "gpu_ids", "fn_in_raw"})
_TOLD = frozenset({"other_args"})  # options that may change a result as much as any parameter


@dataclass(frozen=True, slots=True)
class Methods:
    """Of one result.

    `text`: a paragraph; `references`: each as a line, by the key that stands in the text; `bibtex`: the same as a file;
    `table`: rows of Table 1, name and value; `beside`: what was tried and has no part in it.
    """

    result: str
    text: str
    references: Mapping[str, str]
    bibtex: str
    table: tuple[tuple[str, str], ...]
    beside: str

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    def as_markdown(self) -> str:
        """Text, table and references for a document."""
        rows = ["| | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in self.table)]
        listed = [f"- [{key}] {line}" for key, line in self.references.items()]
        return "\n".join(
            ["## Methods", "", self.text, "", "## Table 1", "", *rows, "", "## References", "", *listed, ""]
        )


def methods_of(project: "Project", job: str = "") -> Methods:
    """How a job's result was made; without a job the project's, by the finest map that it has.

    Raises:
        ProjectError: no such job.
    """
    jobs, summaries = project.jobs(), {summary.name: summary for summary in project.summaries()}
    branch = branch_to(project.job(job), jobs) if job else branch_of(jobs, summaries)
    if branch is None:
        return Methods("", "", {}, "", (), "")
    steps = _steps(branch, summaries)
    keys = [*dict.fromkeys(key for _, protocol in steps for key in protocol.cited())]
    said = [_sentence(one, protocol, summaries[one.name]) for one, protocol in steps]
    if unknown := sum(_is_of_unknown_version(*step) for step in steps):
        said.append(f"Of {unknown} of these {len(steps)} steps no version of the program was recorded.")
    beside = [f"{one.name} ({one.entry.protocol})" for one in branch.beside]
    return Methods(
        branch.result.name, " ".join(said), {key: reference(key) for key in keys}, bibtex_of(keys),
        table_one(project, branch, summaries), ", ".join(beside),
    )  # fmt: skip


def _steps(branch: Branch, summaries: "Mapping[str, JobSummary]") -> "list[tuple[Job, Protocol]]":
    """The jobs of a branch that succeeded, with what they are; RELION's own too, as far as we have a word for them."""
    found = []
    for job in branch.jobs:
        if job.name in summaries and summaries[job.name].state == "succeeded":
            try:
                found.append((job, protocol_of(job.entry)))
            except CryoloomError:
                continue
    return found


def _sentence(job: "Job", protocol: Protocol, summary: "JobSummary") -> str:
    made_with = values_of(job.entry)
    facts = protocol.facts()
    values = [
        _said(spec, made_with[name])
        for name, spec in protocol.params.items()
        if not spec.own
        and (spec.tab not in _WITHOUT or name in _TOLD)
        and name not in _UNTOLD
        and spec.means not in ("file", "folder", "program")
        and holds(spec.when, facts)
        and any(value not in (spec.default, "", None) for value in made_with[name])
    ]
    cited = f" [{', '.join(protocol.cited())}]" if protocol.cited() else ""
    given = "; ".join(values)
    return f"{protocol.label} was done by {_program(job, protocol)}{cited}{f' ({given})' if given else ''}{_made(summary)}."


def _is_of_unknown_version(job: "Job", protocol: Protocol) -> bool:
    return bool(protocol.programs) and read_record(job.folder) is None


def _program(job: "Job", protocol: Protocol) -> str:
    """The program with its version, by the job's record; ours where none was run."""
    record = read_record(job.folder)
    used = (
        {name: one for name, one in record.programs.items() if name != "mpirun"} if record is not None else {}
    )
    if job.entry.known_spec is None and protocol.once():
        return "eye, in RELION's window"
    if not used and protocol.programs:
        return ", ".join(name for name in protocol.programs if name != "mpirun")
    if not used and job.entry.known_spec is None:
        return "RELION"
    if not used:
        return f"Cryoloom {record.cryoloom if record is not None else __version__} ({protocol.name})"
    return " and ".join(
        f"{name} of RELION {one.version}".rstrip()
        if name.startswith("relion_")
        else f"{name} {one.version}".rstrip()
        for name, one in used.items()
    )


def without_folders(text: str) -> str:
    """A text without the folders of this machine; files keep their names."""
    return _FOLDERS.sub("", text)


def _said(spec: ParamSpec, values: Sequence[Any]) -> str:
    label = spec.label.rstrip("?:").removeprefix("OR: ").removeprefix("OR ")
    label = label[0].lower() + label[1:] if label[1:2].islower() or label[1:2] == " " else label
    texts = [without_folders(relion_text(value)) for value in values]
    if spec.type is bool and texts in (["Yes"], ["No"]):
        return label if texts == ["Yes"] else f"not: {label}"
    return f"{label} {', later '.join(texts)}{f' {spec.unit}' if spec.unit else ''}"


def values_of(entry: JobEntry) -> dict[str, list[Any]]:
    """The values of each parameter with which items were made, in their order: some may have been changed in mid-stream."""
    found = {name: [value] for name, value in protocol_of(entry).values.items()}
    if entry.known_spec is None:
        return found
    for change in read_control(entry.folder)["changes"]:
        if change["version"] > entry.status().history.version:
            break
        for name, value in change["values"].items():
            found[name] = [*found[name], value]
        if change["of_all"]:
            found = {name: values[-1:] for name, values in found.items()}
    last = protocol_as_run(entry).values  # with what `auto` came to
    return {name: [*values[:-1], last[name]] for name, values in found.items()}


def _made(summary: "JobSummary") -> str:
    doubt = (
        summary.why.removeprefix(DOUBTFUL).partition(". ")[0].rstrip(".")
        if summary.why.startswith(DOUBTFUL)
        else ""
    )
    made = f", which gave {summary.made}" if summary.made else ""
    return f"{made}; this is doubtful: {doubt[0].lower()}{doubt[1:]}" if doubt else made
