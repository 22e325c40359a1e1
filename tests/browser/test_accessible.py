"""Every screen, in both themes, without a finding of axe-core's."""

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import Served, start_server
from playwright.sync_api import Page, expect

from cryoloom import Project

pytestmark = [pytest.mark.relion, pytest.mark.slow, pytest.mark.timeout(300)]
AXE = Path(__file__).parents[2] / "web/node_modules/axe-core/axe.min.js"


# What is to be pressed or filled in, and lies beside the screen though nothing scrolls there.
BESIDE = """
[...document.querySelectorAll("button, input, select, a.btn")]
  .filter(one => one.checkVisibility())
  .filter(one => !one.closest(".vh, .graph, .scroll, .tabs, .rows, [role=listbox], [role=table], [role=grid]"))
  .filter(one => {
    const box = one.getBoundingClientRect();
    return box.width && (box.right > innerWidth + 1 || box.left < -1);
  })
  .map(one => one.outerHTML.slice(0, 120))
"""


@pytest.fixture(scope="module")
def served(tiny: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("a") / "p"
    shutil.copytree(tiny.path, folder, symlinks=True)
    made = start_server(str(folder), cache=tmp_path_factory.mktemp("cache"))
    yield made
    made.stop()


def open_form(page: Page) -> None:
    page.keyboard.press("n")
    page.get_by_label("Which kind of job").fill("relion.class2d")
    page.keyboard.press("Enter")
    expect(page.get_by_text("missing")).to_be_visible()


def open_picker(page: Page) -> None:
    page.keyboard.press("n")
    expect(page.get_by_label("Which kind of job")).to_be_visible()


def open_palette(page: Page) -> None:
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name="Find anything").fill("mask")
    expect(page.get_by_role("listbox", name="Found").get_by_role("option").first).to_be_visible()


def open_wizard(page: Page) -> None:
    page.locator("[data-field=fn_in] input").fill("Refine3D/job017")
    page.get_by_role("button", name="See the mask on its map").click()
    expect(page.get_by_text("encloses")).to_be_visible(timeout=15000)


def nothing(page: Page) -> None:
    pass


SCREENS: dict[str, tuple[str, str, Callable[[Page], None]]] = {
    "graph": ("", "[role=treeitem]", nothing),
    "cards": ("/cards", ".card", nothing),
    "table": ("/table", "tbody tr", nothing),
    "job": ("/jobs/17", "canvas", nothing),
    "data": ("/jobs/2/data", "table", nothing),
    "log": ("/jobs/17/log", "pre", nothing),
    "parameters": ("/jobs/17/parameters", "tr.differs", nothing),
    "files": ("/jobs/17/files", "tbody tr", nothing),
    "note": ("/jobs/17/story", "textarea", nothing),
    "several": ("?job=13,17", "aside button", nothing),
    "deleted": ("/deleted", ".empty", nothing),
    "machine": ("/../../machine", "tbody tr", nothing),
    "palette": ("", "[role=treeitem]", open_palette),
    "wizard": ("?new=relion.maskcreate", "[data-field=fn_in]", open_wizard),
    "micrographs": ("/jobs/4/micrographs/micrographs", "canvas[data-sharp=true]", nothing),
    "picks": ("/jobs/6/micrographs/coordinates?above=0.52&ramp=yes", "canvas[data-sharp=true]", nothing),
    "maps": ("/jobs/18/maps", ".map-slices figure", nothing),
    "select-classes": ("/jobs/8/select/classes", "[role=option]", nothing),
    "select-particles": ("/jobs/8/select/particles?how=table", "[role=row]", nothing),
    "session": ("/session", "[data-step]", nothing),
    "picker": ("", "[role=treeitem]", open_picker),
    "form": ("", "[role=treeitem]", open_form),
}


def opened(page: Page, served: Served, screen: str) -> None:
    address, sign, act = SCREENS[screen]
    page.goto(served.link)
    expect(page.get_by_role("treeitem").first).to_be_visible()
    home = re.sub(r"#.*", "", page.url)
    page.goto(home + address)
    expect(page.locator(sign).first).to_be_visible(timeout=15000)
    act(page)


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed: make page")
@pytest.mark.parametrize("screen", SCREENS)
def test_a_screen_is_for_everybody(page: Page, served: Served, screen: str) -> None:
    opened(page, served, screen)
    page.evaluate(AXE.read_text())
    for theme in ("light", "dark"):
        page.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        said = [
            f"{one['id']} ({one['impact']}): {one['nodes'][0]['html'][:160]}" for one in found["violations"]
        ]
        assert not said, "\n".join([theme, *said])


@pytest.mark.parametrize(
    "screen", [one for one in SCREENS if one not in ("picker", "log", "data", "deleted")]
)
def test_at_twice_the_size_nothing_lies_beside_the_screen(page: Page, served: Served, screen: str) -> None:
    opened(page, served, screen)
    page.set_viewport_size({"width": 640, "height": 360})
    page.wait_for_timeout(200)

    wide = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide[0] <= wide[1]
    assert page.evaluate(BESIDE) == []
