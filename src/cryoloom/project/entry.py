"""A job of a project: what the pipeline says of it, and for ours its description; its state, outputs and protocol."""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cryoloom.errors import ProjectError, UnreadableError
from cryoloom.project.folded import remember, remembered
from cryoloom.project.forms import pipeline as pipe
from cryoloom.project.forms.relion31 import kind_of_node, label_of_type
from cryoloom.project.jobspec import FILE as SPEC_FILE
from cryoloom.project.jobspec import JobSpec, read_spec
from cryoloom.project.journal import FILE as JOURNAL
from cryoloom.project.state import JobStatus, foreign_status, job_status, stamp_of
from cryoloom.protocol.datasets import Dataset
from cryoloom.protocol.protocols import Protocol
from cryoloom.schedule.state import JobState

if TYPE_CHECKING:
    from cryoloom.protocol.jobs import JobFolder


@dataclass(frozen=True)
class JobEntry:
    """A job of the project: its row in the pipeline and, for ours, its description."""

    root: Path
    name: str  # "Class2D/job008"
    alias: str  # "LoG", "" without one
    relion_type: int
    pipeline_status: int
    files: tuple[tuple[str, int], ...]  # outputs as the pipeline lists them
    input_files: tuple[str, ...]
    type_label: str = ""  # RELION 4's and 5's word for its type

    @functools.cached_property
    def spec(self) -> JobSpec | None:
        """Its `job.json`, None for a job that RELION made; read when it is asked for.

        Raises:
            UnreadableError: its folder or the file cannot be read now.
            ProjectError: the file is damaged, or the job's folder is gone.
        """
        try:
            (self.folder / SPEC_FILE).stat()
        except FileNotFoundError:
            if not self.folder.is_dir():
                raise ProjectError(
                    f"{self.name}", found="gone: its folder is not there", expected="the folder of a job",
                    hint=f"`cryoloom delete {self.name}` takes it out of the list; or put the folder back.",
                ) from None  # fmt: skip
            if (self.folder / JOURNAL).exists():
                raise ProjectError(
                    f"{self.name}/{SPEC_FILE}", found="missing, though the job's journal is there",
                    expected="what was asked of the job", hint="Put it back from a copy of the project.",
                ) from None  # fmt: skip
            return None
        except OSError as error:
            raise UnreadableError(
                f"{self.folder}", found=f"not readable ({error.strerror})", expected="the folder of a job",
                hint="Its owner may let you: chmod -R g+rwX.",
            ) from None  # fmt: skip
        return read_spec(self.folder)

    @property
    def known_spec(self) -> JobSpec | None:
        """As `spec`; None also of a job whose description cannot be had: for commands about all jobs."""
        try:
            return self.spec
        except ProjectError:
            return None

    def stamp(self) -> str:
        """What changes whenever anything that is told of this job may have."""
        return f"{self.alias} {self.pipeline_status} {stamp_of(f'{self.root}/{self.name}')}"

    @property
    def folder(self) -> Path:
        return self.root / self.name

    @property
    def protocol(self) -> str:
        """Of what kind it is: ours by its protocol, RELION's by RELION's word for it; "unknown" of a damaged one."""
        try:
            spec = self.spec
        except ProjectError:
            return "unknown"
        return spec.protocol if spec else self.type_label or label_of_type(self.relion_type)

    def outputs(self) -> dict[str, Dataset]:
        """Its outputs by name; those of RELION's jobs are named by their kind."""
        spec = self.known_spec
        if spec is not None:
            return dict(spec.outputs)
        found: dict[str, Dataset] = {}
        for path, node_type in self.files:
            kind = kind_of_node(node_type)
            name = kind.kind.replace(" ", "_")
            number = sum(key.split("#")[0] == name for key in found)
            key = name if not number else f"{name}#{number + 1}"
            found[key] = kind(path, self.name, key)
        return found

    def status(self) -> JobStatus:
        """Its state now."""
        if self.spec is None:
            return foreign_status(self.folder, self.pipeline_status)
        history = remembered(self.root, self.folder)
        known_to = history.offset if history else 0
        status = job_status(self.folder, history)
        remember(self.root, self.folder, status.history, known_to)
        return status

    def look(self) -> JobStatus:
        """As `status`; of a job that cannot be known `damage` says why: for commands about all jobs."""
        try:
            return self.status()
        except UnreadableError as error:
            known = JobState(pipe.STATES[self.pipeline_status], str(error))
            return JobStatus(known, damage=str(error))
        except ProjectError as error:
            return JobStatus(JobState("failed", f"damaged: {error}"), damage=str(error))

    def how_to_run(self) -> str:
        """What can be done with a job of RELION's, which we do not start."""
        return f"Run it in RELION's GUI, or one like it here: cryoloom copy {self.name}"

    def make_protocol(self) -> Protocol:
        """The protocol with this job's values.

        Raises:
            ProjectError: a job of RELION's whose kind Cryoloom has no protocol for.
        """
        if self.spec is None:
            raise ProjectError(f"{self.name}", found="a job that RELION made", expected="one of Cryoloom's")
        return self.spec.make_protocol()

    def job_folder(self) -> "JobFolder":
        from cryoloom.protocol.jobs import JobFolder

        return JobFolder(f"{self.name}/", self.root, self.spec.id if self.spec else "")
