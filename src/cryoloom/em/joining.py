"""Sets put together: optics groups by what they say, items one below the other."""

from collections.abc import Sequence

import polars as pl

from cryoloom.em.optics import NAME, NUMBER

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
    groups = pl.concat(
        [optics.with_columns(_part=pl.lit(number)) for number, (optics, _) in enumerate(parts)],
        how="diagonal_relaxed",
    )
    content = [label for label in groups.columns if label not in (NAME, NUMBER, "_part")]
    keys = groups.select(pl.struct(content).rank("dense").alias("key"))["key"] if content else None
    groups = groups.with_columns(_key=keys if keys is not None else pl.lit(1))
    first = groups.unique("_key", keep="first", maintain_order=True)
    numbers = dict(zip(first["_key"].to_list(), range(1, first.height + 1), strict=True))
    merged = first.with_columns(
        pl.Series(NUMBER, list(numbers.values())), pl.Series(NAME, _names(first), dtype=pl.String)
    )
    items = []
    for number, (_, table) in enumerate(parts):
        mine = groups.filter(pl.col("_part") == number)
        new = dict(zip(mine[NUMBER].to_list(), [numbers[key] for key in mine["_key"].to_list()], strict=True))
        items.append(table.with_columns(pl.col(NUMBER).replace_strict(new, return_dtype=pl.Int64)))
    labels = set(items[0].columns).intersection(*(table.columns for table in items))
    whole = pl.concat(items, how="diagonal_relaxed")
    return (
        merged.select(label for label in merged.columns if label[0] != "_"),
        whole,
        [label for label in whole.columns if label not in labels],
    )


def _names(groups: pl.DataFrame) -> list[str]:
    """The groups' names, each once."""
    given = groups[NAME].to_list() if NAME in groups.columns else [None] * groups.height
    names: list[str] = []
    for number, name in enumerate(given, start=1):
        base = free = name or f"opticsGroup{number}"
        count = 1
        while free in names:
            count += 1
            free = f"{base}_{count}"
        names.append(free)
    return names
