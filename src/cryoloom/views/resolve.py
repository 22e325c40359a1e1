"""From declarations to what can be drawn: rows read, charts filled, images made. The one place where views meet data."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from cryoloom.em.names import meant, several_words
from cryoloom.errors import ParameterError
from cryoloom.protocol.views import (
    Block,
    Chart,
    Compare,
    Drawing,
    Field,
    Gallery,
    Items,
    Look,
    Metrics,
    Micrograph,
    Rows,
    TableBlock,
    Text,
    Track,
    View,
    VolumeBlock,
)
from cryoloom.views.charts import frame_of_values, spec_of
from cryoloom.views.drawn import Drawn, DrawnChart, DrawnPicture
from cryoloom.views.pictures import field_picture, gallery, micrograph, volume_picture, width_of
from cryoloom.views.tables import frame_of

FIRST, NEWEST, WORST = "first", "newest", "worst"


def is_there(view: View, root: Path) -> bool:
    """Whether there is anything to see."""
    return any((root / file).exists() for file in view.reads) and (view.has_any is None or view.has_any(root))


def look_at(view: View, root: Path, *, item: str = "", iteration: int | None = None) -> list[Drawn]:
    """What a view shows now.

    Args:
        view: the declaration.
        root: the project.
        item: of a view of one item: its name or a part of it (`0004`), its number from 1 (`4`), `first`, `newest` (the
            default), `worst`.
        iteration: of a view that has several; the newest by default.
    Raises:
        ParameterError: no such item or iteration, or a view that has none.
    """
    _check_asked(view, item, iteration)
    shown = (drawn(block, root) for block in blocks_of(view, root, item=item, iteration=iteration))
    return [one for one in shown if one is not None]


def look_at_both(
    first: View,
    second: View,
    root: Path,
    names: tuple[str, str],
    *,
    item: str = "",
    iterations: tuple[int | None, int | None] = (None, None),
) -> list[Drawn]:
    """What two views show now, one against the other.

    Args:
        first, second: of two jobs, or one view twice.
        root: the project of both.
        names: whose they are, as the figure is to say it.
        item: as of `look_at`, of both.
        iterations: of the first and of the second; the newest by default.
    Raises:
        ParameterError: as `look_at`.
    """  # fmt: skip
    from cryoloom.views.comparing import compared_blocks

    for view, iteration in zip((first, second), iterations, strict=True):
        _check_asked(view, item, iteration)
    blocks = [
        blocks_of(view, root, item=item, iteration=iteration)
        for view, iteration in zip((first, second), iterations, strict=True)
    ]
    shown = (drawn(block, root) for block in compared_blocks(blocks[0], blocks[1], names))
    return [one for one in shown if one is not None]


def absent_file(view: View, root: Path, *, item: str = "", iteration: int | None = None) -> str:
    """The first file that a view would show and that is not there; "" where none is missing."""
    files = (
        file
        for block in blocks_of(view, root, item=item, iteration=iteration)
        for file in _images_of(block, root)
    )
    return next((file for file in files if not (root / file).exists()), "")


def why_nothing(view: View, root: Path, *, item: str = "", iteration: int | None = None) -> str:
    """Why a view shows nothing now, in words."""
    if view.items is not None and not frame_of(root, view.items.rows).height:
        return f"{view.items.rows.file} has no rows"
    blocks = blocks_of(view, root, item=item, iteration=iteration)
    if not blocks:
        missing = next((file for file in view.reads if not (root / file).exists()), "")
        return f"{missing} is not there" if missing else f"{view.reads[0]} holds nothing of it"
    match blocks[0]:
        case Chart(source=Rows() as rows, x=x, y=y):
            drawn_ones = " and ".join(axis.title or axis.column for axis in (x, y) if axis is not None)
            return f"no row of {rows.file} has a number for {drawn_ones}"
        case Gallery(rows=rows, image=image):
            return f"no row of {rows.file} names an image that is there ({image})"
        case Micrograph(file=file) | VolumeBlock(file=file) | Track(file=file):
            return f"{file} holds nothing that can be drawn"
        case _:
            return "its files hold no value of it"


def _check_asked(view: View, item: str, iteration: int | None) -> None:
    if iteration is not None and iteration not in view.iterations:
        known = (
            f"one of {_in_short(view.iterations)}" if view.iterations else "none: this view has no iterations"
        )
        raise ParameterError(f"view {view.name}: iteration {iteration}", found="not there", expected=known)
    if item and view.items is None:
        raise ParameterError(
            f"view {view.name}: item {item}",
            found="a view of all items",
            expected="no item: it shows all of them",
        )


def blocks_of(view: View, root: Path, *, item: str = "", iteration: int | None = None) -> Sequence[Block]:
    """What a view declares of an item and an iteration, the newest by default; without their data."""
    if iteration is None and view.iterations:
        iteration = max(view.iterations)
    row = {} if view.items is None else _row_of(view, view.items, root, item or NEWEST)
    return [] if view.items is not None and not row else view.blocks(Look(root, iteration, row))


def _images_of(block: Block, root: Path) -> list[str]:
    """Image files that a block is drawn from."""
    match block:
        case Compare():
            return [*_images_of(block.first, root), *_images_of(block.second, root)]
        case Track():
            return [block.file]
        case Field():
            return [*block.files]
        case Micrograph() | VolumeBlock():
            return [block.file.removesuffix(":mrc")]
        case Gallery():
            frame = frame_of(root, block.rows)
            names = frame[block.image].drop_nulls().to_list() if block.image in frame.columns else []
            return [*dict.fromkeys(str(name).rpartition("@")[2].removesuffix(":mrc") for name in names)]
        case _:
            return []


def drawn(block: Block, root: Path) -> Drawn | None:
    """One block with its data; None where there is nothing to be drawn."""
    match block:
        case Chart():
            spec = spec_of(block, _frame_of_chart(block, root))
            return None if spec is None else DrawnChart(block.title, spec, block.caption)
        case Drawing():
            # A plugin's declaration with a title of its own keeps it.
            return DrawnChart(block.title, {"title": block.title, **block.spec}, block.caption)
        case Gallery():
            return gallery(block, root)
        case Micrograph():
            return micrograph(block, root)
        case Field():
            return field_picture(block, root)
        case VolumeBlock():
            return volume_picture(block, root)
        case Track():
            return _track(block, root)
        case Compare():
            return _compare(block, root)
        case _:
            return block


def _frame_of_chart(chart: Chart, root: Path) -> pl.DataFrame:
    """The rows of a chart, with the columns that it draws."""
    if not isinstance(chart.source, Rows):
        return frame_of_values(chart.source)
    axes = (chart.x.column, chart.y.column if chart.y is not None else "", chart.colour, chart.order)
    others = {*chart.source.made, *chart.source.of_group, ""}
    columns = dict.fromkeys([*chart.source.columns, *(name for name in axes if name not in others)])
    return frame_of(root, replace(chart.source, columns=(*columns,)))


def _row_of(view: View, items: Items, root: Path, asked: str) -> dict[str, Any]:
    """The row of the item that is asked for; empty where there are no items yet.

    Raises:
        ParameterError: there is none of that name.
    """
    frame = frame_of(root, items.rows)
    if not frame.height:
        return {}
    # Of particles many have one micrograph: it is the micrographs that are counted and named.
    frame = frame.unique(items.label, keep="first", maintain_order=True)
    if asked == FIRST:
        return frame.row(0, named=True)
    if asked == NEWEST:
        shows, newest = items.shows, frame.row(-1, named=True)
        if shows is None:
            return newest
        rows = (frame.row(place, named=True) for place in reversed(range(frame.height)))
        return next((row for row in rows if shows(root, row)), newest)
    if asked == WORST:
        if not items.worst:
            raise ParameterError(
                f"view {view.name}: item worst",
                found="not known here",
                expected="a name, a number, first or newest",
            )
        from cryoloom.star.expressions import evaluated

        badness = evaluated(frame, items.worst).cast(pl.Float64, strict=False).fill_nan(None)
        place = badness.arg_max()
        return frame.row(frame.height - 1 if place is None else place, named=True)
    names = frame[items.label].cast(pl.String).to_list()
    found = meant(asked, names)
    if len(found) == 1:
        return frame.row(names.index(found[0]), named=True)
    raise ParameterError(
        f"view {view.name}: item {asked}", found=several_words(asked, found) if found else "unknown",
        expected=f"a name that only one has, such as {names[-1]}, a number from 1 to {frame.height}, "
        + ("first, newest or worst" if items.worst else "first or newest"),
    )  # fmt: skip


def _in_short(numbers: Sequence[int]) -> str:
    words = [str(number) for number in numbers]
    return ", ".join(words) if len(words) < 8 else f"{', '.join(words[:3])}, ..., {words[-1]}"


def _compare(block: Compare, root: Path) -> Drawn | None:
    from cryoloom.images.thumbnails import alike, beside
    from cryoloom.views import comparing

    names = block.names
    match _both(block, root):
        case (DrawnChart() as first, DrawnChart() as second):
            spec = comparing.one_chart(block.title, first.spec, second.spec, names)
            return DrawnChart(
                block.title,
                spec,
                block.caption or comparing.one_caption(first.caption, second.caption, names),
            )
        case (DrawnPicture() as left, DrawnPicture() as right):
            pngs = alike((left.png, right.png), (left.angpix, right.angpix))
            frames = (*zip(names, pngs, strict=True),)
            return DrawnPicture(
                block.title,
                beside(pngs, names),
                block.caption or comparing.one_caption(left.caption, right.caption, names),
                frames=frames,
            )
        case ((Metrics() | TableBlock()) as one, (Metrics() | TableBlock()) as other):
            return comparing.one_table(block.title, one, other, names)
        case (Text() as one, Text() as other):
            return comparing.one_text(one, other, names)
        case (only, None) | (None, only):
            return only  # the other has nothing to show
        case (one, _):
            return one


def _both(block: Compare, root: Path) -> tuple[Drawn | None, Drawn | None]:
    """Both, drawn; maps at one scale, whatever their boxes."""
    first, second = block.first, block.second
    if isinstance(first, VolumeBlock) and isinstance(second, VolumeBlock):
        widths = width_of(first, root), width_of(second, root)
        across = max(widths) if all(widths) else 0.0
        return volume_picture(first, root, across), volume_picture(second, root, across)
    return drawn(first, root), drawn(second, root)


def _track(block: Track, root: Path) -> DrawnChart | None:
    from cryoloom.views.tracks import track_spec

    found = track_spec(block, root)
    if found is None:
        return None
    spec, caption = found
    return DrawnChart(block.title, spec, block.caption or caption)
