"""A source at a steady rate: what a microscope is to the chain behind it."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from cryoloom.project.item_ids import item_id
from cryoloom.protocol import JobFolder, Micrographs, Output, Param, SourceProtocol
from cryoloom.protocol.jobs import Found, Taken

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

    _ended = False

    def labels(self) -> list[str]:
        return ["rlnMicrographName", "rlnOpticsGroup", "loomtestAt0"]

    def begin(self, job: JobFolder, taken: Taken) -> "Ticking":
        return Ticking(self, job, len(taken.done))

    def is_open(self, quiet_s: float) -> bool:
        return not self._ended


class Ticking:
    """One run of it."""

    def __init__(self, protocol: Tick, job: JobFolder, seen: int) -> None:
        self.protocol, self.job, self.seen = protocol, job, seen
        self.began = time.monotonic() - seen / protocol.rate

    def look(self) -> Iterator[tuple[str, Found]]:
        tick = self.protocol
        due = min(tick.items, int((time.monotonic() - self.began) * tick.rate) + 1)
        for number in range(self.seen, due):
            name = f"m{number:07d}.mrc"
            row = {"rlnMicrographName": name, "rlnOpticsGroup": 1, "loomtestAt0": round(time.time(), 4)}
            bad = tick.bad_every and number % tick.bad_every == tick.bad_every - 1
            self.seen = number + 1
            yield item_id(f"{self.job.uuid} {name}"), Found(name, f"{name}: bad" if bad else row)
        tick._ended = due >= tick.items

    def optics(self) -> "pl.DataFrame":
        import polars as pl

        return pl.DataFrame({"rlnOpticsGroup": [1], "rlnOpticsGroupName": ["a"], "rlnVoltage": [300.0]})

    def folders(self) -> list[Path]:
        return []

    def pending_s(self) -> float | None:
        return None

    def remarks(self) -> list[str]:
        return []

    def why_nothing(self) -> str:
        return ""
