"""The paper's whole workflow on made data, killed at three moments and gone on with, has to pass its bars."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from faults.killing import KINDS, victims

from cryoloom import Project

pytestmark = [pytest.mark.relion, pytest.mark.slow, pytest.mark.timeout(2400)]

SCRIPT = Path(__file__).parents[2] / "examples/run_paper.py"
# Of the 59 jobs so many have ended when all that runs is killed.
MOMENTS = sorted(random.Random(3).sample(range(3, 50), 3))


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The finished project. CRYOLOOM_PAPER names one that is there."""
    if finished := os.environ.get("CRYOLOOM_PAPER"):
        return Project(finished)
    folder = tmp_path_factory.mktemp("paper") / "p"
    for moment in MOMENTS:
        kill_at(folder, moment)
    done = started(folder)
    said, _ = done.communicate(timeout=2000)
    (folder / "said.txt").write_text(said)
    return Project(folder)


def started(folder: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, SCRIPT, folder, "--preset", "urease-tiny", "--seed", "1"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip


def kill_at(folder: Path, moment: int) -> None:
    """Run until so many jobs have ended and a little longer, then kill -9 whatever works for the project."""
    process = started(folder)
    while len(list(folder.glob("[A-Z]*/job*/RELION_JOB_EXIT_SUCCESS"))) < moment:
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.2)
    time.sleep(random.Random(moment).uniform(0, 3))
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    for pid in [pid for kind in KINDS for pid in victims(folder, kind)]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def written(paper: Project) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((paper.path / "paper.json").read_text())
    return found


def test_every_job_succeeds_in_the_end(paper: Project) -> None:
    assert {one.label: one.why for one in paper.summaries() if one.state != "succeeded"} == {}
    assert len(paper.jobs()) == 59


def test_it_passes_its_bars(written: dict[str, Any]) -> None:
    assert len(written["bars"]) == 12
    assert [bar for bar in written["bars"] if not bar["passed"]] == []


def test_no_particle_is_lost_or_doubled_on_the_way(paper: Project) -> None:
    def ids(job: str, output: str) -> list[str]:
        return [
            str(one) for one in paper.job(job).dataset(output).table(["cryoloomItemId"])["cryoloomItemId"]
        ]

    picked = sorted(ids("particles_single_b8", "particles") + ids("particles_multi_b8", "particles"))
    assert len(set(picked)) == len(picked) > 150
    for job in ("particles_both_b8", "particles_both_b2"):
        assert sorted(ids(job, "kept")) == picked
    chosen = ids("classes_both", "particles")
    assert len(set(chosen)) == len(chosen)
    # By identity, out of those that were extracted at another binning.
    assert sorted(ids("best_b2", "kept")) == sorted(ids("refine_both_b2", "particles")) == sorted(chosen)
    best = sorted(ids("best_class", "particles"))
    for job, output in (
        ("particles_full", "particles"),
        ("polish", "particles"),
        ("refine_final", "particles"),
    ):
        assert sorted(ids(job, output)) == best


def test_the_report_has_the_table_the_bars_and_the_graph(paper: Project) -> None:
    page = (paper.path / "report.html").read_text()

    for word in (
        "The paper&#x27;s steps, on made data",
        "refine_final",
        "2.08",
        "What has to be reached",
        "The workflow",
    ):
        assert word in page or word.replace("&#x27;", "'") in page, word
