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
    late: int = Param(
        0, "Late from", ge=0, help="From this item on there is a column and an optics group more."
    )

    micrographs: Micrographs = Output("Micrographs", "micrographs.star")
    even: Micrographs = Output("Even ones", "even.star")

    def process(self, job: JobFolder, batch: Batch) -> BatchResult:
        import time

        import polars as pl

        time.sleep(self.seconds)
        rows, optics = batch.items, None
        number = pl.col("rlnMicrographName").str.extract(r"(\d+)").cast(pl.Int64)
        if self.late and rows.select((number >= self.late).any()).item():
            group = pl.when(number >= self.late).then(2).otherwise(1).cast(pl.Int64)
            rows = rows.with_columns(group.alias("rlnOpticsGroup"), group.alias("loomtestLate"))
            optics = pl.DataFrame(
                {"rlnOpticsGroup": [1, 2], "rlnOpticsGroupName": ["a", "b"], "rlnVoltage": [300.0, 200.0]}
            )
        even = rows.filter(pl.col("rlnMicrographName").str.contains(r"[02468]\.mrc$"))
        return BatchResult(
            {"micrographs": rows, "even": even}, frozenset(rows[ITEM_ID].to_list()), optics=optics
        )
