"""What Cryoloom costs: the demo's CPU time against the same RELION commands in a plain shell script.

Usage: overhead.py PROJECT, a finished demo. Its noted commands are run again, one after the other,
in a copy of the project without the jobs' results, with the same environment; simulation and our own
steps (import, CTF, filter, choice of classes) have no command and are taken out on both sides.
Prints CPU seconds of both, their ratio, and the latency from a movie's arrival to its particles.
"""

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from cryoloom import Project
from cryoloom.runner.programs import RELION_ENVIRONMENT


def noted_commands(project: Project) -> list[tuple[str, str]]:
    """(job, command) for each job that a RELION program did."""
    found = []
    for job in project.jobs():
        for line in (job.folder / "note.txt").read_text().splitlines():
            if line.startswith("`which relion_"):
                ranks = int(job.params.get("nr_mpi", 1))
                found.append((job.name, f"mpirun -n {ranks} {line}" if ranks > 1 else line))
    return found


def cpu_of_jobs(project: Project) -> tuple[float, float]:
    """CPU seconds of the jobs with a RELION command: in all, and of the programs alone."""
    total = programs = 0.0
    names = {name for name, _ in noted_commands(project)}
    for job in project.jobs():
        if job.name in names:
            for path in job.folder.glob(".cryoloom/attempts/*/exit.json"):
                total += float(json.loads(path.read_text()).get("cpu_s") or 0)
            programs += job.entry.status().history.program_cpu_s
    return total, programs


def run_plainly(project: Project) -> float:
    """CPU seconds of a shell script with the same commands."""
    with tempfile.TemporaryDirectory(prefix="overhead") as name:
        root = Path(name) / "p"
        shutil.copytree(project.path, root, symlinks=True)
        commands = noted_commands(project)
        for job, _ in commands:
            keep = {path for path in (root / job).iterdir() if path.name in (".cryoloom", "job.star")}
            for path in (root / job).iterdir():
                if path not in keep and not path.name.startswith("coords_suffix"):
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
        script = root / "plain.sh"
        script.write_text("set -e\n" + "\n".join(command for _, command in commands) + "\n")
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        environment = {**os.environ, **RELION_ENVIRONMENT, "OMP_NUM_THREADS": "2"}
        subprocess.run(["sh", "plain.sh"], cwd=root, check=True, env=environment, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Print the comparison."""
    project = Project(sys.argv[1])
    ours, programs = cpu_of_jobs(project)
    plain = run_plainly(project)
    print(f"the same RELION commands, plain script: {plain:7.1f} s of CPU")
    print(f"the jobs of the demo, all in all:       {ours:7.1f} s ({ours / plain:.2f} times)")
    print(f"  of it RELION's programs:              {programs:7.1f} s")
    summary = project.path / "summary.json"
    if summary.exists():
        print(
            f"movie's arrival to its particles:       {json.loads(summary.read_text())['latency_s']:7.2f} s (median)"
        )


if __name__ == "__main__":
    main()
