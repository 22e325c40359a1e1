"""Nothing but the page: movies of a folder that grows become classes, each job made by its form and by dragging."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Served, kept, start_server
from playwright.sync_api import Page, expect

from cryoloom import Project

pytestmark = [pytest.mark.relion, pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.fixture
def movies(tiny: Project, tmp_path: Path) -> Path:
    """A microscope's folder with two movies of one optics group, and the others beside it."""
    folder = tmp_path / "scope"
    folder.mkdir()
    source = tiny.path / "microscope/Movies"
    shutil.copy(source / "gain.mrc", folder)
    for name in ("single_0001.mrc", "single_0002.mrc"):
        shutil.copy(source / name, folder)
    return folder


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    made = start_server(cache=tmp_path / "cache")
    yield made
    made.stop()


def new_job(page: Page, words: str, inputs: dict[str, str], values: dict[str, str], alias: str) -> None:
    """By the form: inputs are dragged from the graph, values typed, the job run."""
    page.locator(".toolbar").get_by_role("button", name="New job").click()
    page.get_by_label("Which kind of job").fill(words)
    page.keyboard.press("Enter")
    form = page.get_by_role("dialog", name="New job")
    for name, job in inputs.items():
        field = form.locator(f"[data-field={name}] input")
        page.get_by_role("treeitem").filter(has_text=job).drag_to(field)
        expect(field).not_to_have_value("")
    for name, value in values.items():
        if not form.locator(f"[data-field={name}]").count():
            form.get_by_label("Advanced").check()
        field = form.locator(f"[data-field={name}]")
        if field.locator("input.switch").count():
            field.locator("input.switch").set_checked(value == "Yes")
        elif field.locator("select").count():
            field.locator("select").select_option(value)
        else:
            field.locator("input").fill(value)
    form.get_by_placeholder("Alias (optional)").fill(alias)
    run = form.get_by_role("button", name="Run", exact=True)
    expect(run).to_be_enabled(timeout=10000)
    run.click()
    expect(form).to_have_count(0)
    expect(page.get_by_role("treeitem").filter(has_text=alias)).to_have_count(1)


def test_movies_of_a_growing_folder_become_classes_by_forms_and_dragging(
    page: Page, served: Served, movies: Path, tiny: Project, tmp_path: Path
) -> None:
    page.set_viewport_size({"width": 1600, "height": 900})
    page.goto(served.link)
    page.get_by_label("Folder of a project").fill(str(tmp_path / "work"))
    page.get_by_role("button", name="New project").click()
    page.get_by_role("button", name="Import movies").click()

    # A new user's mistakes are answered at the field: kV in V, no pattern.
    form = page.get_by_role("dialog", name="New job")
    form.locator("[data-field=kV] input").fill("300000")
    expect(form.locator("[data-field=kV]").get_by_text("another unit")).to_be_visible()
    expect(form.get_by_role("button", name="Run", exact=True)).to_be_disabled()
    form.get_by_label("Close", exact=True).click()

    values = {"fn_in_raw": f"{movies}/*_*.mrc", "angpix": "3", "kV": "300", "fn_gain_ref": f"{movies}/gain.mrc",
              "dose_per_frame": "8", "stream": "Yes", "timeout": "600", "file_timeout": "0.3"}  # fmt: skip
    new_job(page, "import.movies", {}, values, "movies")
    new_job(
        page,
        "relion.motioncorr",
        {"input_star_mics": "movies"},
        {"bfactor": "10", "patch_x": "1", "patch_y": "1"},
        "motion",
    )
    new_job(page, "ctf.estimate", {"input_star_mics": "motion"}, {"resmin": "30", "resmax": "7"}, "ctf")
    picking = {"do_log": "Yes", "log_diam_min": "110", "log_diam_max": "130", "log_adjust_thr": "1.2"}
    new_job(page, "relion.autopick", {"fn_input_autopick": "ctf"}, picking, "picks")
    cutting = {"extract_size": "64", "do_rescale": "Yes", "rescale": "24"}
    new_job(page, "relion.extract", {"star_mics": "ctf", "coords_suffix": "picks"}, cutting, "particles")
    classes = {"nr_classes": "2", "nr_iter": "3", "particle_diameter": "150", "psi_sampling": "10"}
    new_job(page, "relion.class2d", {"fn_img": "particles"}, classes, "classes2d")
    kept(page, "journey-streaming")

    # The stream goes on: a movie more is seen at once, by the page too.
    project = Project(tmp_path / "work")
    imported = page.get_by_role("treeitem").filter(has_text="movies").first
    expect(imported).to_contain_text("2", timeout=60000)
    shutil.copy(tiny.path / "microscope/Movies/single_0004.mrc", movies)
    expect(imported).to_contain_text("3", timeout=60000)
    particles = page.get_by_role("treeitem").filter(has_text="particles").first
    deadline = time.monotonic() + 120
    while project.job("motion").summary().done < 3 and time.monotonic() < deadline:
        time.sleep(0.5)

    # The microscope is done: the import ends, and all that follows.
    page.reload()
    imported.click()
    page.get_by_role("complementary").get_by_role("button", name="End the stream").click()
    expect(page.get_by_role("treeitem").filter(has_text="classes2d")).to_have_attribute(
        "data-s", "succeeded", timeout=180000
    )
    expect(particles).to_have_attribute("data-s", "succeeded")
    count = project.job("particles").dataset("particles").table().height
    assert count > 60
    expect(particles).to_contain_text(f"{count} particles")
    kept(page, "journey-classes")
    page.get_by_role("treeitem").filter(has_text="classes2d").dblclick()
    expect(page.locator("figure[data-view=classes] img")).to_be_visible(timeout=15000)
