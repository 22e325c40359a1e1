"""Two views at once: what belongs to whom is said, nothing is lost, and curves are over one axis."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cryoloom.images.mrc import write_mrc
from cryoloom.protocol.views import (
    Axis,
    Block,
    Chart,
    Compare,
    Metrics,
    TableBlock,
    Text,
    Values,
    View,
    VolumeBlock,
)
from cryoloom.views.comparing import compared_blocks
from cryoloom.views.drawing import chart_bytes
from cryoloom.views.drawn import DrawnChart, DrawnPicture
from cryoloom.views.refinement import FSC
from cryoloom.views.resolve import drawn, look_at_both

NAMES = ("A", "B")


def fsc(*curves: str) -> Chart:
    """Curves of two points each."""
    rows = {
        "k": [0.0, 0.1] * len(curves),
        "fsc": [1.0, 0.0] * len(curves),
        "curve": [c for c in curves for _ in "12"],
    }
    return Chart("FSC", "line", Values(rows), *FSC, colour="curve", rules=(0.143,))


def chart(first: Block, second: Block) -> DrawnChart:
    found = drawn(Compare("Both", first, second, NAMES), Path())
    assert isinstance(found, DrawnChart)
    assert chart_bytes(found, "svg").startswith(b"<svg")
    return found


def test_curves_over_the_same_axes_are_in_one_chart_with_their_owners() -> None:
    lines, rule = chart(fsc("half maps (5 Å)"), fsc("half maps (4 Å)")).spec["layer"]

    assert {(row["series"], row["of"]) for row in lines["data"]["values"]} == {
        ("half maps (5 Å), A", "A"), ("half maps (4 Å), B", "B")
    }  # fmt: skip
    assert len(lines["data"]["values"]) == 4 and rule["mark"]["type"] == "rule"
    colours = lines["encoding"]["color"]["scale"]
    assert colours["domain"] == ["half maps (5 Å), A", "half maps (4 Å), B"] and len({*colours["range"]}) == 2


def test_captions_that_differ_are_both_said_each_with_its_owner() -> None:
    said = [replace(fsc("half maps"), caption=text) for text in ("Without a mask.", "Within the mask.", "")]

    assert chart(said[0], said[1]).caption == "A: Without a mask. B: Within the mask."
    assert chart(said[0], said[0]).caption == "Without a mask."
    dashed = [replace(one, caption=f"Dashed: 0.143. {one.caption}") for one in said[:2]]
    assert chart(*dashed).caption == "Dashed: 0.143. A: Without a mask. B: Within the mask."
    assert chart(said[2], said[1]).caption == "B: Within the mask."


def test_of_several_curves_each_keeps_its_colour_and_dashes_say_whose_it_is() -> None:
    lines, _ = chart(fsc("masked", "corrected"), fsc("corrected", "unmasked")).spec["layer"]

    colours = dict(
        zip(*(lines["encoding"]["color"]["scale"][key] for key in ("domain", "range")), strict=True)
    )
    assert colours["corrected, A"] == colours["corrected, B"]
    assert len({*colours.values()}) == 3
    assert lines["encoding"]["strokeDash"]["scale"]["domain"] == ["A", "B"]


def test_other_charts_and_curves_over_other_axes_stand_beside_each_other() -> None:
    histogram = Chart("H", "histogram", Values({"x": [1.0, 2.0, 2.0]}), Axis("x", "x, Å"))
    other = Chart("C", "line", Values({"i": [1, 2], "v": [3.0, 4.0]}), Axis("i", "iteration"), Axis("v", "v"))

    for first, second in ((histogram, histogram), (fsc("a"), other)):
        spec = chart(first, second).spec
        assert [part["title"][-3:] for part in spec["hconcat"]] == [": A", ": B"] or [
            part["title"][-1] for part in spec["hconcat"]
        ] == ["A", "B"]
        assert "config" in spec and not any("config" in part for part in spec["hconcat"])


def test_figures_are_columns_of_one_table_and_what_one_lacks_is_blank() -> None:
    first, second = (
        Metrics("M", [("box", "64 px"), ("mask", "20 %")]),
        Metrics("M", [("box", "80 px"), ("B", "3 Å²")]),
    )

    assert drawn(Compare("M", first, second, NAMES), Path()) == TableBlock(
        "M", ("", "A", "B"), [["box", "64 px", "80 px"], ["mask", "20 %", ""], ["B", "", "3 Å²"]]
    )


def test_rows_of_tables_say_whose_they_are() -> None:
    first, second = TableBlock("T", ("a", "b"), [["1", "2"]]), TableBlock("T", ("b", "c"), [["3", "4"]])

    assert drawn(Compare("T", first, second, NAMES), Path()) == TableBlock(
        "T", ("of", "a", "b", "c"), [["A", "1", "2", ""], ["B", "", "3", "4"]]
    )


def test_pictures_stand_side_by_side_as_they_are(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    for name in NAMES:
        write_mrc(
            tmp_path / f"{name}.mrc", rng.normal(size=(16, 16, 16)).astype(np.float32), 2.0, is_volume=True
        )
    blocks = [VolumeBlock("V", f"{name}.mrc") for name in NAMES]
    alone = [drawn(block, tmp_path) for block in blocks]

    both = drawn(Compare("V", *blocks, NAMES), tmp_path)

    assert (
        isinstance(both, DrawnPicture)
        and isinstance(alone[0], DrawnPicture)
        and isinstance(alone[1], DrawnPicture)
    )
    left, right = (
        np.asarray(Image.open(io.BytesIO(one.png))) for one in alone if isinstance(one, DrawnPicture)
    )
    page = np.asarray(Image.open(io.BytesIO(both.png)))
    assert (page[-left.shape[0] :, : left.shape[1]] == left).all()
    assert (page[-right.shape[0] :, -right.shape[1] :] == right).all()


def test_what_only_one_has_is_shown_alone(tmp_path: Path) -> None:
    present = Text("T", "words")

    assert drawn(Compare("V", VolumeBlock("V", "none.mrc"), present, NAMES), tmp_path) == present


def test_views_are_compared_part_by_part_by_their_kinds(tmp_path: Path) -> None:
    first = View("v", "V", "", (), lambda _: [Metrics("M", [("x", "1")]), fsc("a")])
    second = View("v", "V", "", (), lambda _: [fsc("b"), Metrics("M", [("x", "2")]), Text("more", "words")])

    table, curves, more = look_at_both(first, second, tmp_path, NAMES)

    assert isinstance(table, TableBlock) and table.rows == [["x", "1", "2"]]
    assert isinstance(curves, DrawnChart) and more == Text("more: B", "words")


def test_what_has_one_title_is_compared_whatever_its_order_and_two_titles_are_both_said() -> None:
    tilt, stretch, other = (Text(title, "") for title in ("Beam tilt", "Stretch", "Trefoil"))

    pairs = compared_blocks([tilt, stretch], [stretch, other], NAMES)

    assert [(pair.title, pair.first.title, pair.second.title) for pair in pairs if isinstance(pair, Compare)] == [
        ("Beam tilt / Trefoil", "Beam tilt", "Trefoil"), ("Stretch", "Stretch", "Stretch"),
    ]  # fmt: skip


@pytest.mark.parametrize("kind", [Metrics, Text])
def test_the_first_of_a_pair_comes_first(kind: type) -> None:
    blocks = [Text("t", name) if kind is Text else Metrics("m", [("x", name)]) for name in "12"]

    found = drawn(Compare("t", blocks[0], blocks[1], NAMES), Path())

    assert found == Text("t", "A:\n1\n\nB:\n2") or found == TableBlock("t", ("", "A", "B"), [["x", "1", "2"]])
