"""What a program and all below it take is known while it runs."""

import subprocess
import sys
from pathlib import Path

import pytest
from waiting import until

from cryoloom import Project
from cryoloom.project.events import AttemptStarted, CommandEnded, CommandUsed
from cryoloom.project.journal import JournalWriter, read_history
from cryoloom.runner import process_use
from cryoloom.runner.process_use import ProcessMeter, tree

BUSY = "import time; kept = bytearray(50_000_000); began = time.process_time()\nwhile time.process_time() < began + 0.3: pass"


def test_time_and_memory_of_processes_below_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_use, "FIRST_S", 0.0)
    monkeypatch.setattr(process_use, "SAMPLE_S", 0.0)
    # Two that sleep when they have worked, in sessions of their own as MPI ranks are, and one that has ended.
    script = f"{BUSY}\ntime.sleep(60)"
    starts = (
        "import subprocess, sys, time\n"
        f"for _ in range(2): subprocess.Popen([sys.executable, '-c', {script!r}], start_new_session=True)\n"
        f"subprocess.run([sys.executable, '-c', {BUSY!r}])\ntime.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", starts]) as program:
        meter = ProcessMeter(program.pid)
        until(lambda: meter.look() and meter.cpu_s > 0.85)
        until(lambda: len([*tree(program.pid)]) == 3)
        for pid in [*tree(program.pid)][::-1]:
            subprocess.run(["kill", "-9", str(pid)], check=True)

    assert meter.cpu_s < 3
    assert 100 < meter.peak_mb < 400
    assert meter.look()
    assert meter.cpu_s > 0.85  # what is known of those that are gone stays


def test_a_short_program_is_not_looked_at() -> None:
    with subprocess.Popen(["true"]) as program:
        assert not ProcessMeter(program.pid).look()


def test_what_a_program_took_that_nobody_saw_end_counts_too(tmp_path: Path) -> None:
    journal = JournalWriter(tmp_path, 1)
    journal.write(AttemptStarted())
    journal.write(CommandUsed(step="run", cpu_s=10.0, peak_mb=300.0))
    journal.write(CommandUsed(step="run", cpu_s=25.0, peak_mb=200.0))
    assert read_history(tmp_path).program_cpu_s == 25.0
    journal.close()
    journal = JournalWriter(tmp_path, 2)  # it was killed
    journal.write(AttemptStarted())
    journal.write(CommandUsed(step="run", cpu_s=4.0, peak_mb=100.0))
    journal.write(CommandEnded(step="run", code=0, cpu_s=6.0, peak_mb=120.0))

    history = read_history(tmp_path)
    assert (history.program_cpu_s, history.peak_mb) == (31.0, 300.0)


@pytest.mark.slow
def test_a_job_tells_what_it_takes_while_it_runs(tmp_path: Path) -> None:
    job = Project.create(tmp_path / "p").run("loomtest.nothing", seconds=60)
    until(lambda: job.entry.status().history.peak_mb > 1)
    assert job.state == "running"
    job.stop()
    until(lambda: job.state == "aborted")
