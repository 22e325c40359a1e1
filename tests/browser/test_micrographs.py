"""Looking at micrographs and picking on them: places on the screen are places in the files, and no edit is lost."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from conftest import Served, free_port, kept, start_server
from playwright.sync_api import Page, Route, expect

from cryoloom import Project, star
from cryoloom.api.job import Job
from cryoloom.api.picking import picks_of

pytestmark = [pytest.mark.relion, pytest.mark.slow, pytest.mark.timeout(300)]
FIRST = "single_0001"
X, Y, MERIT = "rlnCoordinateX", "rlnCoordinateY", "rlnAutopickFigureOfMerit"
SAVED = "saved"


@pytest.fixture(scope="module")
def project(tiny: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("m") / "p"
    shutil.copytree(tiny.path, folder, symlinks=True)
    return Project(folder)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def served(project: Project, cache: Path) -> Iterator[Served]:
    made = start_server(str(project.path), cache=cache)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def hand(project: Project) -> Job:
    """A job of picking by hand that has begun."""
    job = project.run("relion.manualpick", fn_in="CtfFind/job004", diameter=130, do_startend=False)
    job.wait()
    return job


def truth(project: Project, micrograph: str = FIRST) -> list[tuple[float, float]]:
    """Where the particles of a simulated micrograph are, px, those far from its edges."""
    table = star.tables_of(star.read(project.path / "microscope/truth/particles.star"))["particles"]
    own = table.filter(pl.col("rlnMicrographName").str.contains(micrograph))
    places = [(float(x), float(y)) for x, y in own.select(X, Y).iter_rows()]
    return [(x, y) for x, y in places if 60 < x < 452 and 60 < y < 452]


def go(page: Page, served: Served, address: str) -> None:
    page.goto(served.link)
    expect(page.get_by_role("treeitem").first).to_be_visible()
    page.goto(re.sub(r"#.*", "", page.url) + address)
    sharp(page)


def sharp(page: Page) -> None:
    expect(page.locator("canvas[data-sharp=true]")).to_be_visible(timeout=15000)


def on_screen(page: Page, place: tuple[float, float], height: int = 512) -> tuple[float, float]:
    """Where a place of the file is drawn, px of the page: the file's first row is the lowest."""
    canvas = page.locator("canvas")
    box, words = canvas.bounding_box(), canvas.get_attribute("data-view")
    assert box is not None and words is not None
    scale, x, y = (float(word) for word in words.split())
    return (
        box["x"] + box["width"] / 2 + (place[0] + 0.5 - x) * scale,
        box["y"] + box["height"] / 2 + (height - place[1] - 0.5 - y) * scale,
    )


def click(page: Page, place: tuple[float, float]) -> None:
    page.mouse.click(*on_screen(page, place))


def greys(page: Page, places: list[tuple[float, float]], radius: int) -> list[float]:
    """The mean grey around places of the file, as they are drawn."""
    box = page.locator("canvas").bounding_box()
    assert box is not None
    at = [[x - box["x"], y - box["y"], radius] for x, y in (on_screen(page, place) for place in places)]
    found: list[float] = page.evaluate(
        """places => {
            const pen = document.querySelector("canvas").getContext("2d");
            return places.map(([x, y, radius]) => {
                const { data } = pen.getImageData(x - radius, y - radius, 2 * radius, 2 * radius);
                return data.reduce((sum, value, index) => index % 4 ? sum : sum + value, 0) / (data.length / 4);
            });
        }""",
        at,
    )
    return found


def places_of(job: Job, micrograph: str = FIRST) -> list[tuple[float, float]]:
    """The picks that a micrograph's file has."""
    return [(float(x), float(y)) for x, y in picks_of(job, micrograph).table.select(X, Y).iter_rows()]


def are_near(found: list[tuple[float, float]], wanted: list[tuple[float, float]], px: float = 1.0) -> bool:
    return len(found) == len(wanted) and all(
        abs(x - u) <= px and abs(y - v) <= px
        for (x, y), (u, v) in zip(sorted(found), sorted(wanted), strict=True)
    )


def test_a_micrograph_is_drawn_as_its_file_lies_and_a_link_leads_to_what_one_sees(
    page: Page, served: Served, project: Project
) -> None:
    go(page, served, f"/jobs/4/micrographs/micrographs?at={FIRST}&spectrum=no")
    places = truth(project)
    mirrored = [(x, 511 - y) for x, y in places]
    # Particles are darker than ice; where they would lie upside down is as bright as anywhere.
    assert sum(greys(page, places, 16)) / len(places) < sum(greys(page, mirrored, 16)) / len(mirrored) - 8
    page.mouse.move(*on_screen(page, places[0]))
    page.mouse.wheel(0, -400)
    expect(page).to_have_url(re.compile("zoom="))
    sharp(page)
    kept(page, "micrograph-zoomed")
    view = page.locator("canvas").get_attribute("data-view")
    page.reload()
    sharp(page)
    assert [
        float(one) for one in (page.locator("canvas").get_attribute("data-view") or "").split()
    ] == pytest.approx([float(one) for one in (view or "").split()], rel=1e-3)
    page.keyboard.press("0")
    page.keyboard.press(".")
    expect(page.get_by_role("heading", level=1, name="multi_0001")).to_be_visible()
    sharp(page)
    page.get_by_label("Filter micrographs").fill("single")
    expect(page.get_by_role("listbox").get_by_role("option")).to_have_count(3)
    page.get_by_label("Filter micrographs").fill("")
    page.get_by_role("checkbox", name="Spectrum").check()
    expect(page.get_by_text(re.compile(r"ring at \d\.\d Å, CTF fit"))).to_be_visible()
    kept(page, "micrographs")


def test_a_threshold_counts_what_the_files_say_and_keeps_it_as_a_job(
    page: Page, served: Served, project: Project
) -> None:
    go(page, served, "/jobs/6/micrographs/coordinates?above=0.52")
    picks = project.job(6).outputs()["coordinates"].picks()
    wanted = picks.filter(pl.col(MERIT) >= 0.52).height
    of_first = picks.filter(pl.col("rlnMicrographName").str.contains(FIRST))
    said = f"{of_first.filter(pl.col(MERIT) >= 0.52).height} of {of_first.height} picks kept"

    expect(page.locator("[data-says=picks]")).to_have_text(said)
    expect(page.locator("[data-says=threshold]")).to_contain_text(f"{wanted} from 0.52 on")
    page.get_by_label("Circles in colours of this column").check()
    kept(page, "picks")
    page.get_by_role("button", name=f"Keep {wanted} above 0.52").click()
    expect(page.get_by_role("heading", name="Select 019")).to_be_visible()
    made = project.jobs()[-1]
    made.wait()
    assert made.outputs()["kept"].picks().height == wanted


def test_picks_by_hand_are_set_moved_erased_undone_and_cut_where_one_clicked(
    page: Page, served: Served, project: Project
) -> None:
    go(page, served, "/jobs/4/micrographs/micrographs")
    page.get_by_role("button", name="Pick by hand").click()
    expect(page.locator("canvas[data-tool=pick]")).to_be_visible(timeout=30000)
    sharp(page)
    job = project.jobs()[-1]
    assert job.protocol == "relion.manualpick"
    state, told = page.get_by_role("status"), page.locator("[data-says=picks]")
    places = truth(project)[:5]
    for place in places:
        click(page, place)
    expect(told).to_have_text("5 picks")
    expect(state).to_have_text(SAVED)
    assert are_near(places_of(job), places)

    # One is taken away by a click, one is dragged, and each is undone.
    click(page, places[0])
    expect(told).to_have_text("4 picks")
    page.keyboard.press("Control+z")
    expect(told).to_have_text("5 picks")
    to = (places[1][0] + 9, places[1][1] + 6)
    page.mouse.move(*on_screen(page, places[1]))
    page.mouse.down()
    page.mouse.move(*on_screen(page, to), steps=4)
    page.mouse.up()
    expect(state).to_have_text(SAVED)
    assert are_near(places_of(job), [places[0], to, *places[2:]])
    page.keyboard.press("Control+z")
    expect(state).to_have_text(SAVED)
    assert are_near(places_of(job), places)

    page.keyboard.press("e")
    page.mouse.move(*on_screen(page, (places[2][0] - 30, places[2][1])))
    page.mouse.down()
    page.mouse.move(*on_screen(page, places[2]), steps=4)
    kept(page, "picking-erase")
    page.mouse.up()
    left = len(places) - sum((x - places[2][0]) ** 2 + (y - places[2][1]) ** 2 < 60**2 for x, y in places)
    expect(told).not_to_have_text("5 picks")
    assert left <= len(places) - 1
    page.keyboard.press("Control+z")
    expect(told).to_have_text("5 picks")

    # By keyboard alone: the cross is in the middle of the stage.
    page.keyboard.press("a")
    page.keyboard.press(".")
    expect(told).to_have_text("0 picks")
    sharp(page)
    page.locator("canvas").focus()
    page.keyboard.press("Enter")
    expect(told).to_have_text("1 pick")
    expect(state).to_have_text(SAVED)
    assert are_near(places_of(job, "multi_0001"), [(255.5, 255.5)])
    page.keyboard.press(",")
    expect(told).to_have_text("5 picks")
    kept(page, "picking")

    made = project.run(
        "relion.extract", coords_suffix=f"{job.name}:coordinates", star_mics="CtfFind/job004", extract_size=40
    )
    made.wait()
    cut = made.outputs()["particles"].table([X, Y, "rlnMicrographName"])
    own = cut.filter(pl.col("rlnMicrographName").str.contains(FIRST))
    assert cut.height == 6
    assert are_near([(float(x), float(y)) for x, y in own.select(X, Y).iter_rows()], places)


def test_filaments_are_pairs_of_ends_that_come_and_go_together(
    page: Page, served: Served, project: Project
) -> None:
    job = project.run("relion.manualpick", fn_in="CtfFind/job004", diameter=130, do_startend=True)
    job.wait()
    go(page, served, f"/jobs/{int(job.name[-3:])}/micrographs/coordinates")
    told, state = page.locator("[data-says=picks]"), page.get_by_role("status")
    expect(told).to_have_text("0 picks")
    ends = [(100.0, 100.0), (300.0, 140.0), (120.0, 300.0), (350.0, 330.0)]
    click(page, ends[0])
    expect(told).to_have_text("0 picks")
    for end in ends[1:]:
        click(page, end)
    expect(told).to_have_text("4 picks")
    expect(state).to_have_text(SAVED)
    # In the order of the file, the nth two are the ends of the nth.
    assert all(are_near([one], [end]) for one, end in zip(places_of(job), ends, strict=True))
    kept(page, "picking-filaments")
    click(page, ends[1])
    expect(told).to_have_text("2 picks")
    expect(state).to_have_text(SAVED)
    assert are_near(places_of(job), ends[2:])
    page.keyboard.press("Control+z")
    expect(told).to_have_text("4 picks")
    expect(state).to_have_text(SAVED)
    assert are_near(places_of(job), ends)


def test_of_two_tabs_none_writes_over_the_other_and_no_edit_is_lost(
    page: Page, served: Served, project: Project, hand: Job
) -> None:
    address = f"/jobs/{int(hand.name[-3:])}/micrographs/coordinates?at=single_0002"
    places = truth(project, "single_0002")[:3]
    go(page, served, address)
    other = page.context.new_page()
    go(other, served, address)

    def away(route: Route) -> None:
        route.abort() if route.request.method == "PUT" else route.continue_()

    other.route("**/picks?*", away)
    click(other, places[0])
    expect(other.get_by_role("status")).to_have_text("1 change wait for the server")
    click(page, places[1])
    expect(page.get_by_role("status")).to_have_text(SAVED)
    other.unroute("**/picks?*", away)
    expect(other.get_by_text("Changed in another place meanwhile")).to_be_visible(timeout=10000)
    kept(other, "picking-conflict")
    assert are_near(places_of(hand, "single_0002"), places[1:2])
    click(other, places[2])
    other.get_by_role("button", name="Do my 2 changes on theirs").click()

    expect(other.get_by_role("status")).to_have_text(SAVED)
    assert are_near(places_of(hand, "single_0002"), places)
    # The first tab sees it without being asked.
    expect(page.locator("[data-says=picks]")).to_have_text("3 picks", timeout=15000)


def test_edits_wait_while_the_server_is_gone_and_are_written_when_it_is_back(
    page: Page, project: Project, cache: Path, hand: Job
) -> None:
    places = truth(project, "single_0004")[:3]
    port = free_port()  # which no other test's server takes while ours is gone
    first = start_server(str(project.path), "--port", port, cache=cache)
    go(page, first, f"/jobs/{int(hand.name[-3:])}/micrographs/coordinates?at=single_0004")
    click(page, places[0])
    expect(page.get_by_role("status")).to_have_text(SAVED)
    first.process.kill()
    first.process.wait(10)
    click(page, places[1])
    click(page, places[2])
    expect(page.get_by_role("status")).to_contain_text("2 changes wait for the server")
    kept(page, "picking-away")
    assert are_near(places_of(hand, "single_0004"), places[:1])
    again = start_server(str(project.path), "--port", port, cache=cache)
    try:
        expect(page.get_by_role("status")).to_have_text(SAVED, timeout=20000)
        assert are_near(places_of(hand, "single_0004"), places)
    finally:
        again.stop()


def test_micrographs_are_rejected_on_their_pictures_and_the_others_kept(
    page: Page, project: Project, served: Served
) -> None:
    motion = next(summary.name for summary in project.summaries() if summary.label == "motion")
    names = [
        Path(str(one)).stem for one in project.job(motion).dataset("micrographs").table()["rlnMicrographName"]
    ]
    go(page, served, f"/jobs/{int(motion[-3:])}/micrographs/micrographs?at={names[0]}")
    expect(page.get_by_role("button", name="Reject X")).to_be_visible()
    page.keyboard.press("x")
    expect(page.get_by_role("button", name="Rejected X")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press(".")
    page.keyboard.press(".")
    page.keyboard.press("x")
    expect(page.get_by_role("option").filter(has_text="rejected")).to_have_count(2)
    page.keyboard.press("x")  # taken back
    expect(page.get_by_role("option").filter(has_text="rejected")).to_have_count(1)
    page.keyboard.press("x")
    page.reload()
    expect(page.get_by_role("option").filter(has_text="rejected")).to_have_count(2)
    kept(page, "micrographs-rejected")

    page.get_by_role("link", name=f"Keep {len(names) - 2} of {len(names)}").click()
    expect(page.locator(".tally")).to_contain_text(f"{len(names) - 2} of {len(names)} micrographs")
    page.get_by_role("button", name=f"Keep {len(names) - 2}").first.click()
    expect(page).to_have_url(re.compile(r"/jobs/\d+$"))
    made = project.job(int(page.url.rpartition("/")[2]))
    made.wait()

    left = {Path(str(one)).stem for one in made.dataset("kept").table()["rlnMicrographName"]}
    assert left == set(names) - {names[0], names[2]}
    out = {Path(str(one)).stem for one in made.dataset("rejected").table()["rlnMicrographName"]}
    assert out == {names[0], names[2]}
