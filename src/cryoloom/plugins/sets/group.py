"""Aggregates over groups of items: how many, means, sums, extremes."""

import re
from collections.abc import Collection, Mapping

from cryoloom.errors import ParameterError, StarError
from cryoloom.protocol import (
    Input,
    JobFolder,
    Output,
    Param,
    RowBatch,
    RowProtocol,
    RowResult,
    Table,
    View,
)


class Group(RowProtocol):
    """One row a group, with counts, means, sums or extremes of its items."""

    name = "sets.group"
    label = "Group items"
    folder = "External"

    input: Table = Input("Items", help="Any set of items; it must be complete.")
    by: str = Param("rlnMicrographName", "Group by", means="labels", help="Labels with commas between.")
    aggregates: str = Param(
        "count(*) as cryoloomCount", "Values of a group",
        help="`count(*) as cryoloomCount, avg(rlnDefocusU) as rlnDefocusU`: SQL aggregates with names.",
    )  # fmt: skip

    groups: Table = Output("Groups", "groups.star")

    def needs_all(self) -> bool:
        return True

    def check(self) -> None:
        super().check()
        self._aggregates()

    def named_labels(self) -> Mapping[str, Collection[str]]:
        from cryoloom.star.expressions import labels_in

        expressions = [text for _, text in self._aggregates() if text.replace(" ", "").lower() != "count(*)"]
        return {"aggregates": {label for expression in expressions for label in labels_in(expression) or ()}}

    def _aggregates(self) -> list[tuple[str, str]]:
        found = []
        # A comma inside brackets belongs to a function's arguments.
        for part in filter(None, (word.strip() for word in re.split(r",(?![^(]*\))", self.aggregates))):
            match = re.fullmatch(r"(.+?)\s+as\s+_?([A-Za-z]\w*)", part, re.IGNORECASE | re.DOTALL)
            if match is None:
                raise ParameterError(
                    f"{self.name}: parameter aggregates", found=repr(part), expected="AGGREGATE as LABEL",
                    hint="For instance avg(rlnDefocusU) as rlnDefocusU.",
                )  # fmt: skip
            found.append((match[2], match[1]))
        return found

    def treat(self, job: JobFolder, batch: RowBatch) -> RowResult:
        from cryoloom.star.expressions import aggregated

        labels = [word.strip().removeprefix("_") for word in self.by.split(",") if word.strip()]
        try:
            table = aggregated(batch.items, labels, self._aggregates())
        except StarError as error:
            raise ParameterError(
                f"{self.name}: parameters by and aggregates",
                found=error.found,
                expected=error.expected,
                hint=error.hint,
            ) from None
        return RowResult({"groups": table})

    def views(self, job: JobFolder) -> list[View]:
        from cryoloom.views import counts

        return [counts.table_view("groups", "Groups", "One row a group.", job.file("groups.star"))]
