"""The whole demo through Cryoloom, and the same commands in a shell script, one after the other.

Usage: demo.py PROJECT [--arrivals S], a finished demo. Both begin with its movies and end with its map, in projects of
their own and with the same number of threads and ranks. The script has RELION's commands as the jobs noted
them, and `plain_ctf.py` where Cryoloom has ctf.estimate; the tables of our own other steps (import, filter, choice of
classes) lie ready for it. Wall time, and the CPU time of all processes, by a control group of their own
(`cpuacct`, or `cpu.stat` of version 2; it takes leave to make one, as root has).

With --arrivals the movies come one by one, so many seconds apart, and the time from each to its particles is told.
"""

import argparse
import itertools
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from cryoloom import Project
from cryoloom.runner.programs import RELION_ENVIRONMENT

HERE = Path(__file__).resolve().parent
WORKFLOW = HERE.parent / "examples" / "demo.json"
CTF_JOB = "CtfFind/"
UNTIL_PARTICLES = 7  # jobs of the workflow up to the particles, the microscope included


class ControlGroup:
    """The CPU time of all that is started in it, also of what detaches itself."""

    def __init__(self, name: str) -> None:
        first = Path("/sys/fs/cgroup/cpuacct")
        self.is_first = first.is_dir()
        self.folder = (first if self.is_first else Path("/sys/fs/cgroup")) / f"{name}-{os.getpid()}"
        self.folder.mkdir()

    def enter(self) -> None:
        """Put the calling process into it; its children follow."""
        (self.folder / "cgroup.procs").write_text(str(os.getpid()))

    def cpu_s(self) -> float:
        if self.is_first:
            return int((self.folder / "cpuacct.usage").read_text()) / 1e9
        facts = dict(line.split() for line in (self.folder / "cpu.stat").read_text().splitlines())
        return int(facts["usage_usec"]) / 1e6


def measured(name: str, argv: list[str], cwd: Path, environment: Mapping[str, str]) -> tuple[float, float]:
    """Wall and CPU seconds of a command and of all that it started."""
    group = ControlGroup(name)
    began = time.monotonic()
    with (cwd / "output").open("w") as output:
        subprocess.run(
            argv, cwd=cwd, env={**os.environ, **environment}, check=True, stdout=output, stderr=output,
            preexec_fn=group.enter,
        )  # fmt: skip
    return time.monotonic() - began, group.cpu_s()


def noted_commands(project: Project) -> Iterator[tuple[str, str]]:
    """(job, command) in the order of the jobs: RELION's, and ours for ctf.estimate."""
    for job in project.jobs():
        if job.name.startswith(CTF_JOB):
            yield job.name, f"{sys.executable} {HERE / 'plain_ctf.py'} {job.name}"
            continue
        for line in (job.folder / "note.txt").read_text().splitlines():
            if line.startswith("`which relion_"):
                ranks = int(job.params.get("nr_mpi", 1))
                yield job.name, f"mpirun -n {ranks} {line}" if ranks > 1 else line


def script_of(project: Project, root: Path) -> Path:
    """A copy of the project without what the commands make, and a script of them."""
    shutil.copytree(project.path, root, symlinks=True)
    commands = [*noted_commands(project)]
    for job in dict.fromkeys(job for job, _ in commands):
        for path in (root / job).iterdir():
            if path.name not in (".cryoloom", "job.star", "job.json") and not path.name.startswith(
                "coords_suffix"
            ):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    script = root / "plain.sh"
    lines = [f"echo {job} $(date +%s.%N) >> times\n{command}\n" for job, command in commands]
    script.write_text("set -e\n" + "".join(lines) + "echo end $(date +%s.%N) >> times\n")
    return script


def workflow_of(project: Project, folder: Path, *, stream: bool, jobs: int | None = None) -> Path:
    """The demo's workflow without the microscope, whose movies are there; `jobs`: the first so many only."""
    workflow = json.loads(WORKFLOW.read_text())
    workflow["jobs"] = workflow["jobs"][1:jobs]
    raw = folder if stream else project.path / "microscope" / "Movies"
    workflow["placeholders"]["movies"]["default"] = f"{raw}/single_*.mrc {raw}/multi_*.mrc"
    workflow["placeholders"]["gain"]["default"] = str(project.path / "microscope" / "Movies" / "gain.mrc")
    params = workflow["jobs"][0]["params"]
    if not stream:
        params["stream"] = "No"
    path = folder / "workflow.json"
    path.write_text(json.dumps(workflow))
    return path


def own_places(folder: Path) -> dict[str, str]:
    """Caches and the ledger of slots in a folder; no scheduler stays behind for long."""
    return {
        "XDG_CACHE_HOME": str(folder / "cache"),
        "CRYOLOOM_LEDGER_DIR": str(folder),
        "CRYOLOOM_SCHEDULER__IDLE_S": "1",
    }


def compare(project: Project, folder: Path) -> None:
    environment = {**RELION_ENVIRONMENT, "OMP_NUM_THREADS": "2"}
    workflow = workflow_of(project, folder, stream=False)
    argv = [
        sys.executable,
        "-m",
        "cryoloom",
        "workflow",
        "run",
        str(workflow),
        "-p",
        str(folder / "p"),
        "--wait",
    ]
    ours = measured("cryoloom", argv, folder, own_places(folder))
    # Of this very run: what RELION does depends on the order of rows, and so does the number of its iterations.
    made = Project(folder / "p")
    script = script_of(made, folder / "plain" / "p")
    plain = measured("plain", ["sh", str(script)], script.parent, environment)
    print("| | Cryoloom | shell script | ratio |\n| --- | --- | --- | --- |")
    for what, mine, theirs in zip(("wall (s)", "CPU (s)"), ours, plain, strict=True):
        print(f"| the demo from movies to map, {what} | {mine:.1f} | {theirs:.1f} | {mine / theirs:.3f} |")
    times = [line.split() for line in (script.parent / "times").read_text().splitlines()]
    plainly: dict[str, float] = {}
    for (job, begin), (_, end) in itertools.pairwise(times):
        plainly[job] = plainly.get(job, 0.0) + float(end) - float(begin)
    for job in made.jobs():
        theirs = plainly.get(job.name)
        history = job.entry.status().history
        if theirs is not None:
            print(
                f"| of it {job.entry.protocol}, wall (s) | {history.ended - history.began:.1f} | {theirs:.1f} | |"
            )


def follow_arrivals(project: Project, folder: Path, every_s: float) -> None:
    """Seconds from a movie's last byte to its particles."""
    movies = sorted((project.path / "microscope" / "Movies").glob("[sm]*_*.mrc"))
    raw = folder / "raw"
    raw.mkdir()
    arrived: dict[str, float] = {}

    def write() -> None:
        for movie in movies:
            beside = raw / f".{movie.name}"
            shutil.copyfile(movie, beside)
            beside.rename(raw / movie.name)
            arrived[movie.stem] = time.time()
            time.sleep(every_s)

    workflow = workflow_of(project, raw, stream=True, jobs=UNTIL_PARTICLES)
    os.environ.update(own_places(folder))
    made = Project.create(folder / "streamed")
    jobs = made.run_workflow(workflow, timeout=3 * every_s + 10)
    writer = threading.Thread(target=write)
    writer.start()
    made.wait()
    writer.join()
    picks = jobs[-2].dataset("coordinates").table()
    names = dict(zip(picks["cryoloomItemId"].to_list(), picks["rlnMicrographName"].to_list(), strict=True))
    taken = {Path(names[item]).stem: at for item, at in jobs[-1].entry.status().history.done.items()}
    waits = sorted(at - arrived[stem] for stem, at in taken.items())
    print(
        f"\nA movie each {every_s:g} s: its particles after {statistics.median(waits):.2f} s (median), "
        f"{waits[-1]:.2f} s (longest), {len(waits)} movies"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("project", type=Path)
    parser.add_argument("--arrivals", type=float, metavar="S", help="only this: a movie each S seconds")
    given = parser.parse_args()
    project = Project(given.project)
    with tempfile.TemporaryDirectory(prefix="demo", ignore_cleanup_errors=True) as name:
        if given.arrivals:
            follow_arrivals(project, Path(name), given.arrivals)
        else:
            compare(project, Path(name))


if __name__ == "__main__":
    main()
