"""Parameters that the user changes while items stream: found in `control.json`, taken one after the other.

`job.json` says what was asked at first and stays as it is. Each change has a version, and the journal names
with each item the version that it was made with.
"""

from dataclasses import dataclass
from typing import Any

from cryoloom.project.attempts import CONTROL
from cryoloom.project.events import ParamsChanged
from cryoloom.project.forms.jobstar import job_options, job_star_text
from cryoloom.protocol.protocols import ItemProtocol
from cryoloom.runner.context import RunContext


@dataclass(frozen=True, slots=True)
class Change:
    """Other values from now on, or for all items."""

    version: int
    values: dict[str, Any]
    of_all: bool


@dataclass(slots=True)
class Changes:
    """What has been asked of one job since it was made."""

    run: RunContext
    stamp: tuple[int, int] = (0, 0)

    def next(self) -> Change | None:
        """The next change that was not taken yet."""
        try:
            stat = (self.run.folder / CONTROL).stat()
        except FileNotFoundError:
            return None
        stamp = (stat.st_mtime_ns, stat.st_ino)
        if stamp == self.stamp:
            return None
        for change in self.run.wishes()["changes"]:
            if change["version"] > self.run.journal.history.version:
                return Change(change["version"], change["values"], change["of_all"])
        self.stamp = stamp
        return None

    def take(self, change: Change) -> ItemProtocol:
        """Journal a change; returns the protocol as it is from now on."""
        run = self.run
        run.journal.write(
            ParamsChanged(version=change.version, values=change.values, of_all=change.of_all), sync=True
        )
        words = ", ".join(f"{name}={value}" for name, value in change.values.items())
        run.log(f"Changed to {words} for {'all items' if change.of_all else 'the items to come'}.")
        protocol = run.protocol.with_values(change.values)
        assert isinstance(protocol, ItemProtocol)
        run.protocol = protocol
        (run.folder / "job.star").write_text(job_star_text(protocol.relion_type, job_options(protocol)))
        return protocol
