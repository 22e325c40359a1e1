"""A result as an RO-Crate: a folder that says by JSON-LD what was run on what, and opens in other programs.

Provenance Run Crate 0.5 on RO-Crate 1.1 (https://w3id.org/ro/wfrun/provenance/0.5): the workflow with a step for each job,
the run of each with its program, parameters, inputs and results. Tables lie in the crate, and the maps of the result; other
files are named with their fingerprints.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryoloom._version import __version__
from cryoloom.api.branch import Branch, branch_of, branch_to
from cryoloom.api.crate_parts import CRATE_CONTEXT, METADATA, RUN_CONTEXT, Crate, Entity
from cryoloom.api.exporting import exported
from cryoloom.api.methods import methods_of, without_folders
from cryoloom.errors import CryoloomError, ProjectError
from cryoloom.project.commands import commands_of
from cryoloom.project.foreign import protocol_as_run
from cryoloom.project.notes import own_command
from cryoloom.project.records import Record, read_record
from cryoloom.protocol.datasets import Dataset
from cryoloom.protocol.declare import relion_text
from cryoloom.protocol.protocols import Protocol

if TYPE_CHECKING:
    from cryoloom.api.job import Job
    from cryoloom.api.project import Project

WORKFLOW = "workflow.json"
BIOSCHEMAS = "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/provenance/0.5": ("Provenance Run Crate", "0.5"),
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": ("Workflow RO-Crate", "1.0"),
}
LICENSE = "https://spdx.org/licenses/CC-BY-4.0"
MOST_BYTES = 20_000_000  # of a table that is put into the crate
_DONE = "http://schema.org/CompletedActionStatus"


def write_crate(
    project: "Project",
    folder: Path,
    job: str = "",
    *,
    author: str = "",
    licence: str = LICENSE,
    title: str = "",
) -> Path:
    """Write a job's result with all that it was made of as a Provenance Run Crate.

    Args:
        project: whose job.
        folder: a new or empty one.
        job: whose result; the project's finest map without one.
        author: the name of who publishes it; who ran the jobs, by the system, without one.
        licence: an address of SPDX's, of the crate.
        title: the project's name without one.
    Returns:
        The file with the description.
    Raises:
        ProjectError: no such job, or nothing has succeeded.
        ParameterError: the folder is not empty.
    """
    jobs, summaries = project.jobs(), {summary.name: summary for summary in project.summaries()}
    branch = branch_to(project.job(job), jobs) if job else branch_of(jobs, summaries)
    if branch is None:
        raise ProjectError(
            f"{project.path}", found="no job that has succeeded", expected="a result to write of"
        )
    steps = [one for one in branch.jobs if one.name in summaries and summaries[one.name].state == "succeeded"]
    crate = Crate.begin(folder, project.path)
    _describe(crate, project, branch, steps, author, licence, title or project.path.resolve().name)
    return crate.write(CRATE_CONTEXT, RUN_CONTEXT)


def write_workflow_crate(
    project: "Project", folder: Path, jobs: Sequence[str] = (), *, author: str, licence: str = LICENSE, title: str = "",
    description: str = "",
) -> Path:  # fmt: skip
    """Write jobs as a workflow in a Workflow RO-Crate 1.0, the form that WorkflowHub takes; no data.

    Args:
        project: whose jobs.
        folder: a new or empty one.
        jobs: names, numbers or aliases; all without any.
        author: who publishes it.
        licence: an address of SPDX's.
        title: the project's name without one.
        description: what it is for.
    Returns:
        The file with the description.
    Raises:
        ProjectError: no such job, or none that could be exported.
        ParameterError: the folder is not empty.
    """
    found = exported(project, jobs, title=title)
    crate = Crate.begin(folder, project.path)
    name = title or project.path.resolve().name
    said = (
        description
        or f"{name}: a workflow of {len(found.content['jobs'])} jobs of cryo-EM single-particle processing."
    )
    person = _person(crate, author)
    workflow = _workflow(crate, found.content, name, {"creator": person, "license": {"@id": licence}})
    readme = crate.text(
        "README.md", f"# {name}\n\n{said}\n\nRun it with Cryoloom: `cryoloom workflow run {WORKFLOW} --project FOLDER`.\n",
        name="How to run it", about={"@id": "./"}, encodingFormat="text/markdown",
    )  # fmt: skip
    _licence(crate, licence)
    _root(
        crate, name, said, licence, [workflow, readme], ["https://w3id.org/workflowhub/workflow-ro-crate/1.0"],
        mainEntity=workflow, author=person,
    )  # fmt: skip
    return crate.write(CRATE_CONTEXT)


def _describe(
    crate: Crate,
    project: "Project",
    branch: Branch,
    steps: "Sequence[Job]",
    author: str,
    licence: str,
    name: str,
) -> None:
    records = {job.name: read_record(job.folder) for job in steps}
    who = author or next((record.user for record in records.values() if record is not None), "unknown")
    person = _person(crate, who)
    engine = crate.add(
        "#cryoloom-engine", "SoftwareApplication", name="Cryoloom", softwareVersion=__version__,
        description="Runs the jobs of a project.",
    )  # fmt: skip
    found = exported(project, [job.name for job in steps], title=name)
    workflow = _workflow(crate, found.content, name, {"creator": person, "license": {"@id": licence}})
    runs, controls, tools, plan = [], [], [], []
    for position, job in enumerate(steps, 1):
        protocol = protocol_as_run(job.entry)
        record = records[job.name]
        tool = _tool(crate, protocol, record)
        step = crate.add(
            f"{WORKFLOW}#{job.name}",
            "HowToStep",
            name=f"{protocol.label}, {job.name}",
            position=str(position),
            workExample=tool,
        )
        run = _run(crate, job, protocol, record, tool, person, is_result=job.name == branch.result.name)
        controls.append(
            crate.add(
                f"#control-{job.name}", "ControlAction", name=f"Runs {job.name}", instrument=step, object=run
            )
        )
        runs.append(run)
        tools.append(tool)
        plan.append(step)
    main = crate.entities[WORKFLOW]
    main["hasPart"], main["step"] = [*{tool["@id"]: tool for tool in tools}.values()], plan
    actions = [crate.entities[run["@id"]] for run in runs]
    whole = crate.add(
        "#run", "CreateAction", name=f"The making of {branch.result.name}",
        description=f"{len(steps)} jobs, the first to the last.", instrument=workflow, agent=person,
        object=[one for one in actions[0].get("object", []) if not one["@id"].startswith("#parameter")],
        result=crate.entities[f"#{branch.result.name}"].get("result", []), actionStatus=_DONE,
        startTime=min((one["startTime"] for one in actions if "startTime" in one), default=""),
        endTime=max((one["endTime"] for one in actions if "endTime" in one), default=""),
    )  # fmt: skip
    crate.add(
        "#organise",
        "OrganizeAction",
        name="Cryoloom ran the jobs",
        agent=person,
        instrument=engine,
        object=controls,
        result=whole,
    )
    said = methods_of(project, branch.result.name)
    papers = [
        crate.text(
            "methods.md",
            said.as_markdown(),
            name="Methods, Table 1, references",
            encodingFormat="text/markdown",
        ),
        crate.text("references.bib", said.bibtex, name="References", encodingFormat="application/x-bibtex"),
    ]
    _licence(crate, licence)
    files = [{"@id": one["@id"]} for one in crate.entities.values() if one["@type"] == "File"]
    parts = [workflow, *papers, *(one for one in files if one not in papers)]
    of = f"{branch.result.name} of the project {name}"
    description = f"How {of} was made: {len(steps)} jobs of cryo-EM single-particle processing."
    _root(
        crate, name, description, licence, parts, [*PROFILES], mainEntity=workflow, author=person,
        mentions=[whole, *runs, {"@id": "#organise"}],
    )  # fmt: skip


def _root(
    crate: Crate,
    name: str,
    description: str,
    licence: str,
    parts: Sequence[Entity],
    profiles: Sequence[str],
    **facts: Any,
) -> None:
    conforms = [
        crate.add(profile, "CreativeWork", name=PROFILES[profile][0], version=PROFILES[profile][1])
        for profile in profiles
    ]
    crate.add(
        "./", "Dataset", name=name, description=description, datePublished=datetime.now(UTC).date().isoformat(),
        license={"@id": licence}, conformsTo=conforms, hasPart=[*parts], **facts,
    )  # fmt: skip
    crate.add(
        METADATA, "CreativeWork", about={"@id": "./"},
        conformsTo=[
            {"@id": "https://w3id.org/ro/crate/1.1"},
            *[{"@id": one} for one in profiles if "workflowhub" in one],
        ],
    )  # fmt: skip


def _licence(crate: Crate, licence: str) -> None:
    crate.add(
        licence, "CreativeWork", name=licence.rpartition("/")[2], description="The licence of this crate."
    )


def _person(crate: Crate, name: str) -> Entity:
    return crate.add(f"#person-{_word(name)}", "Person", name=name)


def _workflow(crate: Crate, content: Mapping[str, Any], name: str, facts: Mapping[str, Any]) -> Entity:
    language = crate.add(
        "#cryoloom", "ComputerLanguage", name="Cryoloom workflow", alternateName="Cryoloom", version=__version__,
        identifier={"@id": "#cryoloom-engine"} if "#cryoloom-engine" in crate.entities else "",
    )  # fmt: skip
    inputs = [
        crate.add(
            f"#placeholder-{word}", "FormalParameter", name=word, description=spec.get("help", ""),
            additionalType={"path": "File", "int": "Integer", "float": "Number"}.get(spec.get("type", ""), "Text"),
        )
        for word, spec in content.get("placeholders", {}).items()
    ]  # fmt: skip
    return crate.text(
        WORKFLOW, json.dumps(content, indent=1, ensure_ascii=False) + "\n",
        kind=["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"], conformsTo={"@id": BIOSCHEMAS},
        name=name, programmingLanguage=language,
        encodingFormat="application/json", input=inputs, **facts,
    )  # fmt: skip


def _tool(crate: Crate, protocol: Protocol, record: Record | None) -> Entity:
    """The program of a job, of its version."""
    used = [one for name, one in (record.programs if record is not None else {}).items() if name != "mpirun"]
    program = ", ".join(name for name in (record.programs if record is not None else {}) if name != "mpirun")
    version = used[0].version if used else record.cryoloom if record is not None else ""
    name = program or f"cryoloom {protocol.name}"
    # One protocol can be another program, or another act of it: what it did tells which papers are its.
    words = [protocol.name, version or "unknown", *([name] if program else []), *protocol.cited()]
    return crate.add(
        f"#tool-{'-'.join(map(_word, words))}", "SoftwareApplication", name=name,
        description=f"{protocol.label}: {(type(protocol).__doc__ or '').strip()}", softwareVersion=version,
        citation=[_citation(crate, key) for key in protocol.cited()],
    )  # fmt: skip


def _citation(crate: Crate, key: str) -> Entity:
    from cryoloom.api.citing import reference

    line = reference(key)
    _, _, doi = line.partition("doi:")
    return crate.add(f"https://doi.org/{doi}" if doi else f"#reference-{key}", "ScholarlyArticle", name=line)


def _run(
    crate: Crate,
    job: "Job",
    protocol: Protocol,
    record: Record | None,
    tool: Entity,
    person: Entity,
    *,
    is_result: bool,
) -> Entity:
    history = job.entry.status().history if job.entry.spec is not None else None
    inputs = [
        crate.file(name, inside=_is_table(crate.root / name)) for name in _named(protocol.given.values())
    ]
    results = [
        crate.file(name, inside=is_result or _is_table(crate.root / name))
        for name in _named(job.entry.outputs().values())
    ]
    environment = (
        ", ".join([record.host and f"on {record.system}", f"Python {record.python}"])
        if record is not None
        else ""
    )
    return crate.add(
        f"#{job.name}", "CreateAction", name=f"{protocol.label}, {job.name}", instrument=tool, agent=person,
        object=[*inputs, *_parameters(crate, job, protocol)], result=results, actionStatus=_DONE,
        description="; ".join(filter(None, [_commands(job, protocol), environment])),
        startTime=_time(history.began) if history is not None else "",
        endTime=_time(max(history.ended, history.last_done)) if history is not None else "",
    )  # fmt: skip


def _parameters(crate: Crate, job: "Job", protocol: Protocol) -> Iterator[Entity]:
    for name, value in protocol.values.items():
        if value not in (protocol.params[name].default, "", None):
            text = without_folders(relion_text(value))
            yield crate.add(
                f"#parameter-{job.name}-{name}",
                "PropertyValue",
                name=name,
                value=text,
                unitText=protocol.params[name].unit,
            )


def _commands(job: "Job", protocol: Protocol) -> str:
    try:
        lines = [command.text() for command in commands_of(protocol, job.entry.job_folder())]
    except CryoloomError:
        lines = []
    return without_folders("; ".join(lines or [own_command(protocol)]))


def _named(datasets: "Sequence[Dataset] | Any") -> list[str]:
    return [
        *dict.fromkeys(
            dataset.path for dataset in datasets if dataset and not Path(dataset.path).is_absolute()
        )
    ]


def _is_table(path: Path) -> bool:
    return path.suffix == ".star" and path.is_file() and path.stat().st_size <= MOST_BYTES


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds") if seconds else ""


def _word(text: str) -> str:
    return re.sub(r"\W+", "-", text).strip("-")
