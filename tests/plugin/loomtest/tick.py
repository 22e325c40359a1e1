"""A source at a steady rate: what a microscope is to the chain behind it."""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from cryoloom.project.item_ids import item_id
from cryoloom.protocol import JobFolder, Micrographs, Output, Param, SourceProtocol
from cryoloom.protocol.jobs import Found

if TYPE_CHECKING:
    import polars as pl


class Tick(SourceProtocol):
    """So many items a second, until there are enough."""

    name = "loomtest.tick"
    label = "Tick"
    folder = "External"

    items: int = Param(100, "Items", ge=1, help="In all.")
    rate: float = Param(100, "Items a second", gt=0, help="Steady.")
    bad_every: int = Param(0, "Every n-th is bad", ge=0, help="0: none.")

    micrographs: Micrographs = Output("Micrographs", "micrographs.star")

    _began = 0.0

    def labels(self) -> list[str]:
        return ["rlnMicrographName", "rlnOpticsGroup", "loomtestAt0"]

    def optics(self) -> "pl.DataFrame":
        import polars as pl

        return pl.DataFrame({"rlnOpticsGroup": [1], "rlnOpticsGroupName": ["a"], "rlnVoltage": [300.0]})

    def discover(self, job: JobFolder, seen: set[str]) -> Iterator[tuple[str, Found]]:
        self._began = self._began or time.monotonic() - len(seen) / self.rate
        due = min(self.items, int((time.monotonic() - self._began) * self.rate) + 1)
        for number in range(len(seen), due):
            name = f"m{number:07d}.mrc"
            row = {"rlnMicrographName": name, "rlnOpticsGroup": 1, "loomtestAt0": round(time.time(), 4)}
            bad = self.bad_every and number % self.bad_every == self.bad_every - 1
            yield item_id(f"{job.uuid} {name}"), Found(name, f"{name}: bad" if bad else row)
        self._ended = due >= self.items

    _ended = False

    def is_open(self, quiet_s: float) -> bool:
        return not self._ended
