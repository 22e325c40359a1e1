"""What one who was told nothing meets on the page: paths to type, steps to take by their names, files that are gone."""

import pytest
from conftest import Served, kept, opened
from playwright.sync_api import Page, expect

from cryoloom import Project
from cryoloom.api.job import Job

pytestmark = [pytest.mark.relion, pytest.mark.slow, pytest.mark.timeout(200)]


def number(job: Job) -> int:
    return int(job.name.rpartition("job")[2])


def test_a_path_is_read_whole_and_its_help_stays_when_it_is_typed(page: Page, served: Served) -> None:
    url = opened(page, served)
    page.goto(f"{url}?new=import.movies")
    field = page.locator("[data-field=fn_in_raw]")
    field.locator("input").fill("/data/2026-11-28_session/Images-Disc1/GridSquare_*/Data/*.tiff")
    assert field.locator("input").evaluate("one => one.scrollWidth <= one.clientWidth")
    expect(field.locator(".note")).to_contain_text("Patterns with * and ?")
    dose = page.locator("[data-field=dose_per_frame]")
    dose.locator("input").fill("8")
    expect(dose.locator(".note")).to_have_text("Travels with the movies. Default 1.")
    expect(page.get_by_label("RELION's command")).to_have_text("None: it runs no program of RELION's.")
    kept(page, "form-paths")


def test_a_command_with_auto_says_that_the_value_is_still_to_be_found(page: Page, served: Served) -> None:
    url = opened(page, served)
    page.goto(f"{url}?new=relion.class2d")
    page.locator("[data-field=fn_img] input").fill("Extract/job007")
    diameter = page.locator("[data-field=particle_diameter] input.input")
    diameter.fill("auto")
    expect(page.get_by_label("RELION's command")).to_contain_text("--particle_diameter auto")
    expect(page.get_by_text("What is auto is found when the job begins")).to_be_visible()
    diameter.fill("150")
    expect(page.get_by_text("What is auto is found when the job begins")).to_have_count(0)


def test_the_next_step_is_taken_by_its_name_and_a_new_job_is_shown(
    page: Page, served: Served, project: Project
) -> None:
    url = opened(page, served)
    page.goto(f"{url}?job=17")
    page.get_by_role("complementary").get_by_text("Mask creation", exact=True).click()
    expect(page.locator("[data-field=fn_in] input")).to_have_value("Refine3D/job017")
    page.goto(f"{url}/jobs/17")
    page.get_by_role("button", name="Mask creation").click()
    page.get_by_role("button", name="Make, start later").click()
    expect(page.get_by_role("dialog", name="New job")).to_have_count(0)
    expect(page.get_by_role("heading", level=1)).to_contain_text("MaskCreate")
    made = project.jobs()[-1]
    expect(page.get_by_role("log")).to_contain_text(f"{made.name} is made")
    assert page.url.endswith(f"/jobs/{number(made)}") and made.protocol == "relion.maskcreate"
    made.delete()


def test_classes_that_are_there_are_chosen_by_eye(page: Page, served: Served, project: Project) -> None:
    url = opened(page, served)
    [job] = [job for job in project.jobs() if job.protocol == "relion.class2d"]
    page.goto(f"{url}/jobs/{number(job)}")
    page.get_by_role("button", name="Choose classes").click()
    expect(page.get_by_text("A proposal by rule")).to_be_visible()


def test_a_job_that_failed_at_once_says_what_and_offers_no_step_on_nothing(
    page: Page, served: Served, project: Project
) -> None:
    rows = (project.path / "Extract/job007/particles.star").read_text().replace("Extract/job007/", "gone/")
    (project.path / "gone.star").write_text(rows)
    job = project.run("relion.class2d", fn_img="gone.star", nr_classes=2, nr_iter=1, particle_diameter=150)
    job.wait(check=False)
    url = opened(page, served)
    page.goto(f"{url}/jobs/{number(job)}")
    expect(page.get_by_role("alert")).to_contain_text("relion_refine")
    expect(page.get_by_role("button", name="Choose classes")).to_have_count(0)
    job.delete()


def test_maps_that_are_gone_are_named(page: Page, served: Served, project: Project) -> None:
    url = opened(page, served)
    for file in (project.path / "MaskCreate/job015").glob("*.mrc"):
        file.rename(file.with_suffix(".away"))
    page.goto(f"{url}/jobs/15/maps")
    expect(page.get_by_role("heading", name="This job's maps are not there")).to_be_visible()
    expect(page.get_by_text("It made MaskCreate/job015/mask.mrc")).to_be_visible()
