"""Jobs on a real Slurm, started here without systemd: each runs once, whatever is killed, and leaves nothing in the queue."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from faults.killing import victims
from waiting import until

from cryoloom import Job, Project
from cryoloom.api.launchers import tried

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
LAB = Path(__file__).with_name("slurm-lab.sh")


def lab(*words: str) -> str:
    done = subprocess.run(["bash", LAB, *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module", autouse=True)
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Two emulated nodes of four cores; ended with all that they run."""
    if os.getuid() != 0 or not all(
        shutil.which(name) for name in ("slurmctld", "slurmd", "munged", "sbatch")
    ):
        pytest.skip("a Slurm for tests needs root, and Debian's slurm-wlm and munge")
    with pytest.MonkeyPatch.context() as patch:
        # The daemons' sockets have short names only.
        folder = Path(tmp_path_factory.mktemp("s"))
        patch.setenv("LAB", str(folder))
        patch.setenv("PORT", "17817")
        try:
            lab("up")
        except AssertionError as error:
            pytest.skip(f"Slurm does not start here: {error}")
        for line in lab("env").removeprefix("export ").split():
            patch.setenv(*line.split("=", 1))
        yield
        lab("down", "--wipe")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    file = tmp_path / "config/cryoloom/config.toml"
    file.parent.mkdir(parents=True)
    file.write_text(
        '[launchers.lab]\nsystem = "slurm"\nqueue = "main"\nmemory_gb = 0.5\nthreads = 1\npoll_s = 0.5\ngrace_s = 5\n'
    )
    made = Project.create(tmp_path / "p")
    yield made
    until(lambda: queue() == [], 30)  # nothing is left in it


def queue() -> list[str]:
    return subprocess.run(["squeue", "-h", "-o", "%i %T"], capture_output=True, text=True).stdout.splitlines()


def node_of(job: Job) -> str:
    import json

    return str(json.loads((job.folder / ".cryoloom/attempts/0001/claim").read_text())["host"])


def test_a_job_runs_on_a_node_and_its_script_is_kept(project: Project, tmp_path: Path) -> None:
    job = project.run(
        "loomtest.nothing", mark=tmp_path / "mark", nr_threads=2, launcher="lab", batch={"walltime": "30"}
    )
    job.wait(timeout_s=60)

    assert (tmp_path / "mark").read_text().count("\n") == 1
    assert node_of(job) in ("node1", "node2")
    script = (job.folder / ".cryoloom/attempts/0001/submit.sh").read_text()
    assert "#SBATCH --cpus-per-task=2\n" in script
    assert "#SBATCH --time=30\n" in script
    assert "#SBATCH --mem=512M\n" in script


def test_the_launcher_can_be_tried_with_ranks_that_are_really_apart(project: Project) -> None:
    trial = tried(project.path, "lab", {"ranks": "3", "gpus": "2"})

    assert trial.found["ranks"] == "3"
    assert trial.found["gpus"] == "0,1"
    assert not [fault for fault in trial.faults if "relion" not in fault]


def test_what_waits_says_why_and_can_be_taken_out_of_the_queue(project: Project, tmp_path: Path) -> None:
    long = [project.run("loomtest.nothing", seconds=100, nr_threads=4, launcher="lab") for _ in range(2)]
    until(lambda: all(job.folder.joinpath(".cryoloom/attempts/0001/claim").exists() for job in long))
    waits = project.run("loomtest.nothing", mark=tmp_path / "mark", nr_threads=4, launcher="lab")
    until(lambda: "Resources" in waits.why or "Priority" in waits.why)
    # A batch system knows of it: nobody is told to take it over.
    assert [job.why[:8] for job in long] == ["on node1", "on node2"] or [job.why[:8] for job in long] == [
        "on node2",
        "on node1",
    ]
    assert waits.why.startswith("in the queue of lab as ")

    waits.stop()
    for job in long:
        job.stop()
    for job in (waits, *long):
        until(lambda job=job: job.has_ended, 60)

    assert [job.state for job in (waits, *long)] == ["aborted"] * 3
    assert not (tmp_path / "mark").exists()


def test_one_that_waits_can_be_sent_to_this_machine_instead(project: Project, tmp_path: Path) -> None:
    long = [project.run("loomtest.nothing", seconds=100, nr_threads=4, launcher="lab") for _ in range(2)]
    until(lambda: all(job.folder.joinpath(".cryoloom/attempts/0001/claim").exists() for job in long))
    waits = project.run(
        "loomtest.nothing", mark=tmp_path / "mark", launcher="lab", batch={"nodelist": "node1"}
    )
    until(lambda: "in the queue" in waits.why)

    assert "taken out of its queue" in waits.send("local")
    waits.wait(timeout_s=90)
    for job in long:
        job.stop()
        until(lambda job=job: job.has_ended, 60)

    assert (tmp_path / "mark").read_text().count("\n") == 1
    assert not (waits.folder / ".cryoloom/attempts/0002/submit.sh").exists()


def test_each_runs_once_though_the_scheduler_is_killed_and_the_controller_is_away(
    project: Project, tmp_path: Path
) -> None:
    marks = [tmp_path / f"mark{number}" for number in range(8)]
    jobs = [
        project.run("loomtest.nothing", seconds=5, mark=mark, nr_threads=4, launcher="lab") for mark in marks
    ]
    for number in range(3):
        until(
            lambda number=number: victims(project.path, "scheduler") and len(begun(tmp_path)) > 2 * number, 60
        )
        for pid in victims(project.path, "scheduler"):
            os.kill(pid, signal.SIGKILL)
        if number == 1:
            os.kill(int((Path(os.environ["LAB"]) / "run/slurmctld.pid").read_text()), signal.SIGTERM)
        project.resume()
        if number == 1:
            # Nothing can be asked or submitted now.
            until(lambda: any("does not answer" in one.why for one in project.summaries()), 90)
            lab("start", "slurmctld")
    project.resume()
    for job in jobs:
        job.wait(timeout_s=120)

    assert [mark.read_text().count("\n") for mark in marks] == [1] * len(marks)


def begun(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.name.startswith("mark")]


def test_a_refusal_is_told_in_the_system_s_own_words(project: Project) -> None:
    job = project.run("loomtest.nothing", launcher="lab", batch={"queue": "nosuch"})
    until(lambda: job.has_ended, 120)

    assert job.state == "failed"
    assert "invalid partition specified: nosuch" in job.why.lower()


def test_at_its_walltime_a_stream_goes_on_in_a_new_batch_job(project: Project, tmp_path: Path) -> None:
    ticks = project.run("loomtest.tick", items=20, rate=1000)
    # Told after half a minute, with which two minutes end; fifty seconds of work.
    stage = project.run(
        "loomtest.stage", input=ticks, seconds=2.5, batch_size=1, launcher="lab", batch={"walltime": "2"}
    )
    stage.wait(timeout_s=200)

    assert len(list((stage.folder / ".cryoloom/attempts").glob("*/submit.sh"))) >= 2
    rows = stage.dataset("micrographs").table()
    assert rows.height == 20
    assert rows["cryoloomItemId"].n_unique() == 20


def test_a_script_of_relion_s_is_used_as_it_is_though_it_starts_ranks_itself(
    project: Project, tmp_path: Path
) -> None:
    script = tmp_path / "qsub.sh"
    script.write_text(
        "#!/bin/bash\n#SBATCH --ntasks=XXXmpinodesXXX\n#SBATCH --partition=XXXqueueXXX\n#SBATCH --error=XXXerrfileXXX\n"
        "#SBATCH --output=XXXoutfileXXX\n#SBATCH --mem=XXXextra1XXX\nexport SITE=here\n"
        "mpiexec -n XXXmpinodesXXX XXXcommandXXX\n"
    )
    added = subprocess.run(
        [sys.executable, "-m", "cryoloom", "launcher", "add", "old", "--from", script, "queue=main", "extra.extra1=300M"],
        capture_output=True, text=True, env=os.environ,
    )  # fmt: skip
    assert added.returncode == 0, added.stderr
    assert "starts MPI ranks itself, which is left out" in added.stdout

    trial = tried(project.path, "old", {"ranks": "2"})
    assert trial.found["ranks"] == "2"
    assert "\nexport SITE=here\n" in trial.script
    job = project.run("loomtest.nothing", mark=tmp_path / "mark", launcher="old")
    job.wait(timeout_s=60)
    assert (tmp_path / "mark").read_text().count("\n") == 1
