"""A streaming chain over a long time: does memory stay flat, does the lag not grow, does an item always cost the same?

Usage: hour.py [--minutes N] [--rate ITEMS_PER_S]. A simulated microscope, each hundredth of whose items is bad,
→ a relay → a program for each batch → a relay → a join of first and last. Once a minute: the age of the newest row
when the join's reader could see it, CPU for an item over all jobs and the scheduler, and their resident memory.
"""

import argparse
import contextlib
import statistics
import sys
import time
from dataclasses import dataclass

import psutil
from engine import scratch

from cryoloom import Job, Project
from cryoloom.project.index import cache_folder

BAD_EVERY = 100


@dataclass(frozen=True, slots=True)
class Sample:
    """The state of the chain at one moment."""

    items: int
    cpu_s: float
    resident_mb: float
    lag_s: float


def processes(project: Project, jobs: list[Job]) -> list[psutil.Process]:
    """The jobs' processes with their shepherds, and the scheduler."""
    pids = [int((cache_folder(project.path) / "scheduler.lock").read_text() or 0)]
    for job in jobs:
        attempt = job.entry.status().attempt
        if attempt is not None and attempt.claim is not None and not attempt.ended:
            pids.append(int(attempt.claim["pid"]))
    found = []
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(pid)
            found += [process, *process.children()]
    return found


def lag_of(job: Job, label: str) -> float:
    """Seconds since the time that the newest row of a job bears, when it came through; waits for a new one."""
    history = job.entry.status().history
    output = next(iter(history.outputs.values()))
    path = job.folder / output.file
    size = path.stat().st_size
    while path.stat().st_size == size:
        time.sleep(0.002)
    now = time.time()
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 2000))
        last = file.read().rstrip().rsplit(b"\n", 1)[-1].split()
    return now - float(last[output.labels.index(label)])


def sample(project: Project, jobs: list[Job]) -> Sample:
    cpu_s, resident = 0.0, 0.0
    for process in processes(project, jobs):
        with contextlib.suppress(psutil.Error):
            times = process.cpu_times()
            cpu_s += times.user + times.system + times.children_user + times.children_system
            resident += process.memory_info().rss / 1e6
    items = len(jobs[0].entry.status().history.done)
    lag = statistics.median(lag_of(jobs[-2], "loomtestAt0") for _ in range(9))
    return Sample(items, cpu_s, resident, lag)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--rate", type=float, default=10)
    given = parser.parse_args()
    with scratch() as folder:
        project = Project.create(folder / "p")
        count = int(given.minutes * 60 * given.rate)
        source = project.run("loomtest.tick", items=count, rate=given.rate, bad_every=BAD_EVERY)
        first = project.run("loomtest.relay", input=source)
        program = project.run("loomtest.stage", input=first)
        last = project.run("loomtest.relay", input=program)
        joined = project.run("sets.join", input=[first, last], keep="all", labels_of="common")
        jobs = [source, first, program, last, joined]
        time.sleep(20)
        print(
            "| minute | items | lag, median of 9 (ms) | CPU for an item (ms) | resident, all processes (MB) |"
        )
        print("| --- | --- | --- | --- | --- |", flush=True)
        began, before = time.monotonic(), sample(project, jobs)
        samples = []
        while joined.state in ("scheduled", "running"):
            time.sleep(min(60, max(1.0, given.minutes * 6)))
            if source.state != "running":
                break
            now = sample(project, jobs)
            cost = (now.cpu_s - before.cpu_s) / max(1, now.items - before.items)
            samples.append((now, cost))
            minute = (time.monotonic() - began) / 60
            print(
                f"| {minute:.1f} | {now.items} | {now.lag_s * 1e3:.0f} | {cost * 1e3:.1f} | {now.resident_mb:.0f} |",
                flush=True,
            )
            before = now
        project.wait(timeout_s=120)
        good = count - count // BAD_EVERY
        heights = [job.dataset().table().height for job in jobs[:-1]]
        whole = heights == [good] * 4 and joined.dataset("kept").table().height == 2 * good
        print(f"\n{good} good items of {count}; each came through every job once: {whole}")
        sys.exit(0 if whole else 1)


if __name__ == "__main__":
    main()
