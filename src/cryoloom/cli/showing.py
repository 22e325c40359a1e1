"""Looking: ls, show, log, plot, report."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cryoloom.cli import live
from cryoloom.cli.completion import complete_jobs, complete_views
from cryoloom.cli.options import file_path, job_argument, json_option, project_option
from cryoloom.cli.shell import is_terminal, open_project, print_json, table

if TYPE_CHECKING:
    from cryoloom.api import Project
    from cryoloom.api.looking import JobView

NEWEST = 200


def add_to(app: click.Group) -> None:
    """Add these commands to the program."""
    app.add_command(ls)
    app.add_command(show)
    app.add_command(log)
    app.add_command(plot)
    app.add_command(report)


@click.command("ls")
@json_option
@click.option("--watch", is_flag=True, help="Go on showing until all have ended.")
@click.option("--all", "everything", is_flag=True, help="In a terminal: not only the newest 200.")
@project_option
def ls(as_json: bool, watch: bool, everything: bool, project: Path | None) -> None:
    """List the jobs: state, items, why one waits or failed."""
    opened = open_project(project)
    if watch and not as_json:
        live.follow(opened, None)
        return
    list_jobs(opened, as_json=as_json, newest=0 if everything or not is_terminal() else NEWEST)


def list_jobs(project: "Project", *, as_json: bool, newest: int = 0) -> None:
    """The list of jobs, for people or programs; `newest`: at most so many, 0 for all."""
    shown = project.summaries()
    if as_json:
        print_json([summary.as_dict() for summary in shown])
        return
    if newest and len(shown) > newest:
        print(f"{len(shown) - newest} older jobs: cryoloom ls --all")
        shown = shown[-newest:]
    rows = [
        [
            s.name,
            s.alias or s.label,
            s.protocol,
            live.state_text(s),
            live.items_text(s),
            s.made,
            live.duration(s.left_s),
            live.why_text(s),
        ]
        for s in shown
    ]
    print(
        table(["job", "alias", "protocol", "state", "items", "made", "left", "why"], rows)
        if rows
        else "No jobs yet."
    )


@click.command("show")
@job_argument
@json_option
@project_option
def show(job: str, as_json: bool, project: Path | None) -> None:
    """Show a job: parameters, inputs, outputs, failed items, what it says of itself."""
    found = open_project(project).job(job)
    details = found.show()
    if details.fault is not None:
        print(f"cryoloom: {details.fault}", file=sys.stderr)
    if as_json:
        print_json(details.as_dict())
        return
    summary, used = details.summary, details.resources
    alias = f" ({summary.alias})" if summary.alias else ""
    print(f"{found.name}{alias}: {summary.protocol}, {live.state_text(summary)}")
    if summary.why:
        print(f"  {live.why_text(summary)}")
    if details.asks:
        print(f"  {details.asks}")
    if live.items_text(summary):
        print(f"  items: {live.items_text(summary)}")
    if summary.made:
        print(f"  made: {summary.made}")
    _section("inputs", [[name, given.path, given.kind] for name, given in details.inputs.items()])
    _section(
        "outputs",
        [[n, str(o["path"]), str(o["kind"]), str(o["items"] or "")] for n, o in summary.outputs.items()],
    )
    _section("parameters", [[name, str(value)] for name, value in details.params.items()])
    print(f"used: {used.cpu_s} s of CPU, {used.peak_mb:.0f} MB of memory, {used.disk_mb} MB of disk")
    if used.gpu_mb:
        print(f"      {used.gpu_s} s of GPU time, {used.gpu_mb:.0f} MB of GPU memory")
    _section("failed", [[one.name or one.item, one.why] for one in details.failed_items])
    _section("notes", [[note] for note in live.untold(details.notes, summary)])
    if details.views:
        print(f"views: {', '.join(details.views)}  (cryoloom plot {found.name} {details.views[0]})")


def _section(title: str, rows: list[list[str]]) -> None:
    if rows:
        print(f"{title}:")
        print("\n".join("  " + line for line in table(["" for _ in rows[0]], rows).splitlines()[1:]))


@click.command("log")
@job_argument
@click.option("--follow", "-f", is_flag=True, help="Go on printing until the job has ended.")
@click.option("--events", is_flag=True, help="The journal instead of the programs' output.")
@click.option("--story", is_flag=True, help="The job's life in sentences: attempts, items, reasons.")
@json_option
@project_option
def log(job: str, follow: bool, events: bool, story: bool, as_json: bool, project: Path | None) -> None:
    """Print what a job's programs said: run.out, then run.err."""
    found = open_project(project).job(job)
    if as_json and follow:
        raise click.UsageError("--json is of what is there now; `cryoloom events --follow` gives JSON lines.")
    if as_json:
        print_json(found.log(events=events, story=story).as_dict())
        return
    for text in found.log(follow=follow, events=events, story=story):
        print(text, end="", flush=True)


@click.command("plot")
@job_argument
@click.argument(
    "view", default="", help="Which view; without it, they are listed.", shell_complete=complete_views
)
@click.option(
    "-o",
    "--out",
    type=file_path,
    help="A file: .png, .svg, .pdf, .html or .json. Without it: in the terminal.",
)
@click.option(
    "--item",
    default="",
    show_default=False,
    help="Of a view of one item: its name, a part of it (0004), its number (4), first, newest; worst where the list says so.",
)
@click.option("--iteration", type=int, help="By default the newest.")
@click.option(
    "--with",
    "other",
    metavar="JOB",
    help="One other job, whose view of that name is shown with it.",
    shell_complete=complete_jobs,
)
@click.option("--with-iteration", "other_iteration", type=int, help="Of that job, or of this one.")
@json_option
@project_option
def plot(
    job: str,
    view: str,
    out: Path | None,
    item: str,
    iteration: int | None,
    other: str | None,
    other_iteration: int | None,
    as_json: bool,
    project: Path | None,
) -> None:
    """Show a view of a job, alone or with that of another: in the terminal what that can show, or in a file."""
    found = open_project(project).job(job)
    if not view and as_json:
        print_json([one.as_dict() for one in found.views()])
        return
    if not view:
        rows = [[one.name, _asked(one), one.title] for one in found.views()]
        print(table(["view", "can be asked for", "title"], rows) if rows else found.no_views())
        return
    seen = found.plot(view, out, item=item, iteration=iteration, other=other, other_iteration=other_iteration)
    if out is not None:
        print_json({"file": str(out)}) if as_json else print(out)
        return
    declared = found.view(view)
    if as_json:
        print_json({**declared.as_dict(), **seen.as_dict()})
        return
    shown = seen.for_terminal(os.environ if is_terminal() else {})
    print(shown.text)
    print(f"{declared.help}")
    if shown.has_more:
        print(seen.save(Path(f"{found.name.replace('/', '_')}_{view}.png")))


def _asked(view: "JobView") -> str:
    """What of a view can be asked for."""
    words = []
    if view.has_items:
        words.append("--item NAME, newest" + (", worst" if view.has_worst else ""))
    if view.iterations:
        first, last = min(view.iterations), max(view.iterations)
        words.append(f"--iteration {first}" + (f" to {last}" if last != first else ""))
    return "; ".join(words)


@click.command("report")
@click.option("-o", "--out", type=file_path, default=Path("report.html"), help="A file: .html or .pdf.")
@json_option
@project_option
def report(out: Path, as_json: bool, project: Path | None) -> None:
    """Write everything about the project into one file that needs nothing else."""
    written = open_project(project).report(out)
    print_json({"file": str(written)}) if as_json else print(written)
