"""JSON Schema of workflow files, made of what the installed protocols declare: editors complete and check by it.

It says of a single field what `check` says of it. What takes more than one field to see (kinds of inputs, order, conditions)
only `check` knows.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from cryoloom.project.workflows.file import INCLUDE_KEYS, JOB_KEYS, KEYS
from cryoloom.project.workflows.placeholders import KEYS as PLACEHOLDER_KEYS
from cryoloom.project.workflows.placeholders import TYPES
from cryoloom.protocol.declare import AUTO, InputSpec, ParamSpec, relion_text
from cryoloom.protocol.protocols import Protocol

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_FILLED = {"type": "string", "pattern": r"\$\{\w+\}", "description": "a placeholder"}
_NUMBER = r"^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*$"
_TRUTH = r"^\s*([Yy][Ee][Ss]|[Nn][Oo]|[Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee]|[Oo][Nn]|[Oo][Ff][Ff]|1|0)\s*$"
_TEXT = {"type": "string"}
_REFERENCE = {"type": ["string", "integer"], "description": "JOB, JOB:output, or a file of the project"}


def workflow_schema(protocols: Iterable[type[Protocol]]) -> dict[str, Any]:
    """The schema of a workflow whose jobs are of these protocols."""
    kinds = {kind.name: kind for kind in protocols}
    definitions = {name: _of_protocol(kind) for name, kind in kinds.items()}
    job = {
        "type": "object",
        "required": ["name", "protocol"],
        "additionalProperties": False,
        "properties": _described(_JOB, JOB_KEYS)
        | {"protocol": {"anyOf": [{"enum": [*kinds]}, _FILLED], "description": "the kind of job"}},
        "allOf": [
            {
                "if": {"properties": {"protocol": {"const": name}}, "required": ["protocol"]},
                "then": {"$ref": f"#/$defs/{name}"},
            }
            for name in kinds
        ],
    }
    include = {
        "type": "object",
        "required": ["name", "include"],
        "additionalProperties": False,
        "properties": _described({**_JOB, **_INCLUDE}, INCLUDE_KEYS),
    }
    step = {"if": {"required": ["include"]}, "then": include, "else": job}
    placeholder = {
        "type": "object",
        "additionalProperties": False,
        "properties": _described(_PLACEHOLDER, PLACEHOLDER_KEYS),
    }
    return {
        "$schema": DIALECT,
        "title": "Cryoloom workflow",
        "type": "object",
        "required": ["jobs"],
        "additionalProperties": False,
        "properties": _described(_FILE, KEYS)
        | {
            "placeholders": {"type": "object", "additionalProperties": placeholder},
            "jobs": {"type": "array", "items": step},
        },
        "$defs": definitions,
    }


_FILE: Mapping[str, dict[str, Any]] = {
    "format": {"const": 1},
    "title": _TEXT,
    "comment": _TEXT,
    "made_with": _TEXT,
    "seed": {
        "anyOf": [{"type": "integer"}, _FILLED],
        "description": "makes the ids of jobs and items repeatable",
    },
    "left_out": {"type": "object"},
    "$schema": _TEXT,
}
_JOB: Mapping[str, dict[str, Any]] = {
    "name": {"type": "string", "minLength": 1, "description": "by which other jobs refer to it"},
    "version": {"type": "string", "description": "of the protocol for which it was written"},
    "label": _TEXT,
    "wait_for": {"anyOf": [_TEXT, {"type": "array", "items": _TEXT}], "description": "jobs that have to end first"},
    "comment": {"type": "string", "description": "becomes the job's note"},
    "priority": {"anyOf": [{"type": "integer"}, _FILLED]},
    "alone": {"anyOf": [{"type": "boolean"}, _FILLED]},
    "memory_gb": {"anyOf": [{"type": "number", "minimum": 0}, _FILLED]},
    "launcher": {"type": "string", "description": "where it goes: this machine (local), or a batch system of the settings"},
    "batch": {"type": "object", "description": "what is asked there: queue, walltime, the site's own questions"},
}  # fmt: skip
_INCLUDE: Mapping[str, dict[str, Any]] = {
    "include": {"type": "string", "description": "another workflow's file, from this one's folder"},
    "values": {"type": "object", "description": "of its placeholders"},
}
_PLACEHOLDER: Mapping[str, dict[str, Any]] = {
    "type": {"enum": [*TYPES]},
    "title": _TEXT,
    "unit": _TEXT,
    "default": {"type": ["string", "number", "boolean"]},
    "help": _TEXT,
    "min": {"type": "number"},
    "max": {"type": "number"},
    "choices": {"type": "array"},
    "comment": _TEXT,
}


def _described(known: Mapping[str, dict[str, Any]], keys: Iterable[str]) -> dict[str, Any]:
    return {key: known.get(key, True) for key in keys}


def _of_protocol(kind: type[Protocol]) -> dict[str, Any]:
    params = {name: _of_param(spec) for name, spec in kind.params.items()}
    inputs = {name: _of_input(spec) for name, spec in kind.inputs.items()}
    return {
        "title": kind.label or kind.name,
        "properties": {
            "params": {"type": "object", "additionalProperties": False, "properties": params},
            "inputs": {"type": "object", "additionalProperties": False, "properties": inputs},
        },
    }


def _of_param(spec: ParamSpec) -> dict[str, Any]:
    words = spec.label + (f" ({spec.unit})" if spec.unit else "")
    said = f"{words}. {spec.help}" if spec.help else words
    forms: list[dict[str, Any]] = [_FILLED]
    if spec.auto:
        forms.append({"const": AUTO})
    if spec.type is bool:
        forms += [{"enum": ["Yes", "No", True, False]}, {"type": "string", "pattern": _TRUTH}]
    elif spec.type in (int, float):
        number: dict[str, Any] = {"type": "integer" if spec.type is int else "number"}
        limits = {
            "minimum": spec.ge,
            "exclusiveMinimum": spec.gt,
            "maximum": spec.le,
            "exclusiveMaximum": spec.lt,
        }
        number |= {key: limit for key, limit in limits.items() if limit is not None}
        forms += [number, {"type": "string", "pattern": _NUMBER}]
    elif spec.choices:
        # "1" stands for "90 degrees (1)": which of them a short form means only `check` knows.
        forms += [
            {"enum": [*spec.choices]},
            {"type": ["string", "number"], "maxLength": _longest_short(spec.choices)},
        ]
    elif spec.means in ("words", "promises"):
        forms += [{"type": ["string", "number", "array", "object"]}]
    else:
        forms += [{"type": ["string", "number", "boolean"]}]
    found: dict[str, Any] = {"description": said, "anyOf": forms}
    return found | {"default": relion_text(spec.default) if spec.type is bool else spec.default}


def _longest_short(choices: Iterable[str]) -> int:
    return max((len(choice.split()[0]) for choice in choices if choice.split()), default=0)


def _of_input(spec: InputSpec) -> dict[str, Any]:
    said = f"{spec.label}: {spec.kind.kind}" + (f". {spec.help}" if spec.help else "")
    several = [{"type": "array", "items": _REFERENCE, **({} if spec.several else {"maxItems": 1})}]
    return {"description": said, "anyOf": [_REFERENCE, *several]}
