"""The CCP-EM pipeliner's part of `engine.py`, run by a Python that has ccpem-pipeliner.

Usage: pipeliner_jobs.py HOME. Each line that is read says "foreground" (the job runs in the caller's own process,
and would die with it) or "background" (as ours do). A job that runs `true` is run, and the seconds until its
success file is there, which is looked for every 2 ms, are written.
"""

import os
import sys
import time
from pathlib import Path

from pipeliner.api.manage_project import PipelinerProject  # type: ignore[import-not-found]

JOB = {"_rlnJobTypeLabel": "pipeliner.run_external_program", "commands": "true"}
PATIENCE_S = 120.0


def main(home: Path) -> None:
    os.chdir(home)
    project = PipelinerProject(make_new_project=True)
    for line in sys.stdin:
        began = time.monotonic()
        job = project.run_job(dict(JOB), run_in_foreground=line.strip() == "foreground")
        while not list(Path(job.output_dir).glob("*_EXIT_SUCCESS")):
            if time.monotonic() - began > PATIENCE_S:
                raise SystemExit(f"{job.output_dir} did not succeed: {os.listdir(job.output_dir)}")
            time.sleep(0.002)
        print(f"\nseconds {time.monotonic() - began}", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
