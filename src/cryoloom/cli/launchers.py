"""Where jobs go: the launchers of the settings, a new one, a trial of one; and sending a job elsewhere."""

from pathlib import Path

import click

from cryoloom.cli.options import file_path, given_argument, job_argument, json_option, project_option
from cryoloom.cli.shell import FAILED, open_project, print_json, split_given, table


def add_to(app: click.Group) -> None:
    """Add these commands to the program."""
    app.add_command(send)
    app.add_command(launcher)


@click.command("send")
@job_argument
@click.argument("launcher", help="Its name, or `local`; `cryoloom launcher list`.")
@given_argument("What is asked of it: queue=gpu, walltime=24h, or the template's own questions.")
@json_option
@project_option
def send(job: str, launcher: str, given: tuple[str, ...], as_json: bool, project: Path | None) -> None:
    """Have a job started elsewhere; one that waits in a queue is taken out of it."""
    found = open_project(project).job(job)
    said = found.send(launcher, **split_given(given))
    if as_json:
        print_json({"job": found.name, "launcher": launcher, "said": said})
    else:
        print(said)


@click.group("launcher")
def launcher() -> None:
    """Batch systems that jobs may go to."""


@launcher.command("list")
@json_option
@project_option
def list_(as_json: bool, project: Path | None) -> None:
    """List the launchers of the settings."""
    from cryoloom.api.launchers import launchers as known

    root = open_project(project).path if project or Path("default_pipeline.star").exists() else None
    found = known(root)
    if as_json:
        print_json([one.as_dict() for one in found])
        return
    rows = [
        [
            one.name,
            one.system,
            one.queue,
            f"{one.walltime_min} min" if one.walltime_min else "",
            one.fault or one.template,
        ]
        for one in found
    ]
    print(table(["name", "system", "queue", "walltime", "script"], rows))


@launcher.command("add")
@click.argument("name", help="A word of your own, such as gpu.")
@given_argument(
    "Values of its section: system=slurm, queue=gpu, walltime=24h, memory_gb=32, extra.account=em."
)
@click.option(
    "--from", "source", type=file_path,
    help="A submission script (Jinja, or RELION's), cryoSPARC's cluster_info.json, or Scipion's hosts.conf.",
)  # fmt: skip
@json_option
def add(name: str, given: tuple[str, ...], source: Path | None, as_json: bool) -> None:
    """Set up a launcher from what the site has; without a file from the batch system that is here."""
    from cryoloom.api.launchers import add as add_launcher

    file, found = add_launcher(name, source, split_given(given))
    if as_json:
        print_json(
            {
                "file": str(file),
                "values": dict(found.values),
                "questions": found.questions,
                "said": found.said,
            }
        )
        return
    for line in found.said:
        print(line)
    if found.questions:
        print(f"The script asks besides: {', '.join(found.questions)}.")
        print("Give each as extra.NAME=..., or with a job as --batch NAME=...")
    print(f"Launcher {name} stands in {file}. Try it, in a project:")
    print(f"  cryoloom launcher test {name} --dry")
    print(f"  cryoloom launcher test {name}")


@launcher.command("test")
@click.argument("name", help="`cryoloom launcher list` lists them.")
@given_argument("What the trial asks for: ranks=2, gpus=1, queue=gpu, or the template's own questions.")
@click.option("--dry", is_flag=True, help="Only print the script.")
@json_option
@project_option
def test(name: str, given: tuple[str, ...], dry: bool, as_json: bool, project: Path | None) -> None:
    """Print a trial job's script, run it, and say what is missing where it ran."""
    from cryoloom.api.launchers import rendered, tried

    root, values = open_project(project).path, split_given(given)
    if dry:
        _, attempt = rendered(root, name, values)
        script = (attempt / "submit.sh").read_text(encoding="utf-8")
        if as_json:
            print_json({"script": script})
        else:
            print(script, end="")
        return
    trial = tried(root, name, values)
    if as_json:
        print_json(trial.as_dict())
    else:
        print("\n".join(f"{what}: {value}" for what, value in trial.found.items()))
        print("\n".join(f"fault: {fault}" for fault in trial.faults) or "All is there.")
    if trial.faults:
        raise click.exceptions.Exit(FAILED)
