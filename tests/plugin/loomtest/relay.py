"""An item protocol without a program: what a hop from one streaming job to the next costs."""

import time

from cryoloom.protocol import Batch, BatchResult, Input, ItemProtocol, JobFolder, Micrographs, Output
from cryoloom.protocol.jobs import ITEM_ID


class Relay(ItemProtocol):
    """Pass items on, with the time at which each went through."""

    name = "loomtest.relay"
    label = "Relay"
    folder = "External"
    leading = "input"

    input: Micrographs = Input("Micrographs", streams=True)
    micrographs: Micrographs = Output("Micrographs", "micrographs.star")

    def process(self, job: JobFolder, batch: Batch) -> BatchResult:
        import polars as pl

        stamp = f"loomtestAt{sum(label.startswith('loomtestAt') for label in batch.items.columns)}"
        rows = batch.items.with_columns(pl.lit(round(time.time(), 4)).alias(stamp))
        return BatchResult({"micrographs": rows}, frozenset(rows[ITEM_ID].to_list()))
