"""Sets put together: optics groups by what they say, items one below the other."""

import math
from collections.abc import Collection, Mapping, Sequence
from itertools import count
from typing import Any

import polars as pl

from cryoloom.em.optics import NAME, NUMBER, check_groups
from cryoloom.errors import DatasetError

# RELION writes numbers with six decimals, negative ones with five: two copies may differ in the sixth.
WRITTEN_DECIMALS = 5

Part = tuple[pl.DataFrame, pl.DataFrame]  # optics groups and items


def joined(parts: Sequence[Part]) -> tuple[pl.DataFrame, pl.DataFrame, list[str]]:
    """Several sets as one.

    Optics groups that say the same, their names and numbers apart, become one; groups of one name
    that differ are kept and renamed. (RELION joins by name alone and loses what differs.) Items
    keep their order, part by part, and get the new numbers.

    Args:
        parts: for each set its optics groups and items, in RELION 3.1's layout.
    Returns:
        Optics groups numbered from 1, items, and the labels that some of the sets lack: those items
        have nulls there.
    """
    merged: pl.DataFrame | None = None
    items = []
    for optics, table in parts:
        merged, numbers = with_groups(merged, optics)
        items.append(renumbered(table, numbers, "The items of a set"))
    assert merged is not None
    labels = set(items[0].columns).intersection(*(table.columns for table in items))
    whole = pl.concat(items, how="diagonal_relaxed")
    return merged, whole, [label for label in whole.columns if label not in labels]


def with_groups(known: pl.DataFrame | None, optics: pl.DataFrame) -> tuple[pl.DataFrame, dict[int, int]]:
    """An optics table with another's groups added: those that say the same become one.

    Groups that are known keep number and name, so that a growing dataset can take more of them.

    Returns:
        The table, and for each group of `optics` its number in it.
    Raises:
        DatasetError: a group stands twice in `optics` and says different things.
    """
    kept = [] if known is None else known.to_dicts()
    seen = {_content(row): int(row[NUMBER]) for row in kept}
    names = {row.get(NAME) for row in kept}
    numbers: dict[int, int] = {}
    for row in optics.iter_rows(named=True):
        content, number = _content(row), int(row[NUMBER])
        if content not in seen:
            seen[content] = max(seen.values(), default=0) + 1
            name = _free_name(row.get(NAME) or f"opticsGroup{seen[content]}", names)
            names.add(name)
            kept.append({**row, NUMBER: seen[content], NAME: name})
        if numbers.setdefault(number, seen[content]) != seen[content]:
            raise DatasetError(
                f"data_optics: {NUMBER} {number}", found="twice, with different values", expected="one row a group",
                hint="Give one of the two another number, and its items too.",
            )  # fmt: skip
    return pl.DataFrame(kept, infer_schema_length=None), numbers


def with_changed_groups(
    known: pl.DataFrame | None, optics: pl.DataFrame
) -> tuple[pl.DataFrame | None, dict[int, int]]:
    """A growing dataset's optics table with that of more items of the same origin.

    Groups are the same by name. One that says something else than before, such as another pixel size, gets another
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
    for row in optics.iter_rows(named=True):
        number = int(row[NUMBER])
        same = [int(one[NUMBER]) for one in kept if _is_version_of(one, row) and _agree(one, row)]
        if not same:
            taken = {int(one[NUMBER]) for one in kept}
            same = [max(taken) + 1 if number in taken else number]
            more: dict[str, Any] = {NUMBER: same[0]}
            if row.get(NAME):
                more[NAME] = _free_name(row[NAME], {one.get(NAME) for one in kept})
            kept.append({**row, **more})
        numbers[number] = number if number in same else same[0]
    grown = pl.DataFrame(kept, infer_schema_length=None) if len(kept) > known.height else None
    return grown, numbers


def _is_version_of(known: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    """Whether a group has the name of another, or one that was made of it."""
    name, other = str(row.get(NAME) or ""), str(known.get(NAME) or "")
    return other == name or (other.startswith(f"{name}_") and other[len(name) + 1 :].isdigit())


def _agree(known: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    """Whether two groups say nothing different; one may say more."""
    both = known.keys() & row.keys() - {NAME, NUMBER}
    return all(_is_equal(known[label], row[label]) for label in both)


def _is_equal(one: Any, other: Any) -> bool:
    if isinstance(one, float) or isinstance(other, float):
        # One of them may have been written and read again.
        return one is None or other is None or math.isclose(one, other, rel_tol=1e-5, abs_tol=2e-6)
    return one is None or other is None or bool(one == other)


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
    """What makes two groups the same: all that is said of them but number and name."""
    return frozenset(
        (label, round(value, WRITTEN_DECIMALS) if isinstance(value, float) else value)
        for label, value in row.items()
        if label not in (NAME, NUMBER) and value is not None
    )


def _free_name(name: str, taken: Collection[str | None]) -> str:
    others = (f"{name}_{number}" for number in count(2))
    return name if name not in taken else next(other for other in others if other not in taken)
