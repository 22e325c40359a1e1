"""A view names its rows; what is drawn has exactly those, with gaps as gaps, and counts where they are many."""

import io
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from cryoloom import star
from cryoloom.errors import ParameterError
from cryoloom.images.mrc import write_mrc
from cryoloom.images.thumbnails import bar_length, to_png
from cryoloom.protocol.views import (
    Axis,
    Block,
    Chart,
    Gallery,
    Items,
    Look,
    Mark,
    Metrics,
    Rows,
    Text,
    Values,
    View,
    VolumeBlock,
)
from cryoloom.views.charts import MOST_POINTS, spec_of
from cryoloom.views.colours import colours_of
from cryoloom.views.drawing import draw
from cryoloom.views.drawn import DrawnChart, DrawnPicture
from cryoloom.views.pictures import SLICE_PX
from cryoloom.views.resolve import drawn, look_at
from cryoloom.views.tables import frame_of
from cryoloom.views.terminal import as_text, can_draw_pictures, picture

NAMES = ["a_1.mrc", "a_12.mrc", "b.mrc"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    optics = pl.DataFrame(
        {"rlnOpticsGroup": [1, 2], "rlnOpticsGroupName": ["x", "y"], "rlnImagePixelSize": [2.0, 3.0]}
    )
    items = pl.DataFrame({
        "rlnMicrographName": NAMES, "rlnOpticsGroup": [2, 1, 7], "rlnDefocusU": [1.0, 2.0, 3.0],
        "rlnDefocusV": [3.0, 4.0, float("nan")], "cryoloomItemId": ["i", "j", "k"],
    })  # fmt: skip
    star.write(tmp_path / "m.star", {"optics": optics, "micrographs": items})
    return tmp_path


@pytest.mark.parametrize("mark", ["histogram", "points", "line", "bars"])
def test_a_table_without_rows_gives_no_chart_and_no_fault(root: Path, mark: Mark) -> None:
    (root / "e.star").write_text("data_particles\n\nloop_\n_rlnDefocusU #1\n_rlnDefocusV #2\n")
    rows = Rows("e.star", "particles", made={"defocus": "(rlnDefocusU + rlnDefocusV) / 2"})

    assert drawn(Chart("Defocus", mark, rows, Axis("defocus"), Axis("rlnDefocusU")), root) is None


def test_values_that_differ_in_their_last_digit_are_one_hill() -> None:
    chart = Chart("x", "histogram", Values({}), Axis("x"))

    spec = spec_of(chart, pl.DataFrame({"x": [2.4, 2.4000000000000004] * 10}))

    assert spec is not None
    assert sorted(row["count"] for row in spec["data"]["values"])[-1] == 20


def bright_about_the_middle(line: np.ndarray) -> int:
    """How long the run of bright pixels is that the middle lies in."""
    dark = np.flatnonzero(line < 128)
    middle = len(line) // 2
    return int(dark[dark > middle].min() - dark[dark < middle].max())


def test_a_section_of_a_map_that_is_no_cube_keeps_its_proportions(root: Path) -> None:
    volume = np.zeros((24, 48, 96), np.float32)  # z, y, x
    volume[12 - 4 : 12 + 4, 24 - 4 : 24 + 4, 48 - 4 : 48 + 4] = 1  # a cube within
    write_mrc(root / "box.mrc", volume, 1.0, is_volume=True)

    picture = drawn(VolumeBlock("Slices", "box.mrc"), root)

    assert isinstance(picture, DrawnPicture)
    page = np.asarray(Image.open(io.BytesIO(picture.png)))
    for place in range(3):
        tile = page[2 : 2 + SLICE_PX, place * (SLICE_PX + 4) + 2 :][:, :SLICE_PX]
        # Of the row and the column through the middle: the cube is as wide as it is high.
        across, down = (
            bright_about_the_middle(line) for line in (tile[SLICE_PX // 2], tile[:, SLICE_PX // 2])
        )
        assert across == pytest.approx(down, abs=3)


def test_an_item_whose_name_is_a_number_is_found_by_its_name_first(root: Path) -> None:
    items = pl.DataFrame({"rlnMicrographName": ["M/3.mrc", "M/1.mrc", "M/7.mrc"]})
    star.write(root / "n.star", {"micrographs": items})
    rows = Rows("n.star", "micrographs", ("rlnMicrographName",))

    def blocks(look: Look) -> list[Block]:
        return [Text("Name", str(look.item["rlnMicrographName"]))]

    view = View("one", "One", "", ("n.star",), blocks, items=Items(rows))

    found = {asked: look_at(view, root, item=asked) for asked in ("1", "2", "3")}

    assert found == {
        "1": [Text("Name", "M/1.mrc")], "2": [Text("Name", "M/1.mrc")], "3": [Text("Name", "M/3.mrc")],
    }  # fmt: skip


def test_rows_have_the_columns_that_are_asked_for_their_ids_and_their_groups_values(root: Path) -> None:
    rows = Rows(
        "m.star", "micrographs", ("rlnMicrographName", "rlnCtfMaxResolution"), where="rlnDefocusU > 1",
        made={"size": "rlnDefocusU * rlnImagePixelSize"}, of_group=("rlnImagePixelSize",),
    )  # fmt: skip

    frame = frame_of(root, rows)

    assert frame["rlnMicrographName"].to_list() == NAMES[1:]
    assert frame["cryoloomItemId"].to_list() == ["j", "k"]
    # A row of a group that is not there has a gap, and not another group's value; a label that is not there is a gap.
    assert frame["size"].to_list() == [4.0, None]
    assert frame["rlnCtfMaxResolution"].to_list() == [None, None]
    assert "rlnDefocusV" not in frame.columns


def test_what_is_no_number_is_a_gap_and_a_chart_without_numbers_is_none(root: Path) -> None:
    rows = Rows("m.star", "micrographs", ("rlnDefocusV", "rlnDefocusU"))
    chart = Chart("t", "points", rows, Axis("rlnDefocusU"), Axis("rlnDefocusV"))

    shown = drawn(chart, root)

    assert isinstance(shown, DrawnChart)
    assert shown.spec["data"]["values"] == [
        {"rlnDefocusU": 1.0, "rlnDefocusV": 3.0, "cryoloomItemId": "i"},
        {"rlnDefocusU": 2.0, "rlnDefocusV": 4.0, "cryoloomItemId": "j"},
    ]
    assert shown.spec["encoding"]["x"]["title"] == "rlnDefocusU (Å)"
    assert drawn(Chart("t", "histogram", rows, Axis("rlnNothing")), root) is None
    assert drawn(Chart("t", "points", Rows("absent.star"), Axis("a"), Axis("b")), root) is None


def test_a_line_breaks_where_a_value_is_missing() -> None:
    import vl_convert

    values = Values({"x": [1, 2, 3, 4, 5], "y": [1.0, 2.0, None, 2.0, 1.0]})
    shown = drawn(Chart("t", "line", values, Axis("x", "x"), Axis("y", "y")), Path())

    assert isinstance(shown, DrawnChart)
    assert [row["y"] for row in shown.spec["data"]["values"]] == [1.0, 2.0, None, 2.0, 1.0]
    picture = vl_convert.vegalite_to_svg(shown.spec)
    [line] = [part for part in picture.split("<path") if 'aria-roledescription="line mark"' in part]
    assert line.count("M") == 2  # two pieces, each begun by a move


def test_too_many_points_are_counted_in_cells_and_none_is_lost() -> None:
    count = MOST_POINTS + 5
    chance = np.random.default_rng(0)
    frame = pl.DataFrame({"x": chance.normal(size=count), "y": chance.normal(size=count)})
    chart = Chart("t", "points", Values({}), Axis("x"), Axis("y"))

    few, many = spec_of(chart, frame.head(10)), spec_of(chart, frame)

    assert few is not None and few["mark"]["type"] == "circle" and len(few["data"]["values"]) == 10
    assert many is not None and many["mark"] == "rect"
    assert sum(row["items"] for row in many["data"]["values"]) == count
    inside = [
        row for row in many["data"]["values"] if row["x"] <= 0 < row["x2"] and row["y"] <= 0 < row["y2"]
    ]
    expected = frame.filter(
        pl.col("x").is_between(inside[0]["x"], inside[0]["x2"], closed="left"),
        pl.col("y").is_between(inside[0]["y"], inside[0]["y2"], closed="left"),
    )
    assert inside[0]["items"] == expected.height


def test_a_histogram_counts_every_value_once_and_numbers_of_things_in_whole_bins() -> None:
    values = pl.DataFrame({"n": [1, 1, 2, 5, 5, 5], "v": [0.0, 0.5, 1.0, float("inf"), float("nan"), 1.0]})

    whole = spec_of(Chart("t", "histogram", Values({}), Axis("n", "picks", is_count=True)), values)
    real = spec_of(Chart("t", "histogram", Values({}), Axis("v", "v")), values)

    assert whole is not None and real is not None
    bins = {(row["from"], row["to"]): row["count"] for row in whole["data"]["values"]}
    assert bins == {(0.5, 1.5): 2, (1.5, 2.5): 1, (2.5, 3.5): 0, (3.5, 4.5): 0, (4.5, 5.5): 3}
    assert whole["encoding"]["y"]["axis"]["tickMinStep"] == 1
    assert "datum.value % 1 ? ''" in whole["encoding"]["y"]["axis"]["labelExpr"]
    assert sum(row["count"] for row in real["data"]["values"]) == 4


def test_an_item_is_found_by_name_number_and_rank_and_a_name_that_several_have_is_refused(root: Path) -> None:
    def blocks(look: Look) -> list[Block]:
        return [Text("item", str(look.item["rlnMicrographName"]))]

    rows = Rows("m.star", "micrographs", ("rlnMicrographName", "rlnDefocusU"))
    view = View("v", "V", "help", ("m.star",), blocks, items=Items(rows, worst="0 - rlnDefocusU"))

    def shown(item: str = "") -> str:
        [text] = look_at(view, root, item=item)
        assert isinstance(text, Text)
        return text.text

    assert shown() == shown("newest") == shown("3") == "b.mrc"
    assert shown("first") == shown("worst") == shown("a_1") == shown("a_1.mrc") == "a_1.mrc"
    assert shown("_12") == "a_12.mrc"
    with pytest.raises(ParameterError, match=r"item a_ is 2 of them, such as a_1.mrc and a_12.mrc"):
        shown("a_")
    with pytest.raises(ParameterError, match="number from 1 to 3"):
        shown("4")
    with pytest.raises(ParameterError, match="unknown"):
        shown("c")
    with pytest.raises(ParameterError, match="all items"):
        look_at(View("w", "W", "", ("m.star",), lambda look: []), root, item="b")


def test_an_iteration_is_the_newest_unless_another_is_asked_for(root: Path) -> None:
    view = View(
        "v", "V", "", ("m.star",), lambda look: [Text("t", str(look.iteration))], iterations=(1, 12, 3)
    )

    assert look_at(view, root) == [Text("t", "12")]
    assert look_at(view, root, iteration=3) == [Text("t", "3")]
    with pytest.raises(ParameterError, match="one of 1, 12, 3"):
        look_at(view, root, iteration=2)


def test_a_gallery_keeps_ids_with_its_images_and_leaves_out_only_what_cannot_be_read(root: Path) -> None:
    stack = np.zeros((3, 8, 8), np.float32)
    stack[1, 2, 3] = 5.0
    write_mrc(root / "s.mrcs", stack, 2.0)
    items = pl.DataFrame({
        "rlnImageName": ["000002@s.mrcs", "000009@s.mrcs", "1@gone.mrcs", "000003@s.mrcs"],
        "cryoloomItemId": ["b", "x", "y", "c"], "share": [0.1, 0.5, 0.6, 0.9],
    })  # fmt: skip
    star.write(root / "p.star", {"particles": items})

    shown = drawn(Gallery("g", Rows("p.star", "", ("rlnImageName", "share")), order="0 - share"), root)

    assert isinstance(shown, DrawnPicture) and shown.ids == ("c", "b")


def test_each_series_has_a_colour_of_its_own_and_always_the_same() -> None:
    names = [f"class {number}" for number in range(1, 61)]

    assert len(set(colours_of(names))) == 60
    assert colours_of(names[6:9]) == colours_of(names)[6:9]
    assert colours_of(["masked (4.1 Å)"]) == colours_of(["masked (3.2 Å)", "corrected"])[:1]


def test_scale_bars_are_round_and_fit() -> None:
    assert [bar_length(width, angpix) for width, angpix in ((600, 1.0), (620, 8.0), (84, 1.2))] == [
        100,
        500,
        10,
    ]


def test_a_terminal_gets_figures_tables_and_sparklines_and_pictures_where_it_draws_them() -> None:
    values = Values({"x": [1, 2, 3, 4], "y": [-0.0, 1.0, 2.0, 7.0]})
    chart = drawn(Chart("Rising", "line", values, Axis("x", "time, s"), Axis("y", "height, m")), Path())
    assert isinstance(chart, DrawnChart)

    assert as_text(chart) == "Rising: height, m over time, s\n  ▁▂▃█  0 to 7"
    assert as_text(Metrics("Result", [("resolution", "3 Å"), ("B", "-50 Å²")])).splitlines()[1:] == [
        "  resolution  3 Å", "  B           -50 Å²",
    ]  # fmt: skip
    assert (
        can_draw_pictures({"TERM": "xterm-kitty"}) == "kitty" and can_draw_pictures({"TERM": "xterm"}) == ""
    )
    assert can_draw_pictures({"TERM_PROGRAM": "iTerm.app", "TMUX": "x"}) == ""
    noise = np.random.default_rng(1).integers(0, 255, (80, 80), np.uint8)
    codes = picture(DrawnPicture("p", to_png(noise)), "kitty")
    assert codes.startswith("\x1b_Ga=T,f=100,m=1;") and codes.count("\x1b_G") == 3 and ";m=0" not in codes


def test_a_file_s_ending_says_the_form_and_one_that_a_view_lacks_is_told(tmp_path: Path) -> None:
    text = Metrics("Result", [("a", "1")])

    draw([text], tmp_path / "x.json")
    assert '"rows": [' in (tmp_path / "x.json").read_text()
    with pytest.raises(ParameterError, match=r"\.json or \.csv or \.html for this view"):
        draw([text], tmp_path / "x.png")
    with pytest.raises(ParameterError, match="nothing to draw yet"):
        draw([], tmp_path / "x.png")
