"""All that can be said against a workflow before any of its jobs is made, at once.

Every job is looked at with what those before it will give. Placeholders without a value count as whatever would do: what is
said about them, or because of them, is not known yet. Nothing is made.
"""

import re
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from cryoloom.errors import CryoloomError, ParameterError, ProjectError
from cryoloom.project.checking import checks_of
from cryoloom.project.folder import ProjectFolder
from cryoloom.project.programs import missing_programs
from cryoloom.project.references import resolve_input
from cryoloom.project.registry import find_protocol
from cryoloom.project.settings import load_settings
from cryoloom.project.workflows.faults import Fault, fault_of
from cryoloom.project.workflows.placeholders import names_in
from cryoloom.project.workflows.steps import Step, Workflow
from cryoloom.protocol.conditions import holds
from cryoloom.protocol.datasets import Dataset, accepts
from cryoloom.protocol.declare import InputSpec, ParamSpec, near, numbered, parse
from cryoloom.protocol.edge import call_plugin
from cryoloom.protocol.jobs import JobFolder
from cryoloom.protocol.protocols import Protocol

# What a job of a kind gives; None where its own faults hide it.
_Planned = Mapping[str, Dataset] | None
_WORD = re.compile(r"[A-Za-z_]\w*")


def check_workflow(project: ProjectFolder, workflow: Workflow) -> list[Fault]:
    """What is wrong with a workflow, if its jobs were made in this project."""
    looking = _Looking(project, [step.name for step in workflow.jobs])
    looking.unread = tuple(f"{fault.job}/" for fault in workflow.faults if fault.field == "include")
    for step in workflow.jobs:
        looking.look_at(step)
    found = [*workflow.faults, *looking.faults, *looking.missing_programs()]
    return list(dict.fromkeys(found))


def links_of(project: ProjectFolder, workflow: Workflow) -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """Of each job by input what it is given, with the output's name where only the job's is written: `motion:micrographs`."""
    looking = _Looking(project, [step.name for step in workflow.jobs])
    for step in workflow.jobs:
        looking.look_at(step)
    return looking.links


def remarks_on(workflow: Workflow) -> list[str]:
    """What is no fault and should be known: jobs written for another version of their protocol, and what did not come along."""
    remarks = [f"not as it was: {what}: {why}" for what, why in workflow.left_out.items()]
    for step in workflow.jobs:
        try:
            kind = find_protocol(step.protocol)
        except CryoloomError:
            continue
        if step.version and step.version != kind.version:
            remarks.append(
                f"{step.file}: job {step.name} was written for version {step.version} of {kind.name}; this is {kind.version}"
            )
    return remarks


@dataclass(slots=True)
class _Looking:
    """The look at one workflow, job by job."""

    project: ProjectFolder
    names: list[str]
    planned: dict[str, _Planned] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    links: dict[str, dict[str, tuple[str, ...]]] = field(default_factory=dict)
    programs: dict[str, Step] = field(default_factory=dict)  # by the first job that needs them
    unread: tuple[str, ...] = ()  # with what the names of jobs begin whose file could not be included
    unsure: set[str] = field(
        default_factory=set
    )  # jobs with an input that is not known: what they give may follow it

    def look_at(self, step: Step) -> None:
        self._check_waits(step)
        self.links[step.name] = dict(step.inputs)
        self.planned[step.name] = None
        try:
            kind = find_protocol(step.protocol)
        except CryoloomError as error:
            if not names_in(step.protocol):
                self.faults.append(
                    Fault(step.file, step.name, "protocol", f"{step.protocol}, {error.found}", error.expected, error.hint)
                )  # fmt: skip
            return
        for program in kind.programs:
            self.programs.setdefault(program, step)
        job = _Job(self, step, kind)
        protocol = job.protocol()
        if protocol is None:
            return
        job.check(protocol)
        sources = {one.partition(":")[0] for several in step.inputs.values() for one in several}
        if job.unsure & {*kind.inputs} or sources & self.unsure:
            self.unsure.add(step.name)
        # A folder that is not there, whatever aliases the project has: files of others say nothing of this one's.
        folder = JobFolder(f"{kind.folder}/{step.name}-planned/", self.project.root)
        try:
            self.planned[step.name] = call_plugin(protocol, "output_files", folder)
        except CryoloomError as error:
            job.say(error)

    def missing_programs(self) -> list[Fault]:
        missing = missing_programs(self.programs, load_settings(self.project.root))
        return [
            Fault(
                self.programs[name].file, self.programs[name].name, "program", f"{name}, which is not installed here",
                "a program of this machine", "`cryoloom doctor` shows where they are looked for; settings say where they lie.",
            )
            for name in missing
        ]  # fmt: skip

    def _check_waits(self, step: Step) -> None:
        for name in step.wait_for:
            if name in self.planned or names_in(name):
                continue
            try:
                if name in self.names:
                    raise ProjectError(f"job {name}", found=self.later(name, step), expected="an earlier one")
                self.project.entry(name)
            except ProjectError as error:
                self.faults.append(
                    Fault(step.file, step.name, "wait_for", f"job {name} is {error.found}", error.expected, error.hint)
                )  # fmt: skip

    def later(self, name: str, step: Step) -> str:
        """What a job is that the workflow has, and not before this one."""
        return "itself" if name == step.name else "a job that comes later in the workflow"


@dataclass(slots=True)
class _Job:
    """One job that is looked at. `unsure`: its parameters and inputs whose values are not known or are at fault."""

    looking: _Looking
    step: Step
    kind: type[Protocol]
    unsure: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    def protocol(self) -> Protocol | None:
        """The protocol with all that is right of what was asked for, and something that would do in place of the rest."""
        values = self._values()
        given = self._inputs()
        try:
            return self.kind(values, given)
        except CryoloomError as error:
            self.say(error)
        return None

    def check(self, protocol: Protocol) -> None:
        facts = protocol.facts()
        for name, spec in self.kind.inputs.items():
            if (
                not spec.optional
                and holds(spec.when, facts)
                and not protocol.given[name]
                and name not in self.unsure
            ):
                self.say(
                    ParameterError(
                        f"{self.kind.name}: input {name}", found="missing", expected=f"a dataset of kind {spec.kind.kind}",
                        hint=f"Give it as {name}=JOB, {name}=JOB:output or {name}=FILE.",
                    )
                )  # fmt: skip
        root, waits = self.looking.project.root, bool(self.step.wait_for)
        for one in checks_of(root, asked=self.asked, waits=waits):
            self._all_of(one, protocol)

    def say(self, error: CryoloomError) -> None:
        """Add a fault, unless it is about what is not known or was told already."""
        fault = fault_of(error, self.step.file, self.step.name, self.kind.name)
        if self._is_of_unsure(error) or any(_is_like(fault, other) for other in self.looking.faults):
            return
        self.looking.faults.append(fault)

    def _all_of(self, check: Callable[[Protocol], None], protocol: Protocol) -> None:
        """A check again and again: what it finds is told and taken for right, until it finds nothing else."""
        for _ in range(len(self.asked) + 1):
            try:
                check(protocol)
                return
            except CryoloomError as error:
                self.say(error)
                name = error.where.rpartition(" ")[2]
                if name not in self.kind.params or protocol.values[name] == self.kind.params[name].default:
                    return
                protocol = protocol.with_values({name: self.kind.params[name].default})
                self.unsure.add(name)

    def _values(self) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, value in self.step.params.items():
            spec = self.kind.params.get(name)
            if spec is None:
                known = [*self.kind.params, *self.kind.inputs]
                hint = (
                    "It is an input: it belongs among inputs, beside params."
                    if name in self.kind.inputs
                    else near(name, known)
                )
                self.say(
                    ParameterError(
                        f"{self.kind.name}: parameter {name}", found="unknown",
                        expected=f"one of the parameters that `cryoloom help {self.kind.name}` lists", hint=hint,
                    )
                )  # fmt: skip
                continue
            if names_in(value):
                values[name] = _what_would_do(spec)
                self.unsure.add(name)
                continue
            try:
                values[name] = parse(spec, value, self.kind.name)
                self.asked.append(name)
            except CryoloomError as error:
                self.say(error)
                self.unsure.add(name)
        return values

    def _inputs(self) -> dict[str, Dataset]:
        given: dict[str, Dataset] = {}
        for name, references in self.step.inputs.items():
            spec = self.kind.inputs.get(name)
            if spec is None:
                known = [*self.kind.inputs]
                self.say(
                    ParameterError(
                        f"{self.kind.name}: input {name}", found="unknown", expected=f"one of {', '.join(known) or 'none'}",
                        hint=near(name, known),
                    )
                )  # fmt: skip
                continue
            if len(references) > 1 and not spec.several:
                self.say(
                    ParameterError(
                        f"{self.kind.name}: input {name}", found=", ".join(references), expected="one dataset",
                        hint="sets.join makes one of several.",
                    )
                )  # fmt: skip
            datasets = [self._dataset(spec, reference) for reference in references]
            self.looking.links[self.step.name][name] = tuple(
                _link(reference, dataset) for reference, dataset in zip(references, datasets, strict=True)
            )
            given |= numbered(name, datasets if spec.several else datasets[:1])
            self.asked.append(name)
        return given

    def _dataset(self, spec: InputSpec, reference: str) -> Dataset:
        """What an input will be; something that would do where it cannot be known, or is none."""
        first, _, output = reference.partition(":")
        planned = self.looking.planned
        try:
            if names_in(reference) or reference.startswith(self.looking.unread):
                pass
            elif first == self.step.name or (first in self.looking.names and first not in planned):
                raise ParameterError(
                    f"{self.kind.name}: input {spec.name}", found=f"{first}, {self.looking.later(first, self.step)}",
                    expected=_earlier(planned, self.step.name), hint="Jobs stand in the order in which they are made.",
                )  # fmt: skip
            elif first in planned:
                outputs = planned[first]
                if outputs is not None and not self._may_become(outputs, output, spec, first):
                    return self._of_planned(outputs, output, spec, first)
            else:
                return self._of_project(spec, reference)
        except CryoloomError as error:
            self.say(error)
        self.unsure.add(spec.name)
        ending = "star" if getattr(spec.kind, "block", "") else "mrc"
        return spec.kind(f"Given/{spec.name}/{spec.name}.{ending}", f"Given/{spec.name}", "")

    def _may_become(self, outputs: Mapping[str, Dataset], output: str, spec: InputSpec, job: str) -> bool:
        """Whether it is any table only because nobody knows of what: a filter gives what it is given."""
        among = [outputs[output]] if output in outputs else [] if output else [*outputs.values()]
        return job in self.looking.unsure and any(
            type(dataset) is not spec.kind and issubclass(spec.kind, type(dataset)) for dataset in among
        )

    def _of_planned(self, outputs: Mapping[str, Dataset], output: str, spec: InputSpec, job: str) -> Dataset:
        among = [outputs[output]] if output in outputs else [] if output else [*outputs.values()]
        fitting = [dataset for dataset in among if accepts(spec.kind, type(dataset))]
        if not fitting:
            gives = ", ".join(f"{name} ({dataset.kind})" for name, dataset in outputs.items())
            raise ParameterError(
                f"{self.kind.name}: input {spec.name}",
                found=f"{job}{':' * bool(output)}{output}, a job that gives {gives or 'nothing'}",
                expected=f"one that gives {spec.kind.kind}",
            )
        return fitting[0]

    def _of_project(self, spec: InputSpec, reference: str) -> Dataset:
        name = reference.partition(":")[0]
        if "/" not in name and not name.removeprefix("job").isdigit():
            try:
                self.looking.project.entry(name)
            except ProjectError as error:
                earlier = [one for one in self.looking.planned if one != self.step.name]
                hint = "" if error.found.startswith("ambiguous") else near(name, earlier)
                raise ParameterError(
                    f"{self.kind.name}: input {spec.name}", found=f"{name}, {error.found}",
                    expected=_earlier(earlier, self.step.name), hint=hint,
                ) from None  # fmt: skip
        return resolve_input(self.looking.project, spec, reference, self.kind.name)

    def _is_of_unsure(self, error: CryoloomError) -> bool:
        """Whether an error is about something that is not known, or may only be there because of it."""
        said = f"{error.where} {error.found} {error.expected} {error.hint}"
        return bool(self.unsure & set(_WORD.findall(said)))


def _link(reference: str, dataset: Dataset) -> str:
    first, colon, _ = reference.partition(":")
    return reference if colon or not dataset.output or "/" in first else f"{first}:{dataset.output}"


def _earlier(names: Collection[str], own: str) -> str:
    earlier = [name for name in names if name != own]
    return f"an earlier job: {', '.join(earlier)}" if earlier else "an earlier job; this is the first"


def _is_like(one: Fault, other: Fault) -> bool:
    return (one.file, one.job, one.field, one.found) == (other.file, other.job, other.field, other.found)


def _what_would_do(spec: ParamSpec) -> Any:
    """A value with which nothing is wrong, as far as that can be had; its parameter is not judged by it."""
    if spec.means == "symmetry":
        return "C1"
    if spec.means in ("file", "program"):
        return sys.executable
    if spec.means == "folder":
        return "/"
    if spec.type is str and not spec.choices:
        return spec.default or "given"
    return spec.default
