"""`job.json`: what was asked of a job; written before its first attempt, never changed after."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryoloom._version import __version__
from cryoloom.errors import ProjectError
from cryoloom.project.jsonfile import read_json, write_json
from cryoloom.project.processes import host_name
from cryoloom.project.registry import find_protocol
from cryoloom.protocol.datasets import KINDS, Dataset, PlainFile
from cryoloom.protocol.protocols import Protocol

FILE = "job.json"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class JobSpec:
    """A job as asked for."""

    id: str  # names the job for ever; survives renames
    name: str  # "Class2D/job012"
    protocol: str
    version: str
    params: Mapping[str, Any]  # as given, complete
    inputs: Mapping[str, Dataset]
    wait_for: tuple[str, ...] = ()
    label: str = ""
    created: float = field(default_factory=time.time)
    outputs: Mapping[str, Dataset] = field(default_factory=dict)  # promised
    continues: str = ""  # the job from one of whose iterations this one goes on

    def make_protocol(self) -> Protocol:
        """The protocol with this job's values.

        Raises:
            ParameterError: no installed plugin has it.
        """
        kind = find_protocol(self.protocol)
        # A job of an older version may have parameters that are gone; the others still hold.
        known = {name: value for name, value in self.params.items() if name in kind.params}
        return kind(known, self.inputs)

    def write(self, folder: Path) -> None:
        """Write the file whole."""
        write_json(
            folder / FILE,
            {
                "format": FORMAT,
                "id": self.id,
                "name": self.name,
                "protocol": self.protocol,
                "version": self.version,
                "cryoloom": __version__,
                "label": self.label,
                "params": dict(self.params),
                "inputs": {name: _as_json(dataset) for name, dataset in self.inputs.items() if dataset},
                "outputs": {name: _as_json(dataset) for name, dataset in self.outputs.items()},
                "wait_for": list(self.wait_for),
                "continues": self.continues,
                "host": host_name(),
                "created": round(self.created, 3),
            },
            sync=True,
        )


def read_spec(folder: Path) -> JobSpec:
    """The job's description.

    Raises:
        UnreadableError: the file cannot be read now, or a newer version wrote it.
        ProjectError: it is missing or damaged.
    """
    content = read_json(folder / FILE, FORMAT)
    try:
        return _spec_of(content)
    except (KeyError, TypeError, AttributeError) as error:
        raise ProjectError(
            f"{folder / FILE}", found=f"incomplete ({error!r})", expected="a job's description",
            hint="Put it back from a copy.",
        ) from None  # fmt: skip


def _spec_of(content: Mapping[str, Any]) -> JobSpec:
    return JobSpec(
        id=content["id"],
        name=content["name"],
        protocol=content["protocol"],
        version=content["version"],
        params=content["params"],
        inputs={name: _from_json(entry) for name, entry in content["inputs"].items()},
        wait_for=tuple(content.get("wait_for", ())),
        label=content.get("label", ""),
        created=content.get("created", 0.0),
        continues=content.get("continues", ""),
        outputs={name: _from_json(entry) for name, entry in content.get("outputs", {}).items()},
    )


def _as_json(dataset: Dataset) -> dict[str, str]:
    return {"kind": dataset.kind, "path": dataset.path, "job": dataset.job, "output": dataset.output}


def _from_json(entry: Mapping[str, str]) -> Dataset:
    kind = KINDS.get(entry.get("kind", ""), PlainFile)
    return kind(entry["path"], entry.get("job", ""), entry.get("output", ""))
