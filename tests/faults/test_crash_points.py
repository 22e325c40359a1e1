"""A process that dies at any one of its changes of the project's files, or in the middle of it, costs nothing.

Some of the points for each kind of process, evenly spread from a random first one; `CRYOLOOM_CRASHES=all` takes all.
"""

import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest
from faults.killing import left_behind
from waiting import until

from cryoloom import Project
from cryoloom.errors import CryoloomError
from cryoloom.launchers.local import SHEPHERD
from cryoloom.project.forms.pipeline import STATES

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

POINTS = os.environ.get("CRYOLOOM_CRASHES", "4")
CRASHING = Path(__file__).parent / "crashing"
JOBS = {
    "source": "External/job001",
    "two outputs": "External/job002",
    "programs": "External/job003",
    "join": "JoinStar/job004",
    "trigger": "Select/job005",
    "whole program": "External/job006",
}
Tables = Mapping[str, pl.DataFrame]


def crash(monkeypatch: pytest.MonkeyPatch, folder: Path, word: str, at: int) -> None:
    """Have processes that are started from now on, with that word, die at a point; 0: only count them."""
    paths = [str(CRASHING), *os.environ["PYTHONPATH"].split(os.pathsep)]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(dict.fromkeys(paths)))
    monkeypatch.setenv("CRYOLOOM_CRASH_IN", word)
    monkeypatch.setenv("CRYOLOOM_CRASH_AT", str(at))
    monkeypatch.setenv("CRYOLOOM_CRASH_ROOT", str(folder / "p"))
    monkeypatch.setenv("CRYOLOOM_CRASH_DONE", str(folder / "crashed"))


def chain(folder: Path) -> Project:
    """All kinds of jobs, and what two of them call bad."""
    project = Project.create(folder / "p", seed=5)
    source = project.run("loomtest.tick", items=8, rate=1000, bad_every=8)
    fork = project.run("loomtest.fork", input=source, batch_size=2, late=5)
    stage = project.run("loomtest.stage", input=f"{fork.name}/micrographs.star", batch_size=2, bad="m0000001")
    project.run("sets.join", input=[source, stage], keep="all", fill="loomtestLate=1,loomtestWay=none")
    # Of the join the first would be those that come first.
    project.run("sets.trigger", input=f"{fork.name}/micrographs.star", first=3, every=2, nr_sets=2)
    project.run("loomtest.nothing", mark=str(folder / "mark"))
    return project


def tables(project: Project) -> Tables:
    """What all jobs have made, but for the times in it."""
    found = {}
    for job in project.jobs():
        for name in job.entry.outputs():
            try:
                table = job.dataset(name).table()
            except CryoloomError as error:
                table = pl.DataFrame({"error": str(error)})
            # The time at which it was made; and what a join writes for others' rows, by whether they have come.
            kept = [label for label in table.columns if label not in ("loomtestAt0", "loomtestLate")]
            found[f"{job.name} {name}"] = table.select(kept).sort(kept)
    return found


def steps(folder: Path) -> int:
    """How many points there were where one could die; 0 before it is known."""
    told = folder / "crashed.count"
    return int(told.read_text() or 0) if told.exists() else 0


def points(count: int, word: str) -> list[int]:
    if POINTS == "all":
        return [*range(1, count + 1)]
    step = max(1, count // int(POINTS))
    seed = int(os.environ.get("CRYOLOOM_SEED", "0")) or random.randrange(1, 1000)
    first = random.Random(f"{word} {seed}").randint(1, step)
    print(f"CRYOLOOM_SEED={seed}")
    return [*range(first, count + 1, step)]


@pytest.mark.parametrize("kind", [*JOBS, "scheduler", "shepherd"])
def test_whoever_works_for_a_project_may_die_at_any_point(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    word = {**JOBS, "scheduler": "cryoloom.engine.scheduler", "shepherd": str(SHEPHERD)}[kind]
    crash(monkeypatch, tmp_path / "whole", word, 0)
    whole = chain(tmp_path / "whole")
    whole.wait(timeout_s=60)
    until(lambda: steps(tmp_path / "whole") > 10)  # a scheduler ends later
    count = steps(tmp_path / "whole")
    wrong: list[str] = []
    survived = 0
    tried = points(count, word)
    for at in tried:
        folder = tmp_path / str(at)
        crash(monkeypatch, folder, word, at)
        project = chain(folder)
        project.wait(timeout_s=60)
        wrong += [f"{at}: {what}" for what in differences(project, whole)]
        survived += not (folder / "crashed").exists()
    # How many steps there are depends on what comes together.
    assert survived < len(tried) / 2 + 1
    assert not wrong, f"of {count} points:\n" + "\n".join(wrong)


@dataclass(frozen=True, slots=True)
class Command:
    """A command that changes what is there: killed the first time, given again, and then what was asked for holds."""

    words: tuple[str, ...]
    more_jobs: int = 0  # that it makes
    codes: frozenset[int] = frozenset({0})  # of the second time
    moves: bool = True  # whether it only moves files
    dies: str = ""  # a job whose process dies, and not the command
    word: str = ""  # by which the command is known

    def run(self, project: Path) -> int:
        command = [sys.executable, "-m", "cryoloom", *self.words, "-p", str(project)]
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode


COMMANDS = {
    "run": Command(("run", "loomtest.relay", "input=External/job001"), more_jobs=1),
    "copy": Command(("copy", "External/job002", "batch_size=1", "--branch", "--start"), more_jobs=4),
    "restart": Command(("restart", "External/job002", "--dependents")),
    "retry": Command(("retry", "External/job003"), moves=False),
    "retry of all": Command(("retry", "External/job001", "--dependents"), moves=False, word="retry"),
    "retry of all, scheduler": Command(
        ("retry", "External/job001", "--dependents"), moves=False, dies="cryoloom.engine.scheduler"
    ),
    "retry, its job": Command(("retry", "External/job003"), moves=False, dies="External/job003"),
    "clean": Command(("clean", "--all", "--harsh")),
    "alias": Command(("alias", "External/job002", "mine")),
    "delete": Command(("delete", "External/job003", "--dependents"), codes=frozenset({0, 2})),
}


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose jobs have succeeded."""
    folder = tmp_path_factory.mktemp("ended")
    project = chain(folder)
    project.wait(timeout_s=60)
    # The scheduler tells RELION's pipeline a moment later; a copy that is taken then has a lock that is gone.
    until(lambda: all(STATES[entry.pipeline_status] == "succeeded" for entry in project.folder.entries()))
    until(lambda: not (project.path / ".relion_lock").exists())
    return project.path


def files_of(project: Path) -> Counter[bytes]:
    """What jobs have made, wherever it lies now."""
    made = [
        *project.glob("**/job0*/**/*.star"),
        *project.glob("**/journal.jsonl"),
        *project.glob("**/kept-*"),
    ]
    own = {"job.star", "job_pipeline.star"}
    return Counter(path.read_bytes() for path in made if path.name not in own and path.is_file())


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_may_die_at_any_point_and_is_given_again(
    name: str, ended: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = COMMANDS[name]
    before = files_of(ended)

    def give(folder: Path, at: int) -> Project:
        crash(monkeypatch, folder, command.dies or command.word or name, at)
        shutil.copytree(ended, folder / "p", symlinks=True)
        code = command.run(folder / "p")
        assert code in (0, -9)
        if at and not command.dies:
            assert command.run(folder / "p") in command.codes
        project = Project(folder / "p")
        project.wait(timeout_s=60)
        return project

    expected = give(tmp_path / "whole", 0)
    count = steps(tmp_path / "whole")
    wrong: list[str] = []
    for at in points(count, name):
        try:
            project = give(tmp_path / str(at), at)
        except AssertionError as error:
            wrong.append(f"{at}: {error}")
            continue
        wrong += [f"{at}: {what}" for what in differences(project, expected, command.more_jobs)]
        lost = before - files_of(project.path)
        if command.moves and lost:
            wrong.append(f"{at}: {sum(lost.values())} files are lost: {[*lost]}")
    assert not wrong, f"of {count} points:\n" + "\n".join(wrong)


def differences(project: Project, expected: Project, more_jobs: int = 0) -> Iterator[str]:
    """What is not as it should be; `more_jobs`: that there may be, and then what they make is not looked at."""
    for summary in project.summaries():
        if summary.state != "succeeded":
            yield f"{summary.name} {summary.state}: {summary.why}"
    if not len(expected.jobs()) <= len(project.jobs()) <= len(expected.jobs()) + more_jobs:
        yield f"{len(project.jobs())} jobs"
    elif not more_jobs:
        made, found = tables(expected), tables(project)
        if found.keys() != made.keys():
            yield f"outputs {[*found]}"
        for output in found.keys() & made.keys():
            if not found[output].equals(made[output]):
                yield f"{output}:\n{found[output]}\nexpected {made[output]}"
    aliases = sorted(job.entry.alias for job in project.jobs())
    if not more_jobs and aliases != sorted(job.entry.alias for job in expected.jobs()):
        yield f"aliases {aliases}"
    yield from left_behind(project.path)
