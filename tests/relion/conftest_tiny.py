"""The tiny project, and how tests ask for its jobs and run the command line."""

import subprocess
import sys

from cryoloom import Project


def cryoloom(*args: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "cryoloom", *args], capture_output=True, text=True, timeout=600
    )


def job(project: Project, label: str) -> str:
    """A job's name by the name that the workflow gives it."""
    return next(summary.name for summary in project.summaries() if summary.label == label)
