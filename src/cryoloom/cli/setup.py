"""Making and opening projects, and looking at the installation: new, open, doctor."""

from pathlib import Path

import click

from cryoloom.cli.options import file_path, json_option, project_option
from cryoloom.cli.shell import FAILED, open_project, print_json, table
from cryoloom.errors import CryoloomError


def add_to(app: click.Group) -> None:
    """Add these commands to the program."""
    app.add_command(new)
    app.add_command(open_)
    app.add_command(index)
    app.add_command(doctor)
    app.add_command(machine)


@click.command("new")
@click.argument("path", type=file_path, help="The project's folder; made where it is missing.")
@click.option("--seed", type=int, help="Makes the ids of jobs and items repeatable.")
@json_option
def new(path: Path, seed: int | None, as_json: bool) -> None:
    """Make a project: a folder that RELION's GUI opens too."""
    from cryoloom.api import Project

    existed = (path / "default_pipeline.star").exists()
    project = Project.create(path, seed=seed)
    if as_json:
        print_json({"project": str(project.path), "made": not existed})
        return
    print(f"{'Opened' if existed else 'Made'} the project {project.path}")
    if not existed:
        from cryoloom.api.first_steps import first_import

        print("Next:")
        print(f"  cd {path}")
        print(f"  {first_import(project.path)}")


@click.command("open")
@click.argument("path", type=file_path, help="A project of RELION or Cryoloom.")
@json_option
def open_(path: Path, as_json: bool) -> None:
    """Look at a project, also one that RELION made; not a byte of it is changed."""
    from cryoloom.cli.showing import list_jobs

    project = open_project(path)
    if not as_json:
        print(f"{project.path}: {len(project.jobs())} jobs")
        if project.form != "3.1":
            print(f"A project of RELION {project.form}: it can be looked at, and nothing in it is changed.")
    list_jobs(project, as_json=as_json)


@click.command("index")
@click.option("--rebuild", is_flag=True, help="Forget it and make it anew.")
@json_option
@project_option
def index(rebuild: bool, as_json: bool, project: Path | None) -> None:
    """Say where the index of ended jobs lies; it may be deleted at any time."""
    from cryoloom.api.index import index_of, rebuild_index

    opened = open_project(project)
    state = rebuild_index(opened) if rebuild else index_of(opened)
    if as_json:
        print_json(state.as_dict())
    else:
        print(f"{state.file}: {state.jobs} jobs that have ended")


@click.command("doctor")
@project_option
@json_option
def doctor(project: Path | None, as_json: bool) -> None:
    """Say what is installed, what is missing and where each setting comes from."""
    from cryoloom.api.doctor import diagnose

    try:
        root = open_project(project).path
    except CryoloomError:
        root = None
    found = diagnose(root)
    if as_json:
        print_json(found.as_dict())
    else:
        checks = [[check.what, "ok" if check.ok else "MISSING", check.found] for check in found.checks]
        print(table(["what", "", "found"], checks))
        print()
        settings = [[setting.name, str(setting.value), setting.source] for setting in found.settings]
        print(table(["setting", "value", "source"], settings))
    if not found.healthy:
        raise click.exceptions.Exit(FAILED)


@click.command("machine")
@json_option
def machine(as_json: bool) -> None:
    """Say what runs and waits on this machine in all your projects, and what is left of it."""
    from cryoloom.api.machine import machine_now

    now = machine_now()
    if as_json:
        print_json(now.as_dict())
        return
    gpus = f", GPUs {', '.join(now.gpus_taken) or 'none'} of {', '.join(now.gpus)}" if now.gpus else ""
    print(
        f"Taken: {now.cores_taken} of {now.cores} cores, {now.memory_taken_mb / 1024:.3g} of "
        f"{now.memory_mb / 1024:.3g} GB{gpus}"
    )
    rows = [(one, "runs") for one in now.running] + [(one, "waits") for one in now.waiting]
    if rows:
        print(
            table(
                ["job", "project", "", "cores", "GB", "GPUs"],
                [
                    [
                        one.job,
                        one.project,
                        word,
                        str(one.cores),
                        f"{one.memory_mb / 1024:.3g}",
                        ",".join(one.gpus),
                    ]
                    for one, word in rows
                ],
            )
        )
    for disk in now.disks:
        print(f"Disk of {disk.where}: {disk.free_gb:.0f} of {disk.total_gb:.0f} GB free")
