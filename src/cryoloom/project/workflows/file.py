"""Workflow files: read whole, with those that they include, and their placeholders filled as far as there are values.

`{format, title, comment, seed, placeholders: {name: {type, title, unit, default, help, min, max, choices}}, jobs: [...]}` with
jobs `{name, protocol, params, inputs: {input: "name:output"}, wait_for: [...], comment, version, priority, alone, memory_gb,
launcher, batch}`; `${name}` in a value is a placeholder. A step `{name, include: "other.json", values: {placeholder: value}}`
stands for the jobs of another file, which are known as `name/job`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cryoloom.errors import CryoloomError, ParameterError
from cryoloom.project.jsonfile import read_json
from cryoloom.project.notes import LONGEST_NOTE
from cryoloom.project.workflows.faults import Fault, refuse
from cryoloom.project.workflows.foreign import as_workflow
from cryoloom.project.workflows.placeholders import PATTERN, Placeholder, filled, names_in, read_placeholder
from cryoloom.project.workflows.steps import WISHES, Step, Workflow, lacking
from cryoloom.protocol.declare import near

KEYS = ("format", "title", "comment", "made_with", "seed", "placeholders", "jobs", "left_out", "$schema")
JOB_KEYS = ("name", "protocol", "version", "label", "params", "inputs", "wait_for", "comment", *WISHES)
INCLUDE_KEYS = ("name", "include", "values", "wait_for", "comment")
# What separates a job from its output, a step of an included file from the include, and several inputs.
_NOT_IN_NAMES = ":/,"


def read_workflow(path: Path, given: Mapping[str, Any], *, may_include: bool = True) -> Workflow:
    """Read a workflow all of whose placeholders have values.

    Raises:
        ParameterError: an unknown placeholder, one without a value, or a job that is no job; all of them.
    """
    workflow = load_workflow(path, given, may_include=may_include)
    refuse(path, [*workflow.faults, *lacking(workflow)])
    return workflow


def load_workflow(path: Path, given: Mapping[str, Any], *, may_include: bool = True) -> Workflow:
    """Read a workflow, with whatever is wrong in it; placeholders without a value stay as they are written.

    Args:
        path: the file.
        given: values of placeholders.
        may_include: whether it may name other files: of what comes from a page nobody knows which it could reach.
    Raises:
        ProjectError: the file is missing, or no JSON object.
    """
    return of_content(read_content(path), path, given, may_include=may_include)


def of_content(
    content: Mapping[str, Any],
    path: Path,
    given: Mapping[str, Any],
    *,
    may_include: bool = True,
    as_written: bool = False,
) -> Workflow:
    """As `load_workflow`, of what stands in the file; with `as_written` its own placeholders are not filled."""
    faults: list[Fault] = []
    scope = _scope_of(path, content, given, None, faults, "")
    if as_written:
        scope = replace(scope, values={})
    for name in given:
        if name not in scope.placeholders:
            faults.append(
                Fault(
                    str(path), "", f"placeholder {name}", "unknown",
                    f"one of {', '.join(scope.placeholders) or 'none'}", near(name, [*scope.placeholders]),
                )
            )  # fmt: skip
    reading = _Reading(faults, (path.resolve(),), may_include)
    jobs = reading.steps(content, scope)
    seed = filled(content.get("seed"), scope.values)
    if seed is not None and not names_in(seed) and (isinstance(seed, bool) or not _is_whole(seed)):
        faults.append(Fault(str(path), "", "seed", repr(seed), "a whole number"))
    return Workflow(
        path, str(filled(content.get("title") or path.stem, scope.values)), str(content.get("comment") or ""),
        int(seed) if seed is not None and not isinstance(seed, bool) and _is_whole(seed) else None,
        tuple(jobs), scope.placeholders, scope.values, tuple(faults),
        content["left_out"] if isinstance(content.get("left_out"), dict) else {},
    )  # fmt: skip


def read_content(path: Path) -> dict[str, Any]:
    """A workflow file as it is written; one of another program's as one of ours.

    Raises:
        ProjectError: it is missing, or no workflow.
    """
    converted = as_workflow(path)
    return dict(converted.content) if converted is not None else read_json(path)


def _is_whole(value: Any) -> bool:
    try:
        return int(value) == float(value)
    except (TypeError, ValueError):
        return False


@dataclass(frozen=True, slots=True)
class _Scope:
    """What names mean in one file: its jobs, its placeholders, and what the file that includes it has given."""

    path: Path
    prefix: str  # "front/"
    names: frozenset[str]
    placeholders: Mapping[str, Placeholder]
    values: Mapping[str, Any]
    passed: Mapping[str, Any]  # as the including step writes them
    outer: "_Scope | None"

    def reference(self, text: str) -> str:
        """An input's text by the names of the whole workflow; what is passed in means what it does outside."""
        head, colon, output = text.partition(":")
        whole = PATTERN.fullmatch(head)
        if whole and self.outer is not None and isinstance(self.passed.get(whole.group(1)), str):
            return self.outer.reference(self.passed[whole.group(1)]) + colon + output
        said = str(filled(text, self.values))
        if whole and self.outer is not None:
            return said  # a default of its own is nobody's job here
        return self.prefix + said if said.partition(":")[0].partition("/")[0] in self.names else said


def _scope_of(
    path: Path, content: Mapping[str, Any], given: Mapping[str, Any], outer: _Scope | None, faults: list[Fault], prefix: str
) -> _Scope:  # fmt: skip
    """A file's own names and values; what is wrong with them is added to `faults`."""
    declared = content.get("placeholders", {})
    if not isinstance(declared, dict):
        faults.append(
            Fault(str(path), "", "placeholders", f"{declared!r} without a description", "an object with one entry for each")
        )  # fmt: skip
        declared = {}
    for key in content:
        if key not in KEYS:
            faults.append(Fault(str(path), "", key, "unknown", f"one of {', '.join(KEYS)}", near(key, KEYS)))
    placeholders: dict[str, Placeholder] = {}
    values: dict[str, Any] = {}
    for name, spec in declared.items():
        placeholders[name], wrong = read_placeholder(name, spec, str(path))
        faults += wrong
        value = given.get(name, placeholders[name].default)
        # A value that an including file leaves open is checked when it is given there.
        if value is None or wrong or names_in(value):
            values |= {name: value} if value is not None and names_in(value) else {}
            continue
        try:
            values[name] = placeholders[name].typed(value)
        except ParameterError as error:
            hint = (
                error.hint
                if outer is None
                else f"It is given as {name} of {prefix.rstrip('/')} in {outer.path}."
            )
            faults.append(Fault(str(path), "", f"placeholder {name}", error.found, error.expected, hint))
    steps = content.get("jobs")
    names = frozenset(
        str(filled(step["name"], values))
        for step in (steps if isinstance(steps, list) else ())
        if isinstance(step, dict) and isinstance(step.get("name"), str)
    )
    return _Scope(path, prefix, names, placeholders, values, {} if outer is None else given, outer)


@dataclass(frozen=True, slots=True)
class _Reading:
    """The reading of one workflow, through all files that it includes."""

    faults: list[Fault]
    trail: tuple[Path, ...]  # the file that is read, and before it those that include it
    may_include: bool

    def steps(self, content: Mapping[str, Any], scope: _Scope) -> list[Step]:
        jobs = content.get("jobs")
        if not isinstance(jobs, list) or not all(isinstance(job, dict) for job in jobs):
            self._say(scope, "", "jobs", "incomplete", "a list of jobs with name and protocol")
            return []
        found: list[Step] = []
        known: dict[str, list[str]] = {}  # what `wait_for` may name: an include stands for all of its jobs
        for number, job in enumerate(jobs, start=1):
            is_include = "include" in job
            name = self._name(job, number, scope)
            if not name or not self._keys(job, name, INCLUDE_KEYS if is_include else JOB_KEYS, scope):
                continue
            if name in known:
                self._say(scope, name, "name", f"{name}, which an earlier job has too", "a name for each job")
                continue
            waits = self._waits(job, name, scope, known)
            if is_include:
                steps = self._included(job, name, scope, waits)
            else:
                one = self._step(job, name, scope, waits)
                steps = [one] if one is not None else []
            known[name] = [step.name for step in steps]
            found += steps
        return found

    def _name(self, job: Mapping[str, Any], number: int, scope: _Scope) -> str:
        name = filled(job.get("name"), scope.values)
        if not isinstance(name, str) or not name.strip():
            self._say(
                scope,
                f"number {number}",
                "name",
                "missing",
                "a name",
                "Jobs refer to each other by their names.",
            )
            return ""
        bad = [letter for letter in _NOT_IN_NAMES if letter in name]
        if bad or name.isdigit() or (name.startswith("job") and name[3:].isdigit()):
            self._say(scope, name, "name", repr(name), "a name without : / and , and no job's number")
            return ""
        return name

    def _keys(self, job: Mapping[str, Any], name: str, keys: Sequence[str], scope: _Scope) -> bool:
        """That a job has what it needs, and nothing that would go unheard."""
        for key in job:
            if key not in keys:
                self._say(scope, name, key, "unknown", f"one of {', '.join(keys)}", near(key, keys))
        for key, kind, words in (
            ("params", dict, "an object: {parameter: value}"), ("inputs", dict, "an object: {input: job}"),
            ("values", dict, "an object: {placeholder: value}"), ("include", str, "the path of a workflow"),
            ("protocol", str, "one that `cryoloom help` lists"), ("comment", str, "a text"),
        ):  # fmt: skip
            if key in job and not isinstance(job[key], kind):
                self._say(scope, name, key, repr(job[key]), words)
                return False
        if len(job.get("comment", "")) > LONGEST_NOTE:
            self._say(
                scope,
                name,
                "comment",
                f"{len(job['comment'])} letters",
                f"at most {LONGEST_NOTE}, a job's note",
            )
        if "include" not in job and "protocol" not in job:
            self._say(
                scope,
                name,
                "protocol",
                "missing",
                "one that `cryoloom help` lists",
                "Or include: another workflow.",
            )
            return False
        return True

    def _waits(
        self, job: Mapping[str, Any], name: str, scope: _Scope, known: Mapping[str, Sequence[str]]
    ) -> tuple[str, ...]:
        waits = filled(job.get("wait_for", []), scope.values)
        waits = [waits] if isinstance(waits, str) else waits
        if not isinstance(waits, list):
            self._say(scope, name, "wait_for", repr(waits), "a list of jobs")
            return ()
        found: list[str] = []
        for one in map(str, waits):
            found += known.get(one, [scope.prefix + one if one.partition("/")[0] in scope.names else one])
        return tuple(dict.fromkeys(found))

    def _step(self, job: Mapping[str, Any], name: str, scope: _Scope, waits: tuple[str, ...]) -> Step | None:
        for word in sorted(names_in(dict(job))):
            if word not in scope.placeholders:
                self._say(
                    scope, name, f"${{{word}}}", "undeclared", "a name in placeholders", near(word, [*scope.placeholders])
                )  # fmt: skip
        inputs: dict[str, tuple[str, ...]] = {}
        for key, reference in job.get("inputs", {}).items():
            several = reference if isinstance(reference, list) else [reference]
            if not all(isinstance(one, str | int) and not isinstance(one, bool) for one in several):
                self._say(
                    scope,
                    name,
                    f"input {key}",
                    repr(reference),
                    "a job, job:output or a file; or a list of them",
                )
                continue
            inputs[key] = tuple(scope.reference(str(one)) for one in several)
        wishes = {key: filled(job[key], scope.values) for key in WISHES if key in job}
        for key, wish in wishes.items():
            self._check_wish(key, wish, name, scope)
        return Step(
            scope.prefix + name, str(filled(job["protocol"], scope.values)), filled(job.get("params", {}), scope.values),
            inputs, waits, str(filled(job.get("label", scope.prefix + name), scope.values)), str(job.get("comment") or ""),
            str(job.get("version") or ""), wishes, str(scope.path),
        )  # fmt: skip

    def _check_wish(self, key: str, wish: Any, name: str, scope: _Scope) -> None:
        if names_in(wish):
            return
        is_number = isinstance(wish, int | float) and not isinstance(wish, bool)
        if key == "priority" and not (is_number and wish == int(wish)):
            self._say(scope, name, key, repr(wish), "a whole number, 0 as usual")
        if key == "alone" and not isinstance(wish, bool):
            self._say(scope, name, key, repr(wish), "true or false")
        if key == "memory_gb" and not (is_number and 0 <= wish < float("inf")):
            self._say(scope, name, key, repr(wish), "GB that it takes, or 0 for the protocol's own estimate")
        if key == "launcher" and not isinstance(wish, str):
            self._say(scope, name, key, repr(wish), "the name of a launcher of the settings")
        if key == "batch" and not isinstance(wish, Mapping):
            self._say(scope, name, key, repr(wish), 'what is asked there, such as {"walltime": "24h"}')

    def _included(
        self, job: Mapping[str, Any], name: str, scope: _Scope, waits: tuple[str, ...]
    ) -> list[Step]:
        said = str(filled(job["include"], scope.values))
        if not self.may_include:
            self._say(
                scope, name, "include", said, "jobs only", "What is given as text names no other files."
            )
            return []
        path = scope.path.parent / Path(said).expanduser()
        if path.resolve() in self.trail:
            start = self.trail.index(path.resolve())
            ring = " → ".join(one.name for one in (*self.trail[start:], path))
            self._say(
                scope, name, "include", f"{ring}, a ring", "a file that does not include this one in turn"
            )
            return []
        try:
            content = read_content(path)
        except CryoloomError as error:
            self._say(
                scope,
                name,
                "include",
                f"{said}, which is {error.found}",
                error.expected or "a workflow",
                error.hint,
            )
            return []
        passed = job.get("values", {})
        values = {key: filled(value, scope.values) for key, value in passed.items()}
        inner = _scope_of(path, content, values, scope, self.faults, f"{scope.prefix}{name}/")
        for word in sorted(names_in(passed) - {*scope.placeholders}):
            self._say(scope, name, f"values: ${{{word}}}", "undeclared", "a name in placeholders")
        for key in passed:
            if key not in inner.placeholders:
                known = [*inner.placeholders]
                self._say(
                    scope, name, f"values: {key}", f"unknown to {said}", f"one of {', '.join(known) or 'none'}",
                    near(key, known),
                )  # fmt: skip
        for key, spec in inner.placeholders.items():
            if spec.default is None and key not in passed:
                self._say(
                    scope,
                    name,
                    f"values: {key}",
                    "missing",
                    spec.help or spec.expected(),
                    f"{said} asks for it.",
                )
        inside = _Reading(self.faults, (*self.trail, path.resolve()), self.may_include)
        steps = inside.steps(content, inner)
        return [_waiting(step, waits) for step in steps] if waits else steps

    def _say(self, scope: _Scope, job: str, field: str, found: str, expected: str, hint: str = "") -> None:
        self.faults.append(
            Fault(str(scope.path), scope.prefix + job if job else "", field, found, expected, hint)
        )


def _waiting(step: Step, waits: tuple[str, ...]) -> Step:
    return replace(step, wait_for=tuple(dict.fromkeys((*waits, *step.wait_for))))
