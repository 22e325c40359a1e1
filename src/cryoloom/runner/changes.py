"""Parameters that the user changes while items stream: found in `control.json`, taken one after the other.

`job.json` says what was asked at first and stays as it is. Each change has a version, and the journal names
with each item the version that it was made with. A change without values says that items were edited by hand.
"""

from dataclasses import dataclass
from typing import Any

from cryoloom.project.attempts import CONTROL
from cryoloom.project.events import ItemsEdited, ParamsChanged
from cryoloom.project.forms.jobstar import job_options, job_star_text
from cryoloom.project.pick_edits import EDITED, edits_of
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
        if not change.values:
            self._tell_edits(change)
            assert isinstance(run.protocol, ItemProtocol)
            return run.protocol
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

    def _tell_edits(self, change: Change) -> None:
        """Journal what was edited by hand since the last time; the items have been given out anew."""
        lines = edits_of(self.run.folder)
        counts = [
            {
                "micrograph": line["micrograph"],
                **{what: len(line[what]) for what in ("added", "removed", "moved")},
            }
            for line in lines[self.run.journal.history.edits_known :]
            if line["kind"] == EDITED
        ]
        told = ItemsEdited(version=change.version, edits=counts, known=len(lines))
        self.run.journal.write(told, sync=True)
        self.run.log(f"Items were {len(counts)} times edited by hand since the last look.")
