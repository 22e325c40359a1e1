"""A session watched on its page: a folder that grows, a bad movie, a limit that is moved, a link for who only looks."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest
from conftest import Served, kept, start_server
from playwright.sync_api import Browser, Page, expect
from waiting import until

from cryoloom import Project

pytestmark = [pytest.mark.relion, pytest.mark.slow, pytest.mark.timeout(300)]
BAD = "single_0003.mrc"  # cut short by the simulated microscope


@dataclass
class Streaming:
    """A project whose import is open, and the microscope's folder."""

    project: Project
    scope: Path
    movies: Path

    def write(self, *names: str) -> None:
        for name in names:
            beside = self.scope / f".{name}"
            shutil.copyfile(self.movies / name, beside)
            beside.replace(self.scope / name)

    def done(self, number: int) -> int:
        return self.project.job(number).summary().done

    def rows(self, number: int, output: str) -> pl.DataFrame:
        return self.project.job(number).dataset(output).table()


@pytest.fixture(scope="module")
def stream(tiny: Project, tmp_path_factory: pytest.TempPathFactory) -> Streaming:
    """Import, motion, fit, filter, picks, particles, all open."""
    folder = tmp_path_factory.mktemp("s")
    made = Streaming(Project.create(folder / "p"), folder / "scope", tiny.path / "microscope/Movies")
    made.scope.mkdir()
    shutil.copy(made.movies / "gain.mrc", made.scope)
    project = made.project
    movies = project.run(
        "import.movies", fn_in_raw=f"{made.scope}/*_*.mrc", angpix=3, kV=300, fn_gain_ref=f"{made.scope}/gain.mrc",
        dose_per_frame=8, stream=True, timeout=600, file_timeout=0.3,
    )  # fmt: skip
    motion = project.run("relion.motioncorr", input_star_mics=movies, bfactor=10, patch_x=1, patch_y=1)
    fits = project.run("ctf.estimate", input_star_mics=motion, resmin=30, resmax=7)
    good = project.run("sets.filter", input=fits, expression="rlnCtfMaxResolution < 12", alias="good")
    picks = project.run(
        "relion.autopick", fn_input_autopick=f"{good.name}:kept", do_log=True, log_diam_min=110, log_diam_max=130,
        log_adjust_thr=1.2,
    )  # fmt: skip
    project.run(
        "relion.extract", star_mics=f"{good.name}:kept", coords_suffix=picks, extract_size=64, do_rescale=True, rescale=24
    )  # fmt: skip
    made.write("single_0001.mrc", "single_0002.mrc", BAD, "multi_0001.mrc")
    return made


@pytest.fixture(scope="module")
def served(stream: Streaming, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    # A cache of its own, as another host has: the scheduler that the page calls is a second one beside the stream's.
    made = start_server(str(stream.project.path), cache=tmp_path_factory.mktemp("other"))
    yield made
    made.stop()


def opened(page: Page, served: Served) -> str:
    page.goto(served.link)
    expect(page.get_by_role("treeitem").first).to_be_visible()
    page.get_by_role("link", name="Session").click()
    expect(page.locator("[data-step]").first).to_be_visible()
    return re.sub(r"[?#].*", "", page.url)


def is_drawn(page: Page) -> bool:
    """Whether the newest micrograph has come as a picture."""
    picture = "document.querySelector('figure[data-fate] img')"
    page.wait_for_function(f"{picture}?.complete")
    return int(page.evaluate(f"{picture}.naturalWidth")) > 60


def step(page: Page, name: str) -> str:
    return f"[data-step='{name}'] [data-done]"


def test_counts_are_those_of_the_tables_and_grow_with_the_folder(
    page: Page, served: Served, stream: Streaming
) -> None:
    opened(page, served)
    last = page.locator(step(page, "Extract/job006"))
    expect(last).to_have_text("3", timeout=60000)
    stream.write("multi_0002.mrc", "single_0004.mrc")
    expect(last).to_have_text("5", timeout=60000)
    expect(page.get_by_role("region", name="Behind the microscope").get_by_text("keeps up")).to_be_visible()

    for number, (job, output) in enumerate(
        {
            "Import/job001": "movies",
            "MotionCorr/job002": "micrographs",
            "CtfFind/job003": "micrographs",
        }.items(),
        1,
    ):
        assert page.locator(step(page, job)).inner_text() == str(stream.rows(number, output).height) == "5"
    particles = stream.rows(6, "particles").height
    facts = page.get_by_role("region", name="Behind the microscope")
    expect(facts.locator("dd").nth(2)).to_have_text(f"{particles}")
    expect(facts.locator("dd").nth(1)).to_have_text("5, 100.0 %")
    expect(facts.locator("dd").nth(3)).to_contain_text("GB/h")
    # The newest micrograph stands first, with as many dots as it has picks.
    picks = stream.rows(5, "coordinates")
    newest = page.get_by_role("region", name="Newest micrographs").locator("figure[data-fate=kept]")
    expect(newest).to_have_count(5)
    dots = newest.first.locator("path").first.get_attribute("d") or ""
    assert dots.count("M") == picks["cryoloomCount"][-1]
    expect(newest.first).to_have_attribute("title", picks["rlnMicrographName"][-1].rpartition("/")[2])
    assert is_drawn(page)
    kept(page, "session")


def test_a_bad_movie_is_named_with_its_reason_and_tried_again(
    page: Page, served: Served, stream: Streaming
) -> None:
    opened(page, served)
    failed = page.get_by_role("region", name="Failed items")
    expect(failed.get_by_role("listitem")).to_contain_text(f"{BAD} is cut short", timeout=30000)
    shutil.copyfile(stream.movies / "multi_0003.mrc", stream.scope / BAD)  # copied again, whole
    failed.get_by_role("button", name="Try it again").click()
    expect(failed.get_by_role("listitem")).to_have_count(0, timeout=60000)
    expect(page.locator(step(page, "Extract/job006"))).to_have_text("6", timeout=60000)
    for number, output in ((1, "movies"), (2, "micrographs"), (3, "micrographs")):
        ids = stream.rows(number, output)["cryoloomItemId"]
        assert ids.n_unique() == len(ids) == 6
    assert BAD.removesuffix(".mrc") in " ".join(stream.rows(3, "micrographs")["rlnMicrographName"].to_list())


def test_parameters_are_changed_in_mid_stream_and_what_is_redone_is_said_first(
    page: Page, served: Served, stream: Streaming
) -> None:
    opened(page, served)
    page.get_by_role("button", name="Change parameters").click()
    change = page.get_by_role("dialog", name="Change parameters")
    change.get_by_label("Step", exact=True).select_option("AutoPick/job005")
    change.get_by_label("Parameter").select_option("log_diam_max")
    change.get_by_label("all 6, and those to come").check()
    rows = change.locator("tbody tr")
    expect(rows).to_have_count(3)
    expect(rows.nth(1)).to_contain_text("Auto-picking, again")
    expect(rows.nth(1)).to_contain_text("6")
    button = change.get_by_role("button", name="Make all 6 again")
    expect(button).to_be_disabled()
    # A mistake is answered here: the largest diameter below the smallest.
    value = change.locator("#changed-value")
    value.fill("wide")
    button.click()
    expect(change.get_by_role("alert")).to_contain_text("wide")
    value.fill("135")
    kept(page, "session-change")
    button.click()
    expect(change).to_have_count(0)
    until(lambda: stream.project.job(5).entry.status().history.version == 1)
    until(lambda: stream.done(6) == 6 and stream.done(5) == 6)
    expect(page.get_by_role("region", name="What happened")).to_contain_text("log_diam_max=135")


def test_a_limit_that_is_dragged_changes_what_the_filter_keeps(
    page: Page, served: Served, stream: Streaming
) -> None:
    home = opened(page, served)
    drift = stream.rows(3, "micrographs")["rlnAccumMotionTotal"].sort()
    limit = page.get_by_role("slider", name="Upper limit of Drift")
    expect(limit).to_have_attribute("aria-valuetext", "no limit")
    handle = limit.locator("rect").bounding_box()
    assert handle is not None
    page.mouse.move(handle["x"] + 20, handle["y"] + 8)
    page.mouse.down()
    page.mouse.move(handle["x"] + 20, handle["y"] + 30, steps=5)
    page.mouse.up()
    by_drag = float((limit.get_attribute("aria-valuetext") or "").removesuffix(" px"))
    assert drift[0] < by_drag < drift[-1]
    # By keyboard too, to where two are out.
    wanted = (drift[-3] + drift[-2]) / 2
    for _ in range(200):
        now = float(limit.get_attribute("aria-valuenow") or 0)
        if abs(now - wanted) < 0.02:
            break
        limit.press("ArrowUp" if now < wanted else "ArrowDown")
    others = page.get_by_role("dialog", name="Other limits")
    expect(others.get_by_text("Would keep 4 of 6")).to_be_visible()
    expect(others.get_by_text("now 6 by Select/job004")).to_be_visible()
    expect(others.locator("tbody tr")).to_have_count(4)
    kept(page, "session-limit")
    others.get_by_role("button", name="Keep 4 of 6").click()
    expect(others).to_have_count(0)

    expect(page.locator(step(page, "Extract/job009"))).to_have_text("4", timeout=60000)
    made = stream.project.job(7)
    assert made.entry.protocol == "sets.filter" and made.params["ranges"].startswith(
        "rlnAccumMotionTotal: .."
    )
    assert made.params["expression"] == "rlnCtfMaxResolution < 12"
    assert stream.rows(7, "kept")["rlnAccumMotionTotal"].max() <= wanted + 0.05  # type: ignore[operator]
    assert stream.rows(7, "rejected").height == 2
    # Who looks later sees by what is kept since when.
    expect(page.get_by_role("region", name="What happened")).to_contain_text(
        "From here on kept where rlnCtfMaxResolution < 12 and rlnAccumMotionTotal: .."
    )
    assert stream.project.job(6).state == "aborted" and stream.rows(6, "particles").height > 0, (
        "nothing is lost"
    )
    facts = page.get_by_role("region", name="Behind the microscope")
    expect(facts.locator("dd").nth(1)).to_have_text("4, 66.7 %")
    expect(
        page.get_by_role("region", name="Newest micrographs").locator("figure[data-fate=rejected]")
    ).to_have_count(2)
    expect(page.get_by_role("region", name="Newest micrographs").get_by_text("Drift").first).to_be_visible()
    # What comes now is judged by it as well, and a reload finds it.
    page.goto(home)
    expect(page.get_by_role("slider", name="Upper limit of Drift")).not_to_have_attribute(
        "aria-valuetext", "no limit"
    )


def test_a_read_only_link_shows_the_session_on_a_phone_and_nothing_else(
    page: Page, browser: Browser, served: Served, stream: Streaming
) -> None:
    home = opened(page, served)
    page.get_by_role("button", name="Read-only link").click()
    dialog = page.get_by_role("dialog", name="Read-only links")
    dialog.get_by_label("For whom").fill("Ada")
    dialog.get_by_role("button", name="Make a link").click()
    link = dialog.get_by_label("The new link").input_value()
    kept(page, "session-links")
    assert link.startswith(home) and "#token=" in link

    context = browser.new_context(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    phone = context.new_page()
    asked: list[str] = []
    phone.on("request", lambda one: asked.append(one.url))
    phone.goto(link)
    expect(phone.locator(step(phone, "Import/job001"))).to_have_text("6")
    expect(phone.get_by_text("read-only until")).to_be_visible()
    assert "token" not in phone.url
    assert phone.evaluate("document.documentElement.scrollWidth") == 390, "nothing is wider than the phone"
    for name in ("Change parameters", "Read-only link", "End the stream", "Try it again"):
        expect(phone.get_by_role("button", name=name)).to_have_count(0)
    expect(phone.get_by_role("link", name="Machine")).to_have_count(0)
    expect(phone.get_by_role("slider")).to_have_count(0)
    assert is_drawn(phone)
    assert str(stream.scope) not in phone.content()
    kept(phone, "session-phone")
    # Other addresses of the page lead back here; none of what it asked for was refused.
    phone.goto(f"{served.base}machine")
    expect(phone).to_have_url(home)
    expect(phone.locator("[data-step]").first).to_be_visible()
    assert asked and not [url for url in asked if "/machine" in url and "/api/" in url]

    dialog.get_by_role("button", name="Withdraw").click()
    expect(dialog.get_by_text("No link is good now")).to_be_visible()
    phone.reload()
    expect(phone.get_by_role("heading", name="Not signed in")).to_be_visible()
    context.close()


def test_when_the_stream_is_over_the_page_says_what_to_do_next(
    page: Page, served: Served, stream: Streaming
) -> None:
    opened(page, served)
    page.get_by_role("button", name="End the stream").click()
    expect(page.get_by_text("No stream runs. This is the last one: 6 movies")).to_be_visible(timeout=60000)
    expect(page.get_by_role("button", name="Take it up again")).to_be_visible()
    with page.expect_download(timeout=60000) as saved:
        page.get_by_role("link", name="Report").click()
    assert "AutoPick/job008" in Path(saved.value.path()).read_text()
    page.get_by_role("link", name="Begin a new one").click()
    expect(page.get_by_role("dialog", name="New job")).to_be_visible()


def test_a_project_without_a_session_says_how_one_begins(page: Page, tmp_path: Path) -> None:
    project = Project.create(tmp_path / "empty")
    served = start_server(str(project.path), cache=tmp_path / "cache")
    try:
        page.goto(served.link)
        page.get_by_role("link", name="Session").click()
        expect(page.get_by_role("heading", name="No session yet")).to_be_visible()
        kept(page, "session-none")
        page.get_by_role("link", name="Import movies as they come").click()
        expect(page.get_by_role("dialog", name="New job")).to_be_visible()
    finally:
        served.stop()
