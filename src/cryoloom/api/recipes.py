"""A job that is asked for, in the other ways to ask for it: in Python, on the command line, as a workflow's step."""

import contextlib
import json
import keyword
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cryoloom.project.registry import find_protocol
from cryoloom.protocol.declare import ParamSpec

# Of `Project.run` itself: a parameter of one of these names is given in a mapping.
_OF_RUN = ("wait_for", "label", "alias", "start", "priority", "alone", "memory_gb", "launcher", "batch")
Asked = str | int | float | bool | Sequence[str]


@dataclass(frozen=True, slots=True)
class Recipe:
    """The same job, three times: each makes it when it is run in the project's folder."""

    python: str
    shell: str
    workflow: str


def recipe_of(protocol: str, given: Mapping[str, Asked], alias: str = "") -> Recipe:
    """How else a job could be asked for.

    Raises:
        ParameterError: there is no protocol of that name.
    """
    kind = find_protocol(protocol)
    typed = {name: _typed(value, kind.params.get(name)) for name, value in given.items()}
    inputs = {name: value for name, value in typed.items() if name in kind.inputs}
    params = {name: value for name, value in typed.items() if name not in kind.inputs}
    step: dict[str, object] = {"name": alias or protocol.partition(".")[2], "protocol": protocol}
    step |= {"params": params} if params else {}
    step |= {"inputs": inputs} if inputs else {}
    return Recipe(
        _in_python(protocol, typed, alias), _in_the_shell(protocol, given, alias), json.dumps(step, indent=1)
    )


def _typed(value: Asked, spec: ParamSpec | None) -> Asked:
    """A form's text as a number or a truth where its parameter is one; what is no such value stays as it was written."""
    if spec is None or not isinstance(value, str):
        return value
    if spec.type is bool:
        return {"yes": True, "no": False}.get(value.lower(), value)
    if spec.type in (int, float):
        with contextlib.suppress(ValueError):
            number: int | float = spec.type(value)
            return number
    return value


def _in_python(protocol: str, given: Mapping[str, Asked], alias: str) -> str:
    head = 'from cryoloom import Project\n\nproject = Project(".")\njob = project.'
    if all(name.isidentifier() and not keyword.iskeyword(name) and name not in _OF_RUN for name in given):
        named = {**given, **({"alias": alias} if alias else {})}
        lines = "".join(f"    {name}={_literal(value)},\n" for name, value in named.items())
        return f'{head}run(\n    "{protocol}",\n{lines})\n'
    lines = "".join(f"        {name!r}: {_literal(value)},\n" for name, value in given.items())
    last = f"    alias={alias!r},\n" if alias else ""
    return f'{head}make(\n    "{protocol}",\n    {{\n{lines}    }},\n{last})\n'


def _literal(value: Asked) -> str:
    return repr(value if isinstance(value, str | int | float | bool) else [*value])


def _in_the_shell(protocol: str, given: Mapping[str, Asked], alias: str) -> str:
    words = ["cryoloom", "run", protocol]
    for name, value in given.items():
        several = [value] if isinstance(value, str | int | float | bool) else value
        words.append(f"{name}={','.join(map(_text, several))}")
    return shlex.join([*words, *(["--alias", alias] if alias else [])])


def _text(value: str | int | float | bool) -> str:
    return ("Yes" if value else "No") if isinstance(value, bool) else str(value)
