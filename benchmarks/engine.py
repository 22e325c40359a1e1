"""The engine without work: launches, steps, hops, a large project and an idle scheduler, beside Scipion.

Usage: engine.py [--jobs N] [--launches N] [--only PART ...]; parts: launch, steps, hops, project, idle.
Scipion comes with `pip install 'cryoloom[benchmarks]'`; without it our times stand alone.

Our jobs are those of `tests/plugin/loomtest`, which do nothing; Scipion's is a protocol of empty steps in a
project of its own. Both are timed from the call that launches to the end as it is seen from outside: ours
looks into the job's journal every 2 ms, Scipion's `launchProtocol(wait=True)` waits for the process. Its
process is new for each protocol, as ours is for each job. All in one run; wall seconds.
"""

import argparse
import contextlib
import importlib.util
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
from cryoloom.project import pipeline as pipe
from cryoloom.project.index import cache_folder

PLUGIN = Path(__file__).resolve().parents[1] / "tests" / "plugin"
STEPS = 1000
RATE, SECONDS = 300, 20  # of the chain: items a second, and for how long
WATCHED_S = 20.0  # of the idle scheduler
PATIENCE_S = 300.0

SCIPION = '''
"""A domain of Scipion's with one protocol, whose steps do nothing."""
import sys
from pyworkflow.object import Integer, Object
from pyworkflow.plugin import Domain as AnyDomain, Plugin
from pyworkflow.protocol import Protocol
from pyworkflow.viewer import Viewer
from pyworkflow.wizard import Wizard

class Empty(Plugin):
    def getName(self):
        return __name__

    def getUrl(self):
        return ""

class EmptySteps(Protocol):
    """So many steps that do nothing."""
    _label = "empty steps"
    _plugin = Empty()
    _package = sys.modules[__name__]
    def __init__(self, **given):
        super().__init__(**given)
        self.steps = Integer(given.get("steps", 1))
    def _insertAllSteps(self):
        for number in range(self.steps.get()):
            self._insertFunctionStep(self.emptyStep, number, needsGPU=False)

    def emptyStep(self, number):
        pass

class Domain(AnyDomain):
    _name = __name__
    _objectClass = Object
    _protocolClass = Protocol
    _viewerClass = Viewer
    _wizardClass = Wizard
    _baseClasses = {"EmptySteps": EmptySteps}
'''


def scipion(home: Path, launches: int) -> dict[str, float]:
    """Scipion's times, in this process: of protocols with one step (median), and of one with many."""
    (home / "emptysteps.py").write_text(SCIPION)
    os.environ |= {
        "SCIPION_HOME": str(home),
        "SCIPION_USER_DATA": str(home / "user"),
        "SCIPION_DOMAIN": "emptysteps",
        "SCIPION_PYTHON": sys.executable,
        "PYTHONPATH": str(home),
    }
    sys.path.insert(0, str(home))
    from emptysteps import EmptySteps  # type: ignore[import-not-found]
    from pyworkflow.project import Manager  # type: ignore[import-untyped]
    from pyworkflow.protocol import HostConfig  # type: ignore[import-untyped]

    (home / "config").mkdir()
    HostConfig.writeBasic(str(home / "config" / "hosts.conf"))
    project = Manager().createProject("empty")
    os.chdir(project.path)

    def run(steps: int) -> float:
        protocol = project.newProtocol(EmptySteps, steps=steps)
        began = time.monotonic()
        project.launchProtocol(protocol, wait=True)
        took = time.monotonic() - began
        project._updateProtocol(protocol)
        if not protocol.isFinished() or protocol._stepsDone.get() != steps:
            raise SystemExit(f"{protocol.getStatus()}: {Path(protocol.getStdoutLog()).read_text()[-2000:]}")
        return took

    run(1)  # compiles what is imported
    return {"launch": statistics.median(run(1) for _ in range(launches)), "steps": run(STEPS)}


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


def launch(project: Project, launches: int) -> dict[str, float]:
    """A job that does nothing: from the call, and from the command line."""
    project.run("loomtest.nothing").wait()
    calls, commands = [], []
    for _ in range(launches):
        began = time.monotonic()
        calls.append(until_end(project.run("loomtest.nothing"), began))
        commands.append(command(project, "run", "loomtest.nothing", "--wait"))
    return {"call": statistics.median(calls), "command": statistics.median(commands)}


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
    """Open a project and ask all jobs for their states, in this process."""
    began = time.monotonic()
    states = [job.state for job in Project(root).jobs()]
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


def row(what: str, ours: float, peer: float | None = None, unit: str = "s") -> None:
    """A line of the table."""
    beside = f"{peer:.3g} {unit} | {peer / ours:.2g}" if peer is not None else "not measured |"
    print(f"| {what} | {float(f'{ours:.3g}'):g} {unit} | {beside} |", flush=True)


def large(folder: Path, jobs: int, parts: list[str]) -> None:
    """The lines of a project with many jobs."""
    project = Project.create(folder / "large")
    project.run("loomtest.nothing").wait()
    grow(project, jobs)
    if "project" in parts:
        in_a_process("--step", "list", str(project.path))
        found = in_a_process("--step", "list", str(project.path))
        assert found["jobs"] == found["ended"] == jobs, found
        row(f"{jobs:,} ended jobs: open and list all states in Python", found["took"])
        command(project, "ls", "--json")
        row("the same: `cryoloom ls --json`, second call", command(project, "ls", "--json"))
    if "idle" in parts:
        percent, resident = idle(project)
        row(f"its scheduler while one job sleeps: CPU over {WATCHED_S:.0f} s", percent, unit="% of a core")
        row("its scheduler: resident memory", resident, unit="MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--launches", type=int, default=15)
    parts = ["launch", "steps", "hops", "project", "idle"]
    parser.add_argument("--only", nargs="+", choices=parts, default=parts)
    parser.add_argument("--step", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.step:
        what, root = given.step
        found = list_states(Path(root)) if what == "list" else scipion(Path(root), given.launches)
        print(json.dumps(found))
        return
    with scratch() as folder:
        peer: dict[str, float] = {}
        if importlib.util.find_spec("pyworkflow") and {"launch", "steps"} & set(given.only):
            (folder / "scipion").mkdir()
            words = ("--launches", str(given.launches), "--step", "scipion", str(folder / "scipion"))
            peer = in_a_process(*words)
        print(f"Load average before {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores\n")
        print("| | Cryoloom | Scipion | ratio |\n| --- | --- | --- | --- |")
        project = Project.create(folder / "small")
        if "launch" in given.only:
            found = launch(project, given.launches)
            what = f"a job that does nothing, from Python (median of {given.launches})"
            row(what, found["call"], peer.get("launch"))
            row("the same, from `cryoloom run --wait`", found["command"])
        if "steps" in given.only:
            row(f"{STEPS:,} empty steps in one job, with its launch", steps(project), peer.get("steps"))
        if "hops" in given.only:
            for poll, how in ((False, "inotify"), (True, "polling")):
                median, late = hops(project, poll)
                what = f"a hop of three at {RATE} items/s for {SECONDS} s, {how}"
                row(f"{what}: median", median * 1e3, unit="ms")
                row(f"{what}: 99th percentile", late * 1e3, unit="ms")
        if {"project", "idle"} & set(given.only):
            large(folder, given.jobs, given.only)


if __name__ == "__main__":
    main()
