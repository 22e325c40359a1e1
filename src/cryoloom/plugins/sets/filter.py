"""Keep the items for which an expression holds; streams."""

from cryoloom.errors import ParameterError, StarError
from cryoloom.protocol import (
    Batch,
    BatchResult,
    Block,
    Input,
    ItemProtocol,
    JobFolder,
    Output,
    Param,
    Table,
)
from cryoloom.protocol.jobs import ITEM_ID


class Filter(ItemProtocol):
    """Split a set by an expression over its columns: kept and rejected."""

    name = "sets.filter"
    label = "Filter items"
    folder = "Select"
    next = ("relion.autopick", "relion.extract", "relion.class2d")
    leading = "input"

    input: Table = Input("Items", streams=True, help="Movies, micrographs, particles: any set of items.")
    expression: str = Param(
        "",
        "Keep items where",
        help="SQL over RELION's labels: `rlnCtfMaxResolution < 6 and rlnDefocusU < 30000`.",
    )
    batch_size: int = Param(
        1000, "Items in a batch", tab="Streaming", ge=0, own=True, help="0 waits for all."
    )

    kept: Table = Output("Kept", lambda p: f"{p.input.kind}.star", like="input")
    rejected: Table = Output("Rejected", lambda p: f"{p.input.kind}_rejected.star", like="input")

    def check(self) -> None:
        super().check()
        if not self.expression.strip():
            raise ParameterError(
                f"{self.name}: parameter expression", found="empty", expected="a condition",
                hint="For instance expression='rlnCtfMaxResolution < 6'.",
            )  # fmt: skip

    def process(self, job: JobFolder, batch: Batch) -> BatchResult:
        from cryoloom.star.expressions import rows_that_hold

        try:
            holds = rows_that_hold(batch.items, self.expression)
        except StarError as error:
            raise ParameterError(
                f"{self.name}: parameter expression",
                found=error.found,
                expected=error.expected,
                hint=error.hint,
            ) from None
        # What cannot be judged (a missing value) is not kept, and not lost either.
        rows = {"kept": batch.items.filter(holds), "rejected": batch.items.filter(~holds)}
        return BatchResult(rows, frozenset(batch.items[ITEM_ID].to_list()), {}, batch.optics)

    def views(self, job: JobFolder) -> list[Block]:
        from cryoloom.views import counts

        return counts.kept_and_rejected(job.root, job.name)
