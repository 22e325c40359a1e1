"""How jobs hang together, as a drawing: from above downwards in the order of the work, side by side by its stage."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from cryoloom.protocol.views import Drawing

WIDE, HIGH, GAP, BELOW = 128, 18, 12, 16  # of a job's box, and between boxes, px
LETTERS = 20  # that fit into a box
STATES = ("succeeded", "running", "failed", "other")
COLOURS = ("#d3ece2", "#cfe3f2", "#f6d0cb", "#e8edf1")


@dataclass(frozen=True, slots=True)
class Box:
    """A job: what is written in it, the number of its lane, its state."""

    job: str
    label: str
    lane: int
    state: str


def job_graph(
    title: str, lanes: Sequence[str], boxes: Sequence[Box], threads: Sequence[tuple[str, str]]
) -> Drawing:
    """The drawing.

    Args:
        lanes: their names, from left to right.
        boxes: in the order in which the jobs were made; a job stands below all that it takes something of.
        threads: pairs of jobs, from earlier to later.
    """
    places = placed(len(lanes), boxes, threads)
    drawn = [
        {
            "x": x, "x2": x + WIDE, "y": y, "y2": y + HIGH, "middle": x + WIDE / 2, "centre": y + HIGH / 2, "name": box.job,
            "label": box.label if len(box.label) <= LETTERS else f"{box.label[: LETTERS - 1]}…",
            "state": box.state if box.state in STATES else STATES[-1],
        }
        for box in boxes for x, y in [places[box.job]]
    ]  # fmt: skip
    wires = [
        {"x": places[source][0] + WIDE / 2, "y": places[source][1] + HIGH, "x2": places[target][0] + WIDE / 2,
         "y2": places[target][1]}
        for source, target in dict.fromkeys(threads)
    ]  # fmt: skip
    width = max((x + WIDE for x, _ in places.values()), default=WIDE)
    height = max((y + HIGH for _, y in places.values()), default=HIGH)

    def x(field: str) -> dict[str, object]:
        return {
            "field": field,
            "type": "quantitative",
            "axis": None,
            "scale": {"domain": [0, width], "nice": False},
        }

    def y(field: str) -> dict[str, object]:
        return {
            "field": field, "type": "quantitative", "axis": None,
            "scale": {"domain": [height, 0], "nice": False},
        }  # fmt: skip

    heads = [
        {"x": left, "y": 0, "label": name}
        for name, left in zip(lanes, lane_edges(len(lanes), boxes, threads), strict=False)
    ]
    spec: dict[str, object] = {
        "width": width, "height": height, "config": {"view": {"stroke": None}},
        "layer": [
            {
                "data": {"values": wires}, "mark": {"type": "rule", "color": "#9aa8b4", "strokeWidth": 1},
                "encoding": {"x": x("x"), "y": y("y"), "x2": {"field": "x2"}, "y2": {"field": "y2"}},
            },
            {
                "data": {"values": drawn}, "mark": {"type": "rect", "stroke": "#5b6b79", "cornerRadius": 3},
                "encoding": {
                    "x": x("x"), "x2": {"field": "x2"}, "y": y("y"), "y2": {"field": "y2"},
                    "color": {
                        "field": "state", "type": "nominal", "legend": None,
                        "scale": {"domain": list(STATES), "range": list(COLOURS)},
                    },
                    "tooltip": [{"field": "name"}, {"field": "label"}, {"field": "state"}],
                },
            },
            {
                "data": {"values": drawn}, "mark": {"type": "text", "fontSize": 11, "color": "#1c2733"},
                "encoding": {"x": x("middle"), "y": y("centre"), "text": {"field": "label"}},
            },
            {
                "data": {"values": heads},
                "mark": {"type": "text", "fontSize": 12, "fontWeight": 600, "align": "left", "color": "#0072B2"},
                "encoding": {"x": x("x"), "y": y("y"), "text": {"field": "label"}},
            },
        ],
    }  # fmt: skip
    return Drawing(title, spec)


def placed(
    lanes: int, boxes: Sequence[Box], threads: Sequence[tuple[str, str]]
) -> dict[str, tuple[int, int]]:
    """The left upper corner of each box, px: (x, y)."""
    depths = depths_of(boxes, threads)
    edges = lane_edges(lanes, boxes, threads)
    taken: dict[tuple[int, int], int] = {}
    places = {}
    for box in boxes:
        key = (box.lane, depths[box.job])
        row = taken[key] = taken.get(key, -1) + 1
        places[box.job] = (
            edges[box.lane] + row * (WIDE + GAP),
            HIGH + BELOW + depths[box.job] * (HIGH + BELOW),
        )
    return places


def depths_of(boxes: Sequence[Box], threads: Sequence[tuple[str, str]]) -> dict[str, int]:
    """How many jobs stand above each one at least: one more than those that it takes of."""
    sources: dict[str, list[str]] = {box.job: [] for box in boxes}
    for source, target in threads:
        sources[target].append(source)
    depths: dict[str, int] = {}
    for box in boxes:
        # A thread from a later job, as of a project that was edited by hand, moves nothing.
        depths[box.job] = max((depths[one] + 1 for one in sources[box.job] if one in depths), default=0)
    return depths


def lane_edges(lanes: int, boxes: Sequence[Box], threads: Sequence[tuple[str, str]]) -> list[int]:
    """Where each lane begins, px: as wide as its fullest row."""
    depths = depths_of(boxes, threads)
    count = Counter((box.lane, depths[box.job]) for box in boxes)
    widest = [
        max((many for (own, _), many in count.items() if own == lane), default=1) for lane in range(lanes)
    ]
    return [0, *accumulate(many * (WIDE + GAP) + GAP for many in widest)][:lanes]
