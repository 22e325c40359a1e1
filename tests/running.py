"""Jobs run to their end in the test's own process."""

from typing import Any

import polars as pl

from cryoloom import star
from cryoloom.project.attempts import make_attempt, write_control
from cryoloom.project.entry import JobEntry
from cryoloom.project.folder import ProjectFolder
from cryoloom.project.references import resolve_input
from cryoloom.project.registry import find_protocol
from cryoloom.protocol.declare import numbered
from cryoloom.runner.main import run_attempt


class Ran:
    """A job that has ended."""

    def __init__(self, entry: JobEntry) -> None:
        self.entry = entry
        self.name = entry.name
        self.history = entry.status().history

    @property
    def said(self) -> str:
        """What the job remarked, and why it failed."""
        return " ".join([*self.history.notes, self.history.why])

    def blocks(self, output: str) -> dict[str, Any]:
        return star.read(self.entry.root / self.entry.outputs()[output].path)

    def items(self, output: str) -> pl.DataFrame:
        return next(table for name, table in self.blocks(output).items() if name != "optics")

    def ids(self, output: str) -> list[str]:
        return [str(one) for one in self.items(output)["cryoloomItemId"].to_list()]


def run_in(project: ProjectFolder, name: str, **given: Any) -> Ran:
    """Run a protocol on files or jobs of the project; keywords are inputs and parameters."""
    kind = find_protocol(name)
    inputs = {}
    for key in [key for key in given if key in kind.inputs]:
        texts = given.pop(key)
        texts = texts if isinstance(texts, list) else [texts]
        spec = kind.inputs[key]
        inputs |= numbered(key, [resolve_input(project, spec, str(text), name) for text in texts])
    entry = project.create_job(name, given, inputs)
    attempt = make_attempt(entry.folder)
    assert attempt is not None
    run_attempt(project.root, entry.name, int(attempt.name))
    return Ran(project.entry(entry.name))


def run_again(project: ProjectFolder, job: Ran) -> Ran:
    """Another attempt at a job that has ended, as a retry asks for it."""
    write_control(job.entry.folder, fresh=1)
    attempt = make_attempt(job.entry.folder)
    assert attempt is not None
    run_attempt(project.root, job.name, int(attempt.name))
    return Ran(project.entry(job.name))
