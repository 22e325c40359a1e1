"""How long a micrograph takes on the page: to its first picture and to a sharp one, with the page and when one goes to another.

Usage: micrograph.py [--size PX] [--times N]. Makes micrographs of noise (32-bit), serves them, and looks at them in Chromium,
without and with 50 ms of round trip. Prints medians, and what the server takes.
"""

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
from playwright.sync_api import Page, sync_playwright

from cryoloom import Project
from cryoloom.api.recent import key_of
from cryoloom.images.mrc import write_mrc

APART, FAR = 8, 5  # of those that are begun with, and to one that is not fetched beforehand
ROUND_TRIPS_MS = (0, 50)
LOADED = "canvas[data-shown]:not([data-shown=''])"


def project_of(folder: Path, size: int, count: int) -> Project:
    """A project with so many micrographs of this size."""
    chance = np.random.default_rng(1)
    data = folder / "data"
    data.mkdir()
    noise = chance.normal(size=(size, size)).astype(np.float32)
    for number in range(count):
        write_mrc(data / f"m_{number:02d}.mrc", np.roll(noise, 997 * number, axis=0), 1.0)
    project = Project.create(folder / "p")
    project.run("import.micrographs", fn_in_raw=f"{data}/*.mrc", angpix=1.0).wait()
    return project


def serve(project: Project) -> "tuple[subprocess.Popen[str], str]":
    """A server's process and its link."""
    process = subprocess.Popen(
        [sys.executable, "-m", "cryoloom", "serve", str(project.path), "--no-browser"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    return process, next(line.strip() for line in process.stdout if "#token=" in line)


def to_see(page: Page, sign: str, began: float) -> float:
    """Seconds until something is on the page."""
    page.wait_for_selector(sign, timeout=60_000)
    return time.perf_counter() - began


def look(page: Page, base: str, number: int, lowpass: int) -> dict[str, float]:
    """Open a micrograph that nobody has looked at, go on to the next, to one far away, and see that pixel by pixel."""
    began = time.perf_counter()
    page.goto(f"{base}?at=m_{number:02d}&lowpass={lowpass}&spectrum=no")
    found = {"page and first picture": to_see(page, LOADED, began)}
    found["page and sharp"] = to_see(page, "canvas[data-sharp=true]", began)
    page.wait_for_timeout(1500)  # the next one is fetched meanwhile, as while a person looks
    before = page.get_attribute("canvas", "data-shown")
    began = time.perf_counter()
    page.keyboard.press(".")
    found["next, sharp"] = to_see(page, f"canvas[data-sharp=true]:not([data-shown='{before}'])", began)
    page.wait_for_timeout(500)
    before = page.get_attribute("canvas", "data-shown")
    began = time.perf_counter()
    page.locator(f"[role=option][title*=m_{number + FAR:02d}]").dispatch_event("click")
    found["another, first picture"] = to_see(page, f"{LOADED}:not([data-shown='{before}'])", began)
    found["another, sharp"] = to_see(page, f"canvas[data-sharp=true]:not([data-shown='{before}'])", began)
    page.wait_for_timeout(500)
    began = time.perf_counter()
    page.keyboard.press("1")
    found["pixel by pixel, sharp"] = to_see(page, "canvas[data-view^='1 '][data-sharp=true]", began)
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=4096)
    parser.add_argument("--times", type=int, default=3)
    options = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        project = project_of(Path(name), options.size, APART * (options.times + 1))
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for round_trip in ROUND_TRIPS_MS:
            for lowpass in (0, 20):
                # A server of its own for each, so that none finds in memory what another has looked at.
                process, link = serve(project)
                try:
                    page = browser.new_context(viewport={"width": 1280, "height": 720}).new_page()
                    page.goto(link)
                    page.get_by_role("treeitem").first.wait_for()
                    wire = page.context.new_cdp_session(page)
                    wire.send("Network.enable")
                    wire.send(
                        "Network.emulateNetworkConditions",
                        {
                            "offline": False,
                            "latency": round_trip,
                            "downloadThroughput": -1,
                            "uploadThroughput": -1,
                        },
                    )
                    base = f"{link.partition('#')[0]}p/{key_of(project.path)}/jobs/1/micrographs/micrographs"
                    # The first only warms the browser up.
                    rounds = range(options.times + 1)
                    seen = [look(page, base, APART * number, lowpass) for number in rounds][1:]
                    for what in seen[0]:
                        median = statistics.median(one[what] for one in seen)
                        words = f"{options.size} px, low-pass {lowpass:2d} Å, {round_trip:2d} ms: {what}"
                        print(f"{words:<64} {median:8.3f} s")
                    memory = psutil.Process(process.pid).memory_info().rss
                    print(f"{'memory of the server then':<64} {memory / 1e6:8.0f} MB")
                    page.context.close()
                finally:
                    process.terminate()
                    process.wait(20)
        browser.close()


if __name__ == "__main__":
    main()
