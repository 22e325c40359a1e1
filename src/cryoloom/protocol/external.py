"""Code of which nothing is known but what it takes and what it promises: a user's program, or a block of a notebook.

What is promised is text, `kept=particles, soft=mask`, so that it stands in `job.json`, `job.star` and workflows as any
parameter does. A program's words may be `{input}`, `{input#2}`, `{kept}` or `{job}`: whole words, found in a table of
names. No word is a format string, and none is seen by a shell.
"""

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from cryoloom.errors import ParameterError
from cryoloom.protocol.command import Command
from cryoloom.protocol.datasets import KINDS, Coordinates, Dataset, HalfMaps, Table
from cryoloom.protocol.declare import Input, Output, OutputSpec, Param, near
from cryoloom.protocol.protocol import Protocol
from cryoloom.protocol.protocols import ProgramProtocol

if TYPE_CHECKING:
    from cryoloom.protocol.jobs import JobFolder

JOB, THREADS = "job", "threads"
RESULT = "result"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_WORD = re.compile(r"\{([A-Za-z][A-Za-z0-9_]*(?:#[0-9]+)?)\}")
_MAPS = ("volume", "mask", "final map", "local resolution")
# Not below the job: its own files, and those that RELION looks for.
_TAKEN = re.compile(
    r"(?:job\.json|job\.star|journal\.jsonl|note\.txt|run\.(?:out|err|job)|(?:default|job)_pipeline\.star|failed\.star"
    r"|provenance\.json|RELION_JOB_.*|code(?:\.[0-9]+)?(?:/.*)?)"
)


@dataclass(frozen=True, slots=True)
class Promise:
    """One output that the code is to write."""

    name: str
    kind: type[Dataset]
    file: str  # below the job, which the code writes
    path: str  # below the job, by which RELION knows the dataset; another one of coordinates alone

    @property
    def files(self) -> tuple[str, ...]:
        """All that the code writes of it: of half maps the other half too."""
        if not issubclass(self.kind, HalfMaps):
            return (self.file,)
        folder, name = PurePosixPath(self.file).parent, PurePosixPath(self.file).name
        return (self.file, str(folder / name.replace("half1", "half2")))


def promises_of(text: str, where: str) -> dict[str, Promise]:
    """What `name=kind` or `name=kind:file`, with commas between them, promises.

    Raises:
        ParameterError: a name, a kind or a file that cannot be.
    """
    found: dict[str, Promise] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, rest = (word.strip() for word in part.partition("="))
        word, _, file = (word.strip() for word in rest.partition(":"))
        kind = KINDS.get(word.replace("_", " "))
        names = [one.replace(" ", "_") for one in KINDS]
        if not equals or kind is None:
            raise ParameterError(
                where, found=repr(part), expected=f"NAME=KIND, the kind one of {', '.join(names)}", hint=near(word, names)
            )  # fmt: skip
        if not _NAME.fullmatch(name) or name in (JOB, THREADS, "input") or name in found:
            raise ParameterError(
                where, found=f"the name {name!r}", expected="a name of letters, digits and _ that no other output has",
                hint=f"{JOB}, {THREADS} and input mean something else.",
            )  # fmt: skip
        made = promise(name, kind, file, where)
        others = {
            taken: other for other, one in found.items() for taken in (*one.files, one.path, *_made_of(one))
        }
        for taken in (*made.files, made.path, *_made_of(made)):
            if taken in others:
                raise ParameterError(
                    where, found=f"{taken} for {others[taken]} and for {name}", expected="a file of its own for each output"
                )  # fmt: skip
        found[name] = made
    return found


def promise(name: str, kind: type[Dataset], file: str, where: str) -> Promise:
    """The promise of one output; without a `file` that is named after it.

    Raises:
        ParameterError: a file that does not lie below the job, or with the ending of another kind.
    """
    file = str(PurePosixPath(file or _usual_file(name, kind)))
    parts = PurePosixPath(file).parts or (".",)
    if file.startswith("/") or ".." in parts or parts[0].startswith(".") or _TAKEN.fullmatch(file):
        raise ParameterError(
            where, found=f"the file {file}", expected="one below the job that is not the job's own"
        )
    ending = ".star" if issubclass(kind, Table) else ".mrc" if kind.kind in (*_MAPS, "half maps") else ""
    if ending and not file.endswith(ending):
        raise ParameterError(
            where, found=f"{file} for {kind.kind}", expected=f"a file that ends with {ending}"
        )
    if issubclass(kind, HalfMaps) and "half1" not in file:
        raise ParameterError(where, found=file, expected="the file of the first half, with half1 in its name")
    # RELION knows picks by a file with the suffix of their files; the code writes one table, and they are made of it.
    path = f"coords_suffix_{name}.star" if issubclass(kind, Coordinates) else file
    made = Promise(name, kind, file, path)
    if issubclass(kind, Coordinates) and file in (path, *_made_of(made)):
        raise ParameterError(
            where,
            found=file,
            expected="another name than RELION's suffix file and the table beside it have",
        )
    return made


def _made_of(one: Promise) -> tuple[str, ...]:
    """What is made of an output beside it: of picks the table of their files."""
    return (f"coordinates_{one.name}.star",) if issubclass(one.kind, Coordinates) else ()


def _usual_file(name: str, kind: type[Dataset]) -> str:
    if issubclass(kind, HalfMaps):
        return f"{name}_half1_class001_unfil.mrc"
    if kind.kind in _MAPS:
        return f"{name}.mrc"
    return (
        f"{name}.star"
        if issubclass(kind, Table) or kind.kind in ("model", "optimiser", "postprocess")
        else name
    )


class ExternalCode(Protocol):
    """What a program and a block of a notebook have in common: any inputs, and outputs that a parameter names."""

    input: Dataset = Input(
        "Inputs",
        several=True,
        optional=True,
        help="Datasets of any kind, complete; JOB:output where a job has several.",
    )
    outputs: str = Param(
        "", "Outputs", own=True, means="promises",
        help="NAME=KIND, with commas between them (kept=particles, soft=mask); NAME=KIND:FILE where the file has a name of "
        "its own. Empty: one, called result, of the first input's kind.",
    )  # fmt: skip

    result: Table = Output("Of the first input's kind, where `outputs` names none", "result.star", like="input",
                           when=lambda code: not code.outputs.strip())  # fmt: skip

    def check(self) -> None:
        super().check()
        if not self.promises():
            raise ParameterError(
                f"{self.name}: parameter outputs", found="empty", expected="what the code makes",
                hint="For example: outputs=kept=particles",
            )  # fmt: skip

    def promises(self) -> dict[str, Promise]:
        """What the code is to write, by name.

        Raises:
            ParameterError: a text that promises nothing that there is.
        """
        where = f"{self.name}: parameter outputs"
        if self.values["outputs"].strip():
            return promises_of(self.values["outputs"], where)
        first = self.given["input"]
        return {RESULT: promise(RESULT, type(first), "", where)} if first else {}

    def promised(self) -> Mapping[str, OutputSpec]:
        return {name: _spec(one) for name, one in self.promises().items()}


def _spec(one: Promise) -> OutputSpec:
    # As a function: a text would be taken for a format string.
    return OutputSpec(one.name, lambda _: one.path, None, "", one.name, one.kind)


class ExternalProgram(ExternalCode, ProgramProtocol):
    """A user's program, with its words."""

    command_line: str = Param(
        "", "Program and arguments", own=True, means="words",
        help="Runs in the project's folder, by no shell. A word {input}, {input#2} or {NAME} of an output stands for that "
        "file, {job} for the job's folder, {threads} for their number.",
    )  # fmt: skip
    nr_threads: int = Param(
        1,
        "Number of threads",
        tab="Running",
        ge=1,
        auto=True,
        help="Cores that the program keeps busy; auto: all that it may have.",
    )

    def check(self) -> None:
        super().check()
        self._filled("External/job000/")

    def words(self) -> list[str]:
        """The program and its arguments, placeholders as they were given.

        Raises:
            ParameterError: none, or an open quote.
        """
        text = str(self.values["command_line"])
        where = f"{self.name}: parameter command_line"
        try:
            words = shlex.split(text)
        except ValueError as error:
            raise ParameterError(
                where, found=f"{text!r} ({error})", expected="words, quotes closed"
            ) from None
        if not words:
            raise ParameterError(where, found="empty", expected="a program and its arguments")
        return words

    def command(self, job: "JobFolder") -> Command:
        program, *args = self._filled(job.name)
        return Command(program, (*args,), threads=int(self.values["nr_threads"]))

    def _filled(self, job: str) -> tuple[str, ...]:
        files = {name: job + one.file for name, one in self.promises().items()}
        inputs = {name: dataset.path for name, dataset in self.datasets_of("input").items()}
        names = {JOB: job, THREADS: str(self.values["nr_threads"]), **inputs, **files}
        return filled(self.words(), names, f"{self.name}: parameter command_line")


def filled(words: Sequence[str], names: Mapping[str, str], where: str) -> tuple[str, ...]:
    """Words, those that are a placeholder replaced by what it stands for.

    Raises:
        ParameterError: a placeholder that stands for nothing, or within a word; an input or output that no word names.
    """
    found: list[str] = []
    said: set[str] = set()
    for word in words:
        match = _WORD.fullmatch(word)
        if match is not None:
            if match[1] not in names:
                raise ParameterError(
                    where, found=f"{word}, which stands for nothing",
                    expected=f"one of {', '.join('{' + name + '}' for name in names)}", hint=near(match[1], [*names]),
                )  # fmt: skip
            said.add(match[1])
            found.append(names[match[1]])
            continue
        for inner in _WORD.finditer(word):
            if inner[1] in names:
                raise ParameterError(
                    where, found=f"{inner[0]} within the word {word}", expected="it as a word of its own",
                    hint="Only whole words are filled in: --in {input}, not --in={input}.",
                )  # fmt: skip
        found.append(word)
    untold = [name for name in names if name not in (JOB, THREADS, *said)]
    if untold and JOB not in said:
        raise ParameterError(
            where, found=f"without {{{untold[0]}}}", expected="a word for each input and output",
            hint=f"Or {{{JOB}}}, the job's folder, from which the program finds its files itself.",
        )  # fmt: skip
    return (*found,)
