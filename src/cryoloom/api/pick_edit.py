"""What a person asks of a micrograph's picks: which are meant, and what they are afterwards."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryoloom.errors import ParameterError
from cryoloom.project.pick_edits import PickFile
from cryoloom.project.pick_rows import X, Y
from cryoloom.protocol.jobs import ITEM_ID

if TYPE_CHECKING:
    import polars as pl

LISTED_PX = 0.1  # as exactly as places are listed


@dataclass(frozen=True, slots=True)
class PickEdit:
    """What is done to a micrograph's picks, in this order: some go, some move, some come. A pick is named by id or place.

    A place means the pick that lies there, or the only one within half a particle."""

    remove: tuple[str, ...] = ()  # ids, or "X,Y"
    move: tuple[tuple[str, tuple[float, float]], ...] = ()
    add: tuple[tuple[float, float], ...] = ()


def edited(table: "pl.DataFrame", what: PickEdit, picks: PickFile, reach_px: float | None) -> "pl.DataFrame":
    """The table after an edit."""
    import polars as pl

    # All are named as the picks are now: a place that is named twice does not mean the pick behind it the second time.
    ids = [_meant(table, name, picks, reach_px) for name in (*what.remove, *(name for name, _ in what.move))]
    twice = next((one for one in ids if ids.count(one) > 1), "")
    if twice:
        raise ParameterError(
            f"{picks.where}: {twice}", found="named twice in one edit",
            expected="each pick once",
        )  # fmt: skip
    table = table.filter(~pl.col(ITEM_ID).is_in(ids[: len(what.remove)]))
    for one, (_, (x, y)) in zip(ids[len(what.remove) :], what.move, strict=True):
        is_it = pl.col(ITEM_ID) == one
        moved = [
            pl.when(is_it).then(pl.lit(to)).otherwise(pl.col(axis)).alias(axis)
            for axis, to in ((X, x), (Y, y))
        ]
        table = table.with_columns(moved)
    if what.add:
        new = pl.DataFrame(
            {X: [x for x, _ in what.add], Y: [y for _, y in what.add]}, schema={X: pl.Float64, Y: pl.Float64}
        )
        table = pl.concat([table, new], how="diagonal_relaxed")
    return table


def _meant(table: "pl.DataFrame", name: str, picks: PickFile, reach_px: float | None) -> str:
    """The id of the pick that is named, by its id or by a place near it."""
    where = picks.where
    if "," not in name:
        if name in table[ITEM_ID].to_list():
            return name
        raise ParameterError(
            f"{where}: {name}", found="unknown", expected="the id of one of its picks, or X,Y"
        )
    x, y = place(name)
    far = sorted(
        (((float(px) - x) ** 2 + (float(py) - y) ** 2) ** 0.5, str(one), float(px), float(py))
        for one, px, py in table.select(ITEM_ID, X, Y).iter_rows()
    )
    here = [one for one in far if one[0] <= LISTED_PX]
    if reach_px is None and not here:
        raise ParameterError(
            f"{where}: {name}", found="micrographs whose pixel size is not known",
            expected="a pick's id, or its very place", hint=f"cryoloom picks {picks.job} lists them.",
        )  # fmt: skip
    near = here or [one for one in far if one[0] <= (reach_px or 0)]
    if not near:
        raise ParameterError(
            f"{where}: {name}", found="no pick" + (f"; the nearest is {far[0][0]:.0f} px away" if far else ""),
            expected=f"one within {reach_px:.0f} px, half a particle",
        )  # fmt: skip
    if len(near) > 1:
        them = ", ".join(f"{one} at {px:g},{py:g} ({away:.1f} px away)" for away, one, px, py in near[:4])
        more = f" and {len(near) - 4} more" if len(near) > 4 else ""
        raise ParameterError(
            f"{where}: {name}", found=f"{len(near)} picks that may be meant: {them}{more}",
            expected="the id of one, or its very place",
        )  # fmt: skip
    return near[0][1]


def place(text: str) -> tuple[float, float]:
    """`X,Y` in px of the micrograph.

    Raises:
        ParameterError: it is none.
    """
    words = text.split(",")
    try:
        x, y = (float(word) for word in words)
        if not (math.isfinite(x) and math.isfinite(y)):  # of nan no pick is further away than half a particle
            raise ValueError(text)
    except ValueError:
        raise ParameterError(
            f"place {text!r}", found="no place", expected="X,Y in px of the micrograph"
        ) from None
    return x, y


def moved(text: str) -> tuple[str, tuple[float, float]]:
    """`ID=X,Y` or `X,Y=X,Y`: a pick, and where it lies from now on.

    Raises:
        ParameterError: it is no such thing.
    """
    name, sign, to = text.partition("=")
    if not sign or not name:
        raise ParameterError(f"move {text!r}", found="no pick and place", expected="ID=X,Y or X,Y=X,Y")
    return name, place(to)
