"""RELION 3.1's schedules (`Schedules/NAME`) as workflows, as far as they are linear.

A schedule is a graph of jobs and operators that a process of RELION's walks along, with variables that stand as `$$name` in
the options of jobs. What it walks once, or round and round to take what is new, is a workflow whose jobs stream. What comes
after a fork depends on what is found while it runs: that is told, and left out.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryoloom.errors import CryoloomError, ProjectError
from cryoloom.project.foreign import known_options, protocol_for
from cryoloom.project.forms.jobstar import read_job_star
from cryoloom.project.forms.relion31 import unknown_options
from cryoloom.project.workflows.foreign.converted import Converted, Fate, Remark, left_out
from cryoloom.project.workflows.placeholders import names_in
from cryoloom.protocol.conditions import holds
from cryoloom.protocol.datasets import Dataset, accepts
from cryoloom.protocol.declare import parse, relion_text
from cryoloom.protocol.jobs import JobFolder
from cryoloom.protocol.protocols import Protocol

FILE = "schedule.star"
_VARIABLE = re.compile(r"\$\$(\w+)")
_NONE = ("undefined", "None", "")
# RELION's loop takes at most so many items a round; ours takes batches.
_AT_MOST = re.compile(r"\s*--do_at_most\s+\S+")
_KINDS = (("floats", "Float", "float"), ("bools", "Boolean", "bool"), ("strings", "String", "str"))


def is_schedule(path: Path) -> bool:
    """Whether a path is a schedule's folder, or the file in it."""
    return (path / FILE).is_file() or (path.name == FILE and path.is_file())


def of_schedule(path: Path) -> Converted:
    """A schedule as a workflow.

    Raises:
        ProjectError: it has no job that could be taken, or a file of it is broken.
    """
    folder = path if path.is_dir() else path.parent
    schedule = _read(folder)
    conversion = _Conversion(schedule)
    for name in schedule.walk(conversion.remarks):
        conversion.take(name)
    if not conversion.jobs:
        raise ProjectError(
            f"{folder / FILE}", found="without a job that could be taken", expected="jobs before its first fork",
            hint=" ".join(str(one) for one in conversion.remarks if one.fate == "lost"),
        )  # fmt: skip
    used = {name for job in conversion.jobs for name in names_in(job)}
    placeholders = {name: spec for name, spec in conversion.placeholders.items() if name in used}
    left = left_out(conversion.remarks)
    content: dict[str, Any] = {"format": 1, "title": folder.resolve().name}
    content |= {"placeholders": placeholders} if placeholders else {}
    content |= {"jobs": conversion.jobs} | ({"left_out": left} if left else {})
    return Converted(content, tuple(conversion.remarks), len(schedule.jobs))


@dataclass(frozen=True, slots=True)
class _Schedule:
    """A schedule as its file tells it."""

    folder: Path
    prefix: str  # "Schedules/prep/"
    start: str
    jobs: Mapping[str, str]  # by the name in the schedule: new, continue or overwrite
    operators: Mapping[str, tuple[str, str]]  # by name: type, and the variable that it sets
    next: Mapping[str, str]
    forks: Mapping[
        str, tuple[str, str, str]
    ]  # nodes from which two ways lead: whither, and the variable that tells which
    variables: Mapping[str, tuple[str, Any]]  # type and value

    def walk(self, remarks: list[Remark]) -> list[str]:
        """The jobs in their order up to the end, a fork, or the node at which it began."""
        ends = {*self.next.values(), *(node for ways in self.forks.values() for node in ways[:2])}
        first = self.start if self.start in {*self.next, *self.forks, *self.jobs} else ""
        heads = [name for name in (*self.next, *self.forks) if name not in ends]
        node = (heads[0] if len(heads) == 1 else first) or next(iter(self.jobs), "")
        found: list[str] = []
        seen: set[str] = set()
        while node and node not in seen:
            seen.add(node)
            if node in self.jobs:
                found.append(node)
            elif node in self.operators:
                remarks.append(self._of_operator(node))
            if node in self.forks:
                remarks.append(
                    Remark(
                        node,
                        "",
                        self.forks[node][2],
                        "lost",
                        "which of two ways it goes is found while it runs",
                    )
                )
                break
            node = self.next.get(node, "")
        if node in seen and node not in self.forks:
            why = "RELION goes round to take what is new; here jobs stream: stream=Yes of the import"
            remarks.append(Remark(self.prefix.rstrip("/"), "", f"a loop back to {node}", "changed", why))
        for name in self.jobs:
            if name not in found:
                why = "it comes after a fork, or nothing leads to it" if self.forks else "nothing leads to it"
                remarks.append(Remark(name, "", "", "lost", why))
        return found

    def _of_operator(self, name: str) -> Remark:
        kind, output = self.operators[name]
        if kind in ("wait", "exit"):
            return Remark(
                name, "", kind, "idle", "jobs begin when what they need is there, and end when no more comes"
            )
        if kind == "exit_maxtime":
            return Remark(
                name,
                "",
                kind,
                "lost",
                "nothing ends after a time: `cryoloom stop` does, and an import's timeout",
            )
        sets = "" if output in _NONE else f" for {output}"
        return Remark(name, "", kind, "lost", f"it finds a value{sets} while it runs")


def _read(folder: Path) -> _Schedule:
    from cryoloom import star

    blocks = star.read(folder / FILE)
    general = blocks.get("schedule_general")
    if not isinstance(general, Mapping):
        raise ProjectError(f"{folder / FILE}", found="no schedule", expected="a block data_schedule_general")
    tables = star.tables_of(blocks)

    def rows(name: str) -> list[tuple[Any, ...]]:
        table = tables.get(f"schedule_{name}")
        return [] if table is None else table.rows()

    variables = {
        str(row[0]): (kind, row[-1]) for name, _, kind in _KINDS for row in rows(name)
    }  # what it is reset to: what it is now belongs to one run
    jobs = {str(row[0]).rstrip("/"): str(row[2]) for row in rows("jobs")}
    edges = rows("edges")
    return _Schedule(
        folder,
        str(general.get("rlnScheduleName", "")),
        str(general.get("rlnScheduleCurrentNodeName", "")),
        jobs,
        {str(row[0]): (str(row[1]), str(row[2])) for row in rows("operators")},
        {str(row[0]).rstrip("/"): str(row[1]).rstrip("/") for row in edges if not int(row[2])},
        {
            str(row[0]).rstrip("/"): (str(row[1]).rstrip("/"), str(row[3]).rstrip("/"), str(row[4]))
            for row in edges
            if int(row[2])
        },
        variables,
    )


@dataclass(slots=True)
class _Conversion:
    """One schedule on its way."""

    schedule: _Schedule
    placeholders: dict[str, dict[str, Any]] = field(default_factory=dict)
    jobs: list[dict[str, Any]] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    outputs: dict[str, Mapping[str, Dataset]] = field(
        default_factory=dict
    )  # by the job's name in the schedule

    def take(self, node: str) -> None:
        path = self.schedule.folder / node / "job.star"
        try:
            number, options = read_job_star(path)
            protocol = protocol_for(path, number, options)
        except CryoloomError as error:
            self._say(
                node, "", "", "lost", f"{error.found}: {error.expected}" if error.expected else error.found
            )
            return
        if self.schedule.jobs[node] == "overwrite":
            self._say(
                node, "", "overwrite", "changed", "each round of RELION's does it anew; here it is done once"
            )
        name = re.sub(r"[^A-Za-z0-9_-]+", "_", node)
        inputs = {
            own: self._input(node, own, options[own], protocol) for own in protocol.inputs if options.get(own)
        }
        job: dict[str, Any] = {"name": name, "protocol": protocol.name}
        params = self._params(node, number, options, protocol, inputs)
        job |= {"params": params} if params else {}
        counting = {**{key: spec.default for key, spec in protocol.params.items()}, **params, **inputs}
        inputs = {
            own: text
            for own, text in inputs.items()
            if holds(protocol.inputs[own].when, _truths(protocol, counting))
        }
        job |= {"inputs": inputs} if inputs else {}
        self.jobs.append(job)
        self._note_outputs(node, protocol, params, inputs)

    def _say(self, box: str, param: str, value: Any, fate: Fate, why: str) -> None:
        self.remarks.append(Remark(box, param, str(value), fate, why))

    def _params(
        self,
        node: str,
        number: int,
        options: Mapping[str, str],
        protocol: type[Protocol],
        inputs: Mapping[str, Any],
    ) -> dict[str, Any]:
        for option, value in unknown_options(number, options, known_options(protocol)).items():
            if option != "other_args" or _AT_MOST.sub("", value).strip():
                self._say(node, option, value, "lost", f"{protocol.name} has no such option")
        values: dict[str, Any] = {}
        for option, text in options.items():
            spec = protocol.params.get(option)
            if spec is None:
                continue
            if _AT_MOST.search(text):
                self._say(node, option, text, "changed", "batch_size says how many items go in one batch")
                text = _AT_MOST.sub("", text).strip()
            value = self._with_variables(node, option, text)
            if not names_in(value):
                try:
                    value = parse(spec, value, protocol.name)
                except CryoloomError as error:
                    self._say(node, option, text, "lost", f"{error.found} is not {error.expected}")
                    continue
            values[option] = value
        facts = _truths(
            protocol, {**{key: spec.default for key, spec in protocol.params.items()}, **values, **inputs}
        )
        found: dict[str, Any] = {}
        for option, value in values.items():
            spec = protocol.params[option]
            if value == spec.default or not holds(spec.when, facts):
                continue
            if (
                isinstance(value, str)
                and (value.startswith("/") or spec.means in ("file", "folder"))
                and not names_in(value)
            ):
                self._say(node, option, value, "open", "a file of that machine")
                value = self._ask(f"{node}_{option}", {"type": "path", "title": spec.label})
            found[option] = relion_text(value) if isinstance(value, bool) else value
        return found

    def _with_variables(self, node: str, option: str, text: str) -> str:
        """`$$name` as a placeholder, with the schedule's value; one that is found while it runs has none."""
        for word in _VARIABLE.findall(text):
            kind, value = self.schedule.variables.get(word, ("str", ""))
            spec: dict[str, Any] = {"type": kind, "title": word}
            is_found = any(word == output for _, output in self.schedule.operators.values())
            if str(value) in _NONE or is_found:
                why = (
                    "a variable that is found while the schedule runs"
                    if is_found
                    else "a variable without a value"
                )
                self._say(node, option, text, "open", why)
            else:
                spec["default"] = (
                    bool(value) if kind == "bool" else value if kind == "float" else relion_text(value)
                )
            self.placeholders.setdefault(word, spec)
        return _VARIABLE.sub(r"${\1}", text)

    def _input(self, node: str, own: str, text: str, protocol: type[Protocol]) -> str:
        """What a file of another of the schedule's jobs is by name; else it is asked for."""
        whole = _VARIABLE.fullmatch(text)
        if whole:
            # A string may hold the file of a job.
            text = str(self.schedule.variables.get(whole.group(1), ("str", ""))[1])
        inside = text.removeprefix(self.schedule.prefix)
        maker = next((name for name in self.outputs if inside.startswith(f"{name}/")), "")
        wanted = protocol.inputs[own].kind
        if text.startswith(self.schedule.prefix) and maker:
            made = self.outputs[maker]
            rest = inside.removeprefix(f"{maker}/")
            named = [output for output, dataset in made.items() if dataset.path.endswith(f"/{rest}")]
            fitting = [output for output, dataset in made.items() if accepts(wanted, type(dataset))]
            if outputs := [one for one in named if one in fitting] or fitting:
                return f"{re.sub(r'[^A-Za-z0-9_-]+', '_', maker)}:{outputs[0]}"
        spec = protocol.inputs[own]
        self._say(node, own, text, "open", f"{spec.label}: nothing that came along makes it")
        return self._ask(
            f"{node}_{own}",
            {"type": "str", "title": spec.label, "help": f"{spec.kind.kind}, a job or a file"},
        )

    def _ask(self, word: str, spec: dict[str, Any]) -> str:
        word = re.sub(r"\W+", "_", word)
        word = word if word.isidentifier() else f"p_{word}"
        self.placeholders.setdefault(word, spec)
        return f"${{{word}}}"

    def _note_outputs(
        self, node: str, protocol: type[Protocol], params: Mapping[str, Any], inputs: Mapping[str, str]
    ) -> None:
        known = {key: value for key, value in params.items() if not names_in(value)}
        given = {own: protocol.inputs[own].kind(f"given/{own}", "Given/job000") for own in inputs}
        self.outputs[node] = protocol(known, given).output_files(
            JobFolder(f"{protocol.folder}/{node}/", self.schedule.folder)
        )


def _truths(protocol: type[Protocol], values: Mapping[str, Any]) -> dict[str, Any]:
    """Values by which conditions are judged: Yes and No as what they mean."""
    truths = {name for name, spec in protocol.params.items() if spec.type is bool}
    return {
        name: value == "Yes" if name in truths and value in ("Yes", "No") else value
        for name, value in values.items()
    }
