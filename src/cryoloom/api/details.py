"""All that is known of one job: parameters, inputs, outputs, failed items, what it says of itself and what it took."""

import contextlib
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryoloom.api.summary import JobSummary
from cryoloom.errors import CryoloomError

if TYPE_CHECKING:
    from cryoloom.api.job import Job
    from cryoloom.api.looking import Seen


@dataclass(frozen=True, slots=True)
class GivenInput:
    """What an input was given; `job` is empty for a file that no job of ours made."""

    path: str
    job: str
    kind: str


@dataclass(frozen=True, slots=True)
class FailedItem:
    """An item that failed, and why."""

    item: str  # its id
    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Resources:
    """What a job took, over all its attempts."""

    cpu_s: float
    peak_mb: float
    disk_mb: float
    gpu_s: float
    gpu_mb: float


@dataclass(frozen=True, slots=True)
class JobDetails:
    """What `cryoloom show` prints."""

    summary: JobSummary
    params: Mapping[str, Any]
    inputs: Mapping[str, GivenInput]
    failed_items: tuple[FailedItem, ...]
    notes: tuple[str, ...]
    attempts: int
    resources: Resources
    views: tuple[str, ...]  # their names
    folder: str
    asks: str = ""  # what its user has to decide before it is started
    fault: CryoloomError | None = None  # why its views are not known

    def as_dict(self) -> dict[str, Any]:
        """For JSON: the summary's entries and these."""
        return self.summary.as_dict() | {
            "params": dict(self.params),
            "inputs": {name: asdict(given) for name, given in self.inputs.items()},
            "failed_items": [asdict(one) for one in self.failed_items],
            "notes": list(self.notes),
            "attempts": self.attempts,
            "resources": asdict(self.resources),
            "views": list(self.views),
            "folder": self.folder,
            "asks": self.asks,
        }

    def _seen(self) -> "Seen":
        """As tables, for a notebook and for print."""
        from cryoloom.api.looking import Seen
        from cryoloom.protocol.views import Metrics, TableBlock

        one, used = self.summary, self.resources
        facts = {
            "protocol": one.protocol, "state": one.state, "why": " ".join(one.why.split()), "alias": one.alias,
            "label": one.label, "asks": self.asks, "made": one.made, "failed": str(one.failed or ""),
            "used": f"{used.cpu_s} s of CPU, {used.peak_mb:.0f} MB of memory, {used.disk_mb} MB of disk",
            "views": ", ".join(self.views), "folder": self.folder,
        }  # fmt: skip
        outputs = [[name, str(out["path"]), str(out["kind"])] for name, out in one.outputs.items()]
        tables = [
            TableBlock(
                "inputs", ("name", "file", "kind"), [[n, i.path, i.kind] for n, i in self.inputs.items()]
            ),
            TableBlock("outputs", ("name", "file", "kind"), outputs),
            TableBlock(
                "parameters", ("name", "value"), [[n, str(value)] for n, value in self.params.items()]
            ),
            TableBlock(
                "failed items", ("item", "why"), [[i.name or i.item, i.why] for i in self.failed_items]
            ),
            TableBlock("notes", ("note",), [[note] for note in self.notes]),
        ]
        shown = [table for table in tables if table.rows]
        return Seen((Metrics(one.name, [(what, told) for what, told in facts.items() if told]), *shown))

    def __str__(self) -> str:
        return str(self._seen())

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return self._seen()._repr_mimebundle_()


def details_of(job: "Job") -> JobDetails:
    """Look at a job and all its files.

    Raises:
        ProjectError: its description cannot be had.
    """
    entry = job.entry
    history = entry.status().history
    inputs = (
        {name: GivenInput(one.path, one.job, one.kind) for name, one in entry.spec.inputs.items()}
        if entry.spec
        else {f"input{n}": GivenInput(path, "", "") for n, path in enumerate(entry.input_files, start=1)}
    )
    fault = None
    try:
        views = tuple(view.name for view in job.views())
    except CryoloomError as error:  # what else is known of the job is told all the same
        views, fault = (), error
    return JobDetails(
        summary=job.summary(),
        params=dict(job.params),
        inputs=inputs,
        failed_items=tuple(FailedItem(item, name, why) for item, (name, why) in history.failed.items()),
        notes=tuple(history.notes),
        attempts=history.attempts,
        resources=Resources(
            cpu_s=round(history.cpu_s + history.program_cpu_s, 1),
            peak_mb=history.peak_mb,
            disk_mb=round(_disk_bytes(job.folder) / 1e6, 1),
            gpu_s=round(history.gpu_s, 1),
            gpu_mb=history.gpu_mb,
        ),
        views=views,
        folder=str(job.folder),
        asks=job.asks(),
        fault=fault,
    )


def _disk_bytes(folder: Path) -> int:
    """What the files of a job take; links not followed."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            # A job that runs takes files away while they are counted.
            with contextlib.suppress(FileNotFoundError):
                total += os.lstat(f"{path}/{name}").st_blocks * 512
    return total
