"""What a user does with jobs on the page: find, choose several, delete and undo, drag, compare, keep a form as a script."""

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Served, kept, opened, start_server
from playwright.sync_api import Page, expect

from cryoloom import Project

pytestmark = [pytest.mark.relion, pytest.mark.slow, pytest.mark.timeout(300)]


def test_the_palette_finds_jobs_data_kinds_of_jobs_parameters_and_labels(page: Page, served: Served) -> None:
    opened(page, served)
    page.keyboard.press("Control+k")
    words = page.get_by_role("combobox", name="Find anything")
    words.fill("mask diameter")
    found = page.get_by_role("listbox", name="Found")
    expect(found.get_by_role("option").filter(has_text="particle_diameter of relion.class2d")).to_be_visible()
    words.fill("rlnDefocusU")
    expect(found.get_by_role("option").filter(has_text="rlnDefocusU, Å")).to_be_visible()
    words.fill("mask")
    expect(found.get_by_role("option").filter(has_text="mask of 015 MaskCreate")).to_be_visible()
    kept(page, "palette")
    words.fill("refine_masked")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Refine3D 017")


def test_several_jobs_are_deleted_at_once_and_all_of_them_come_back(
    page: Page, served: Served, project: Project
) -> None:
    opened(page, served)
    jobs = page.get_by_role("treeitem")
    before = sorted(job.name for job in project.jobs())
    inputs = project.job(18).entry.input_files
    jobs.filter(has_text="017 Refine3D").click()
    jobs.filter(has_text="018 PostProcess").click(modifiers=["Control"])
    several = page.get_by_role("complementary", name="2 chosen jobs")
    kept(page, "project-several")
    several.get_by_role("button", name="Delete 2").click()
    expect(jobs).to_have_count(len(before) - 2)
    assert (project.path / "Trash/PostProcess/job018/postprocess.star").exists()

    page.keyboard.press("Control+z")
    expect(jobs).to_have_count(len(before))
    assert sorted(job.name for job in project.jobs()) == before
    assert project.job(18).entry.input_files == inputs
    assert project.job(18).alias == ""
    assert project.job(17).dependents()[0].name == "PostProcess/job018"


def test_a_job_that_others_need_is_not_deleted_and_says_who(page: Page, served: Served) -> None:
    url = opened(page, served)
    page.goto(f"{url}?job=17")
    page.get_by_role("complementary").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("alert")).to_contain_text("PostProcess/job018")
    expect(page.get_by_role("button", name="Delete these too")).to_be_visible()


def test_a_link_has_the_selection_and_the_filter(page: Page, served: Served) -> None:
    url = opened(page, served)
    page.goto(f"{url}/table?job=13,17&find=refine3d")
    expect(page.locator("tbody tr")).to_have_count(2)
    expect(page.locator('tbody tr[aria-selected="true"]')).to_have_count(2)
    page.get_by_role("link", name="Compare").click()
    expect(page.get_by_label("Beside")).to_have_value("13")


def test_a_job_is_dragged_into_the_form_and_the_form_is_kept_as_a_script_that_makes_it(
    page: Page, served: Served, project: Project, tmp_path: Path
) -> None:
    opened(page, served)
    count = len(project.jobs())
    page.keyboard.press("n")
    page.get_by_label("Which kind of job").fill("relion.class2d")
    page.keyboard.press("Enter")
    field = page.locator("[data-field=fn_img]")
    expect(field.get_by_text("missing")).to_be_visible()
    page.get_by_role("treeitem").filter(has_text="007 Extract").drag_to(field.locator("input"))
    expect(field.locator("input")).to_have_value("Extract/job007")
    page.locator("[data-field=nr_classes] input").fill("3")
    page.locator("[data-field=particle_diameter] input").fill("150")
    page.get_by_placeholder("Alias (optional)").fill("dragged")
    page.get_by_role("button", name="Python").click()
    script = page.locator("pre[aria-label=Python]")
    expect(script).to_contain_text("nr_classes=3")
    expect(script).to_contain_text("alias='dragged'")
    kept(page, "form-as-python")
    page.get_by_role("button", name="Command line").click()
    expect(page.locator("pre[aria-label='Command line']")).to_contain_text(
        "cryoloom run relion.class2d fn_img=Extract/job007 nr_classes=3"
    )
    page.get_by_role("button", name="Python").click()
    file = tmp_path / "made.py"
    file.write_text(script.inner_text().replace("alias='dragged'", "alias='dragged', start=False"))
    subprocess.run([sys.executable, str(file)], cwd=project.path, check=True)
    made = project.job("dragged")
    assert len(project.jobs()) == count + 1
    assert made.params["nr_classes"] == 3
    assert made.params["particle_diameter"] == 150
    assert made.entry.input_files == ("Extract/job007/particles.star",)
    made.delete()


def test_a_wizard_shows_the_circle_and_its_proposal_fills_the_form(page: Page, served: Served) -> None:
    url = opened(page, served)
    page.goto(f"{url}?new=relion.class2d")
    page.locator("[data-field=fn_img] input").fill("Extract/job007")
    field = page.locator("[data-field=particle_diameter]")
    expect(field.get_by_text("less than the box")).to_be_visible()
    field.get_by_role("button", name="See the circle on particles").click()
    wizard = page.get_by_role("region", name="See the circle on particles")
    expect(wizard.get_by_text("picked for 130 Å")).to_be_visible()
    before = wizard.get_by_role("img").get_attribute("src")
    kept(page, "form-wizard")
    wizard.get_by_role("button", name="Take 143 Å, as auto does").click()
    expect(field.locator("input.input")).to_have_value("143")
    expect(wizard.get_by_role("img")).not_to_have_attribute("src", before or "")
    expect(field.get_by_text("less than the box")).to_have_count(0)
    wizard.get_by_role("slider").fill("100")
    expect(field.locator("input.input")).to_have_value("100")


def test_parameters_are_beside_the_defaults_or_another_job_and_files_are_listed(
    page: Page, served: Served, project: Project
) -> None:
    url = opened(page, served)
    page.goto(f"{url}/jobs/17/parameters")
    row = page.get_by_role("row").filter(has_text="sym_name")
    expect(row).to_contain_text("differs")
    expect(row.get_by_role("cell").nth(3)).to_have_text("C1")
    page.get_by_label("Beside").select_option("13")
    different = {
        name for name, value in project.job(17).params.items() if project.job(13).params.get(name) != value
    }
    expect(page.get_by_text(f"Only the {len(different)} that differ")).to_be_visible()
    page.get_by_label(f"Only the {len(different)} that differ").check()
    expect(page.locator("tr.differs")).to_have_count(len(different))
    kept(page, "job-parameters")
    page.get_by_role("tab", name="Files").click()
    page.get_by_label("Find a file").fill("run_data.star")
    link = page.get_by_role("link", name="run_data.star")
    with page.expect_download() as saved:
        link.click()
    assert (
        Path(saved.value.path()).read_bytes() == (project.path / "Refine3D/job017/run_data.star").read_bytes()
    )
    kept(page, "job-files")


def test_an_alias_is_given_on_the_page_and_taken_back(page: Page, served: Served, project: Project) -> None:
    url = opened(page, served)
    page.goto(f"{url}/jobs/15")
    page.get_by_title("Change the alias").click()
    page.get_by_label("Alias").fill("tight_mask")
    page.keyboard.press("Enter")
    expect(page.get_by_role("log")).to_contain_text("MaskCreate/job015 is called tight_mask")
    assert project.job(15).alias == "tight_mask"
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("log")).to_contain_text("Taken back")
    assert project.job(15).alias == ""


def test_the_machine_page_has_cores_disks_programs_and_settings(page: Page, served: Served) -> None:
    opened(page, served)
    page.get_by_role("link", name="Machine").click()
    expect(page.get_by_role("row").filter(has_text="relion_refine").first).to_contain_text("relion_refine")
    expect(page.get_by_role("heading", name="What runs and waits")).to_be_visible()
    expect(page.get_by_text("GB").first).to_be_visible()
    kept(page, "machine")


def test_jobs_are_copied_into_another_project_where_what_they_took_is_named(
    page: Page, project: Project, tmp_path: Path
) -> None:
    other = Project.create(tmp_path / "other")
    other.make(
        "import.volume",
        {"fn_in_other": str(project.path / "Refine3D/job017/run_class001.mrc")},
        alias="ref",
        start=False,
    )
    served = start_server(cache=tmp_path / "cache")
    try:
        page.goto(served.link)
        for folder in (project.path, other.path):
            page.get_by_role("link", name="Projects").first.click()
            page.get_by_label("Folder of a project").fill(str(folder))
            page.get_by_role("button", name="Open").click()
            expect(page.get_by_role("treeitem").first).to_be_visible()
            if folder == project.path:
                page.get_by_role("treeitem").filter(has_text="015 MaskCreate").click()
                page.keyboard.press("Control+c")
                expect(page.get_by_role("log")).to_contain_text(
                    "MaskCreate/job015 can be put into any project"
                )
        page.get_by_role("treeitem").first.click()
        page.keyboard.press("Control+v")
        dialog = page.get_by_role("dialog", name="Put jobs into this project")
        kept(page, "paste")
        dialog.get_by_role("textbox").fill("nothing_like_it")
        dialog.get_by_role("button", name="Make 1").click()
        expect(dialog.get_by_role("alert")).to_contain_text("nothing_like_it")
        dialog.get_by_role("textbox").fill("ref")
        dialog.get_by_role("button", name="Make 1").click()
        expect(page.get_by_role("treeitem")).to_have_count(2)
        made, model = other.jobs()[-1], project.job(15)
        assert made.entry.known_spec is not None and model.entry.known_spec is not None
        assert made.entry.known_spec.params == model.entry.known_spec.params
        assert made.entry.known_spec.inputs["fn_in"].job == "Import/job001"
        assert not made.summary().started
    finally:
        served.stop()
