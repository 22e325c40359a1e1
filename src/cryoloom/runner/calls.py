"""What one call of a program can take: the values of `auto` parameters, by optics group.

Gain, dose and defects travel with the movies, and a program is told them once a call: items of groups that say
something else are treated in calls of their own.
"""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from cryoloom.em.optics import NAME, NUMBER
from cryoloom.project.events import AutoUsed
from cryoloom.project.forms.jobstar import job_star_of
from cryoloom.project.notes import append_note
from cryoloom.protocol.protocols import ItemProtocol
from cryoloom.runner.context import RunContext


@dataclass(slots=True)
class CallValues:
    """The values by group; those that were used are said, and stand in `job.star` where they are the same for all."""

    run: RunContext
    protocol: ItemProtocol
    _optics: pl.DataFrame | None = None
    _by_group: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    _others: dict[int, Hashable] = field(
        default_factory=dict
    )  # by group, what a call takes only once beside them
    _used: list[Mapping[str, Any]] = field(default_factory=list)

    def of(self, optics: pl.DataFrame | None) -> Callable[[pl.DataFrame], pl.Series] | None:
        """What tells items of one call from those of another; None where one call can take all of them."""
        self._learn(optics)
        kinds: list[tuple[Mapping[str, Any], Hashable]] = []
        numbers: dict[int, int] = {}
        for group, values in self._by_group.items():
            kind = values, self._others.get(group)
            if kind not in kinds:
                kinds.append(kind)
            numbers[group] = kinds.index(kind)
        if len(kinds) < 2:
            return None
        # Also of a group that is unknown: it is alone, and the protocol says so.
        return lambda rows: rows[NUMBER].cast(pl.Int64).replace_strict(numbers, default=-1)

    def values(self, items: pl.DataFrame, optics: pl.DataFrame | None) -> Mapping[str, Any]:
        """The values for the items of a batch, all of one call."""
        self._learn(optics)
        if NUMBER not in items.columns or not self._by_group:
            values = self.protocol.auto_of_group({})
        else:
            values = self._by_group.get(int(items[NUMBER].cast(pl.Int64)[0]), {})
        if values and values not in self._used:
            self._use(values, optics)
        return values

    def _learn(self, optics: pl.DataFrame | None) -> None:
        if optics is None or optics is self._optics or NUMBER not in optics.columns:
            return
        self._optics = optics
        rows = {int(row[NUMBER]): row for row in optics.iter_rows(named=True)}
        self._by_group = {group: self.protocol.auto_of_group(row) for group, row in rows.items()}
        self._others = {group: self.protocol.of_one_call(row) for group, row in rows.items()}

    def _use(self, values: Mapping[str, Any], optics: pl.DataFrame | None) -> None:
        self._used.append(values)
        groups = [group for group, own in self._by_group.items() if own == values]
        names = []
        if optics is not None and NAME in optics.columns:
            names = optics.filter(pl.col(NUMBER).cast(pl.Int64).is_in(groups))[NAME].to_list()
        of = f" of {', '.join(map(str, names))}" if names else ""
        words = ", ".join(f"{name}={value}" for name, value in values.items())
        self.run.journal.write(AutoUsed(values=dict(values), groups=names))
        text = f"Items{of}: {words}"
        if len(self._used) > 1 or len({str(own) for own in self._by_group.values()}) > 1:
            self.run.say_once(text)
        else:
            self.run.log(text)
        command = self.protocol.with_values(values).command(self.run.job)
        if command is not None:
            is_continue = self.run.journal.attempt > 1 or len(self._used) > 1
            append_note(self.run.folder, [command.note()], is_continue=is_continue)
        # One number stands for all, or none does: RELION's form has room for one.
        is_one = len(self.run.journal.history.used) == 1
        shown = self.protocol.with_values(values) if is_one else self.protocol
        (self.run.folder / "job.star").write_text(job_star_of(shown))
