"""An item protocol with two outputs: what is lost of one must not be doubled in the other."""

from cryoloom.protocol import Batch, BatchResult, Input, ItemProtocol, JobFolder, Micrographs, Output, Param
from cryoloom.protocol.jobs import ITEM_ID


class Fork(ItemProtocol):
    """Pass items on, and those whose number is even a second time."""

    name = "loomtest.fork"
    label = "Fork"
    folder = "External"
    leading = "input"

    input: Micrographs = Input("Micrographs", streams=True)
    seconds: float = Param(0, "Time of a batch", unit="s", ge=0, help="Sleep.")

    micrographs: Micrographs = Output("Micrographs", "micrographs.star")
    even: Micrographs = Output("Even ones", "even.star")

    def process(self, job: JobFolder, batch: Batch) -> BatchResult:
        import time

        import polars as pl

        time.sleep(self.seconds)
        rows = batch.items
        even = rows.filter(pl.col("rlnMicrographName").str.contains(r"[02468]\.mrc$"))
        return BatchResult({"micrographs": rows, "even": even}, frozenset(rows[ITEM_ID].to_list()))
