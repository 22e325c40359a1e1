"""Side inputs of an item job: the rows that an item waits for, found by a name that both tables have."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import polars as pl

from cryoloom.em.names import Partners, is_part, stem
from cryoloom.runner.streams import InputStream, below

# Of these a name may be written differently for the same thing: below other jobs.
NAMES = frozenset({"rlnMicrographName"})


@dataclass(slots=True)
class Following:
    """One side input: its stream, and the rows that have come."""

    stream: InputStream
    label: str  # what its rows share with the items
    rows: pl.DataFrame | None = None
    partners: Partners = field(default_factory=Partners)
    _texts: set[str] = field(default_factory=set)

    def take(self, rows: pl.DataFrame) -> None:
        """Add rows."""
        self.rows = rows if self.rows is None else below(self.rows, rows)
        texts = rows[self.label].cast(pl.String).to_list()
        if self.label in NAMES:
            self.partners.add(texts)
        else:
            self._texts.update(texts)

    def anew(self) -> None:
        """From the beginning of its newest revision."""
        self.stream, self.rows = self.stream.anew(), None
        self.partners, self._texts = Partners(), set()

    def partner(self, name: str) -> str:
        """The text of the row that belongs to an item; "" where there is none, or more than one may be meant."""
        if self.label not in NAMES:
            return name if name in self._texts else ""
        found = self.partners.of(name)
        return found[0] if len(found) == 1 else ""

    def have(self, names: Iterable[str]) -> list[bool]:
        """For each item whether its row is there."""
        return [bool(self.partner(str(name))) for name in names]

    def rows_of(self, names: Iterable[str]) -> tuple[pl.DataFrame, dict[str, str]]:
        """The rows of some items, and for each item's name that of its row."""
        pairs = {str(name): self.partner(str(name)) for name in names}
        wanted = [name for name in dict.fromkeys(pairs.values()) if name]
        rows = self.rows if self.rows is not None else pl.DataFrame(schema={self.label: pl.String})
        return rows.filter(pl.col(self.label).cast(pl.String).is_in(wanted)), pairs

    def why_none(self, name: str, matched: int, of: int) -> str:
        """Why an item has no partner: what was compared, and of how many items it is so.

        Args:
            name: the item's.
            matched, of: how many items have a partner, and how many there are.
        """
        file = self.stream.dataset.path
        found = self.partners.of(name) if self.label in NAMES else ()
        if len(found) > 1:
            return f"{self.label} {name} may be {' or '.join(found)} of {file}"
        known = [str(text) for text in self.rows[self.label].to_list()] if self.rows is not None else []
        such = f", which has for instance {known[0]}" if known else ", which has none"
        part = next((text for text in known if is_part(_plain(text), _plain(name))), "")
        hint = (
            f"; {part} is part of that name: import.coordinates with names_match=within takes it"
            if part
            else ""
        )
        return f"{self.label} {name} is not in {file}{such}; {matched} of {of} match{hint}"


def _plain(name: str) -> str:
    """The last part of a name, without its ending, as motion correction writes it."""
    return stem(name).replace(".", "_")
