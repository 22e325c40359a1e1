"""Views: questions about data. They name rows and files and hold none of them, so that declaring them costs nothing.

A protocol's `views(job)` returns declarations. Who shows one (a file, a report, a notebook, a terminal, a page) has it
resolved by `cryoloom.views.resolve`: the rows are read then, these columns only, and binned where they are too many to
be drawn one by one. Plugins need no other import, and no JavaScript.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

Mark: TypeAlias = Literal["points", "histogram", "line", "bars"]


@dataclass(frozen=True, slots=True)
class Rows:
    """Which rows of which table, never the rows.

    `file`: a STAR file of the project. `table`: its block; "": the only one beside the optics groups. `columns`: labels that
    are read. `where`: a condition, SQL over the labels. `made`: columns made of others, name → SQL expression.
    `of_group`: labels of the optics groups that each row gets from its own; a row without one has a gap there.
    """

    file: str
    table: str = ""
    columns: tuple[str, ...] = ()
    where: str = ""
    made: Mapping[str, str] = field(default_factory=dict)
    of_group: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Values:
    """A few values that no table has, computed when the view is looked at: columns of equal length."""

    columns: Mapping[str, Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Axis:
    """One direction of a chart.

    `title`: with its unit; "": the label's own. `is_count`: a number of things, from 0. `is_number`: ticks are whole, as of
    iterations. `is_frequency`: values are 1/Å and are written as resolution in Å. `limits`: None for those of the data.
    """

    column: str
    title: str = ""
    is_count: bool = False
    is_number: bool = False
    is_frequency: bool = False
    limits: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Chart:
    """Points, a histogram of x, lines or bars.

    `colour`: a column of names; each has the same colour in all charts. `order`: the column along which lines go, where it
    is not x. `rules`: dashed lines at these y. `is_square`: both directions have one scale. `series`: the names of `colour` in
    their order, where that matters.
    """

    title: str
    mark: Mark
    source: Rows | Values
    x: Axis
    y: Axis | None = None
    colour: str = ""
    order: str = ""
    rules: tuple[float, ...] = ()
    is_square: bool = False
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Drawing:
    """A Vega-Lite declaration with its data, for what no `Chart` can say; Altair's `chart.to_dict()` is one."""

    title: str
    spec: Mapping[str, object]
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Gallery:
    """Images side by side.

    `image`: the column of references (`000001@stack.mrcs`). `label`: an SQL expression whose value stands below each; by
    default the number of its row, from 1. `order`: one by which they are sorted. `most`: of more rows so many are shown, spread
    over all. `pixel_size`: Å, for the scale bar; 0: as the rows' optics groups say. `selectable`: whether a set may be made of
    those that are chosen.
    """

    title: str
    rows: Rows
    image: str = "rlnImageName"
    label: str = ""
    pixel_size: float = 0.0
    order: str = ""
    across: int = 10
    most: int = 40
    selectable: bool = False
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Overlay:
    """Circles on a micrograph: their places in px of it, the diameter in Å."""

    rows: Rows
    diameter: float = 0.0  # 0: nobody knows
    x: str = "rlnCoordinateX"
    y: str = "rlnCoordinateY"


@dataclass(frozen=True, slots=True)
class Micrograph:
    """One image with what lies on it."""

    title: str
    file: str
    overlays: tuple[Overlay, ...] = ()
    pixel_size: float = 0.0  # Å; 0: as the header says
    percent: tuple[float, float] = (0.5, 99.5)  # of grey values that are black and white
    has_scale: bool = True  # not for spectra
    caption: str = ""


@dataclass(frozen=True, slots=True)
class VolumeBlock:
    """A map: its central slices, or its projections along the axes.

    `coloured_by`: another map of the same box, local resolution in Å; its colours are where the first is dense, and inside
    `within`, a mask of that box, where one is named.
    """

    title: str
    file: str
    how: Literal["slices", "projections"] = "slices"
    caption: str = ""
    coloured_by: str = ""
    within: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """Values over a plane as colours from blue over white (zero) to red, several side by side with one scale.

    `files`: images, each of one plane; `names`: a word for each. The scale is that of the last one, within the circle that
    fits into it: there a fit stands behind what was observed.
    """

    title: str
    files: tuple[str, ...]
    names: tuple[str, ...]
    unit: str
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Track:
    """The motion of one micrograph, of the whole field and of places on it.

    `file`: RELION's STAR file of the movie (`rlnMicrographMetadata`). `pixel_size`: Å, where that file says none.
    """

    title: str
    file: str
    pixel_size: float = 0.0
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Metrics:
    """Figures that say how it went: (what, value with its unit)."""

    title: str
    rows: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class TableBlock:
    """A table of texts."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Text:
    """Plain text."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Compare:
    """Two blocks of one kind at once: curves in one chart, figures in one table, pictures side by side.

    `names`: whose they are.
    """

    title: str
    first: "Block"
    second: "Block"
    names: tuple[str, str]
    caption: str = ""


Block: TypeAlias = (
    Chart
    | Drawing
    | Field
    | Gallery
    | Micrograph
    | VolumeBlock
    | Track
    | Compare
    | Metrics
    | TableBlock
    | Text
)


@dataclass(frozen=True, slots=True)
class Items:
    """The items of a view that shows one at a time: `label` is their name; `worst`, an SQL expression, is highest for the
    worst of them; `shows` says of the project and an item's row whether there is anything to see of it: the newest is the
    newest of those, where any is."""

    rows: Rows
    label: str = "rlnMicrographName"
    worst: str = ""
    shows: Callable[[Path, Mapping[str, Any]], bool] | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """What is looked at: the iteration, where a view has some; the row of the item, where it shows one."""

    root: Path
    iteration: int | None = None
    item: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class View:
    """Something to look at, by a name that stays.

    `help`: how to read it, and what is good. `reads`: files; when one of them changes, the view is out of date; while none is
    there, there is nothing to see. `blocks`: asked when somebody looks; it may read what it needs. `has_any`: of the project,
    whether its files hold what it shows; else it is not offered. Asked whenever views are listed: it must be quick.
    """

    name: str
    title: str
    help: str
    reads: tuple[str, ...]
    blocks: Callable[[Look], Sequence[Block]]
    iterations: tuple[int, ...] = ()
    items: Items | None = None
    has_any: Callable[[Path], bool] | None = None
