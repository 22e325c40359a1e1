"""What a user chooses on the page by mouse and keyboard is what the job keeps: numbers are those of RELION's own files."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import polars as pl
import pytest
from conftest import Served, kept, start_server
from playwright.sync_api import Locator, Page, expect

from cryoloom import Job, Project, star
from cryoloom.images.mrc import write_mrc

pytestmark = [pytest.mark.relion, pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def project(tiny: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("b") / "p"
    shutil.copytree(tiny.path, folder, symlinks=True)
    return Project(folder)


@pytest.fixture(scope="module")
def served(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    made = start_server(str(project.path), cache=tmp_path_factory.mktemp("cache"))
    yield made
    made.stop()


def opened(page: Page, served: Served, address: str) -> None:
    page.goto(served.link)
    expect(page.get_by_role("treeitem").first).to_be_visible()
    page.goto(re.sub(r"#.*", "", page.url) + address)


def rule_of(page: Page) -> str:
    return parse_qs(urlsplit(page.url).query).get("rule", [""])[0]


def made_by(page: Page, project: Project) -> Job:
    """The job that the button made, when it has ended."""
    page.get_by_role("button", name="Keep").click()
    expect(page).to_have_url(re.compile(r"/jobs/\d+$"))
    return project.job(int(page.url.rpartition("/")[2])).wait()


def dragged(page: Page, plot: Locator, begin: tuple[float, float], *others: tuple[float, float]) -> None:
    """Drag over a plot; places as shares of its picture."""
    box = plot.bounding_box()
    assert box is not None
    ways = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (begin, *others)]
    page.mouse.move(*ways[0])
    page.mouse.down()
    for x, y in ways[1:]:
        page.mouse.move(x, y, steps=6)
    page.mouse.up()


def particles_in(path: Path) -> pl.DataFrame:
    return star.tables_of(star.read(path))["particles"]


def test_classes_chosen_by_eye_become_a_set_of_their_particles(
    page: Page, served: Served, project: Project
) -> None:
    opened(page, served, "/jobs/8")
    page.get_by_role("link", name="Select").first.click()
    tiles = page.get_by_role("listbox", name="Classes").get_by_role("option")
    expect(tiles).to_have_count(3)
    # What the rule proposes is chosen; the largest class comes first.
    data = particles_in(project.path / "Class2D/job008/run_it006_data.star")
    sizes = dict(data["rlnClassNumber"].value_counts().iter_rows())
    largest = max(sizes, key=lambda number: sizes[number])
    expect(tiles.first).to_have_attribute("data-id", str(largest))
    expect(page.get_by_text("A proposal by rule")).to_be_visible()
    expect(
        page.get_by_role("region", name="Members").get_by_text(f"{sizes[largest]} particles")
    ).to_be_visible()
    tiles.first.click()
    expect(tiles.first).to_have_attribute("aria-selected", "false")
    left = data.height - sizes[largest]
    expect(page.get_by_role("button", name=f"Keep {left}")).to_be_enabled()
    page.wait_for_timeout(300)  # pictures
    kept(page, "select-classes")

    job = made_by(page, project)
    assert job.protocol == "sets.classes" and str(largest) not in str(job.params["classes"]).split(",")
    chosen = particles_in(job.dataset("particles").file)
    assert chosen.height == left and largest not in chosen["rlnClassNumber"]
    assert particles_in(job.dataset("rejected").file).height == sizes[largest]


def test_particles_that_a_classification_left_out_count_among_all(
    page: Page, served: Served, project: Project
) -> None:
    particles = project.job(10).dataset("particles").table()
    of_class = particles.filter(pl.col("rlnClassNumber") == 1).height
    assert of_class < particles.height

    opened(page, served, "/jobs/10/select/model")

    expect(page.locator("footer")).to_contain_text(f"{of_class} of {particles.height} particles")


def test_micrographs_brushed_on_a_plot_are_those_that_the_job_keeps(
    page: Page, served: Served, project: Project
) -> None:
    opened(page, served, "/jobs/4/select/micrographs?x=rlnDefocusU")
    plot = page.get_by_role("img", name="How many items have which rlnDefocusU")
    expect(plot).to_be_visible()
    expect(page.get_by_text("All are kept")).to_be_visible()
    dragged(page, plot, (0.4, 0.5), (0.9, 0.6))
    expect(page).to_have_url(re.compile("rule=rlnDefocusU"))
    low, high = map(float, re.findall(r"[\d.]+", rule_of(page)))
    table = project.job(4).dataset().table()
    truth = table.filter(pl.col("rlnDefocusU").is_between(low, high))["rlnMicrographName"].to_list()
    assert 0 < len(truth) < table.height
    expect(page.get_by_role("button", name=f"Keep {len(truth)}")).to_be_enabled()
    expect(page.get_by_role("listbox", name="Images").get_by_role("option", selected=True)).to_have_count(
        len(truth)
    )
    kept(page, "select-micrographs")

    job = made_by(page, project)
    assert sorted(job.dataset("kept").table()["rlnMicrographName"]) == sorted(truth)
    assert len(job.dataset("rejected")) == table.height - len(truth)


def test_picks_chosen_by_lasso_and_hand_are_kept_and_the_choice_is_taken_up_again(
    page: Page, served: Served, project: Project
) -> None:
    opened(
        page,
        served,
        "/jobs/6/select/coordinates?x=rlnCoordinateX&y=rlnCoordinateY&sort=-rlnAutopickFigureOfMerit",
    )
    plot = page.get_by_role("img", name="rlnCoordinateY over rlnCoordinateX")
    expect(plot).to_be_visible()
    page.get_by_role("button", name="Lasso").click()
    dragged(page, plot, (0.3, 0.2), (0.9, 0.3), (0.8, 0.7), (0.3, 0.6))
    expect(page).to_have_url(re.compile("case"))
    lasso = rule_of(page)
    best = page.get_by_role("listbox", name="Images").get_by_role("option").first
    expect(best).to_have_attribute("data-id", re.compile("."))
    was, name = best.get_attribute("aria-selected"), best.get_attribute("data-id")
    best.click()
    expect(best).to_have_attribute("aria-selected", "false" if was == "true" else "true")
    picks = project.job(6).dataset().picks()
    inside = picks.filter(star_rows(picks, lasso))["cryoloomItemId"].to_list()
    assert 0 < len(inside) < picks.height
    truth = set(inside) ^ {name}
    expect(page.get_by_role("button", name=f"Keep {len(truth)}")).to_be_enabled()
    kept(page, "select-picks")

    job = made_by(page, project)
    assert set(job.dataset("kept").picks()["cryoloomItemId"]) == truth
    page.get_by_role("button", name="Change the choice").click()
    expect(page).to_have_url(re.compile(rf"/jobs/6/select/coordinates.*from={int(job.name[-3:])}"))
    assert rule_of(page) == lasso
    expect(page.get_by_role("button", name=f"Keep {len(truth)}")).to_be_enabled()


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A set of 200,000 particles, more lines than a browser can scroll one by one."""
    made = Project.create(tmp_path_factory.mktemp("m") / "p")
    stack = np.random.default_rng(1).normal(size=(100, 16, 16)).astype(np.float32)
    write_mrc(made.path / "stack.mrcs", stack, 2.0)
    count = 200_000
    frame = pl.DataFrame({
        "rlnImageName": [f"{n % 100 + 1:06d}@stack.mrcs" for n in range(count)], "rlnMicrographName": ["a.mrc"] * count,
        "rlnOpticsGroup": [1] * count, "rlnCoordinateX": [float(n % 4000) for n in range(count)],
        "rlnCoordinateY": [1.0] * count, "rlnDefocusU": [float((n * 7919) % count) for n in range(count)],
        "cryoloomItemId": [f"i{n:015x}" for n in range(count)],
    })  # fmt: skip
    optics = pl.DataFrame({
        "rlnOpticsGroup": [1], "rlnOpticsGroupName": ["one"], "rlnImagePixelSize": [2.0], "rlnImageSize": [16],
        "rlnImageDimensionality": [2], "rlnVoltage": [300.0], "rlnSphericalAberration": [2.7], "rlnAmplitudeContrast": [0.1],
    })  # fmt: skip
    with made.external("made", outputs={"result": "particles"}) as job:
        job.write("result", frame.head(9), optics=optics)
    star.write(made.job(1).dataset().file, {"optics": optics, "particles": frame})
    return made


def test_a_long_table_and_a_large_gallery_are_jumped_through_and_show_what_is_there(
    page: Page, many: Project, tmp_path: Path
) -> None:
    served = start_server(str(many.path), cache=tmp_path)
    try:
        opened(page, served, "/jobs/1/select/result?how=table&sort=-rlnDefocusU")
        table, lines = page.get_by_role("grid"), page.get_by_role("rowgroup").get_by_role("row")
        expect(lines.first).to_contain_text("199999")
        table.focus()
        page.keyboard.press("End")
        expect(lines.last).to_have_attribute("aria-rowindex", "200001")
        expect(lines.last).to_contain_text("0.000")
        page.keyboard.press("Home")
        expect(lines.first).to_contain_text("199999")
        table.hover()
        page.mouse.wheel(0, 26 * 40)
        expect(lines.first).to_have_attribute("aria-rowindex", "42")
        expect(lines.first).to_contain_text("199959")
        table.evaluate("element => { element.scrollTop = (element.scrollHeight - element.clientHeight) / 2 }")
        expect(lines.first).to_have_attribute("aria-rowindex", re.compile("^(999|1000)..$"))
        at = int(lines.first.get_attribute("aria-rowindex") or 0)
        expect(lines.first).to_contain_text(str(200_001 - at))
        page.get_by_role("button", name="As images").click()
        gallery = page.get_by_role("listbox", name="Images")
        gallery.focus()
        page.keyboard.press("End")
        last = gallery.get_by_role("option").last
        expect(last).to_have_attribute("aria-posinset", "200000")
        expect(last).to_contain_text("0.000")
        sheet = last.locator(".sheet").evaluate("element => getComputedStyle(element).backgroundImage")
        assert page.request.get(sheet[5:-2]).headers["content-type"] == "image/jpeg"
    finally:
        served.stop()


def star_rows(table: pl.DataFrame, condition: str) -> pl.Series:
    from cryoloom.star.expressions import rows_that_hold

    return rows_that_hold(table, condition)


def test_all_of_it_goes_by_keyboard_and_back(page: Page, served: Served, project: Project) -> None:
    opened(page, served, "/jobs/8/select/particles?how=table&sort=rlnDefocusU")
    table = project.job(8).dataset("particles").table()
    lines = page.get_by_role("row", selected=True)
    expect(page.get_by_text(f"of {table.height} particles")).to_be_visible()
    expect(lines.first).to_be_visible()
    rule = page.get_by_label("Rule: which items are kept")
    rule.press_sequentially("MaxVal")
    page.keyboard.press("Tab")
    rule.press_sequentially(" > 0.9")
    count = table.filter(pl.col("rlnMaxValueProbDistribution") > 0.9).height
    keep = page.get_by_role("button", name=re.compile("^Keep"))
    expect(keep).to_contain_text(f"Keep {count}")
    page.get_by_role("grid").focus()
    page.keyboard.press("i")
    expect(keep).to_contain_text(f"Keep {table.height - count}")
    page.keyboard.press("a")
    page.keyboard.press("Home")
    page.keyboard.press("Space")
    expect(keep).to_contain_text(f"Keep {table.height - 1}")
    page.keyboard.press("End")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Space")
    expect(keep).to_contain_text(f"Keep {table.height - 2}")
    page.keyboard.press("Shift+ArrowUp")
    page.keyboard.press("Shift+ArrowUp")
    expect(keep).to_contain_text(f"Keep {table.height - 4}")
    for _ in range(2):
        page.keyboard.press("Control+z")
    expect(keep).to_contain_text(f"Keep {table.height - 2}")
    kept(page, "select-table")
    address = page.url
    page.goto("about:blank")
    page.goto(address)
    expect(keep).to_contain_text(f"Keep {table.height - 2}")
    rule.fill("rlnMaxValue >")
    expect(page.get_by_role("status")).to_contain_text("not to be judged")
    expect(keep).to_be_disabled()
