"""All datasets of an item job: found again after a kill, begun anew, appended to with one journal line, closed."""

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import polars as pl

from cryoloom.protocol.datasets import Coordinates
from cryoloom.protocol.jobs import ITEM_ID
from cryoloom.protocol.protocols import ItemProtocol
from cryoloom.runner.context import RunContext
from cryoloom.runner.outputs import GrowingOutput, make_anew

SYNC_S = 1.0  # what a machine that loses its power may lose


@dataclass(slots=True)
class JobOutputs:
    """The outputs of one attempt."""

    run: RunContext
    outputs: dict[str, GrowingOutput] = field(default_factory=dict)
    _synced: float = 0.0

    @classmethod
    def of(cls, run: RunContext, protocol: ItemProtocol) -> "JobOutputs":
        """Those that the protocol's values promise."""
        found = cls(run)
        for name, dataset in protocol.output_files(run.job).items():
            file = protocol.table_file(name, dataset.path.removeprefix(run.job.name))
            has_optics = protocol.output_kind(name) is not Coordinates
            found.outputs[name] = GrowingOutput(
                name, run.folder, file, protocol.blocks(name), run.journal, has_optics=has_optics
            )
        return found

    def recover(self, optics: pl.DataFrame | None) -> None:
        """After a restart: cut back to what was committed; what lost rows is made anew, all of it."""
        whole = {name: output.recover() for name, output in self.outputs.items()}
        states = [output.state for output in self.outputs.values()]
        newest = max((state.revision for state in states if state is not None), default=0)
        for output in self.outputs.values():
            if output.state is not None and output.state.revision < newest:
                output.begin_revision()  # a kill between two outputs' beginnings
        if not all(whole.values()):
            # Committed rows are gone (a machine lost power): all items are done again, each once.
            self.run.log("Committed rows were lost; the datasets are made anew.", error=True)
            make_anew(self.run.journal, self.outputs, whole, optics)

    def begin_revision(self) -> None:
        """All items are made again."""
        for output in self.outputs.values():
            output.begin_revision()

    def commit(
        self,
        rows: Mapping[str, pl.DataFrame],
        optics: pl.DataFrame | None,
        *,
        done: Collection[str],
        failed: list[dict[str, str]],
        version: int = 0,
    ) -> None:
        """Append the rows, then journal: the line is the commit."""
        is_synced = time.monotonic() - self._synced > SYNC_S
        ends: dict[str, dict[str, int]] = {}
        for name, table in rows.items():
            if not table.height:
                continue
            output = self.outputs[name]
            end = output.append(table, optics, sync=is_synced)
            state = output.state
            assert state is not None
            ends[name] = {"generation": state.generation, "end": end, "items": state.items + table.height}
        facts = {"version": version} if version else {}
        self.run.journal.write(
            "items.done", items=[*done], failed=failed, outputs=ends, sync=is_synced, **facts
        )
        if is_synced:
            self._synced = time.monotonic()

    def close(self, failed: int, optics: pl.DataFrame | None) -> None:
        """No more rows will come; an output that got none is an empty table, not a missing file."""
        labels = next((one.state.labels for one in self.outputs.values() if one.state is not None), [ITEM_ID])
        for output in self.outputs.values():
            if output.state is None:
                output.open(labels, optics)
            output.close(failed)
