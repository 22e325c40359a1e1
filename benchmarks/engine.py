"""The engine without work: launches, steps, hops, a large project and an idle scheduler, beside Scipion.

Usage: engine.py [--jobs N] [--launches N] [--only PART ...] [--scipion PYTHON] [--pipeliner PYTHON]; the parts
are launch, steps, hops, project, idle, look. Each peer needs libraries of other versions, so it has a virtual
environment of its own (`pip install scipion-pyworkflow scipion-em`; `pip install ccpem-pipeliner`), whose Python
is named; without them our times stand alone.

Our jobs are those of `tests/plugin/loomtest`, which do nothing; the peers' are in `peers/`. All are timed from
the call that launches to the end as it is seen from outside: ours looks into the job's journal every 2 ms,
Scipion's `launchProtocol(wait=True)` waits for the process, the pipeliner's success file is looked for every 2 ms.
Ours and theirs take turns. Wall seconds.
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
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import psutil

from cryoloom import Job, Project
from cryoloom.project.events import AttemptStarted, ItemsDone
from cryoloom.project.forms import pipeline as pipe
from cryoloom.project.index import cache_folder
from cryoloom.project.journal import JournalWriter

PLUGIN = Path(__file__).resolve().parents[1] / "tests" / "plugin"
PEERS = Path(__file__).resolve().parent / "peers"
STEPS = 1000
ITEMS = 20_000  # of a job that is looked at
RATE, SECONDS = 300, 20  # of the chain: items a second, and for how long
WATCHED_S = 60.0  # of the idle scheduler: one look at all ended jobs among them
PATIENCE_S = 300.0


class Peer:
    """A program of `peers/` that is told a line and answers with seconds; or nobody, where it has no Python."""

    def __init__(self, script: str, python: str | None, home: Path, **environment: str) -> None:
        self.process = None
        if python is None:
            return
        home.mkdir(parents=True)
        self.process = subprocess.Popen(
            [python, str(PEERS / script), str(home)],
            env={
                **os.environ,
                "PATH": f"{Path(python).parent}:{os.environ['PATH']}",
                "PYTHONPATH": str(PEERS),
                **{name: value.format(home=home, python=python) for name, value in environment.items()},
            },
            cwd=home,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def time(self, line: object) -> float | None:
        """What it takes the peer; None where there is no peer."""
        if self.process is None:
            return None
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        for answer in self.process.stdout:
            if answer.startswith("seconds "):
                return float(answer.split()[1])
        raise SystemExit(f"{self.process.args} ended with {self.process.wait()}")

    def end(self) -> None:
        if self.process is not None and self.process.stdin:
            self.process.stdin.close()
            self.process.wait()


def until_end(job: Job, began: float) -> float:
    """Seconds from `began` to the end of a job as its journal has it."""
    journal = job.folder / "journal.jsonl"
    while not (journal.exists() and b"job.ended" in journal.read_bytes()[-500:]):
        if time.monotonic() - began > PATIENCE_S:
            raise SystemExit(f"{job.name} has not ended: {job.state}, {job.why}")
        time.sleep(0.002)
    took = time.monotonic() - began
    job.wait()
    assert job.state == "succeeded", job.why
    return took


def launch(project: Project, launches: int, scipion: Peer, pipeliner: Peer) -> None:
    """A job that does nothing: from the call, and from the command line; the peers' after each of ours."""
    project.run("loomtest.nothing").wait()
    scipion.time(1)  # compiles what is imported
    found: dict[str, list[float]] = {}
    for _ in range(launches):
        began = time.monotonic()
        ours = until_end(project.run("loomtest.nothing"), began)
        round_ = {
            "call": ours,
            "command": command(project, "run", "loomtest.nothing", "--wait"),
            "scipion": scipion.time(1),
            "pipeliner": pipeliner.time("background"),
            "in process": pipeliner.time("foreground"),
        }
        for name, took in round_.items():
            if took is not None:
                found.setdefault(name, []).append(took)
    what = f"a job that does nothing, from Python (median of {launches})"
    row(what, found["call"], found.get("scipion"))
    row(f"{what}, the pipeliner's in the background", found["call"], found.get("pipeliner"))
    row(f"{what}, the pipeliner's in the caller's process", found["call"], found.get("in process"))
    row("the same, from `cryoloom run --wait`", found["command"])


def command(project: Project, *words: str) -> float:
    """Seconds of a command of ours, from process start to its end."""
    began = time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "cryoloom", *words], cwd=project.path, check=True, stdout=subprocess.DEVNULL
    )
    return time.monotonic() - began


def steps(project: Project) -> float:
    """Items of a closed set, each a batch of its own with its lines in table and journal."""
    source = project.run("loomtest.tick", items=STEPS, rate=1e6).wait()
    began = time.monotonic()
    job = project.run("loomtest.relay", input=source, batch_size=1)
    took = until_end(job, began)
    assert job.dataset().table().height == STEPS
    return took


def hops(project: Project, poll: bool) -> tuple[float, float]:
    """Median and 99th percentile of a hop in a chain of three, once the chain is under way."""
    import polars as pl

    (project.path / ".cryoloom" / "config.toml").write_text(f"[streams]\npoll = {int(poll)}\n")
    last = project.run("loomtest.tick", items=RATE * SECONDS, rate=RATE)
    for _ in range(3):
        last = project.run("loomtest.relay", input=last)
    until_end(last, time.monotonic())
    table = last.dataset().table()
    assert table.height == RATE * SECONDS
    table = table.tail(table.height * 2 // 3)
    taken = pl.concat([table[f"loomtestAt{hop + 1}"] - table[f"loomtestAt{hop}"] for hop in range(3)])
    return float(taken.quantile(0.5) or 0), float(taken.quantile(0.99) or 0)


def grow(project: Project, jobs: int) -> None:
    """Copy the project's last job, which has ended, until there are so many."""
    model = project.jobs()[-1]
    spec = json.loads((model.folder / "job.json").read_text())
    with pipe.changed_pipeline(project.path) as pipeline:
        for number in range(pipeline.counter, jobs + 1):
            name = f"External/job{number:03d}"
            shutil.copytree(model.folder, project.path / name)
            (project.path / name / "job.json").write_text(
                json.dumps(spec | {"name": name, "id": uuid.uuid4().hex})
            )
            pipeline.processes.append(pipe.Process(f"{name}/", "None", 99, 2))
        pipeline.counter = jobs + 1


def list_states(root: Path) -> dict[str, float]:
    """Open a project and list all jobs with their states, in this process."""
    began = time.monotonic()
    states = [summary.state for summary in Project(root).summaries()]
    return {"took": time.monotonic() - began, "jobs": len(states), "ended": states.count("succeeded")}


def idle(project: Project) -> tuple[float, float]:
    """Percent of a core and MB resident of the scheduler, while one job sleeps."""
    job = project.run("loomtest.nothing", seconds=1000)
    began = time.monotonic()
    while job.state != "running":
        if time.monotonic() - began > PATIENCE_S:
            raise SystemExit(f"{job.name} does not start: {job.why}")
        time.sleep(0.2)
    time.sleep(5)
    scheduler = psutil.Process(int((cache_folder(project.path) / "scheduler.lock").read_text()))
    scheduler.cpu_percent()
    time.sleep(WATCHED_S)
    percent, resident = scheduler.cpu_percent(), scheduler.memory_info().rss / 1e6
    job.stop()
    return percent, resident


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A folder for projects, caches and the ledger of slots; jobs find our protocols that do nothing."""
    with tempfile.TemporaryDirectory(prefix="engine", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        os.environ |= {
            "XDG_CACHE_HOME": str(folder / "cache"),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "CRYOLOOM_LEDGER_DIR": name,
            "PYTHONPATH": str(PLUGIN),
        }
        sys.path.insert(0, str(PLUGIN))
        yield folder


def in_a_process(*words: str) -> dict[str, float]:
    """This program again, in a process of its own: the JSON of its last line."""
    ended = subprocess.run([sys.executable, __file__, *words], capture_output=True, text=True, check=False)
    if ended.returncode:
        print(f"{' '.join(words)} failed:\n{ended.stderr[-2000:]}", file=sys.stderr)
        return {}
    return {key: float(value) for key, value in json.loads(ended.stdout.strip().splitlines()[-1]).items()}


def row(what: str, ours: list[float], peer: list[float] | None = None, unit: str = "s") -> None:
    """A line of the table: medians, and the median of the ratios of all rounds."""
    beside = "not measured |"
    if peer:
        ratio = statistics.median(theirs / our for our, theirs in zip(ours, peer, strict=True))
        beside = f"{statistics.median(peer):.3g} {unit} | {ratio:.2g}"
    print(f"| {what} | {float(f'{statistics.median(ours):.3g}'):g} {unit} | {beside} |", flush=True)


def large(folder: Path, jobs: int, parts: list[str]) -> None:
    """The lines of a project with many jobs."""
    project = Project.create(folder / "large")
    project.run("loomtest.nothing").wait()
    grow(project, jobs)
    if "project" in parts:
        (cache_folder(project.path) / "index.sqlite").unlink(missing_ok=True)
        for what in ("from the files, its index deleted", "from then on"):
            found = in_a_process("--step", "list", str(project.path))
            assert found["jobs"] == found["ended"] == jobs, found
            row(f"{jobs:,} ended jobs: open and list all in Python, {what}", [found["took"]])
        command(project, "ls", "--json")
        listed = [command(project, "ls", "--json") for _ in range(5)]
        row("the same: `cryoloom ls --json` (median of 5)", listed)
    if "idle" in parts:
        percent, resident = idle(project)
        row(f"its scheduler while one job sleeps: CPU over {WATCHED_S:.0f} s", [percent], unit="% of a core")
        row("its scheduler: resident memory", [resident], unit="MB")


def looks(folder: Path) -> None:
    """What a new command costs that looks at a job of many items which has not ended: the last look beside the first."""
    project = Project.create(folder / "looks")
    job = project.run("loomtest.nothing", start=False)
    journal = JournalWriter(job.folder, 1)
    journal.write(AttemptStarted(format=1, pid=1))
    took = []
    for number in range(ITEMS):
        journal.write(ItemsDone(items=[f"i{number:015d}"], failed=[], outputs={}))
        if number in (0, ITEMS - 2, ITEMS - 1):
            took.append(statistics.median(command(project, "ls", "--json") for _ in range(5)))
    row(
        f"`cryoloom ls --json` of a live job, at item 1 and at item {ITEMS:,}: the ratio",
        [took[-1] / took[0]],
        unit="times",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--launches", type=int, default=15)
    parser.add_argument("--scipion", metavar="PYTHON", help="one that has scipion-pyworkflow")
    parser.add_argument("--pipeliner", metavar="PYTHON", help="one that has ccpem-pipeliner")
    parts = ["launch", "steps", "hops", "project", "idle", "look"]
    parser.add_argument("--only", nargs="+", choices=parts, default=parts)
    parser.add_argument("--step", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.step:
        what, root = given.step
        assert what == "list"
        print(json.dumps(list_states(Path(root))))
        return
    with scratch() as folder:
        scipion = Peer(
            "scipion_steps.py", given.scipion, folder / "scipion", SCIPION_HOME="{home}", SCIPION_DOMAIN="scipion_steps",
            SCIPION_USER_DATA="{home}/user", SCIPION_PYTHON="{python}",
        )  # fmt: skip
        pipeliner = Peer("pipeliner_jobs.py", given.pipeliner, folder / "pipeliner")
        print(f"Load average before {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores\n")
        print("| | Cryoloom | the peer (Scipion, else as said) | ratio |\n| --- | --- | --- | --- |")
        project = Project.create(folder / "small")
        if "launch" in given.only:
            launch(project, given.launches, scipion, pipeliner)
        if "steps" in given.only:
            rounds = [(steps(project), scipion.time(STEPS)) for _ in range(3)]
            theirs = [peer for _, peer in rounds if peer is not None]
            row(f"{STEPS:,} empty steps in one job, with its launch", [ours for ours, _ in rounds], theirs)
        scipion.end()
        pipeliner.end()
        if "hops" in given.only:
            for poll, how in ((False, "inotify"), (True, "polling")):
                median, late = hops(project, poll)
                what = f"a hop of three at {RATE} items/s for {SECONDS} s, {how}"
                row(f"{what}: median", [median * 1e3], unit="ms")
                row(f"{what}: 99th percentile", [late * 1e3], unit="ms")
        if "look" in given.only:
            looks(folder)
        if {"project", "idle"} & set(given.only):
            large(folder, given.jobs, given.only)


if __name__ == "__main__":
    main()
