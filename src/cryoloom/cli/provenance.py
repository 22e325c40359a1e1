"""Results that repeat themselves: verify, methods, and what is exported for others: script, crate."""

from pathlib import Path

import click

from cryoloom.cli.completion import complete_jobs
from cryoloom.cli.options import file_path, json_option, project_option, some_jobs_argument
from cryoloom.cli.shell import FAILED, open_project, print_json

LICENCE = "https://spdx.org/licenses/CC-BY-4.0"


def add_to(app: click.Group) -> None:
    """Add these commands to the program."""
    group = click.Group("export", help="A project for others: as a script, as a crate.", no_args_is_help=True)
    group.add_command(script)
    group.add_command(crate)
    group.add_command(workflow_crate)
    app.add_command(group)
    app.add_command(verify)
    app.add_command(methods)


@click.command("verify")
@some_jobs_argument
@click.option(
    "--whole", is_flag=True, help="By every byte, not by samples; the first time they are written down."
)
@json_option
@project_option
def verify(jobs: tuple[str, ...], whole: bool, as_json: bool, project: Path | None) -> None:
    """Say what has changed since jobs were made: files that were edited or are gone, programs of another version."""
    found = open_project(project).verify(*jobs, whole=whole)
    if as_json:
        print_json(found.as_dict())
    else:
        for job in found.jobs:
            if job.unknown:
                print(f"{job.job}: {job.unknown}")
            for kind, files in (("", job.changed), ("input ", job.inputs), ("program ", job.programs)):
                for name, said in files.items():
                    print(f"{job.job}: {kind}{name}: {said}")
            for name in job.gone[:5]:
                print(f"{job.job}: {name}: gone")
            if len(job.gone) > 5:
                print(f"{job.job}: and {len(job.gone) - 5} more files are gone")
        if cleaned := sum(len(job.cleaned) for job in found.jobs):
            print(f"{cleaned} files lie in Trash/, where `cryoloom clean` put them.")
        if first_read := sum(job.first_read for job in found.jobs):
            print(
                f"{first_read} files were read whole for the first time: by samples they are as they were; "
                "every byte is compared from now on."
            )
        count = sum(job.files for job in found.jobs)
        as_it_was = sum(job.is_as_it_was for job in found.jobs)
        print(f"{as_it_was} of {len(found.jobs)} jobs are as they were; {count} files were looked at.")
    if not found.is_as_it_was:
        raise click.exceptions.Exit(FAILED)


@click.command("methods")
@click.argument(
    "job",
    default="",
    required=False,
    help="Whose result; the finest map of the project without one.",
    shell_complete=complete_jobs,
)
@click.option(
    "--out", "-o", type=file_path, help="A Markdown file for text, Table 1 and references; printed without."
)
@click.option("--bib", type=file_path, help="A BibTeX file for the references.")
@json_option
@project_option
def methods(job: str, out: Path | None, bib: Path | None, as_json: bool, project: Path | None) -> None:
    """Write how a result was made, for a paper: a paragraph with numbers, Table 1, and the references of what was used."""
    found = open_project(project).methods(job)
    for path, text in ((out, found.as_markdown()), (bib, found.bibtex)):
        if path is not None:
            path.write_text(text, encoding="utf-8")
    if as_json:
        print_json(found.as_dict())
    elif out is None:
        print(found.as_markdown() if found.text else "Nothing has succeeded yet.")


@click.command("script")
@some_jobs_argument
@click.option("--out", "-o", type=file_path, default=Path("again.sh"), help="The file.")
@json_option
@project_option
def script(jobs: tuple[str, ...], out: Path, as_json: bool, project: Path | None) -> None:
    """Write a shell script that makes jobs again: all, or some with what they are made of; by RELION alone where it can."""
    found = open_project(project).export_script(*jobs, out=out)
    if as_json:
        print_json({"file": str(out), "jobs": dict(found.jobs), "left_out": dict(found.left_out)})
        return
    count = {how: sum(one == how for one in found.jobs.values()) for how in ("programs", "cryoloom", "files")}
    print(
        f"{out}: {count['programs']} jobs by programs alone, {count['cryoloom']} by cryoloom, "
        f"{count['files']} whose files are put there"
    )
    for name, why in found.left_out.items():
        print(f"  not in it: {name}: {why}")


@click.command("crate")
@click.argument(
    "job", default="", required=False, help="Whose result; the finest map of the project without one.",
    shell_complete=complete_jobs,
)  # fmt: skip
@click.option("--out", "-o", type=file_path, default=Path("crate"), help="A new folder.")
@click.option(
    "--author", default="", show_default=False, help="Who publishes it; who ran the jobs without one."
)
@click.option("--licence", default=LICENCE, help="Its address at SPDX.")
@click.option("--title", default="", show_default=False, help="The project's name without one.")
@project_option
def crate(job: str, out: Path, author: str, licence: str, title: str, project: Path | None) -> None:
    """Write a result and how it was made as an RO-Crate (Provenance Run Crate), which other programs open."""
    made = open_project(project).export_crate(out, job, author=author, licence=licence, title=title)
    print(
        f"{made.parent}: {sum(1 for path in made.parent.rglob('*') if path.is_file())} files; described in {made.name}"
    )


@click.command("workflow-crate")
@some_jobs_argument
@click.option("--out", "-o", type=file_path, default=Path("workflow-crate"), help="A new folder.")
@click.option("--author", required=True, help="Who publishes it.")
@click.option("--licence", default=LICENCE, help="Its address at SPDX.")
@click.option("--title", default="", show_default=False, help="The project's name without one.")
@click.option("--description", default="", show_default=False, help="What it is for.")
@project_option
def workflow_crate(
    jobs: tuple[str, ...],
    out: Path,
    author: str,
    licence: str,
    title: str,
    description: str,
    project: Path | None,
) -> None:
    """Write jobs as a workflow in a Workflow RO-Crate, which WorkflowHub takes; no data."""
    made = open_project(project).export_workflow_crate(
        out, *jobs, author=author, licence=licence, title=title, description=description
    )
    print(f"{made.parent}: described in {made.name}")
