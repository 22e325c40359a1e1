"""Charts in Vega's words, for a page that draws them."""

from cryoloom.views.vega import compiled

SPEC = {
    "title": "Resolution", "width": 460, "height": 260, "config": {"legend": {"labelLimit": 340}},
    "layer": [
        {"data": {"values": [{"x": 1, "y": 2, "c": 0.5}]}, "mark": "point",
         "encoding": {"x": {"field": "x", "type": "quantitative"}, "y": {"field": "y", "type": "quantitative"},
                      "color": {"field": "c", "type": "quantitative"}}},
        {"data": {"values": [{"y": 0.143}]}, "mark": "rule", "encoding": {"y": {"field": "y", "type": "quantitative"}}},
    ],
}  # fmt: skip


def test_a_chart_is_as_wide_as_its_place_without_its_title_and_its_legend_lies_below() -> None:
    found = compiled(SPEC)

    assert "containerSize()[0]" in next(one for one in found["signals"] if one["name"] == "width")["init"]
    assert "title" not in found and "background" not in found
    (legend,) = found["legends"]
    assert legend["direction"] == "horizontal"
    assert found["config"]["legend"]["orient"] == "bottom"
    rows = [one["values"] for one in found["data"] if "values" in one]
    assert [{"x": 1, "y": 2, "c": 0.5}] in rows and [{"y": 0.143}] in rows


def test_a_chart_is_zoomed_with_ctrl_alone_so_that_the_page_scrolls() -> None:
    events = str(compiled(SPEC)["signals"])

    assert "event.ctrlKey || event.metaKey" in events


def test_several_figures_side_by_side_keep_their_widths() -> None:
    one = {**SPEC["layer"][0], "width": 200}  # type: ignore[index,dict-item]
    found = compiled({"hconcat": [one, one]})

    assert "containerSize" not in str(found.get("signals", ""))
