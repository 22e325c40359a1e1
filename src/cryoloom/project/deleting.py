"""Deleting jobs: into `Trash/`, and out of the pipeline; their part of it lies with them, by which they can be taken back."""

import contextlib
from collections.abc import Sequence

from cryoloom.errors import ProjectError
from cryoloom.project.folder import ProjectFolder
from cryoloom.project.forms import pipeline as pipe
from cryoloom.project.lineage import dependents_of, refuse_running
from cryoloom.project.trash import job_to_trash
from cryoloom.project.undeleting import parts_of


def delete_jobs(project: ProjectFolder, jobs: Sequence[str], *, dependents: bool = False) -> dict[str, str]:
    """Move jobs to `Trash/`; returns where each of them lies now, "" where its folder was gone.

    Args:
        project: whose jobs.
        jobs: names, numbers or aliases.
        dependents: take along the jobs that need them.
    Raises:
        ProjectError: others need them, or one of them runs; nothing was moved.
    """
    doomed = list(dict.fromkeys(project.entry(job).name for job in jobs))
    entries = project.entries()
    others = dependents_of(entries, doomed)
    if others and not dependents:
        raise ProjectError(
            ", ".join(doomed), found=f"needed by {', '.join(others)}", expected="needed by no other job",
            hint="--dependents (in Python dependents=True) deletes them too.",
        )  # fmt: skip
    doomed += others
    refuse_running(entries, doomed)
    moved = {}
    with pipe.changed_pipeline(project.root) as pipeline:
        for name, part in parts_of(pipeline, doomed):
            with contextlib.suppress(FileNotFoundError):
                (project.root / name / pipe.PART).write_text(part.text(), encoding="utf-8")
        for name in doomed:
            process = pipeline.process(name)
            if process is not None and process.alias != "None":
                with contextlib.suppress(FileNotFoundError):
                    (project.root / process.alias.rstrip("/")).unlink()
            moved[name] = job_to_trash(project.root, name) if (project.root / name).exists() else ""
        gone = {f"{name}/" for name in doomed}
        files = {file for job, file in pipeline.output_edges if job in gone}
        pipeline.processes = [p for p in pipeline.processes if p.name not in gone]
        pipeline.output_edges = [edge for edge in pipeline.output_edges if edge[0] not in gone]
        pipeline.input_edges = [edge for edge in pipeline.input_edges if edge[1] not in gone]
        pipeline.nodes = [node for node in pipeline.nodes if node[0] not in files]
    return moved
