"""Jobs as a workflow: what was asked of them, without anything of the machine and the project that they were made in."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cryoloom._version import __version__
from cryoloom.api.methods import values_of
from cryoloom.errors import CryoloomError, ProjectError
from cryoloom.project.attempts import read_control
from cryoloom.project.entry import JobEntry
from cryoloom.project.foreign import protocol_of
from cryoloom.project.lineage import dependents_of
from cryoloom.project.notes import text_of_note
from cryoloom.project.workflows.steps import WISHES
from cryoloom.protocol.conditions import holds
from cryoloom.protocol.datasets import Dataset
from cryoloom.protocol.declare import AUTO, ParamSpec, relion_text
from cryoloom.protocol.edge import call_plugin
from cryoloom.protocol.jobs import ITEM_ID, JobFolder
from cryoloom.protocol.protocols import Protocol

if TYPE_CHECKING:
    from cryoloom.api.project import Project

FORMAT = 1
FIRST_VERSION = "1"  # of a protocol: what needs no word
# A file of a job, which another project does not have.
_OF_A_JOB = re.compile(r"(?:^|[\s,=])[A-Za-z0-9]+/job\d{3,}/")
_NO_LETTER = re.compile(r"[^A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Exported:
    """A workflow. `left_out`: what of some jobs is not in it, or that they are not, each with the reason."""

    content: Mapping[str, Any]
    left_out: Mapping[str, str]


def exported(
    project: "Project", jobs: Sequence[str] = (), *, branch: bool = False, title: str = ""
) -> Exported:
    """Jobs as a workflow; what they take from outside of it becomes placeholders.

    Parameters that are as their protocol has them are left out. Paths that mean nothing elsewhere become placeholders too: such
    that are absolute, and files of jobs.

    Args:
        project: whose jobs.
        jobs: names, numbers or aliases; all of the project without any.
        branch: with all that need them.
        title: of the workflow; the project's name without one.
    Raises:
        ProjectError: no such job, or none that could be exported.
    """
    entries = project.folder.entries()
    wanted = {project.folder.entry(job).name for job in jobs} or {entry.name for entry in entries}
    if branch:
        wanted |= {*dependents_of(entries, [*wanted])}
    left_out: dict[str, str] = {}
    protocols: dict[str, tuple[JobEntry, Protocol]] = {}
    for entry in entries:
        if entry.name not in wanted:
            continue
        try:
            # As it was asked for: what was `auto` is found anew elsewhere.
            protocol = asked_of(entry, protocol_of(entry, whole=True))
            if entry.known_spec is None:
                protocol = _what_counts(protocol)
                # What RELION's window was asked in, by eye, no form of ours can ask.
                call_plugin(protocol, "check")
            if first := {name: values[0] for name, values in values_of(entry).items() if len(values) > 1}:
                said = ", ".join(f"{name}={relion_text(value)}" for name, value in first.items())
                left_out[entry.name] = (
                    f"{said}, with which its first items were made: the last value is for all of them"
                )
            if protocol.by_hand:
                left_out[entry.name] = "what was set by hand in it: elsewhere it begins without"
            protocols[entry.name] = (entry, protocol)
        except CryoloomError as error:
            left_out[entry.name] = str(error)
    if not protocols:
        raise ProjectError(
            f"{project.path}", found="no job that could be exported", expected="at least one",
            hint="; ".join(f"{name}: {why}" for name, why in left_out.items()),
        )  # fmt: skip
    names = names_of([entry for entry, _ in protocols.values()])
    placeholders: dict[str, dict[str, Any]] = {}
    known = {
        dataset.path: (entry.name, name) for entry in entries for name, dataset in entry.outputs().items()
    }
    theirs = {
        entry.name: protocol.output_files(JobFolder(f"{entry.name}/", entry.root))
        for entry, protocol in protocols.values()
        if entry.known_spec is None
    }
    making = _Making(names, known, theirs, placeholders)
    steps = [making.step(entry, protocol) for entry, protocol in protocols.values()]
    content: dict[str, Any] = {"format": FORMAT, "title": title or project.path.resolve().name}
    content |= {"made_with": f"cryoloom {__version__}"}
    seed = project.folder.seed
    # Ids follow from the seed and the jobs' numbers: of a part of a project they would be others.
    content |= {"seed": seed} if seed is not None and len(steps) == len(entries) else {}
    content |= {"placeholders": placeholders} if placeholders else {}
    return Exported({**content, "jobs": steps}, left_out)


def asked_of(entry: JobEntry, protocol: Protocol) -> Protocol:
    """With what was changed while items streamed; what was `auto` stays so."""
    if entry.known_spec is None:
        return protocol
    now = entry.status().history.resolved
    changed = {name: value for name, value in now.items() if protocol.values.get(name, AUTO) != AUTO}
    return protocol.with_values(changed)


def _what_counts(protocol: Protocol) -> Protocol:
    """Without values that do not count: RELION's forms keep them, and here they would be refused."""
    facts = protocol.facts()
    idle = {name: spec.default for name, spec in protocol.params.items() if not holds(spec.when, facts)}
    return protocol.with_values(idle)


def names_of(entries: Sequence[JobEntry]) -> dict[str, str]:
    """What each is called in the workflow: its alias, what its own workflow called it, or its kind and number."""
    found: dict[str, str] = {}
    for entry in entries:
        spec = entry.known_spec
        number = entry.name.rpartition("job")[2]
        plain = f"{entry.name.partition('/')[0].lower()}_{number}"
        word = _NO_LETTER.sub("_", entry.alias or (spec.label if spec else "") or plain)
        if word in found.values() or not word or word.isdigit() or word.removeprefix("job").isdigit():
            word = plain
        found[entry.name] = word
    return found


@dataclass(frozen=True)
class _Making:
    """Steps that are being made: names of jobs, outputs by their files, and the placeholders that they need.

    `theirs`: of jobs that RELION made, what our protocol would give; RELION's outputs have no names.
    """

    names: Mapping[str, str]
    outputs: Mapping[str, tuple[str, str]]
    theirs: Mapping[str, Mapping[str, Dataset]]
    placeholders: dict[str, dict[str, Any]]
    asked: dict[tuple[str, str], str] = field(default_factory=dict)  # names of placeholders by kind and file

    def step(self, entry: JobEntry, protocol: Protocol) -> dict[str, Any]:
        name = self.names[entry.name]
        params = {
            key: self._value(key, value, protocol.params[key], name)
            for key, value in protocol.values.items()
            if value != protocol.params[key].default
        }
        inputs: dict[str, Any] = {}
        for key, dataset in protocol.given.items():
            if not dataset:
                continue
            own = key.partition("#")[0]
            reference, before = self._reference(key, dataset, protocol, name), inputs.get(own)
            inputs[own] = (
                reference
                if before is None
                else [*(before if isinstance(before, list) else [before]), reference]
            )
        spec = entry.known_spec
        waits = [self.names[job] for job in (spec.wait_for if spec else ()) if job in self.names]
        step: dict[str, Any] = {"name": name, "protocol": protocol.name}
        step |= {"params": params} if params else {}
        step |= {"inputs": inputs} if inputs else {}
        step |= {"wait_for": waits} if waits else {}
        if spec is not None:
            step |= {"version": spec.version} if spec.version != FIRST_VERSION else {}
            control = read_control(entry.folder)
            step |= {
                wish: control[wish] for wish in WISHES if control[wish] and wish not in ("launcher", "batch")
            }
        comment = text_of_note(entry.folder)
        return step | ({"comment": comment} if comment else {})

    def _value(self, key: str, value: Any, spec: ParamSpec, name: str) -> Any:
        """The value, or a placeholder for one that means nothing in another project."""
        if isinstance(value, bool):
            return relion_text(value)
        if spec.means == "classes":
            said = f"{spec.label}, of {name}: chosen by eye, and others in another classification"
            return self._placeholder(f"{name}_{key}", said)
        if spec.means == "condition" and ITEM_ID in str(value):
            said = f"{spec.label}, of {name}: it named items of this project"
            return self._placeholder(f"{name}_{key}", said)
        if not isinstance(value, str) or not (value.startswith(("/", "~")) or _OF_A_JOB.search(value)):
            return value
        kind = "path" if spec.means in ("file", "folder") else "str"
        same = ("path", value) if kind == "path" else None
        return self._placeholder(f"{name}_{key}", f"{spec.label}, of {name}", kind, same=same)

    def _reference(self, key: str, dataset: Dataset, protocol: Protocol, name: str) -> str:
        job, output = (
            (dataset.job, dataset.output) if dataset.output else self.outputs.get(dataset.path, ("", ""))
        )
        if job in self.theirs:
            output = self._our_name(job, dataset)
        if job in self.names and output:
            return f"{self.names[job]}:{output}"
        label = protocol.inputs[key.partition("#")[0]].label
        return self._placeholder(
            f"{name}_{key.replace('#', '')}", f"{label}, of {name}: {dataset.kind}, a job or a file",
            same=(dataset.kind, dataset.path),
        )  # fmt: skip

    def _our_name(self, job: str, dataset: Dataset) -> str:
        """An output of a job of RELION's by our name: that with its file, else the only one of its kind; "" for none."""
        made = self.theirs[job]
        same = [name for name, one in made.items() if one.path == dataset.path]
        alike = [name for name, one in made.items() if one.kind == dataset.kind]
        return same[0] if same else alike[0] if len(alike) == 1 else ""

    def _placeholder(
        self, word: str, said: str, kind: str = "str", *, same: tuple[str, str] | None = None
    ) -> str:
        """A new one; that before of the `same`, kind and file, which is asked for once whichever jobs take it."""
        word = self.asked.setdefault(same, word) if same is not None else word
        word = word.replace("-", "_")
        word = word if word.isidentifier() else f"job_{word}"
        if (before := self.placeholders.get(word)) is not None:
            said = f"{before['help']}; {said.partition(':')[0]}"
        self.placeholders[word] = {"type": kind, "help": said}
        return f"${{{word}}}"
