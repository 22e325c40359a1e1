"""Workflows of other programs, told by what is in them: Scipion's JSON and templates, RELION's schedules."""

from pathlib import Path

from cryoloom.project.workflows.foreign.converted import Converted


def as_workflow(path: Path) -> Converted | None:
    """A workflow of another program as one of ours; None of what is none of these.

    Raises:
        ProjectError: it is one, and cannot be read.
    """
    from cryoloom.project.workflows.foreign import schedule, scipion

    if schedule.is_schedule(path):
        return schedule.of_schedule(path)
    return scipion.of_scipion(path) if scipion.is_scipion(path) else None
