"""Ids for items of foreign datasets: from their names and coordinates, never from the row."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from cryoloom.protocol.jobs import ITEM_ID

if TYPE_CHECKING:
    import polars as pl

_NONE = (None, "", "None")  # what programs write for an id that a row does not have
NAME_LABELS = ("rlnImageName", "rlnMicrographMovieName", "rlnMicrographName", "rlnReferenceImage")


def with_ids(frame: "pl.DataFrame") -> "pl.DataFrame":
    """The table with an id for each item; what has ids keeps them.

    A particle is known by its micrograph and coordinates where it has them, else by its image. Several of one place
    (copies of symmetry, say) are numbered: no two items have one id.
    """
    import polars as pl

    if ITEM_ID in frame.columns:
        return frame
    axes = [axis for axis in ("rlnCoordinateX", "rlnCoordinateY") if axis in frame.columns]
    if axes and "rlnMicrographName" in frame.columns:
        keys = ["rlnMicrographName", *axes]
    else:
        label = next((label for label in NAME_LABELS if label in frame.columns), None)
        keys = [label] if label else frame.columns
    texts = frame.select(
        pl.concat_str([pl.col(key).cast(pl.String) for key in keys], separator=" ")
    ).to_series()
    ids = frame.with_columns(pl.Series(ITEM_ID, [item_id(str(text)) for text in texts.to_list()]))
    copy = pl.int_range(pl.len()).over(ITEM_ID) + 1
    numbered = pl.when(copy > 1).then(pl.concat_str(ITEM_ID, pl.lit("_"), copy)).otherwise(pl.col(ITEM_ID))
    return ids.with_columns(numbered.alias(ITEM_ID))


def ids_of_places(micrograph: str, places: Iterable[tuple[object, object]]) -> list[str]:
    """Ids for picks of a foreign job: from their micrograph and coordinates, as `with_ids` makes them."""
    counts: Counter[str] = Counter()
    found = []
    for x, y in places:
        text = f"{micrograph} {x} {y}"
        counts[text] += 1
        found.append(item_id(text) if counts[text] == 1 else f"{item_id(text)}_{counts[text]}")
    return found


def ids_of_picks(micrograph: str, picks: "pl.DataFrame") -> list[str]:
    """The ids of a micrograph's picks as they stand in a file: those that they have, each once, else by their places.

    RELION's window keeps our column, and gives each pick that is added there the id of the last one before it.
    """
    made = ids_of_places(micrograph, picks.select("rlnCoordinateX", "rlnCoordinateY").iter_rows())
    if ITEM_ID not in picks.columns:
        return made
    found: dict[str, None] = {}
    for known, by_place in zip(picks[ITEM_ID].to_list(), made, strict=True):
        one = by_place if known in _NONE or str(known) in found else str(known)
        count = 2
        while one in found:
            one, count = f"{by_place}_{count}", count + 1
        found[one] = None
    return [*found]


def pick_ids(uuid: str, micrograph: str, places: Iterable[tuple[object, object]]) -> list[str]:
    """Ids of a micrograph's picks for ever: from the picking job, the micrograph, the pick's ordinal, and its place.

    By its place too, since picks that are made again with other parameters have the ordinals of those before.
    """
    return [item_id(f"{uuid} {micrograph} {ordinal} {x} {y}") for ordinal, (x, y) in enumerate(places)]


def item_id(text: str) -> str:
    """An id that no reader takes for a number: `i` and 15 hexadecimal digits."""
    return "i" + hashlib.sha256(text.encode()).hexdigest()[:15]
