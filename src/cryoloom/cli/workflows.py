"""JSON workflows: workflow run, check, show, export, import."""

from pathlib import Path

import click

from cryoloom.cli import live
from cryoloom.cli.options import file_path, json_option, project_option
from cryoloom.cli.shell import FAILED, open_project, print_json, split_pair, table
from cryoloom.errors import ProjectError


def add_to(app: click.Group) -> None:
    """Add these commands to the program."""
    group = click.Group("workflow", help="Workflows: many jobs from one file.", no_args_is_help=True)
    group.add_command(run)
    group.add_command(check)
    group.add_command(show)
    group.add_command(export)
    group.add_command(import_)
    app.add_command(group)


@click.command("run")
@click.argument("file", type=file_path, help="A JSON workflow.")
@click.option("--set", "settings", multiple=True, help="NAME=VALUE for a placeholder.")
@click.option("--wait", "-w", is_flag=True, help="Stay until all jobs have ended.")
@json_option
@project_option
def run(file: Path, settings: tuple[str, ...], wait: bool, as_json: bool, project: Path | None) -> None:
    """Make the jobs of a workflow and hand them to the scheduler; the project is made where it is missing."""
    from cryoloom.api import Project

    given = dict(split_pair(word) for word in settings)
    opened = Project.create(project) if project is not None else open_project(None)
    jobs = opened.run_workflow(file, **given)
    if not as_json:
        print(f"{len(jobs)} jobs are scheduled in {opened.path}")
    shown = live.follow(opened, jobs, quiet=as_json) if wait else [job.summary() for job in jobs]
    if as_json:
        print_json([summary.as_dict() for summary in shown])
    if wait and any(summary.state != "succeeded" for summary in shown):
        for summary in shown:
            if summary.state != "succeeded" and not as_json:
                print(f"{summary.name} {summary.state}: {summary.why}")
        raise click.exceptions.Exit(FAILED)


@click.command("check")
@click.argument("file", type=file_path, help="A JSON workflow.")
@click.option("--set", "settings", multiple=True, help="NAME=VALUE for a placeholder.")
@json_option
@project_option
def check(file: Path, settings: tuple[str, ...], as_json: bool, project: Path | None) -> None:
    """Say whether all jobs of a workflow could be made: in a project, or outside of one in a new one; nothing is made."""
    given = dict(split_pair(word) for word in settings)
    try:
        opened = open_project(project)
    except ProjectError:
        if project is not None and project.exists():
            raise
        from cryoloom.api.workflows import check_for_new_project

        names, where = check_for_new_project(file, given), "a new project"
    else:
        names, where = opened.check_workflow(file, **given), str(opened.path)
    if as_json:
        print_json({"jobs": names})
    else:
        print(f"{file}: {len(names)} jobs could be made in {where}")


@click.command("show")
@click.argument("file", type=file_path, help="A JSON workflow.")
@click.option("--set", "settings", multiple=True, help="NAME=VALUE for a placeholder.")
@json_option
def show(file: Path, settings: tuple[str, ...], as_json: bool) -> None:
    """Print a workflow's jobs with their inputs, placeholders filled."""
    from cryoloom.api.workflows import outline_of

    outline = outline_of(file, dict(split_pair(word) for word in settings))
    if as_json:
        print_json(outline.as_dict())
        return
    print(outline.title)
    rows = [
        [job.name, job.protocol, " ".join(f"{name}={text}" for name, text in job.inputs.items())]
        for job in outline.jobs
    ]
    print(table(["job", "protocol", "inputs"], rows))


@click.command("export")
@click.argument("file", type=file_path, help="Where to write it.")
@click.argument("names", nargs=-1, metavar="[JOB]...")
@click.option("--branch", is_flag=True, help="With all jobs that need them.")
@click.option("--title", default="", show_default=False, help="The project's name without one.")
@json_option
@project_option
def export(
    file: Path, names: tuple[str, ...], branch: bool, title: str, as_json: bool, project: Path | None
) -> None:
    """Write jobs as a workflow that other projects run; all jobs without a name. Paths of this machine become placeholders."""
    found = open_project(project).export_workflow(*names, branch=branch, title=title, out=file)
    if as_json:
        print_json(found)
        return
    print(f"{file}: {len(found['jobs'])} jobs")
    for name, spec in found.get("placeholders", {}).items():
        print(f"  to be given: --set {name}=... ({spec['help']})")
    for name, why in found["left_out"].items():
        print(f"  not in it: {name}: {why}")


@click.command("import")
@click.argument("file", type=file_path, help="A JSON workflow.")
@click.option("--set", "settings", multiple=True, help="NAME=VALUE for a placeholder.")
@json_option
@project_option
def import_(file: Path, settings: tuple[str, ...], as_json: bool, project: Path | None) -> None:
    """Make the jobs of a workflow in a project and start none of them; `resume` does."""
    jobs = open_project(project).import_workflow(file, **dict(split_pair(word) for word in settings))
    if as_json:
        print_json([job.summary().as_dict() for job in jobs])
        return
    for summary in (job.summary() for job in jobs):
        print(f"{summary.name} {summary.alias or summary.label}".rstrip())
