"""Maps as they are looked at: what stands where on the screen, and what is told of it, is what the files hold."""

import math
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from conftest import Served, kept, launched, start_server
from made_maps import (  # fmt: skip
    BALL,
    BALL_ANGPIX,
    BALL_RADIUS,
    BALL_VOLUME,
    BARE,
    BLOB_AT,
    BLOBS,
    BLOBS_ANGPIX,
    DARK,
    GRADIENT,
    LOCAL,
    NAME,
    SHIFTED,
    SMALL_AT,
    ball,
    made_maps,
)
from PIL import Image
from playwright.sync_api import Browser, BrowserType, Page, expect

from cryoloom import Project
from cryoloom.api.recent import key_of
from cryoloom.images.mrc import write_mrc

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
Point = tuple[float, float, float]
MIDDLE = 32 * BALL_ANGPIX  # Å, of the ball
RADIUS = BALL_RADIUS * BALL_ANGPIX
# Software draws in three dimensions where there is no card.
DRAWING = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
WITHOUT_WEBGL = """
const before = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, ...more) {
  return kind.startsWith("webgl") ? null : before.call(this, kind, ...more);
};
"""


@pytest.fixture(scope="module")
def browser(chromium: BrowserType) -> Iterator[Browser]:
    yield from launched(chromium, *DRAWING)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return made_maps(tmp_path_factory.mktemp("maps") / "p")


@pytest.fixture(scope="module")
def served(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    made = start_server(str(project.path), cache=tmp_path_factory.mktemp("cache"))
    yield made
    made.stop()


def go(page: Page, served: Served, project: Project, job: int, query: str = "", layers: int = 1) -> None:
    page.goto(served.link)
    expect(page.get_by_role("treeitem").first).to_be_visible()
    page.goto(f"{served.base}p/{key_of(project.path)}/jobs/{job}/maps{query}")
    expect(page.locator("li[data-whole=true]")).to_have_count(layers, timeout=20000)


def of(*jobs: int) -> str:
    return "?of=" + ",".join(f"{job}:{NAME}" for job in jobs)


def on_screen(page: Page, point: Point) -> tuple[float, float]:
    """Where a place in Å is drawn, px of the page; as the camera's own words have it."""
    canvas = page.get_by_label("Surfaces of")
    box, words = canvas.bounding_box(), canvas.get_attribute("data-view")
    assert box is not None and words is not None
    x, y, z, w, *rest = (float(word) for word in words.split(","))
    target, height = np.array(rest[:3]), rest[3]
    right = np.array([1 - 2 * (y * y + z * z), 2 * (x * y + z * w), 2 * (x * z - y * w)])
    up = np.array([2 * (x * y - z * w), 1 - 2 * (x * x + z * z), 2 * (y * z + x * w)])
    away, scale = np.array(point) - target, box["height"] / height
    return box["x"] + box["width"] / 2 + float(right @ away) * scale, box["y"] + box["height"] / 2 - float(
        up @ away
    ) * scale


def measure(page: Page) -> None:
    page.get_by_label("Distance D").check()


def picked(page: Page, point: Point) -> list[float]:
    """What is told of the place that is drawn where this one would be."""
    page.mouse.click(*on_screen(page, point))
    page.wait_for_timeout(150)
    told = page.locator("[data-says=measured]").inner_text()
    found = re.search(r"at ([-\d.]+), ([-\d.]+), ([-\d.]+)", told)
    return [float(one) for one in found.groups()] if found else []


def volume(page: Page) -> float:
    """Å³ that are told."""
    found = re.search(r"Encloses ([\d.]+) nm³", page.locator("[data-says=enclosed]").inner_text())
    assert found is not None
    return float(found.group(1)) * 1000


def view(page: Page, key: str) -> None:
    page.locator("h1").click()
    page.keyboard.press(key)
    page.wait_for_timeout(150)


def test_a_ball_encloses_its_volume_and_is_as_wide_as_it_is(
    page: Page, served: Served, project: Project
) -> None:
    go(page, served, project, BALL, f"{of(BALL)}&level=0.5")

    assert volume(page) == pytest.approx(BALL_VOLUME, rel=0.03)
    expect(page.locator("[data-says=enclosed]")).to_contain_text("in one piece")
    measure(page)
    assert picked(page, (MIDDLE, MIDDLE, 0)) == pytest.approx([MIDDLE, MIDDLE, MIDDLE + RADIUS], abs=0.5)
    view(page, "x")
    assert picked(page, (0, MIDDLE, MIDDLE)) == pytest.approx([MIDDLE + RADIUS, MIDDLE, MIDDLE], abs=0.5)
    told = page.locator("[data-says=measured]").inner_text()
    assert float(told.split(" Å")[0]) == pytest.approx(RADIUS * math.sqrt(2), rel=0.02)
    view(page, "y")
    assert picked(page, (MIDDLE, 0, MIDDLE)) == pytest.approx([MIDDLE, MIDDLE - RADIUS, MIDDLE], abs=0.5)


def test_the_level_is_moved_by_wheel_number_deviations_and_weight_and_the_link_keeps_it(
    page: Page, served: Served, project: Project
) -> None:
    go(page, served, project, BALL)
    canvas = page.get_by_label("Surfaces of")
    before, triangles = volume(page), page.locator("li.layer").get_attribute("data-triangles")
    canvas.hover()
    for _ in range(20):
        page.mouse.wheel(0, -100)
    expect(page.locator("li.layer")).not_to_have_attribute("data-triangles", triangles or "")
    assert volume(page) < before

    page.get_by_role("button", name="σ").click()
    page.get_by_label("Level", exact=True).fill("1")
    values = ball()
    wanted = float(values.mean() + values.std())
    expect(page.locator("[data-says=level]")).to_contain_text("1.0 σ")
    assert volume(page) == pytest.approx(float((values >= wanted).sum()) * BALL_ANGPIX**3, rel=0.03)

    page.get_by_label("Weight that the level is to enclose, kDa").fill("100")
    page.get_by_role("button", name="Take it").click()
    expect(page.locator("[data-says=enclosed]")).to_contain_text(
        re.compile(r"as protein (9[789]|10[0-4]) kDa")
    )
    told = page.locator("[data-says=level]").inner_text()
    level = float(told.removeprefix("level ").partition(",")[0])
    # The address follows when the level rests.
    page.wait_for_url(lambda url: abs(float(parse_qs(urlsplit(url).query)["level"][0]) - level) < 6e-4)
    page.reload()
    expect(page.locator("[data-says=level]")).to_have_text(told)


def test_a_blob_stands_where_it_lies_with_x_to_the_right_and_y_upwards(
    page: Page, served: Served, project: Project
) -> None:
    go(page, served, project, BLOBS, f"{of(BLOBS)}&level=0.4")
    measure(page)
    at = tuple(BLOBS_ANGPIX * one for one in BLOB_AT)
    small = tuple(BLOBS_ANGPIX * one for one in SMALL_AT)
    size = [2 * 47, 2 * 39, 2 * 55]
    for key, hidden in (("z", 2), ("x", 0), ("y", 1)):
        view(page, key)
        for place in (at, small):
            found = picked(page, (place[0], place[1], place[2]))
            shown = [axis for axis in range(3) if axis != hidden]
            assert [found[axis] for axis in shown] == pytest.approx([place[axis] for axis in shown], abs=1.2)
        for axis in (one for one in range(3) if one != hidden):
            mirrored = [size[one] - at[one] if one == axis else at[one] for one in range(3)]
            page.mouse.move(*on_screen(page, (mirrored[0], mirrored[1], mirrored[2])))
            before = page.locator("[data-says=measured]").inner_text()
            picked(page, (mirrored[0], mirrored[1], mirrored[2]))
            assert page.locator("[data-says=measured]").inner_text() == before
    page.get_by_label("Slice in z").fill(str(BLOB_AT[2]))
    page.get_by_label("Slice in y").fill(str(BLOB_AT[1]))
    page.get_by_label("Slice in x").fill(str(BLOB_AT[0]))
    page.wait_for_timeout(400)
    for axis, across, up in (("z", 0, 1), ("y", 0, 2), ("x", 1, 2)):
        bright = page.evaluate(
            """axis => {
                const canvas = document.querySelector(`figure[data-axis=${axis}] canvas`);
                const { data, width, height } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
                let [x, y, n] = [0, 0, 0];
                for (let at = 0; at < width * height; at++) {
                    if (data[4 * at] > 128) { x += at % width; y += Math.floor(at / width); n++; }
                }
                return [x / n / width, 1 - y / n / height];
            }""",
            axis,
        )
        sides = [(BLOB_AT[one] + 0.5) * 2 / (size[one] + 2) for one in (across, up)]
        assert bright == pytest.approx(sides, abs=0.03)


def test_a_surface_has_the_value_of_another_map_at_its_place(
    page: Page, served: Served, project: Project
) -> None:
    go(page, served, project, BALL, f"{of(BALL)}&level=0.5&by={GRADIENT}:{NAME}&ramp=18,78")
    expect(page.locator(".map-legend")).to_contain_text("003 result")
    measure(page)
    for key, place, value in (
        ("z", (MIDDLE, MIDDLE, 0), MIDDLE),
        ("x", (0, MIDDLE, MIDDLE), MIDDLE + RADIUS),
    ):
        view(page, key)
        picked(page, place)  # type: ignore[arg-type]
        told = page.locator("[data-says=measured]").inner_text()
        assert float(told.rpartition(": ")[2]) == pytest.approx(value, abs=1)
    kept(page, "maps-coloured")


def test_a_job_of_local_resolution_begins_in_its_colours(
    page: Page, served: Served, project: Project
) -> None:
    go(page, served, project, LOCAL)
    expect(page.locator(".map-legend")).to_contain_text("local resolution")
    expect(page.get_by_role("button", name="local resolution")).to_have_attribute("aria-pressed", "true")
    measure(page)
    picked(page, (MIDDLE, MIDDLE, 0))
    expect(page.locator("[data-says=measured]")).to_contain_text(re.compile(r"007 resolution: 5\.0 Å"))
    page.get_by_role("button", name="plain").click()
    expect(page.locator(".map-legend")).to_have_count(0)


def test_maps_of_other_boxes_lie_by_their_headers_and_it_is_said(
    page: Page, served: Served, project: Project
) -> None:
    go(
        page,
        served,
        project,
        BALL,
        f"{of(BALL, SHIFTED, BARE)}&level=0.5,0.5,0.5&hidden=0&active=1",
        layers=3,
    )
    expect(page.locator("[data-says=apart]")).to_have_count(2)
    expect(page.locator("[data-says=apart]").first).to_contain_text("32 × 32 × 32 px of 3 Å at 30, -12, 6 Å")
    measure(page)
    middle = [30 + 16 * 3, -12 + 16 * 3, 6 + 16 * 3]
    assert picked(page, (middle[0], middle[1], 0)) == pytest.approx(
        [middle[0], middle[1], middle[2] + 30], abs=1.5
    )
    page.get_by_role("button", name="004 result", exact=True).click()
    expect(page.get_by_text("Its header says no pixel size")).to_be_visible()
    expect(page.locator(".scale-3d")).to_have_count(0)  # a length in Å of something that has none
    kept(page, "maps-overlaid")


def test_side_by_side_each_map_has_its_part_and_one_camera(
    page: Page, served: Served, project: Project
) -> None:
    go(page, served, project, BALL, f"{of(BALL, DARK)}&how=beside", layers=2)
    expect(page.locator(".map-title")).to_have_text(["001 result", "005 result"])
    measure(page)
    canvas = page.get_by_label("Surfaces of")
    box, words = canvas.bounding_box(), canvas.get_attribute("data-view")
    assert box is not None and words is not None
    # A part is higher than wide, and shows as much from side to side as the whole picture from top to bottom.
    scale = box["width"] / 2 / float(words.rpartition(",")[2])
    for far, is_hit in ((1.1, False), (0.9, True)):
        page.mouse.click(box["x"] + box["width"] / 4 + far * RADIUS * scale, box["y"] + box["height"] / 2)
        page.wait_for_timeout(150)
        told = page.locator("[data-says=measured]").inner_text()
        assert told.startswith("at ") == is_hit
    page.get_by_role("button", name="005 result", exact=True).click()
    expect(page.get_by_text("the contrast may be inverted")).to_be_visible()
    page.get_by_label("Show 005 result").click()
    expect(page.locator(".map-title")).to_have_count(0)
    expect(page).to_have_url(re.compile("hidden=1"))


def test_dust_is_hidden_by_its_volume(page: Page, served: Served, project: Project) -> None:
    go(page, served, project, BLOBS, f"{of(BLOBS)}&level=0.3")
    whole = volume(page)
    expect(page.locator("[data-says=enclosed]")).to_contain_text("in 2 pieces")
    page.get_by_label("Hide dust: pieces below").check()
    expect(page.locator("[data-says=enclosed]")).to_contain_text("in one piece")
    assert 0.8 * whole < volume(page) < 0.99 * whole


def test_a_file_that_is_written_anew_while_one_looks_is_told_and_shown(
    page: Page, served: Served, project: Project
) -> None:
    file = project.job(SHIFTED).dataset().file
    before = file.read_bytes()
    go(page, served, project, SHIFTED, f"{of(SHIFTED)}&level=0.5")
    old = volume(page)
    try:
        write_mrc(file, ball(32, 5), 3.0, is_volume=True)
        expect(page.get_by_text("was written anew while you looked")).to_be_visible(timeout=15000)
        expect(page.locator("li[data-whole=true]")).to_have_count(1, timeout=15000)
        assert volume(page) == pytest.approx(old / 8, rel=0.1)
    finally:
        file.write_bytes(before)


def test_pictures_and_files_for_other_programs_are_saved(
    page: Page, served: Served, project: Project, tmp_path: Path
) -> None:
    go(page, served, project, BALL, f"{of(BALL)}&level=0.5")
    with page.expect_download() as waited:
        page.get_by_role("button", name="ChimeraX").click()
    text = Path(waited.value.path()).read_text()
    assert "volume #1 style surface step 1 level 0.5 color #1d9683" in text
    assert f'cd "{project.path}"' in text
    with page.expect_download() as waited:
        page.get_by_role("button", name="Fiji").click()
    assert 'setVoxelSize(1.5, 1.5, 1.5, "Angstrom")' in Path(waited.value.path()).read_text()
    page.get_by_role("button", name="Picture").click()
    page.get_by_label("Width of the picture, px").fill("1200")
    page.get_by_role("button", name="transparent").click()
    with page.expect_download() as waited:
        page.get_by_role("button", name="Save PNG").click()
    image = Image.open(waited.value.path())
    assert image.width == 1200
    pixels = np.asarray(image.convert("RGBA"))
    assert pixels[5, 5, 3] == 0
    # The ball, 60 Å wide, as it stands on the page.
    words = page.get_by_label("Surfaces of").get_attribute("data-view") or ""
    wide = 2 * RADIUS / float(words.rpartition(",")[2]) * image.height
    row = pixels[image.height // 2, :, 3] > 128
    assert int(row.sum()) == pytest.approx(wide, rel=0.03)


def test_without_webgl_projections_and_slices_come_from_the_server(
    page: Page, served: Served, project: Project
) -> None:
    page.add_init_script(WITHOUT_WEBGL)
    page.goto(served.link)
    expect(page.get_by_role("treeitem").first).to_be_visible()
    page.goto(
        f"{served.base}p/{key_of(project.path)}/jobs/{BLOBS}/maps{of(BLOBS)}&level=0.4&shows=outline&xyz=10,28,40"
    )
    expect(page.get_by_text("has no WebGL")).to_be_visible()
    images = page.locator(".viewer img")
    expect(images).to_have_count(6)
    for image in images.all():
        expect(image).to_have_js_property("complete", True)
        assert image.evaluate("one => one.naturalWidth") > 0
    page.get_by_label("Slice in z").fill("14")
    expect(page.get_by_alt_text("Slice at z 14 of 56")).to_be_visible()
    kept(page, "maps-without-webgl")


@pytest.fixture(scope="module")
def refined(tiny: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("r") / "p"
    shutil.copytree(tiny.path, folder, symlinks=True)
    return Project(folder)


@pytest.fixture(scope="module")
def served_refined(refined: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    made = start_server(str(refined.path), cache=tmp_path_factory.mktemp("cache"))
    yield made
    made.stop()


@pytest.mark.relion
def test_a_job_leads_to_its_maps_half_maps_axes_and_views(
    page: Page, served_refined: Served, refined: Project
) -> None:
    page.goto(served_refined.link)
    expect(page.get_by_role("treeitem").first).to_be_visible()
    page.goto(f"{served_refined.base}p/{key_of(refined.path)}/jobs/17")
    page.get_by_role("link", name="Maps", exact=True).click()
    expect(page.locator("li[data-whole=true]")).to_have_count(1, timeout=20000)
    kept(page, "maps")
    page.get_by_label("Axes of T: 4 3-fold, 3 2-fold").check()
    page.get_by_role("button", name="2-fold").click()
    page.get_by_label("Angular distribution").check()
    expect(page.locator("[data-says=orientations]")).to_contain_text(
        "particles of Refine3D/job017/run_data.star"
    )
    page.get_by_label("What is cut off").select_option("view")
    kept(page, "maps-around")
    page.get_by_label("Angular distribution").uncheck()
    page.get_by_role("button", name="Half maps").click()
    expect(page.locator(".map-title")).to_have_text(["017 half 1", "017 half 2"])
    expect(page.locator("li[data-whole=true]")).to_have_count(2, timeout=20000)
    kept(page, "maps-halves")


@pytest.mark.relion
def test_iterations_are_stepped_through(page: Page, served_refined: Served, refined: Project) -> None:
    go(page, served_refined, refined, 17, "?of=17:run_it004_half1_class001.mrc")
    view(page, ".")
    expect(page.get_by_role("button", name="017 half 1, iteration 5", exact=True)).to_be_visible()
    expect(page).to_have_url(re.compile("run_it005_half1"))
