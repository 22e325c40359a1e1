"""Workflows: workflow run, import, check, show, diff, convert, schema, export."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cryoloom.cli import live
from cryoloom.cli.options import file_path, json_option, project_option
from cryoloom.cli.shell import (
    FAILED,
    USAGE,
    is_conversation,
    open_project,
    print_json,
    say_error,
    split_pair,
    table,
)
from cryoloom.errors import ParameterError, ProjectError

if TYPE_CHECKING:
    from cryoloom.api.workflows import AskedValue, CheckedWorkflow

file_argument = click.argument("file", type=file_path, help="A workflow.")
set_option = click.option("--set", "settings", multiple=True, help="NAME=VALUE for a placeholder.")
ask_option = click.option(
    "--ask",
    is_flag=True,
    help="Ask for every placeholder; without --set those without a default are asked for.",
)


def add_to(app: click.Group) -> None:
    """Add these commands to the program."""
    group = click.Group("workflow", help="Workflows: many jobs from one file.", no_args_is_help=True)
    for command in (run, import_, check, show, diff, convert, schema, export):
        group.add_command(command)
    app.add_command(group)


@click.command("run")
@file_argument
@set_option
@ask_option
@click.option("--wait", "-w", is_flag=True, help="Stay until all jobs have ended.")
@json_option
@project_option
def run(
    file: Path, settings: tuple[str, ...], ask: bool, wait: bool, as_json: bool, project: Path | None
) -> None:
    """Make the jobs of a workflow and hand them to the scheduler; the project is made where it is missing."""
    from cryoloom.api import Project

    given = _given(file, settings, ask)
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
@file_argument
@set_option
@json_option
@project_option
def check(file: Path, settings: tuple[str, ...], as_json: bool, project: Path | None) -> None:
    """Say all that is wrong with a workflow, in a project or outside of one in a new one; needs no data, makes nothing."""
    checked = _checked(file, dict(split_pair(word) for word in settings), project)
    if as_json:
        print_json(checked.as_dict())
    else:
        for remark in checked.remarks:
            print(remark)
        for asked in checked.to_be_given:
            print(f"  to be given: --set {asked.name}=...  {asked.question}")
    if checked.faults:
        if not as_json:
            for fault in checked.faults:
                say_error(fault.error())
        raise click.exceptions.Exit(USAGE)
    if not as_json:
        print(f"{file}: {len(checked.jobs)} jobs could be made in {checked.where}")


@click.command("show")
@file_argument
@set_option
@json_option
def show(file: Path, settings: tuple[str, ...], as_json: bool) -> None:
    """Print a workflow's jobs with their inputs, placeholders filled as far as there are values."""
    from cryoloom.api.workflows import outline_of

    outline = outline_of(file, dict(split_pair(word) for word in settings))
    if as_json:
        print_json(outline.as_dict())
        return
    print(outline.title)
    if outline.comment:
        print(outline.comment)
    rows = [
        [job.name, job.protocol, " ".join(f"{name}={text}" for name, text in job.inputs.items()), job.comment]
        for job in outline.jobs
    ]
    print(table(["job", "protocol", "inputs", "comment"], rows))
    if outline.placeholders:
        print()
        asked = [
            [one.name, one.shown() if one.given else "to be given", one.question]
            for one in outline.placeholders
        ]
        print(table(["placeholder", "value", "what it is"], asked))


@click.command("diff")
@click.argument("first", help="A workflow file, a project's folder, or a job.")
@click.argument("second", help="Likewise; a job is compared with a job.")
@set_option
@json_option
@project_option
def diff(first: str, second: str, settings: tuple[str, ...], as_json: bool, project: Path | None) -> None:
    """Say what differs between two workflows: jobs, parameters, inputs, placeholders; defaults count as written."""
    from cryoloom.api.workflow_diff import diff_of

    try:
        opened = open_project(project)
    except ProjectError:
        if project is not None:
            raise
        opened = None
    found = diff_of(first, second, opened, dict(split_pair(word) for word in settings))
    if as_json:
        print_json(found.as_dict())
        return
    for one in found.differences:
        print(one.sentence())
    for name, value in found.open.items():
        print(f"  open: placeholder {name}, in whose place the other has {value or 'nothing'}")
    if not found.differences:
        print(f"{found.first} and {found.second}: no difference that matters")


@click.command("convert")
@click.argument(
    "source", type=file_path, help="Scipion's .json or .json.template, or RELION's Schedules/NAME."
)
@click.option("--out", "-o", type=file_path, required=True, help="The workflow to write.")
@click.option("--all", "whole", is_flag=True, help="Also tell what had no effect.")
@json_option
def convert(source: Path, out: Path, whole: bool, as_json: bool) -> None:
    """Write a workflow of Scipion's or RELION's as one of ours, and tell all that has no counterpart."""
    from cryoloom.api.workflows import convert as converted

    found = converted(source, out)
    if as_json:
        print_json({"boxes": found.boxes, "jobs": len(found.content["jobs"]), "remarks": [
            one.as_dict() for one in found.remarks
        ]})  # fmt: skip
        return
    none = f"; for {len(found.without)} of them there is none" if found.without else ""
    print(f"{out}: {len(found.content['jobs'])} jobs for {found.boxes} boxes{none}")
    for one in found.remarks:
        if whole or one.fate != "idle":
            print(f"  {one}")


@click.command("schema")
def schema() -> None:
    """Print the JSON Schema of workflows, by which editors complete and check them."""
    from cryoloom.api.workflows import schema as made

    print_json(made())


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
@file_argument
@set_option
@ask_option
@json_option
@project_option
def import_(file: Path, settings: tuple[str, ...], ask: bool, as_json: bool, project: Path | None) -> None:
    """Make the jobs of a workflow in a project and start none of them; `resume` does."""
    given = _given(file, settings, ask)
    jobs = open_project(project).import_workflow(file, **given)
    if as_json:
        print_json([job.summary().as_dict() for job in jobs])
        return
    for summary in (job.summary() for job in jobs):
        print(f"{summary.name} {summary.alias or summary.label}".rstrip())
    print("None is started: cryoloom resume JOB... starts some, cryoloom resume --all each that may go on.")


def _checked(file: Path, given: dict[str, Any], project: Path | None) -> "CheckedWorkflow":
    from cryoloom.api.workflows import check_for, check_for_new_project

    try:
        opened = open_project(project)
    except ProjectError:
        if project is not None and project.exists():
            raise
        return check_for_new_project(file, given)
    return check_for(opened, file, given)


def _given(file: Path, settings: tuple[str, ...], ask: bool) -> dict[str, Any]:
    """Values for placeholders: those that were given, and what somebody at a terminal answers.

    Raises:
        ParameterError: questions are wanted, and nobody is there.
    """
    from cryoloom.api.workflows import asked_by

    given: dict[str, Any] = dict(split_pair(word) for word in settings)
    if ask and not is_conversation():
        raise ParameterError(
            "--ask", found="without a terminal", expected="somebody who answers", hint="Give --set."
        )
    if not ask and (given or not is_conversation()):
        return given
    for one in asked_by(file, given):
        if one.name in given or (one.given and not ask):
            continue
        given[one.name] = click.prompt(
            one.question, default=one.placeholder.default, value_proc=partial(_answer, one)
        )
    return given


def _answer(one: "AskedValue", text: str) -> Any:
    """A value as typed in; asked for again where it is none."""
    try:
        return one.typed(text)
    except ParameterError as error:
        raise click.BadParameter(f"{error.found} is not {error.expected}") from None
