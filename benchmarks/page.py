"""How long the page takes: the first one, projects of many jobs, a click until it is painted, memory, followers.

Usage: page.py [--jobs N ...] [--rounds N]. Prints medians; with 0 and with 50 ms of round trip. Needs Chromium.
"""

import argparse
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path

import psutil
from playwright.sync_api import Browser, Page, sync_playwright

from cryoloom import Project
from cryoloom.project.forms import pipeline as pipe

PLUGIN = Path(__file__).parent.parent / "tests/plugin"
ROUND_TRIPS_MS = (0, 50)
CHAIN = 20  # jobs one after the other, before another branch begins
FOLLOWERS, WATCHED_S = 20, 10.0
# From a click until two frames later: what it changed is on the screen then.
CLICKED = """
job => new Promise(done => {
  const element = document.querySelector(`[data-job="${job}"]`);
  const began = performance.now();
  element.click();
  requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - began)));
})
"""


def grow(project: Project, jobs: int) -> None:
    """Copy the project's only job, which has ended, into branches of a chain."""
    model = project.jobs()[0]
    spec = json.loads((model.folder / "job.json").read_text())
    with pipe.changed_pipeline(project.path) as pipeline:
        for number in range(pipeline.counter, jobs + 1):
            name = f"External/job{number:03d}"
            before = number - 1 if number % CHAIN else max(1, number - CHAIN // 2)
            shutil.copytree(model.folder, project.path / name)
            own = {"name": name, "id": uuid.uuid4().hex, "wait_for": [f"External/job{before:03d}"]}
            (project.path / name / "job.json").write_text(json.dumps(spec | own))
            pipeline.processes.append(pipe.Process(f"{name}/", "None", 99, 2))
            pipeline.add_node(f"{name}/made.star", 3)
            pipeline.output_edges.append((f"{name}/", f"{name}/made.star"))
            pipeline.input_edges.append((f"External/job{before:03d}/made.star", f"{name}/"))
        pipeline.counter = jobs + 1


@contextlib.contextmanager
def served(project: Project) -> Iterator[tuple[str, psutil.Process]]:
    """The link to a project, and the server's process."""
    process = subprocess.Popen(
        [sys.executable, "-m", "cryoloom", "serve", str(project.path), "--no-browser"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    link = next(line.strip() for line in process.stdout if "#token=" in line)
    try:
        yield link, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(20)


def page_of(browser: Browser, round_trip_ms: int) -> Page:
    page = browser.new_context(viewport={"width": 1280, "height": 720}).new_page()
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    limits = {"offline": False, "latency": round_trip_ms, "downloadThroughput": -1, "uploadThroughput": -1}
    session.send("Network.emulateNetworkConditions", limits)
    return page


def opened_s(browser: Browser, link: str, round_trip_ms: int) -> tuple[float, float, float]:
    """Seconds until jobs are seen by who comes the first time; the median click; MB of the page's heap."""
    page = page_of(browser, round_trip_ms)
    began = time.perf_counter()
    page.goto(link)
    page.locator("[data-job]").first.wait_for()
    took = time.perf_counter() - began
    page.wait_for_timeout(1500)
    seen = [
        int(one) for one in page.locator("[data-job]").evaluate_all("all => all.map(one => one.dataset.job)")
    ]
    clicks = [float(page.evaluate(CLICKED, job)) for job in seen[:10]]
    heap = float(page.evaluate("performance.memory.usedJSHeapSize")) / 1e6
    page.context.close()
    return took, statistics.median(clicks) / 1000, heap


def following_percent(link: str, server: psutil.Process) -> float:
    """Percent of a core that one follower costs while nothing happens: that of many, divided."""
    address, _, token = link.partition("#token=")
    asked = urllib.request.Request(f"{address}api/projects", headers={"Authorization": f"Bearer {token}"})
    key = json.load(urllib.request.urlopen(asked))[0]["key"]
    until = time.monotonic() + WATCHED_S + 5

    def follow() -> None:
        since = 0
        while time.monotonic() < until:
            where = f"{address}api/projects/{key}/changes?since={since}&wait_s=5"
            ask = urllib.request.Request(where, headers={"Authorization": f"Bearer {token}"})
            since = json.load(urllib.request.urlopen(ask))["now"]

    threads = [threading.Thread(target=follow, daemon=True) for _ in range(FOLLOWERS)]
    for thread in threads:
        thread.start()
    time.sleep(4)
    server.cpu_percent()
    time.sleep(WATCHED_S)
    percent = server.cpu_percent() / FOLLOWERS
    for thread in threads:
        thread.join()
    return percent


def row(what: str, found: float, unit: str, target: str) -> None:
    print(f"| {what} | {float(f'{found:.3g}'):g} {unit} | {target} |", flush=True)


def measure(folder: Path, jobs: int, rounds: int, browser: Browser) -> None:
    project = Project.create(folder / f"p{jobs}")
    project.run("loomtest.nothing").wait()
    grow(project, jobs)
    with served(project) as (link, server):
        for round_trip in ROUND_TRIPS_MS:
            found = [opened_s(browser, link, round_trip) for _ in range(rounds)]
            first, click, heap = (statistics.median(column) for column in zip(*found, strict=True))
            beside = f"{jobs:,} jobs, round trip {round_trip} ms"
            row(f"first page, nothing cached: {beside}", first, "s", "1 s")
            row(f"click until it is painted: {beside}", click, "s", "0.1 s at 1,000 jobs")
            row(f"the page's heap: {beside}", heap, "MB", "")
        row(
            f"{jobs:,} jobs: a follower's share of the server",
            following_percent(link, server),
            "% of a core",
            "1 %",
        )
        row(f"{jobs:,} jobs: the server's memory", server.memory_info().rss / 1e6, "MB", "")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, nargs="+", default=[20, 1000, 10_000])
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise SystemExit("chromium is not installed: apt-get install chromium")
    with (
        tempfile.TemporaryDirectory(prefix="page", ignore_cleanup_errors=True) as name,
        sync_playwright() as tools,
    ):
        os.environ |= {
            "XDG_CACHE_HOME": f"{name}/cache",
            "CRYOLOOM_LEDGER_DIR": name,
            "PYTHONPATH": str(PLUGIN),
        }
        sys.path.insert(0, str(PLUGIN))
        browser = tools.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--enable-precise-memory-info"]
        )
        print("| what | found | target |\n| --- | --- | --- |")
        for jobs in options.jobs:
            measure(Path(name), jobs, options.rounds, browser)
        browser.close()


if __name__ == "__main__":
    main()
