"""The whole job on made data with known truth: movies to map, judged step by step.

Usage: run_demo.py [FOLDER] [--workflow FILE] [--seed N]. Writes FOLDER/report.html and
FOLDER/summary.json beside the project's jobs; ends with an error when a figure misses its bar.
"""

import argparse
import contextlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from cryoloom import Project
from cryoloom.api.report import write_report
from cryoloom.cli.live import follow
from cryoloom.cli.shell import table
from cryoloom.cli.simulation import bars_table
from cryoloom.protocol import TableBlock
from cryoloom.simulate import Scores, compare_project

HERE = Path(__file__).resolve().parent
SAMPLE_S = 1.0


class Memory(threading.Thread):
    """The largest sum of resident memory of all the project's processes, looked at each second."""

    def __init__(self, root: Path) -> None:
        super().__init__(daemon=True)
        self.root = root
        self.peak_mb = 0.0
        self.done = threading.Event()

    def run(self) -> None:
        while not self.done.wait(SAMPLE_S):
            self.peak_mb = max(self.peak_mb, self.sum_mb())

    def sum_mb(self) -> float:
        seen: dict[int, int] = {}
        for process in psutil.process_iter(["pid", "cmdline", "memory_info"]):
            words = process.info["cmdline"] or []
            if process.info["memory_info"] and any(str(self.root) in word for word in words):
                seen[process.pid] = process.info["memory_info"].rss
                try:
                    below = process.children(recursive=True)
                except psutil.Error:
                    continue
                for child in below:
                    try:
                        seen[child.pid] = child.memory_info().rss
                    except psutil.Error:
                        continue
        seen[psutil.Process().pid] = psutil.Process().memory_info().rss
        return sum(seen.values()) / 1e6


def cpu_seconds(project: Project) -> float:
    """CPU time of all attempts at all jobs, their programs included, as their shepherds measured it."""
    total = 0.0
    for path in project.path.glob("*/job*/.cryoloom/attempts/*/exit.json"):
        total += float(json.loads(path.read_text()).get("cpu_s") or 0.0)
    return total


def latency(project: Project) -> float | None:
    """Seconds from a movie's arrival (when its import journaled it) to its particles; the median.

    None where no particles came of the movies.
    """
    jobs = {job.entry.protocol: job for job in reversed(project.jobs()) if job.summary().done}
    if not {"import.movies", "relion.autopick", "relion.extract"} <= set(jobs):
        return None
    movies = jobs["import.movies"].entry.status().history.done
    particles = jobs["relion.extract"].entry.status().history.done
    picks = jobs["relion.autopick"].dataset("coordinates").table()
    names = dict(zip(picks["cryoloomItemId"].to_list(), picks["rlnMicrographName"].to_list(), strict=True))
    files = jobs["import.movies"].dataset("movies").table()
    arrived = {
        Path(name).stem: movies[item]
        for item, name in zip(
            files["cryoloomItemId"].to_list(), files["rlnMicrographMovieName"].to_list(), strict=True
        )
    }
    waits = sorted(at - arrived[Path(names[item]).stem] for item, at in particles.items())
    return waits[len(waits) // 2] if waits else None


def write_summary(project: Project, scores: Scores, target: Path, wall_s: float, peak_mb: float) -> None:
    """The figures as one flat object."""
    items = {
        f"{job.name} {name}": facts["items"]
        for job in project.jobs()
        for name, facts in job.summary().outputs.items()
        if facts["items"] is not None
    }
    content = {
        **scores.bars,
        "wall_s": round(wall_s, 1),
        "cpu_s": round(cpu_seconds(project), 1),
        "peak_mb": round(peak_mb),
        "latency_s": latency(project),
        "hand": scores.hand,
        "items": items,
    }
    target.write_text(json.dumps(content, indent=1) + "\n")


@contextlib.contextmanager
def page_of(folder: Path) -> Iterator[None]:
    """The project in a browser while the demo runs; its link is printed."""
    words = [sys.executable, "-m", "cryoloom", "serve", str(folder)]
    server = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        told = server.stdout.readline()
        print(told + server.stdout.readline() if told else "The page cannot be served.", flush=True)
        yield
    finally:
        server.terminate()
        server.wait(10)


def main() -> int:
    """Run, compare, report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", default="demo", type=Path)
    parser.add_argument("--workflow", default=HERE / "demo.json", type=Path)
    parser.add_argument("--seed", default=1, type=int)
    options = parser.parse_args()
    folder: Path = options.folder
    if (folder / "default_pipeline.star").exists():
        number = next(n for n in range(1, 10_000) if not folder.with_name(f"{folder.name}.{n}").exists())
        folder.rename(folder.with_name(f"{folder.name}.{number}"))
        print(f"The earlier {folder} is now {folder}.{number}.")
    began = time.monotonic()
    project = Project.create(folder, seed=options.seed)
    memory = Memory(project.path)
    memory.start()
    jobs = project.run_workflow(options.workflow, seed=options.seed)
    print(
        f"{len(jobs)} jobs are scheduled in {project.path}; `cryoloom ls -p {folder}` shows them elsewhere."
    )
    with page_of(folder):
        shown = follow(project, jobs)
    memory.done.set()
    for summary in shown:
        history = project.job(summary.name).entry.status().history
        for name, why in history.failed.values():
            print(f"{summary.name} refused {Path(name).name}: {why}")
    broken = [summary for summary in shown if summary.state != "succeeded"]
    for summary in broken:
        print(f"{summary.name} {summary.state}: {summary.why}")
    scores = compare_project(project.path, project.path / "microscope" / "truth")
    rows = [[row.job, row.what, f"{row.value:.4g} {row.unit}".strip(), row.note] for row in scores.rows]
    bars = [
        [
            name,
            f"{bar['value']:.4g} {bar['unit']}".strip(),
            f"{bar['bar']:.4g}",
            "passed" if bar["passed"] else "MISSED",
        ]
        for name, bar in scores.bars.items()
    ]
    print("\nEvery step against the truth:\n" + table(["job", "what", "value", "note"], rows))
    print(f"\n{bars_table(scores.bars)}\nhand: {scores.hand}")
    wall_s = time.monotonic() - began
    write_summary(project, scores, folder / "summary.json", wall_s, memory.peak_mb)
    extra = [
        TableBlock("Against the truth", ["figure", "value", "bar", ""], bars),
        TableBlock("Every step against the truth", ["job", "what", "value", "note"], rows),
    ]
    write_report(project, folder / "report.html", extra=extra, title="Cryoloom demo: movies to map")
    print(f"\n{wall_s:.0f} s, at most {memory.peak_mb:.0f} MB. {folder}/report.html, {folder}/summary.json")
    print(f"In a browser: cryoloom serve {folder}")
    return 0 if scores.passed and len(scores.bars) == 10 and not broken else 1


if __name__ == "__main__":
    sys.exit(main())
