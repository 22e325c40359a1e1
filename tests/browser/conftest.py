"""A real server, the system's own browser, and a page that reports what goes wrong in it."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserType, Page, expect, sync_playwright

from cryoloom import Project

OUT = Path(__file__).parent / "out"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

# Two cores may be shared by RELION, a browser and another worker's tests: what comes may come late.
expect.set_options(timeout=20_000)


@dataclass
class Served:
    """A server's process, and the link that it printed."""

    process: "subprocess.Popen[str]"
    link: str

    @property
    def base(self) -> str:
        return self.link.partition("#")[0]

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)


def start_server(*args: str, cache: Path) -> Served:
    process = subprocess.Popen(
        [sys.executable, "-m", "cryoloom", "serve", *args, "--no-browser"],
        stdout=subprocess.PIPE, text=True, env={**os.environ, "XDG_CACHE_HOME": str(cache)},
    )  # fmt: skip
    assert process.stdout is not None
    for line in process.stdout:
        if "#token=" in line:
            return Served(process, line.strip())
    raise AssertionError("the server printed no link")


def free_port() -> str:
    """One that no server takes by itself, as they do from 7654 on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return str(one.getsockname()[1])


@pytest.fixture(scope="session")
def chromium() -> Iterator[BrowserType]:
    """The system's own; one driver for all browsers of a process, which can have no second."""
    with sync_playwright() as playwright:
        yield playwright.chromium


@pytest.fixture(scope="session")
def browser(chromium: BrowserType) -> Iterator[Browser]:
    yield from launched(chromium, "--no-sandbox")


def launched(chromium: BrowserType, *args: str) -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("chromium is not installed: apt-get install chromium")
    made = chromium.launch(executable_path=CHROMIUM, args=args)
    yield made
    made.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of 1280 x 720; the test fails where the page itself has an error or is refused something by its policy."""
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    made = context.new_page()
    wrong: list[str] = []
    made.on("pageerror", lambda error: wrong.append(str(error)))
    made.on(
        "console", lambda message: wrong.append(message.text) if "Content Security" in message.text else None
    )
    yield made
    context.close()
    assert not wrong, wrong


@pytest.fixture(scope="module")
def project(tiny: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of the tiny project, for a module that changes it."""
    folder = tmp_path_factory.mktemp("b") / "p"
    shutil.copytree(tiny.path, folder, symlinks=True)
    return Project(folder)


@pytest.fixture(scope="module")
def served(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    made = start_server(str(project.path), cache=tmp_path_factory.mktemp("cache"))
    yield made
    made.stop()


def opened(page: Page, served: Served) -> str:
    """The project's page, when its jobs are there; its address."""
    page.goto(served.link)
    expect(page.get_by_role("treeitem").first).to_be_visible()
    return page.url


def kept(page: Page, name: str) -> None:
    """A picture of the page in both themes, for whoever wants to see."""
    OUT.mkdir(exist_ok=True)
    for theme in ("light", "dark"):
        page.evaluate(
            "theme => { document.documentElement.dataset.theme = theme; dispatchEvent(new Event('theme')) }",
            theme,
        )
        page.wait_for_timeout(300)
        page.screenshot(path=OUT / f"{name}-{theme}.png")
    page.evaluate("delete document.documentElement.dataset.theme")
