"""Two of a kind at once: curves in one chart, figures in one table, pictures beside each other.

What belongs to one has its name; nothing is scaled to look alike.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import takewhile
from typing import Any

from cryoloom.protocol.views import Block, Compare, Metrics, TableBlock, Text
from cryoloom.views.charts import Spec
from cryoloom.views.colours import COLOURS, colours_of

Names = tuple[str, str]
SERIES, OF = "series", "of"
_DASHES = ([1, 0], [6, 4])  # the first is drawn through
_WHOLE = ("$schema", "config")  # said once of a figure


def compared_blocks(first: Sequence[Block], second: Sequence[Block], names: Names) -> list[Block]:
    """What two views show, part by part: what has one title, then the first table with the first table that is left."""
    rest = [*second]
    found: list[Block] = []
    for block in first:
        alike = [one for one in rest if type(one) is type(block)]
        alone = [one for one in alike if one.title not in {other.title for other in first}]
        partner = next((one for one in alike if one.title == block.title), next(iter(alone), None))
        if partner is None:
            found.append(_of_one(block, names[0]))
            continue
        rest.remove(partner)
        title = block.title if partner.title == block.title else f"{block.title} / {partner.title}"
        found.append(Compare(title, block, partner, names))
    return [*found, *(_of_one(block, names[1]) for block in rest)]


def _of_one(block: Block, name: str) -> Block:
    """What the other has not, with its owner."""
    return replace(block, title=f"{block.title}: {name}")


def one_chart(title: str, first: Spec, second: Spec, names: Names) -> Spec:
    """Curves over the same axes in one chart, those of the second dashed; other charts beside each other."""
    lines = [_line_of(spec) for spec in (first, second)]
    if all(lines) and _axes(lines[0]) == _axes(lines[1]):
        return _overlaid(title, first, lines, names)
    whole = {key: first[key] for key in _WHOLE if key in first}
    parts = [
        {
            **{key: value for key, value in spec.items() if key not in _WHOLE},
            "title": f"{_title(spec, title)}: {name}",
        }
        for spec, name in zip((first, second), names, strict=True)
    ]
    # What is two charts wide already goes one below the other.
    return {**whole, ("vconcat" if any("hconcat" in spec for spec in (first, second)) else "hconcat"): parts}


def one_table(
    title: str, first: Metrics | TableBlock, second: Metrics | TableBlock, names: Names
) -> TableBlock:
    """Figures with a column for each of the two; the rows of tables below each other, with whose they are."""
    if isinstance(first, Metrics) and isinstance(second, Metrics):
        left, right = dict(first.rows), dict(second.rows)
        whats = dict.fromkeys([*left, *right])
        return TableBlock(
            title, ("", *names), [[what, left.get(what, ""), right.get(what, "")] for what in whats]
        )
    tables = [_as_table(one) for one in (first, second)]
    columns = [*dict.fromkeys(column for table in tables for column in table.columns)]
    rows = [
        [name, *(dict(zip(table.columns, row, strict=True)).get(column, "") for column in columns)]
        for table, name in zip(tables, names, strict=True)
        for row in table.rows
    ]
    return TableBlock(title, ("of", *columns), rows)


def one_text(first: Text, second: Text, names: Names) -> Text:
    """Two texts, each below its name."""
    parts = [f"{name}:\n{one.text}" for one, name in zip((first, second), names, strict=True)]
    return Text(first.title, "\n\n".join(parts))


def one_caption(first: str, second: str, names: Names) -> str:
    """What is true of both once, as far as both begin alike; what is said of one only with its name."""
    sentences = [re.split(r"(?<=\.) ", said) for said in (first, second)]
    alike = [*takewhile(lambda pair: pair[0] == pair[1], zip(*sentences, strict=False))]
    own = [" ".join(said[len(alike) :]) for said in sentences]
    parts = [one for one, _ in alike] + [
        f"{name}: {said}" for name, said in zip(names, own, strict=True) if said
    ]
    return " ".join(filter(None, parts))


def _as_table(one: Metrics | TableBlock) -> TableBlock:
    return (
        one
        if isinstance(one, TableBlock)
        else TableBlock(one.title, ("what", "value"), [[*row] for row in one.rows])
    )


def _line_of(spec: Spec) -> Mapping[str, Any]:
    """The lines of a chart that has nothing else but rules; empty where it has not."""
    layers = spec.get("layer", [spec])
    first: Mapping[str, Any] = layers[0]
    marks = [_mark(layer) for layer in layers]
    # A way in the plane (a track) is no curve over an axis.
    is_curve = marks[0] == "line" and "order" not in first.get("encoding", {}) and "data" in first
    return first if is_curve and all(mark == "rule" for mark in marks[1:]) else {}


def _mark(layer: Mapping[str, Any]) -> str:
    mark = layer.get("mark", "")
    return str(mark.get("type", "") if isinstance(mark, Mapping) else mark)


def _axes(line: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    return [(line["encoding"][axis].get("field"), line["encoding"][axis].get("title")) for axis in "xy"]


def _overlaid(title: str, first: Spec, lines: Sequence[Mapping[str, Any]], names: Names) -> Spec:
    rows: list[dict[str, Any]] = []
    series: list[str] = []
    colours: list[str] = []
    for line, name in zip(lines, names, strict=True):
        colour = line["encoding"].get("color", {}).get("field", "")
        curves = [*dict.fromkeys(str(row[colour]) for row in line["data"]["values"])] if colour else [""]
        series += [_name(curve, name) for curve in curves]
        colours += colours_of(curves)
        rows += [
            {**row, SERIES: _name(str(row[colour]) if colour else "", name), OF: name}
            for row in line["data"]["values"]
        ]
    encoding = {**lines[0]["encoding"]}
    if len(series) == len(names):
        colours = [*COLOURS[: len(names)]]  # a curve of each: the colour says whose it is
    else:
        # One thing has one colour, whosever it is: the dashes say whose.
        dashes = {"domain": [*names], "range": [*_DASHES]}
        encoding["strokeDash"] = {
            "field": OF,
            "type": "nominal",
            "title": None,
            "sort": None,
            "scale": dashes,
        }
    scale = {"domain": series, "range": colours}
    encoding["color"] = {"field": SERIES, "type": "nominal", "title": None, "sort": None, "scale": scale}
    merged = {
        **lines[0],
        "data": {"values": rows},
        "encoding": encoding,
        "mark": {"type": "line", "strokeWidth": 1.8},
    }
    if "layer" in first:
        return {**first, "title": title, "layer": [merged, *first["layer"][1:]]}
    return {**merged, "title": title}


def _name(curve: str, of: str) -> str:
    return f"{curve}, {of}" if curve else of


def _title(spec: Spec, otherwise: str) -> str:
    return str(spec.get("title") or otherwise)
