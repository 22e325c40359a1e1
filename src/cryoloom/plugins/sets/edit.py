"""Columns from expressions, and columns taken away; streams."""

import re
from collections.abc import Collection, Mapping

from cryoloom.errors import ParameterError, StarError
from cryoloom.plugins.sets.files import set_file
from cryoloom.protocol import Input, JobFolder, Output, Param, RowBatch, RowProtocol, RowResult, Table
from cryoloom.protocol.jobs import ITEM_ID


class Edit(RowProtocol):
    """Set columns by SQL expressions; nothing else is evaluated."""

    name = "sets.edit"
    label = "Edit columns"
    folder = "Select"
    next = ("relion.class2d", "relion.refine3d")

    input: Table = Input("Items", streams=True, help="Any set of items.")
    set: str = Param(
        "", "Set", help="`rlnDefocusU = rlnDefocusU + 100; rlnClassNumber = 1`: one or more, by semicolons.",
    )  # fmt: skip
    where: str = Param(
        "", "Only where", means="condition", help="A condition; the other items stay as they are. Empty: all."
    )
    drop: str = Param("", "Take away columns", means="labels", help="Labels with commas between.")

    kept: Table = Output("Edited", set_file("edited"), like="input")

    def check(self) -> None:
        super().check()
        if not self._assignments() and not self._dropped():
            raise ParameterError(
                f"{self.name}: parameter set", found="empty", expected="LABEL = EXPRESSION",
                hint="For instance set='rlnDefocusU = rlnDefocusU + 100'.",
            )  # fmt: skip

    def _assignments(self) -> list[tuple[str, str]]:
        found = []
        for part in filter(None, (word.strip() for word in self.set.split(";"))):
            match = re.fullmatch(r"_?([A-Za-z]\w*)\s*=\s*(?!=)(.+)", part, re.DOTALL)
            if match is None or match[1] == ITEM_ID:
                why = "the items' identity" if match else repr(part)
                raise ParameterError(f"{self.name}: parameter set", found=why, expected="LABEL = EXPRESSION")
            found.append((match[1], match[2].strip()))
        return found

    def named_labels(self) -> Mapping[str, Collection[str]]:
        from cryoloom.star.expressions import labels_in

        named: set[str] = set()
        made: set[str] = set()
        for label, expression in self._assignments():
            labels = labels_in(expression)
            if labels is None:
                raise ParameterError(
                    f"{self.name}: parameter set", found=f"{expression!r}, which is no SQL", expected="LABEL = EXPRESSION",
                    hint="For instance set='rlnDefocusU = rlnDefocusU + 100'.",
                )  # fmt: skip
            named |= labels - made
            made.add(label)
        return {"set": named}

    def _dropped(self) -> list[str]:
        labels = [word.strip().removeprefix("_") for word in self.drop.split(",") if word.strip()]
        if ITEM_ID in labels:
            raise ParameterError(
                f"{self.name}: parameter drop",
                found=ITEM_ID,
                expected="other labels; it is the items' identity",
            )
        return labels

    def treat(self, job: JobFolder, batch: RowBatch) -> RowResult:
        import polars as pl

        from cryoloom.star.expressions import evaluated, rows_that_hold

        items = batch.items
        missing = [label for label in self._dropped() if label not in items.columns]
        if missing and items.height:
            raise ParameterError(
                f"{self.name}: parameter drop",
                found=missing[0],
                expected=f"one of {', '.join(items.columns)}",
            )
        if items.height:
            try:
                mask = rows_that_hold(items, self.where) if self.where.strip() else None
                for label, expression in self._assignments():
                    values = evaluated(items, expression)
                    if mask is not None:
                        old = pl.col(label) if label in items.columns else pl.lit(None)
                        values = items.select(pl.when(mask).then(values).otherwise(old).alias(label))[label]
                    items = items.with_columns(values.alias(label))
            except StarError as error:
                raise ParameterError(
                    f"{self.name}: parameter set", found=error.found, expected=error.expected, hint=error.hint
                ) from None
        return RowResult({"kept": items.drop(self._dropped(), strict=False)})
