"""Scipion's workflows as ours, by the table; every box and parameter without a counterpart is told.

Paths of the author's machine become placeholders, and so does whether GPUs are used: both are the machine's. Where a box has
no counterpart, what others took from it is asked for.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryoloom.errors import CryoloomError
from cryoloom.project.registry import find_protocol
from cryoloom.project.workflows.foreign import scipion_forms as rows
from cryoloom.project.workflows.foreign.converted import Converted, Fate, Remark, left_out
from cryoloom.project.workflows.foreign.scipion_file import (
    Box,
    Pointer,
    has_variable,
    in_order,
    is_scipion,
    pointer_of,
    read_scipion,
)
from cryoloom.project.workflows.foreign.scipion_shared import of_several
from cryoloom.project.workflows.foreign.scipion_table import KINDS, fate_of
from cryoloom.project.workflows.placeholders import names_in
from cryoloom.protocol.conditions import holds
from cryoloom.protocol.datasets import Dataset, accepts
from cryoloom.protocol.declare import ParamSpec, parse
from cryoloom.protocol.protocols import Protocol

__all__ = ["is_scipion", "of_scipion"]

SUBSET = "ProtUserSubSet"
_OF_SUBSET = {"SetOfAverages": "averages", "SetOfParticles": "particles", "SetOfClasses2D": "averages"}
_PACKAGE = re.compile(r"^\w+ - ")


def of_scipion(path: Path) -> Converted:
    """One of Scipion's workflows, or a template of it.

    Raises:
        ProjectError: it is none that can be read.
    """
    file = read_scipion(path)
    conversion = _Conversion({box.id: box for box in file.boxes}, dict(file.placeholders))
    for box in in_order(file.boxes):
        conversion.take(box)
    used = {name for job in conversion.jobs for name in names_in(job)}
    placeholders = {name: spec for name, spec in conversion.placeholders.items() if name in used}
    remarks = conversion.remarks
    remarks += [
        Remark(
            "the template", name, str(spec.get("title", "")), "lost", "nothing that came along asks for it"
        )
        for name, spec in file.placeholders.items()
        if name not in used
    ]
    left = left_out(remarks)
    content: dict[str, Any] = {"format": 1, "title": path.name.partition(".")[0]}
    content |= {"comment": file.text} if file.text else {}
    content |= {"placeholders": placeholders} if placeholders else {}
    content |= {"jobs": conversion.jobs} | ({"left_out": left} if left else {})
    return Converted(content, tuple(remarks), len(file.boxes))


@dataclass(slots=True)
class _Conversion:
    """One workflow on its way."""

    boxes: Mapping[str, Box]
    placeholders: dict[str, dict[str, Any]]
    jobs: list[dict[str, Any]] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)  # of jobs, by box
    made: dict[str, tuple[type[Protocol], Mapping[str, tuple[str, ...]]]] = field(default_factory=dict)
    symmetrised: dict[str, str] = field(default_factory=dict)  # the job that applies a box's symmetry

    def take(self, box: Box) -> None:
        if box.kind == SUBSET:
            self._take_subset(box)
            return
        kind = KINDS.get(box.kind)
        if kind is None:
            self._say(box, "", "", "lost", "no job here does what this box does")
            return
        if kind.said:
            self._say(box, "", "", "changed", kind.said)
        protocol = find_protocol(kind.protocol)
        name = self._named(box)
        inputs = self._inputs(box, kind, protocol, name)
        params = self._params(box, kind, protocol, inputs, name)
        self._add(box, name, protocol, params, inputs, kind.outputs)
        if box.kind == "ProtRelionInitialModel":
            self._apply_symmetry(box, name)

    def _add(
        self,
        box: Box,
        name: str,
        protocol: type[Protocol],
        params: Mapping[str, Any],
        inputs: Mapping[str, Any],
        outputs: Mapping[str, tuple[str, ...]],
    ) -> None:
        job: dict[str, Any] = {"name": name, "protocol": protocol.name}
        job |= {"params": dict(params)} if params else {}
        job |= {"inputs": dict(inputs)} if inputs else {}
        waits = [self.names[one] for one in box.waits_for if one in self.names]
        job |= {"wait_for": waits} if waits else {}
        job |= {"comment": box.comment} if box.comment else {}
        self.jobs.append(job)
        self.made[box.id] = (protocol, outputs)

    def _named(self, box: Box) -> str:
        plain = re.sub(r"[^A-Za-z0-9]+", "_", _PACKAGE.sub("", box.label)).strip("_")
        taken = {job["name"] for job in self.jobs}
        if not plain or plain in taken or plain.isdigit() or plain.removeprefix("job").isdigit():
            plain = f"{plain or box.kind}_{box.id}"
        self.names[box.id] = plain
        return plain

    def _say(self, box: Box, param: str, value: Any, fate: Fate, why: str) -> None:
        self.remarks.append(Remark(box.title, param, "" if value in ("", None) else str(value), fate, why))

    def _ask(self, word: str, spec: dict[str, Any]) -> str:
        word = re.sub(r"\W+", "_", word)
        word = word if word.isidentifier() else f"p_{word}"
        self.placeholders.setdefault(word, spec)
        return f"${{{word}}}"

    # Inputs.

    def _inputs(self, box: Box, kind: rows.Kind, protocol: type[Protocol], name: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for own, given in kind.inputs.items():
            if given.where is not None and box.params.get(given.where[0]) != given.where[1]:
                continue
            pointers = next((some for way in given.ways if (some := self._follow(box, way))), [])
            references = [self._reference(box, own, one, protocol, name) for one in pointers]
            if references:
                found[own] = references[0] if len(references) == 1 else references
            elif not protocol.inputs[own].optional:
                found[own] = self._ask_for_input(box, own, protocol, name, "which Scipion's file leaves open")
        return found

    def _follow(self, box: Box, way: str) -> list[Pointer]:
        """What a parameter points to; with `a>b`, what b of the box there does."""
        first, _, rest = way.partition(">")
        pointers = box.pointers(first)
        if not rest:
            return pointers
        return (
            self._follow(self.boxes[pointers[0].box], rest)
            if pointers and pointers[0].box in self.boxes
            else []
        )

    def _reference(self, box: Box, own: str, pointer: Pointer, protocol: type[Protocol], name: str) -> str:
        wanted: type[Dataset] = protocol.inputs[own].kind
        source = self.boxes.get(pointer.box)
        if pointer.output == "outputVolumeSymmetrized" and pointer.box in self.symmetrised:
            return f"{self.symmetrised[pointer.box]}:volume"
        if pointer.box not in self.made or source is None:
            label = source.title if source else f"box {pointer.box}"
            return self._ask_for_input(box, own, protocol, name, f"which came of {label}")
        kind, outputs = self.made[pointer.box]
        for output in outputs.get(pointer.output, ()):
            declared = kind.outputs_declared[output]
            # What is like an input is of the kind that is put in.
            if declared.like or accepts(wanted, declared.kind):
                if pointer.item:
                    self._say(box, own, pointer.item, "changed", "an item of a set there, the one map here")
                return f"{self.names[pointer.box]}:{output}"
        return self._ask_for_input(
            box, own, protocol, name, f"which was {pointer.output or 'the results'} of {source.title}"
        )

    def _ask_for_input(self, box: Box, own: str, protocol: type[Protocol], name: str, why: str) -> str:
        spec = protocol.inputs[own]
        self._say(box, own, "", "open", f"{spec.label}, {why}")
        return self._ask(
            f"{name}_{own}",
            {"type": "str", "title": spec.label, "help": f"{spec.kind.kind}, a job or a file"},
        )

    # Parameters.

    def _params(
        self, box: Box, kind: rows.Kind, protocol: type[Protocol], inputs: Mapping[str, Any], name: str
    ) -> dict[str, Any]:
        values = dict(kind.always)
        pointing = {way.partition(">")[0] for given in kind.inputs.values() for way in given.ways}
        for param, value in box.params.items():
            if param not in pointing:
                self._take_param(box, kind, protocol, name, param, value, values)
        values |= of_several(box.kind, box.params)
        for own, words in kind.programs.items():
            values[own] = self._ask(own.removeprefix("fn_"), {"type": "path", "title": words})
            self._say(box, own, "", "open", f"{words} of this machine")
        if box.kind == "ProtImportMovies":
            values["fn_in_raw"] = self._files(box, name)
        return self._counting(box, protocol, values, inputs)

    def _take_param(
        self,
        box: Box,
        kind: rows.Kind,
        protocol: type[Protocol],
        name: str,
        param: str,
        value: Any,
        values: dict[str, Any],
    ) -> None:
        fate = fate_of(kind, param)
        if fate is None:
            if pointer_of(value) is None and value in (None, "", False):
                self._say(box, param, value, "idle", "not set")
            else:
                self._say(box, param, value, "lost", "not known here")
        elif isinstance(fate, rows.Idle):
            self._say(box, param, value, "idle", "of no consequence, or taken with others")
        elif isinstance(fate, rows.Lost | rows.Changed):
            is_idle = any(value is one or (value == one and type(value) is type(one)) for one in fate.without)
            is_idle = is_idle or (isinstance(value, int | float) and not isinstance(value, bool) and value in [
                one for one in fate.without if not isinstance(one, bool)
            ])  # fmt: skip
            lost: Fate = "lost" if isinstance(fate, rows.Lost) else "changed"
            self._say(box, param, value, "idle" if is_idle else lost, "as here" if is_idle else fate.why)
        elif isinstance(fate, rows.File):
            self._take_path(box, fate, name, param, value, values)
        else:
            self._take_value(box, fate, protocol, name, param, value, values)

    def _take_path(
        self, box: Box, fate: rows.File, name: str, param: str, value: Any, values: dict[str, Any]
    ) -> None:
        if value in (None, ""):
            self._say(box, param, value, "idle", "not set")
        elif names_in(value):
            values[fate.name] = value
        else:
            # The same file for several boxes is asked for once.
            words = {"type": "path", "title": fate.help}
            known = next(
                (word for word, spec in self.placeholders.items() if spec == words), f"{name}_{fate.name}"
            )
            values[fate.name] = self._ask(known, words)
            self._say(box, param, value, "open", f"a file of that machine; {values[fate.name]} here")

    def _take_value(
        self,
        box: Box,
        fate: rows.To,
        protocol: type[Protocol],
        name: str,
        param: str,
        value: Any,
        values: dict[str, Any],
    ) -> None:
        spec = protocol.params.get(fate.name)
        if spec is None:
            self._say(box, param, value, "lost", f"{protocol.name} has no such parameter")
            return
        if value is None:
            self._say(box, param, value, "idle", "not set")
            return
        if fate.name == "use_gpu" and value is True:
            words = {
                "type": "bool",
                "title": "Use GPUs?",
                "help": "Yes where the machine has them, and RELION was built for them",
            }
            values[fate.name] = self._ask("use_gpu", words)
            self._say(box, param, value, "open", "a matter of the machine")
            return
        self._check_default(box, spec, protocol, value)
        result = value if fate.convert is None or names_in(value) else fate.convert(value)
        if names_in(value) and fate.convert is not None and spec.choices:
            result = None  # a number of theirs, which becomes a text of ours
        if result is not None and not names_in(result):
            try:
                result = parse(spec, result, protocol.name)
            except CryoloomError as error:
                self._say(box, param, value, "lost", f"{error.found} is not {error.expected}")
                return
        if result is None and fate.ask:
            values[fate.name] = self._ask(f"{name}_{fate.name}", {"type": "float", "title": fate.ask})
            self._say(box, param, value, "open", fate.ask)
        elif result is None and fate.is_pace:
            self._say(box, param, value, "idle", "how items go in batches, and not what comes of them")
        elif result is None:
            self._say(box, param, value, "changed", f"{fate.name} stays as it is by default")
        else:
            values[fate.name] = result

    def _check_default(self, box: Box, spec: ParamSpec, protocol: type[Protocol], value: Any) -> None:
        """A question's own answer that nobody could use here is none: it is asked for without one."""
        for word in names_in(value):
            asked = self.placeholders.get(word, {})
            try:
                parse(spec, asked.get("default", spec.default), protocol.name)
            except CryoloomError as error:
                self._say(box, word, asked.pop("default"), "open", f"{error.found} is not {error.expected}")

    def _counting(
        self, box: Box, protocol: type[Protocol], values: Mapping[str, Any], inputs: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Values that count with the others, and are not the defaults."""
        facts = {name: values.get(name, spec.default) for name, spec in protocol.params.items()}
        facts |= {name: inputs.get(name, "") for name in protocol.inputs}
        found: dict[str, Any] = {}
        for name, value in values.items():
            spec = protocol.params[name]
            if value == spec.default and isinstance(value, bool) is isinstance(spec.default, bool):
                continue
            if holds(spec.when, facts):
                found[name] = ("Yes" if value else "No") if isinstance(value, bool) else value
            else:
                self._say(box, name, value, "idle", f"counts only where {spec.when}")
        return found

    def _files(self, box: Box, name: str) -> str:
        folder, pattern = str(box.params.get("filesPath") or ""), str(box.params.get("filesPattern") or "")
        if "#" in pattern:
            self._say(box, "filesPattern", pattern, "changed", "# stands for digits there; * does here")
            pattern = re.sub("#+", "*", pattern)
        if names_in(folder) and not has_variable(folder):
            return f"{folder.rstrip('/')}/{pattern}" if pattern else folder
        words = {"type": "str", "title": "Movies", "help": f"pattern of files: FOLDER/{pattern or '*'}"}
        self._say(box, "filesPath", folder, "open", "a folder of that machine")
        return self._ask(f"{name}_files" if "movies" in self.placeholders else "movies", words)

    # Boxes that are no single job.

    def _take_subset(self, box: Box) -> None:
        """What somebody chose by hand: of classes the classes are chosen here too, and not by hand where nobody is there."""
        what = str(box.params.get("outputClassName") or "").partition(",")[0]
        pointers = box.pointers("inputObject")
        source = self.boxes.get(pointers[0].box) if pointers else None
        output = _OF_SUBSET.get(what)
        if source is None or source.id not in self.made or output is None or "Classify" not in source.kind:
            more = " The map of a class is a file of its job." if what == "SetOfVolumes" else ""
            self._say(
                box, "", "", "lost", f"{what or 'items'} that somebody chose by hand from a list.{more}"
            )
            return
        protocol = find_protocol("sets.classes")
        name = self._named(box)
        words = {
            "type": "str",
            "title": f"Classes for {name}",
            "default": "",
            "help": "1,3,5-7; empty: by size and resolution",
        }
        inputs = {
            "fn_model": self._reference(box, "fn_model", Pointer(source.id, "outputClasses"), protocol, name)
        }
        params = {"classes": self._ask(f"{name}_classes", words)}
        names = {
            "outputRepresentatives": (output,),
            "outputParticles": (output,),
            "outputAverages": (output,),
        }
        self._add(box, name, protocol, params, inputs, names)
        self._say(
            box,
            "",
            "",
            "changed",
            "classes that somebody chose by hand: by size and resolution, or by their numbers",
        )
        for param, value in box.params.items():
            if param not in ("inputObject", "outputClassName"):
                self._say(box, param, value, "idle", "of the choice by hand")

    def _apply_symmetry(self, box: Box, name: str) -> None:
        """A model made in C1 gets its symmetry by a job of its own, as there by a second program."""
        job = self.jobs[-1]
        group = str(job.get("params", {}).get("sym_name", "C1"))
        if group == "C1" or box.params.get("runInC1") is not True:
            return
        del job["params"]["sym_name"]
        self.symmetrised[box.id] = f"{name}_{group}"
        self.jobs.append(
            {
                "name": f"{name}_{group}",
                "protocol": "relion.symmetrise",
                "params": {"sym_name": group},
                "inputs": {"fn_in": f"{name}:volume"},
            }
        )
