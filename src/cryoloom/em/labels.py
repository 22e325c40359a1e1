"""What labels mean: type, unit, neutral value and meaning of each column that RELION, or Cryoloom, gives a name.

The table is `labels.tsv`: all labels of RELION 3.1, those of 4 and 5 that files were met with, and
our own. Names and types of 3.1 are those that RELION itself prints (a test asks it); units and
meanings are in our words. The neutral value is what a program takes where the column is missing, so
that writing it changes nothing: no phase shift, no beam tilt, a scale of 1. Most labels have none:
there is no neutral defocus. A label that is not there is no error anywhere: it is kept as it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, TypeAlias, get_args

Kind: TypeAlias = Literal["int", "float", "text", "bool", "vector"]
Since: TypeAlias = Literal["3.1", "4", "5", "Cryoloom"]

TABLE = Path(__file__).with_name("labels.tsv")


@dataclass(frozen=True, slots=True)
class Label:
    """One label."""

    name: str  # without the underscore of STAR files
    type: Kind
    unit: str  # Å, °, kV, mm, mrad, px, ...; "" without one
    since: Since  # the first RELION of which we know that it writes it
    neutral: str  # as it is written; "" where there is none
    meaning: str

    @property
    def neutral_value(self) -> int | float | str | None:
        """The neutral value with the label's type; None where there is none."""
        if not self.neutral:
            return None
        if self.type in ("text", "vector"):
            return self.neutral
        return float(self.neutral) if self.type == "float" else int(self.neutral)

    @property
    def title(self) -> str:
        """For axes and heads of tables: `rlnDefocusU (Å)`."""
        return f"{self.name} ({self.unit})" if self.unit else self.name


def label(name: str) -> Label | None:
    """What is known of a label, with or without its underscore; None for one of another program."""
    return all_labels().get(name.removeprefix("_"))


def title(name: str) -> str:
    """A label with its unit where that is known."""
    known = label(name)
    return known.title if known else name


def neutral(name: str) -> int | float | str | None:
    """What may be written where a column is missing without a change of meaning; None where nothing may."""
    known = label(name)
    return known.neutral_value if known else None


@cache
def all_labels() -> Mapping[str, Label]:
    """Every label by its name, in the order of the alphabet."""
    rows = TABLE.read_text(encoding="utf-8").splitlines()[1:]
    found = {}
    for row in rows:
        name, kind, unit, since, neutral, meaning = row.split("\t")
        assert kind in get_args(Kind) and since in get_args(Since), row
        found[name] = Label(name, kind, unit, since, neutral, meaning)  # type: ignore[arg-type]  # checked above
    return found


def printed_by_relion(text: str) -> dict[str, Kind]:
    """Name and type of the labels that `relion_refine --print_metadata_labels` prints."""
    kinds: dict[str, Kind] = {
        "double": "float", "int": "int", "string": "text", "bool": "bool", "vector<double>": "vector"
    }  # fmt: skip
    found = {}
    for line in text.splitlines():
        name, _, rest = line.strip().partition(" (")
        kind = rest.partition(")")[0]
        if name.startswith("rln") and kind in kinds:
            found[name] = kinds[kind]
    return found
