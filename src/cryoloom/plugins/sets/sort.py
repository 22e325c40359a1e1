"""A set in another order."""

from collections.abc import Collection

from cryoloom.errors import ParameterError
from cryoloom.plugins.sets.files import set_file
from cryoloom.protocol import Input, JobFolder, Output, Param, RowBatch, RowProtocol, RowResult, Table


class Sort(RowProtocol):
    """Order a set by one or more columns."""

    name = "sets.sort"
    label = "Sort a set"
    folder = "Select"
    next = ("relion.class2d",)

    input: Table = Input("Items", help="Any set of items; it must be complete.")
    by: str = Param(
        "",
        "Sort by",
        means="labels",
        help="Labels with commas between; a minus before one: the highest first.",
    )

    kept: Table = Output("Sorted", set_file(), like="input")

    def check(self) -> None:
        super().check()
        if not self._labels():
            raise ParameterError(
                f"{self.name}: parameter by",
                found="empty",
                expected="a label",
                hint="by=-rlnAutopickFigureOfMerit",
            )

    def _labels(self) -> list[str]:
        return [word.strip() for word in self.by.split(",") if word.strip(" -")]

    def columns_read(self, name: str) -> Collection[str]:
        return [word.removeprefix("-") for word in self._labels()]

    def needs_all(self) -> bool:
        return True

    def treat(self, job: JobFolder, batch: RowBatch) -> RowResult:
        import polars as pl

        from cryoloom.star import labels_of

        items = batch.items
        if not items.height:
            return RowResult({"kept": items})
        labels = [word.removeprefix("-") for word in self._labels()]
        missing = [label for label in labels if label not in items.columns]
        if missing:
            raise ParameterError(
                f"{self.name}: parameter by",
                found=missing[0],
                expected=f"one of {', '.join(labels_of(items))}",
            )
        falling = [word.startswith("-") for word in self._labels()]
        # A value that is no number comes last, whichever the order.
        keys = [
            pl.col(label).fill_nan(None) if items[label].dtype.is_float() else pl.col(label)
            for label in labels
        ]
        return RowResult({"kept": items.sort(keys, descending=falling, maintain_order=True, nulls_last=True)})
