"""How long looking takes: listing the views of a job, a figure over a million particles, a plot from process start, a report.

Usage: views.py [--particles N] [--project FOLDER]. Prints medians of five; with a project (of `make demo`) its report too.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl

from cryoloom import Project, star
from cryoloom.protocol.views import View
from cryoloom.views.orientations import orientation_views
from cryoloom.views.particles import particle_views
from cryoloom.views.resolve import look_at

TIMES = 5


def median_s(what: Callable[[], object]) -> float:
    """The median time of some calls."""
    found = []
    for _ in range(TIMES):
        began = time.perf_counter()
        what()
        found.append(time.perf_counter() - began)
    return statistics.median(found)


def write_particles(path: Path, count: int) -> None:
    """A data file as a refinement leaves it, some 27 columns."""
    chance = np.random.default_rng(1)
    numbers = {
        label: chance.uniform(low, high, count)
        for label, low, high in (
            ("rlnCoordinateX", 0, 4000), ("rlnCoordinateY", 0, 4000), ("rlnDefocusU", 5e3, 3e4), ("rlnDefocusV", 5e3, 3e4),
            ("rlnDefocusAngle", 0, 180), ("rlnAngleRot", -180, 180), ("rlnAngleTilt", 0, 180), ("rlnAnglePsi", -180, 180),
            ("rlnOriginXAngst", -5, 5), ("rlnOriginYAngst", -5, 5), ("rlnMaxValueProbDistribution", 0, 1),
            ("rlnCtfMaxResolution", 3, 6), ("rlnLogLikeliContribution", 1e4, 1e5), ("rlnNormCorrection", 0.5, 1.5),
        )
    }  # fmt: skip
    frame = pl.DataFrame({
        "rlnImageName": [f"{n % 300 + 1:06d}@Extract/job007/Movies/m{n // 300:05d}.mrcs" for n in range(count)],
        "rlnMicrographName": [f"MotionCorr/job002/Movies/m{n // 300:05d}.mrc" for n in range(count)],
        "rlnOpticsGroup": np.ones(count, np.int64), **numbers,
        "cryoloomItemId": [f"{n:012x}" for n in range(count)],
    })  # fmt: skip
    optics = pl.DataFrame({"rlnOpticsGroup": [1], "rlnImagePixelSize": [1.0], "rlnImageSize": [256]})
    star.write(path, {"optics": optics, "particles": frame})


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--particles", type=int, default=1_000_000)
    parser.add_argument("--project", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_particles(root / "run_data.star", options.particles)
        views: list[View] = [
            *particle_views("run_data.star"),
            *orientation_views("run_data.star", symmetry="D2"),
        ]
        declared = median_s(lambda: [*particle_views("run_data.star"), *orientation_views("run_data.star")])
        print(f"declaring the views of {options.particles} particles   {1000 * declared:8.2f} ms")
        for view in views:
            if view.name in ("particles", "defocus", "orientations", "certainty"):
                taken = median_s(partial(look_at, view, root))
                print(f"{view.name:<14} of {options.particles} particles   {taken:8.3f} s")
        print(f"memory of one figure in a process of its own        {memory_mb(root):8.0f} MB")
    if options.project:
        project = Project(options.project)
        jobs = project.jobs()
        [job.views() for job in jobs]  # plugins are loaded once
        slowest = max((median_s(job.views), job.name) for job in jobs)
        print(f"listing the views of a job, the slowest ({slowest[1]})   {1000 * slowest[0]:8.1f} ms")
        plot = [
            sys.executable,
            "-m",
            "cryoloom",
            "plot",
            jobs[-1].name,
            jobs[-1].views()[0].name,
            "-p",
            str(project.path),
        ]
        print(
            f"first plot, from process start   {median_s(lambda: subprocess.run(plot, check=True, capture_output=True)):8.2f} s"
        )
        with tempfile.TemporaryDirectory() as folder:
            report = [
                sys.executable,
                "-m",
                "cryoloom",
                "report",
                "-o",
                f"{folder}/r.html",
                "-p",
                str(project.path),
            ]
            print(f"report, from process start, first    {median_s(partial(first_report, report)):8.2f} s")
            taken = median_s(lambda: subprocess.run(report, check=True, capture_output=True))
            print(f"report, from process start, again    {taken:8.2f} s")


def first_report(words: list[str]) -> None:
    """A report of which no figure was drawn before."""
    with tempfile.TemporaryDirectory() as cache:
        subprocess.run(words, check=True, capture_output=True, env={**os.environ, "XDG_CACHE_HOME": cache})


def memory_mb(root: Path) -> float:
    """The most memory that drawing one histogram takes, above what the modules take."""
    script = (
        "import sys; from pathlib import Path; from cryoloom.views.orientations import orientation_views; "
        "from cryoloom.views.resolve import look_at; import polars, numpy; import cryoloom.star.expressions; "
        "most = lambda: int(Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0]); before = most(); "
        "view = [v for v in orientation_views('run_data.star') if v.name == 'certainty'][0]; "
        "look_at(view, Path(sys.argv[1])); print((most() - before) / 1024)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(root)], check=True, capture_output=True, text=True
    )
    return float(done.stdout)


if __name__ == "__main__":
    main()
