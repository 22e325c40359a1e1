"""What mypy and an editor know of `project.run`: one overload for each protocol, made from its declaration.

The text is committed beside `Project` as `protocol_calls.pyi` (`make stubs` writes it, a test compares), since a type
checker runs no code. It is read by checkers alone: what is given is judged at run time by the declaration itself.

Only Cryoloom's own protocols are in it. Those of other packages are made with `project.make(name, {...})`, which takes any
name: an overload of `run` for all of them would take a misspelt name of ours too.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from cryoloom.project.registry import all_protocols
from cryoloom.protocol.declare import AUTO, InputSpec, ParamSpec
from cryoloom.protocol.protocols import Protocol

FILE = Path(__file__).with_name("protocol_calls.pyi")
OWN = "cryoloom.plugins."
HEAD = '''"""The protocols as `project.run` takes them, for type checkers and editors. Made by `make stubs`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias, overload

import polars as pl

from cryoloom.api.dataset import Dataset
from cryoloom.api.job import Job

class PandasFrame(Protocol):
    """Whatever speaks the interchange protocol of data frames."""

    def __dataframe__(self, nan_as_null: bool = ..., allow_copy: bool = ...) -> Any: ...

Frame: TypeAlias = pl.DataFrame | pl.LazyFrame | PandasFrame
# A job stands for its first output of a fitting kind; text is a job, `job:output`, or a file of the project. A frame is a set,
# two are its optics groups and its items.
Given: TypeAlias = Job | Dataset | Path | str | Frame | tuple[Frame, Frame]

class ProtocolCalls:
    """What a project can run."""
'''
# As in `Project.run`.
OPTIONS = (
    "wait_for: Sequence[str | Job] = ...",
    'label: str = ""',
    'alias: str = ""',
    "start: bool = True",
    "priority: int = 0",
    "alone: bool = False",
    "memory_gb: float = 0",
    'launcher: str = ""',
    "batch: Mapping[str, Any] | None = ...",
)


def typed_calls(protocols: Iterable[type[Protocol]] | None = None) -> str:
    """The text of the stub; by default of all protocols of Cryoloom's own."""
    if protocols is None:
        protocols = (kind for kind in all_protocols() if kind.__module__.startswith(OWN))
    return HEAD + "".join(f"\n{_overload(kind)}" for kind in protocols)


def choices_of(spec: ParamSpec) -> list[str]:
    """Those that are declared, and RELION's number or the first word of each, which `parse` takes for it."""
    short = [
        choice.rpartition("(")[2].rstrip(")") if choice.endswith(")") else choice.split()[0]
        for choice in spec.choices
    ]
    return [*spec.choices, *(word for word in short if short.count(word) == 1 and word not in spec.choices)]


def main() -> None:
    """Write the stub."""
    FILE.write_text(typed_calls(), encoding="utf-8")


def _overload(kind: type[Protocol]) -> str:
    lines = [*_inputs(kind), *(_parameter(spec) for spec in kind.params.values()), *OPTIONS]
    return "\n".join((
        "    @overload",
        "    def run(",
        "        self,",
        f'        protocol: Literal["{kind.name}"],',
        "        /,",
        "        *,",
        *(f"        {line}," for line in lines),
        "    ) -> Job:",
        f'        """{_in_quotes(_documentation(kind))}"""',
        "",
    ))  # fmt: skip


def _inputs(kind: type[Protocol]) -> Iterator[str]:
    for name, spec in kind.inputs.items():
        given = "Given | Sequence[Given]" if spec.several else "Given"
        yield f"{name}: {given}" if _is_needed(spec) else f"{name}: {given} | None = None"


def _is_needed(spec: InputSpec) -> bool:
    """Whether it is whatever the other values are."""
    return not spec.optional and not spec.when


def _parameter(spec: ParamSpec) -> str:
    kinds = {bool: "bool", int: "int", float: "float"}
    kind = kinds.get(spec.type, "str")
    if spec.choices:
        kind = f"Literal[{', '.join(_quoted(word) for word in choices_of(spec))}]"
    elif spec.means in ("file", "folder"):
        kind = "str | Path"
    elif spec.means == "words":
        kind = "str | Sequence[str]"
    elif spec.means == "promises":
        kind = "str | Mapping[str, str]"
    if spec.auto:
        kind += f' | Literal["{AUTO}"]'
    default = _quoted(spec.default) if isinstance(spec.default, str) else repr(spec.default)
    return f"{spec.name}: {kind} = {default}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _in_quotes(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"""', "'''")


def _documentation(kind: type[Protocol]) -> str:
    """The first sentence of the protocol's, and what each input and parameter is."""
    first = " ".join((kind.__doc__ or kind.label).strip().split("\n\n")[0].split())
    specs: list[InputSpec | ParamSpec] = [*kind.inputs.values(), *kind.params.values()]
    if not specs:
        return first
    lines = [f"            {spec.name}: {_meaning(spec)}" for spec in specs]
    return "\n".join([first, "", "        Args:", *lines, "        "])


def _meaning(spec: InputSpec | ParamSpec) -> str:
    unit = f" ({spec.unit})" if isinstance(spec, ParamSpec) and spec.unit else ""
    label = f"{spec.label.rstrip(':')}{unit}"
    return label if label.endswith("?") else f"{label}."


if __name__ == "__main__":
    main()
