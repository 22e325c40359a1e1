"""How long one waits for a map: until its first surface and its whole one are there, and for each level after that.

Usage: maps.py [--sizes 128,256,512] [--times N] [--server]. Made maps (a molecule-like sum of blobs in noise) of a project
of their own, a real server, Chromium drawing by software. Medians; with a round trip of 0 and 50 ms. `made` is what the
page's worker takes for a surface, `seen` until the picture is drawn; a dragged level of a large map is drawn coarsely first.
Beside them the targets of the project. `--server`: only what the server takes to read a map and to give its voxels.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
import scipy.ndimage
from playwright.sync_api import Page, sync_playwright

from cryoloom import Project
from cryoloom.api.map_values import sent_voxels, voxels_of
from cryoloom.api.recent import key_of
from cryoloom.images.mrc import write_mrc

ROUND_TRIPS_MS = (0, 50)
DRAWING = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
TARGETS = {"level, made": {128: 0.1, 256: 0.1}}
NAME = "result.mrc"


def made_map(size: int) -> "np.ndarray[tuple[int, int, int], np.dtype[np.float32]]":
    """(z, y, x): what looks like a molecule in a third of the box, finer in a larger one, and a little noise."""
    chance = np.random.default_rng(1)
    small = size // 2
    blobs = scipy.ndimage.gaussian_filter(chance.normal(size=(small,) * 3).astype(np.float32), small / 54)
    blobs /= blobs.std()
    z, y, x = np.ogrid[:small, :small, :small]
    far = np.sqrt((z - small / 2) ** 2 + (y - small / 2) ** 2 + (x - small / 2) ** 2)
    blobs *= np.clip((0.33 * small - far) / 4, 0, 1).astype(np.float32)
    whole = blobs.repeat(2, 0).repeat(2, 1).repeat(2, 2)
    whole = scipy.ndimage.uniform_filter(whole, 3)
    whole += 0.05 * chance.normal(size=whole.shape).astype(np.float32)
    return np.asarray(whole, np.float32)


def project_of(folder: Path, sizes: list[int]) -> Project:
    project = Project.create(folder)
    for size in sizes:
        with project.external(f"{size} px", outputs={"result": "volume"}) as job:
            write_mrc(job.file("result"), made_map(size), 1.0, is_volume=True)
    return project


def of_server(project: Project, sizes: list[int]) -> None:
    for number, size in enumerate(sizes, 1):
        path = project.job(number).dataset().file
        began = time.perf_counter()
        placement = voxels_of(path, "volume").placement
        print(f"{size}³: read, its values known{'':<28}{time.perf_counter() - began:8.3f} s")
        for bin_px in {*((4, 1) if placement.size[0] > 256 else (2, 1) if placement.size[0] > 128 else (1,))}:
            began = time.perf_counter()
            data = sent_voxels(path, "volume", bin_px)
            took = time.perf_counter() - began
            print(
                f"{size}³: voxels binned by {bin_px}, {len(data) / 1e6:6.1f} MB{'':<20}{took:8.3f} s",
                flush=True,
            )


def opened(page: Page, address: str) -> dict[str, float]:
    """Seconds until a surface, and the whole one."""
    began = time.perf_counter()
    page.goto(address)
    page.wait_for_selector("li.layer:not([data-triangles=''])", timeout=120_000)
    first = time.perf_counter() - began
    page.wait_for_selector("li[data-whole=true]", timeout=120_000)
    return {"first surface": first, "whole surface": time.perf_counter() - began}


def level(page: Page, to: float) -> dict[str, float]:
    """Seconds from a new level to its surface: made by the worker, and on the screen."""
    found = page.evaluate(
        """async to => {
            const layer = document.querySelector("li.layer"), field = document.querySelector("[aria-label=Level]");
            const before = layer.dataset.triangles, began = performance.now();
            const wait = () => new Promise(done => setTimeout(done, 2));
            Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set.call(field, String(to));
            field.dispatchEvent(new Event("input", { bubbles: true }));
            while (layer.dataset.triangles === before) await wait();
            const made = Number(layer.dataset.ms);
            // What is drawn in the next frame is on the screen when the one after it begins.
            for (let frame = 0; frame < 2; frame++) await new Promise(done => requestAnimationFrame(done));
            const seen = performance.now() - began;
            while (layer.dataset.whole !== "true") await wait();
            const whole = performance.now() - began;
            return { made, seen, whole, whole_made: Number(layer.dataset.ms), triangles: Number(layer.dataset.triangles) };
        }""",
        to,
    )
    page.wait_for_timeout(300)
    return {
        "level, made": found["made"] / 1000,
        "level, seen": found["seen"] / 1000,
        "level, whole surface made": found["whole_made"] / 1000,
        "level, whole surface seen": found["whole"] / 1000,
        "triangles": found["triangles"],
    }


def of_page(project: Project, sizes: list[int], times: int) -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=DRAWING)
        for round_trip in ROUND_TRIPS_MS:
            process = subprocess.Popen(
                [sys.executable, "-m", "cryoloom", "serve", str(project.path), "--no-browser"],
                stdout=subprocess.PIPE, text=True,
            )  # fmt: skip
            assert process.stdout is not None
            link = next(line.strip() for line in process.stdout if "#token=" in line)
            try:
                for number, size in enumerate(sizes, 1):
                    page = browser.new_context(viewport={"width": 1280, "height": 720}).new_page()
                    page.goto(link)
                    page.get_by_role("treeitem").first.wait_for()
                    wire = page.context.new_cdp_session(page)
                    wire.send("Network.enable")
                    limits = {
                        "offline": False,
                        "latency": round_trip,
                        "downloadThroughput": -1,
                        "uploadThroughput": -1,
                    }
                    wire.send("Network.emulateNetworkConditions", limits)
                    address = f"{link.partition('#')[0]}p/{key_of(project.path)}/jobs/{number}/maps"
                    found = opened(page, address)
                    seen = [level(page, 0.8 + 0.05 * turn) for turn in range(times)]
                    found |= {what: statistics.median(one[what] for one in seen) for what in seen[0]}
                    for what, value in found.items():
                        words = f"{size}³, {round_trip:2d} ms: {what}"
                        target = TARGETS.get(what, {}).get(size)
                        told = f"{value:8.0f}" if what == "triangles" else f"{value:8.3f} s"
                        print(f"{words:<52}{told}{f'   target {target} s' if target else ''}", flush=True)
                    page.context.close()
                memory = psutil.Process(process.pid).memory_info().rss
                print(f"{'memory of the server then':<52}{memory / 1e6:8.0f} MB", flush=True)
            finally:
                process.terminate()
                process.wait(20)
        browser.close()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="128,256,512")
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--server", action="store_true")
    options = parser.parse_args()
    sizes = [int(one) for one in options.sizes.split(",")]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        os.environ["XDG_CACHE_HOME"] = f"{folder}/cache"
        project = project_of(Path(folder) / "p", sizes)
        if options.server:
            of_server(project, sizes)
        else:
            of_page(project, sizes, options.times)


if __name__ == "__main__":
    main()
