"""Sets put together: optics groups by name and content, items one below the other, gaps by neutral values."""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import polars as pl

from cryoloom.em.labels import label, neutral
from cryoloom.em.optics import NAME, NUMBER, check_groups
from cryoloom.errors import DatasetError

# RELION writes numbers with six decimals, negative ones with five: two copies may differ in the sixth.
WRITTEN_DECIMALS = 5

Part = tuple[pl.DataFrame, pl.DataFrame]  # optics groups and items


@dataclass(frozen=True, slots=True)
class Fill:
    """What is written where a set lacks a column that another has."""

    given: Mapping[str, str] = field(default_factory=dict)  # label → value, as the user wrote it
    other: str = ""  # a number for all labels that have no neutral value; "" for none

    @classmethod
    def parsed(cls, text: str) -> "Fill":
        """`rlnClassNumber=0, rlnRandomSubset=1`, or one number for all that have no neutral value.

        Raises:
            ValueError: neither.
        """
        given, other = {}, ""
        for word in filter(None, (word.strip() for word in text.split(","))):
            label, sign, value = (part.strip() for part in word.partition("="))
            if sign and label and value:
                given[label.removeprefix("_")] = value
            else:
                other = str(float(word))
        return cls(given, other)

    def value(self, name: str) -> int | float | str | None:
        """The value for a label with the type that it has; None where nobody says one."""
        known = label(name)
        kind = known.type if known else ""
        text = self.given.get(name)
        if text is None:
            own = neutral(name)
            if own is not None or not self.other:
                return own
            text = "None" if kind in ("text", "vector") else self.other
        if kind in ("text", "vector"):
            return text
        try:
            number = float(text)
        except ValueError:
            return text
        # Of an unknown label a whole number is the same to numbers of all types, and to text.
        return int(number) if number.is_integer() and kind != "float" else number

    def check(self, sets: Mapping[str, Collection[str]]) -> None:
        """That each set has each label, or something stands for it.

        Args:
            sets: the labels of each set, by the set's name.
        Raises:
            DatasetError: label, set, and what to give.
        """
        union = dict.fromkeys(name for labels in sets.values() for name in labels)
        for name in union:
            lacking = [source for source, labels in sets.items() if name not in labels]
            if lacking and self.value(name) is None:
                raise DatasetError(
                    f"{lacking[0]}", found=f"without {name}, which others of these sets have",
                    expected="sets with the same labels, or a value where there is none that means nothing",
                    hint=f"Give fill='{name}=VALUE', or labels_of=common to leave such columns out.",
                )  # fmt: skip

    def filled(self, table: pl.DataFrame, labels: Iterable[str]) -> pl.DataFrame:
        """The table with the columns that it lacks; nulls where nothing stands for one."""
        return table.with_columns(
            pl.lit(self.value(name)).alias(name) for name in labels if name not in table.columns
        )


def with_neutral(table: pl.DataFrame, labels: Iterable[str]) -> pl.DataFrame:
    """A table with the columns that it lacks: their neutral values, nulls where they have none."""
    return Fill().filled(table, labels)


def joined(
    parts: Sequence[Part],
    names: Sequence[str] = (),
    *,
    fill: Fill | None = None,
    common: bool = False,
    merge: bool = False,
) -> tuple[pl.DataFrame, pl.DataFrame, list[str]]:
    """Several sets as one.

    Optics groups of one name that say the same become one; all others stay apart, renamed where a name is taken.
    (RELION joins by name alone and loses what differs.) Items keep their order, part by part, and get the new numbers.

    Args:
        parts: for each set its optics groups and items, in RELION 3.1's layout.
        names: of the sets, for messages.
        fill: what stands for columns that a set lacks, besides their neutral values.
        common: columns that not all sets have are left out instead.
        merge: groups that say the same become one whatever their names are.
    Returns:
        Optics groups numbered from 1, items, and the labels that some of the sets lack.
    Raises:
        DatasetError: a set lacks a label that has no neutral value; or has items of a group that it lacks.
    """
    fill = fill or Fill()
    names = [*names] or [f"set {number}" for number in range(1, len(parts) + 1)]
    tables: list[Sequence[pl.DataFrame]] = [[optics for optics, _ in parts], [items for _, items in parts]]
    lacking: list[str] = []
    for place, some in enumerate(tables):
        union = list(dict.fromkeys(column for table in some for column in table.columns))
        partial = [column for column in union if not all(column in table.columns for table in some)]
        if common:
            tables[place] = [table.drop(partial, strict=False) for table in some]
        else:
            fill.check({name: table.columns for name, table in zip(names, some, strict=True)})
            tables[place] = [fill.filled(table, union).select(union) for table in some]
        lacking += partial
    merged: pl.DataFrame | None = None
    items = []
    own = {str(name) for optics, _ in parts if NAME in optics.columns for name in optics[NAME].to_list()}
    for optics, table, name in zip(*tables, names, strict=True):
        merged, numbers = with_groups(merged, optics, merge=merge, own=own)
        items.append(renumbered(table, numbers, name))
    assert merged is not None
    # Columns of a table without rows have no type of their own.
    return (
        merged,
        pl.concat([one for one in items if one.height] or items[:1], how="vertical_relaxed"),
        lacking,
    )


def with_groups(
    known: pl.DataFrame | None, optics: pl.DataFrame, *, merge: bool = False, own: Collection[str] = ()
) -> tuple[pl.DataFrame, dict[int, int]]:
    """An optics table with another's groups added: those of one name that say the same become one.

    Groups that are known keep number and name, so that a growing dataset can take more of them. A column that only
    one of the tables has gets its neutral value in the other.

    Args:
        merge: groups that say the same become one whatever their names are.
        own: names that groups came with: `grid_1_2` among them is no `grid_1` that was renamed.
    Returns:
        The table, and for each group of `optics` its number in it.
    Raises:
        DatasetError: a group stands twice in `optics` and says different things.
    """
    kept = [] if known is None else known.to_dicts()
    numbers: dict[int, int] = {}
    for row in optics.iter_rows(named=True):
        number = int(row[NUMBER])
        place = _place_of(row, kept, merge=merge, own=own)
        if place is None:
            place = max((int(one[NUMBER]) for one in kept), default=0) + 1
            name = _free_name(row.get(NAME) or f"opticsGroup{place}", {one.get(NAME) for one in kept})
            kept.append({**row, NUMBER: place, NAME: name})
        if numbers.setdefault(number, place) != place:
            raise DatasetError(
                f"data_optics: {NUMBER} {number}", found="twice, with different values", expected="one row a group",
                hint="Give one of the two another number, and its items too.",
            )  # fmt: skip
    return table_of_groups(kept), numbers


def _place_of(
    row: Mapping[str, Any], kept: Sequence[Mapping[str, Any]], *, merge: bool, own: Collection[str]
) -> int | None:
    """The number of the known group that this one is; None where it is none of them."""
    content = _content(row)
    same = [one for one in kept if _content(one) == content]
    if merge:
        return int(same[0][NUMBER]) if same else None
    name = str(row.get(NAME) or "")
    for one in same:
        if str(one.get(NAME) or "") == name or (not name and _is_default(one)):
            return int(one[NUMBER])
    # One that got another name when it came first, since its own was taken, is found again.
    taken = any(str(one.get(NAME) or "") == name for one in kept)
    renamed = [one for one in same if taken and one.get(NAME) not in own and _is_version_of(one, row)]
    return int(renamed[0][NUMBER]) if renamed else None


def _is_default(known: Mapping[str, Any]) -> bool:
    return str(known.get(NAME)) == f"opticsGroup{known[NUMBER]}"


def with_changed_groups(
    known: pl.DataFrame | None, optics: pl.DataFrame
) -> tuple[pl.DataFrame | None, dict[int, int]]:
    """A growing dataset's optics table with that of more items of the same origin.

    Groups are the same by name. One that says something else than before, such as another pixel size or a beam tilt where
    there was none, gets another
    number and `opticsGroup1_2` for a name; it is found again when it comes again. Groups of other names are apart, even
    if they say the same: users make them for what no table says.

    Returns:
        The grown table, None where `optics` brings nothing new; and for each group of `optics` its number in it.
    """
    if known is None:
        return optics, {}
    if NUMBER not in optics.columns or NUMBER not in known.columns:
        return None, {}
    kept = known.to_dicts()
    numbers: dict[int, int] = {}
    own = set(optics[NAME].to_list()) if NAME in optics.columns else set()
    for row in optics.iter_rows(named=True):
        number = int(row[NUMBER])
        agreeing = [
            one for one in kept
            if _is_version_of(one, row) and _agree(one, row)
            and (one.get(NAME) == row.get(NAME) or one.get(NAME) not in own)
        ]  # fmt: skip
        exact = [one for one in agreeing if one.get(NAME) == row.get(NAME)]
        taken_name = any(one.get(NAME) == row.get(NAME) for one in kept)
        same = [int(one[NUMBER]) for one in exact or (agreeing if taken_name else [])]
        if not same:
            taken = {int(one[NUMBER]) for one in kept}
            same = [max(taken) + 1 if number in taken else number]
            more: dict[str, Any] = {NUMBER: same[0]}
            if row.get(NAME):
                more[NAME] = _free_name(row[NAME], {one.get(NAME) for one in kept})
            kept.append({**row, **more})
        numbers[number] = number if number in same else same[0]
    grown = table_of_groups(kept) if len(kept) > known.height else None
    return grown, numbers


def table_of_groups(groups: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Groups as a table; what one does not say has its neutral value, null where there is none."""
    table = pl.DataFrame(groups, infer_schema_length=None)
    gaps = [name for name in table.columns if table[name].null_count() and neutral(name) is not None]
    return table.with_columns(pl.col(name).fill_null(pl.lit(neutral(name))) for name in gaps)


def _is_version_of(known: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    """Whether a group has the name of another, or one that was made of it."""
    name, other = str(row.get(NAME) or ""), str(known.get(NAME) or "")
    return other == name or (other.startswith(f"{name}_") and other[len(name) + 1 :].isdigit())


def _agree(known: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    """Whether two groups say the same, their names and numbers apart."""
    return all(
        _is_equal(_said(name, known.get(name)), _said(name, row.get(name)))
        for name in (known.keys() | row.keys()) - {NAME, NUMBER}
    )


def _said(name: str, value: Any) -> Any:
    """A value of a group, None where it says nothing: missing, neutral, or written for want of one."""
    is_none = value is None or value == "None" or (isinstance(value, float) and math.isnan(value))
    return None if is_none or value == neutral(name) else value


def _is_equal(one: Any, other: Any) -> bool:
    if one is None or other is None:
        return one is other
    if isinstance(one, float) or isinstance(other, float):
        # One of them may have been written and read again.
        return math.isclose(one, other, rel_tol=1e-5, abs_tol=2e-6)
    return bool(one == other)


def renumbered(items: pl.DataFrame, numbers: Mapping[int, int], file: str) -> pl.DataFrame:
    """Items with their groups' numbers in the merged table; all else stays.

    Raises:
        DatasetError: an item names a group that its own optics table lacks; with the row.
    """
    if NUMBER not in items.columns or not items.height:
        return items
    check_groups(list(numbers), items, file)
    if all(old == new for old, new in numbers.items()):
        return items
    return items.with_columns(pl.col(NUMBER).replace_strict(dict(numbers), return_dtype=pl.Int64))


def _content(row: Mapping[str, Any]) -> frozenset[tuple[str, Any]]:
    """What makes two groups the same beside their names: all that is said of them but the number.

    A neutral value says nothing, as a column that is not there.
    """
    said = {name: _said(name, value) for name, value in row.items() if name not in (NAME, NUMBER)}
    return frozenset(
        (name, round(value, WRITTEN_DECIMALS) if isinstance(value, float) else value)
        for name, value in said.items()
        if value is not None
    )


def _free_name(name: str, taken: Collection[str | None]) -> str:
    others = (f"{name}_{number}" for number in count(2))
    return name if name not in taken else next(other for other in others if other not in taken)
