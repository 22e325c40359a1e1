"""What a user does in the browser, by mouse and keyboard, on the real server and a real project."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Served, kept, start_server
from playwright.sync_api import Page, expect

from cryoloom import Project

pytestmark = [pytest.mark.relion, pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def project(tiny: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("b") / "p"
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


def test_who_has_no_link_sees_nothing_and_is_told_where_it_is(page: Page, served: Served) -> None:
    page.goto(served.base)
    expect(page.get_by_role("heading", name="Not signed in")).to_be_visible()
    expect(page.get_by_text("cryoloom serve")).to_be_visible()


def test_the_link_leads_to_the_project_and_its_token_is_gone_from_the_address(
    page: Page, served: Served, project: Project
) -> None:
    page.goto(served.link)

    jobs = page.get_by_role("treeitem")
    expect(jobs).to_have_count(len(project.jobs()))
    assert "token" not in page.url
    expect(page.get_by_role("treeitem").filter(has_text="Refine3D").last).to_contain_text("refine_masked")
    kept(page, "project-graph")
    page.reload()
    expect(jobs).to_have_count(len(project.jobs()))


def test_one_selection_is_followed_by_keyboard_and_leads_to_the_job(page: Page, served: Served) -> None:
    page.goto(served.link)
    page.get_by_role("treeitem").filter(has_text="013 Refine3D").click()
    inspector = page.get_by_role("complementary")
    expect(inspector.get_by_role("heading", name="Refine3D 013")).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(inspector.get_by_role("heading", name="External 014")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/jobs/14$"))
    expect(page.get_by_role("heading", level=1)).to_have_text("External 014")


def test_the_table_is_sorted_and_filtered(page: Page, served: Served, project: Project) -> None:
    page.goto(served.link)
    page.get_by_role("button", name="Table").click()
    rows = page.locator("tbody tr")
    expect(rows.first).to_contain_text("018 PostProcess")
    page.get_by_role("button", name="Time").click()
    page.get_by_role("button", name="Time").click()
    slowest = max(project.summaries(), key=lambda one: one.seconds or 0)
    expect(rows.first).to_contain_text(slowest.name.partition("job")[2])
    page.get_by_label("Filter jobs").fill("refine3d")
    expect(rows).to_have_count(2)
    kept(page, "project-table")
    page.get_by_label("Filter jobs").fill("")
    page.get_by_role("button", name="Cards").click()
    kept(page, "project-cards")


def test_the_page_of_a_refinement_shows_its_figures_and_steps_through_iterations(
    page: Page, served: Served
) -> None:
    page.goto(served.link)
    expect(page.get_by_role("treeitem").first).to_be_visible()
    page.goto(f"{page.url}/jobs/17")
    expect(page.locator("figure[data-view=fsc] canvas")).to_be_visible(timeout=15000)
    expect(page.locator("figure[data-view=slices] img").first).to_be_visible()
    expect(page.get_by_text("Iteration 7", exact=True)).to_be_visible()
    kept(page, "job")
    fsc = page.locator("figure[data-view=fsc]")
    halves = page.locator("figure[data-view=half_maps] img")
    newest = halves.first.get_attribute("src")
    page.keyboard.press("p")
    page.keyboard.press(",")
    expect(page.get_by_text("Iteration 6", exact=True)).to_be_visible()
    expect(fsc.get_by_text("beside iteration 7")).to_be_visible()
    expect(halves.first).not_to_have_attribute("src", newest or "")
    kept(page, "job-pinned")
    page.get_by_role("tab", name="Command").click()
    expect(page.get_by_text("relion_refine_mpi")).to_be_visible()
    page.get_by_role("tab", name="Parameters").click()
    expect(page.get_by_role("row", name="sym_name T")).to_be_visible()


def test_a_job_is_made_by_the_form_run_and_seen_to_end(page: Page, served: Served, project: Project) -> None:
    page.goto(served.link)
    expect(page.get_by_role("treeitem").first).to_be_visible()
    page.keyboard.press("n")
    page.get_by_label("Which kind of job").fill("mask creation")
    page.keyboard.press("Enter")
    run = page.get_by_role("button", name="Run", exact=True)
    field = page.locator("[data-field=fn_in]")
    expect(field.get_by_text("missing")).to_be_visible()
    expect(run).to_be_disabled()
    field.locator("input").fill("Refine3D/job017")
    page.locator("[data-field=inimask_threshold] input").fill("0,1")
    expect(page.locator("[data-field=inimask_threshold]").get_by_text("0,1")).to_be_visible()
    kept(page, "form-error")
    page.locator("[data-field=inimask_threshold] input").fill("0.1")
    expect(page.get_by_text("relion_mask_create")).to_contain_text("--ini_threshold 0.1")
    page.get_by_label("Alias").fill("from_the_page")
    expect(run).to_be_enabled()
    run.click()

    made = page.get_by_role("treeitem").filter(has_text="from_the_page")
    expect(made).to_have_attribute("data-s", "succeeded", timeout=60000)
    job = project.job("from_the_page")
    assert job.protocol == "relion.maskcreate" and job.params["inimask_threshold"] == 0.1
    made.click()
    page.get_by_role("complementary").get_by_role("button", name="Copy").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("MaskCreate")
    assert project.jobs()[-1].params["inimask_threshold"] == 0.1


def test_the_page_goes_on_when_its_server_was_killed_and_started_again(
    page: Page, project: Project, cache: Path
) -> None:
    first = start_server(str(project.path), cache=cache)
    page.goto(first.link)
    expect(page.get_by_role("treeitem").first).to_be_visible()
    count = page.get_by_role("treeitem").count()
    port = first.base.rpartition(":")[2].strip("/")
    first.process.kill()
    first.process.wait(10)
    expect(page.get_by_text("the server does not answer")).to_be_visible(timeout=20000)
    again = start_server(str(project.path), "--port", port, cache=cache)
    try:
        project.run("relion.maskcreate", fn_in="Refine3D/job017", alias="made_meanwhile", start=False)
        expect(page.get_by_role("treeitem")).to_have_count(count + 1, timeout=30000)
        expect(page.get_by_text("the server does not answer")).to_be_hidden()
    finally:
        again.stop()


def test_two_jobs_of_a_kind_are_seen_beside_each_other(page: Page, served: Served) -> None:
    page.goto(served.link)
    expect(page.get_by_role("treeitem").first).to_be_visible()
    page.goto(f"{page.url}/jobs/17")
    page.get_by_label("Beside").select_option(label="Refine3D/job013, refine")

    fsc = page.locator("figure[data-view=fsc]")
    expect(fsc.get_by_text("beside job 13")).to_be_visible()
    expect(fsc.locator("canvas")).to_be_visible(timeout=15000)
    expect(page.locator("figure[data-view=slices]")).to_contain_text("Refine3D/job013")
    expect(page.locator("figure[data-view=slices]")).to_contain_text("6 Å")
    kept(page, "job-beside")


def test_projects_are_opened_and_made_by_their_folder(page: Page, project: Project, tmp_path: Path) -> None:
    served = start_server(cache=tmp_path / "cache")
    try:
        page.goto(served.link)
        expect(page.get_by_text("No project was opened yet")).to_be_visible()
        page.get_by_label("Folder of a project").fill(str(tmp_path / "nowhere"))
        page.get_by_role("button", name="Open").click()
        expect(page.get_by_role("alert")).to_contain_text("nowhere")
        page.get_by_label("Folder of a project").fill(str(project.path))
        page.get_by_role("button", name="Open").click()
        expect(page.get_by_role("treeitem").first).to_be_visible()
        page.get_by_role("link", name="Projects").first.click()
        expect(page.locator(".card")).to_contain_text(f"{len(project.jobs())} jobs")
        page.get_by_label("Folder of a project").fill(str(tmp_path / "new"))
        page.get_by_role("button", name="New project").click()
        expect(page.get_by_text("No job yet")).to_be_visible()
        assert Project(tmp_path / "new").jobs() == []
        page.get_by_role("button", name="Import movies").click()
        expect(page.get_by_role("heading", name="Import movies")).to_be_visible()
    finally:
        served.stop()
