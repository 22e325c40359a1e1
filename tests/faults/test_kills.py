"""Whatever is killed in the middle, `resume` ends with the items of an undisturbed run, each once."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest
from faults.killing import KINDS, victims

from cryoloom import Project, star

pytestmark = [pytest.mark.relion, pytest.mark.slow, pytest.mark.timeout(600)]

EXAMPLES = Path(__file__).parents[2] / "examples"
# The import has to wait for a microscope that computes its first movie on a busy machine, or begins anew.
WORDS = ("--set", "rate=2", "--set", "timeout=20")
STREAMING = 7  # jobs of the tiny workflow up to the particles


@pytest.fixture(scope="module")
def streaming(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The streaming half of the tiny workflow."""
    workflow = json.loads((EXAMPLES / "tiny.json").read_text())
    workflow["jobs"] = workflow["jobs"][:STREAMING]
    path = tmp_path_factory.mktemp("workflow") / "streaming.json"
    path.write_text(json.dumps(workflow))
    return path


def cryoloom(*args: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "cryoloom", *args], capture_output=True, text=True, timeout=300
    )


@pytest.fixture(scope="module")
def undisturbed(streaming: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, pl.DataFrame]:
    folder = tmp_path_factory.mktemp("u") / "p"
    done = cryoloom("workflow", "run", str(streaming), "-p", str(folder), "--wait", *WORDS)
    assert done.returncode == 0, done.stdout + done.stderr
    return results(folder)


def results(folder: Path) -> dict[str, pl.DataFrame]:
    """All tables of items, their rows in the order of their ids."""
    found = {}
    for name in ("Import/job002/movies.star", "MotionCorr/job003/corrected_micrographs.star",
                 "CtfFind/job004/micrographs_ctf.star", "Select/job005/micrographs.star",
                 "AutoPick/job006/coordinates.star", "Extract/job007/particles.star"):  # fmt: skip
        table = next(block for key, block in star.read(folder / name).items() if key != "optics")
        assert isinstance(table, pl.DataFrame)
        found[name] = table.sort("cryoloomItemId")
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_items_are_those_of_an_undisturbed_run_after_a_kill_and_resume(
    kind: str, streaming: Path, undisturbed: dict[str, pl.DataFrame], tmp_path: Path
) -> None:
    folder = tmp_path / "p"
    started = cryoloom("workflow", "run", str(streaming), "-p", str(folder), *WORDS)
    assert started.returncode == 0, started.stderr
    chance = random.Random(f"kill {kind}")
    killed = 0
    deadline = time.monotonic() + 60
    while killed < 3 and time.monotonic() < deadline:
        time.sleep(chance.uniform(0.3, 1.0))
        found = victims(folder, kind)
        if found:
            try:
                os.kill(chance.choice(found), signal.SIGKILL)
                killed += 1
            except ProcessLookupError:
                continue
    assert killed, "nothing could be killed"

    resumed = cryoloom("resume", "--all", "--wait", "-p", str(folder))

    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    for name, table in results(folder).items():
        expected = undisturbed[name]
        assert table["cryoloomItemId"].to_list() == expected["cryoloomItemId"].to_list(), name
        assert table["cryoloomItemId"].is_unique().all(), name
        assert table.select(expected.columns).equals(expected), name
    assert all(summary.state == "succeeded" for summary in Project(folder).summaries())


def test_a_stopped_job_goes_on_where_it_was(streaming: Path, tmp_path: Path) -> None:
    folder = tmp_path / "p"
    cryoloom("workflow", "run", str(streaming), "-p", str(folder), *WORDS)
    project = Project(folder)
    motion = project.job("MotionCorr/job003")
    deadline = time.monotonic() + 120
    while not motion.entry.status().history.done and time.monotonic() < deadline:
        time.sleep(0.1)
    before = set(motion.entry.status().history.done)
    motion.stop()
    while motion.state != "aborted" and time.monotonic() < deadline:
        time.sleep(0.1)
    assert motion.state == "aborted"
    # The scheduler leaves RELION's mark for a job that was ended and could not do so itself.
    while not (motion.folder / "RELION_JOB_EXIT_ABORTED").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert (motion.folder / "RELION_JOB_EXIT_ABORTED").exists()

    done = cryoloom("resume", "--all", "--wait", "-p", str(folder))

    assert done.returncode == 0, done.stdout
    history = motion.entry.status().history
    assert before <= set(history.done)
    assert len(history.done) == 6
