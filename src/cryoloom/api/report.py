"""The report: everything about a project in one HTML file that needs nothing else."""

import html
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cryoloom._version import __version__
from cryoloom.errors import CryoloomError
from cryoloom.protocol.blocks import Block
from cryoloom.views.drawing import as_html
from cryoloom.views.timeline import project_views

if TYPE_CHECKING:
    from cryoloom.api.job import Job
    from cryoloom.api.project import Project
    from cryoloom.api.summary import JobSummary

STYLE = """
:root { color-scheme: light; } body { font: 14px/1.45 system-ui, sans-serif; margin: 0 auto; max-width: 1180px;
padding: 1.5rem; color: #1c2733; background: #fff; } h1 { font-size: 1.6rem; margin: 0; }
h2 { font-size: 1.2rem; border-bottom: 2px solid #0072B2; padding-bottom: .2rem; margin-top: 2.2rem; }
h4 { margin: .2rem 0 .4rem; font-size: .95rem; } table { border-collapse: collapse; font-size: .86rem; }
td, th { padding: .18rem .6rem; border-bottom: 1px solid #dde4ea; text-align: left; vertical-align: top; }
.blocks { display: flex; flex-wrap: wrap; gap: 1.2rem; align-items: flex-start; } figure { margin: 0; max-width: 100%; }
figure img, figure svg { max-width: 100%; height: auto; } .caption { color: #5b6b79; font-size: .8rem; margin: .2rem 0; }
.succeeded { color: #00734f; } .failed, .missed { color: #b3261e; font-weight: 600; } .running { color: #0072B2; }
.quiet { color: #5b6b79; } summary { cursor: pointer; color: #0072B2; } code { font-size: .85em; overflow-wrap: anywhere; }
"""


def write_report(project: "Project", target: Path, *, extra: Sequence[Block] = (), title: str = "") -> None:
    """Write the report.

    Args:
        project: what to report on.
        target: the HTML file.
        extra: blocks to stand first, such as a comparison with the truth.
        title: by default the project's folder.
    """
    name = title or project.path.name
    parts = [
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>",
        f"<meta name='viewport' content='width=device-width'><title>{html.escape(name)} · Cryoloom</title>",
        f"<style>{STYLE}</style></head><body><h1>{html.escape(name)}</h1>",
        f"<p class='quiet'>Cryoloom {__version__}, {time.strftime('%Y-%m-%d %H:%M')}</p>",
    ]
    if extra:
        parts.append(_blocks(extra))
    jobs = project.jobs()
    parts += ["<h2>Jobs</h2>", _job_table(project), _blocks(project_views([job.entry for job in jobs]))]
    summaries = {summary.name: summary for summary in project.summaries()}
    parts += [_job(job, summaries[job.name]) for job in jobs if job.name in summaries]
    parts.append("</body></html>")
    beside = target.with_name(f".{target.name}.tmp")
    beside.write_text("\n".join(parts), encoding="utf-8")
    beside.replace(target)


def _job_table(project: "Project") -> str:
    rows = []
    for summary in project.summaries():
        items = f"{summary.done}" + (f" / {summary.total}" if summary.total is not None else "")
        failed = f", {summary.failed} failed" if summary.failed else ""
        link = f"<a href='#{summary.name}'>{summary.name}</a>"
        seconds = f"{summary.seconds:.1f} s" if summary.seconds is not None else ""
        rows.append(
            f"<tr><td>{link}</td><td>{html.escape(summary.alias or summary.label)}</td><td>{summary.protocol}</td>"
            f"<td class='{summary.state}'>{summary.state}</td><td>{items if summary.done or summary.failed else ''}{failed}"
            f"</td><td>{seconds}</td><td>{html.escape(summary.why)}</td></tr>"
        )
    head = "<tr><th>job</th><th>name</th><th>protocol</th><th>state</th><th>items</th><th>time</th><th></th></tr>"
    return f"<table>{head}{''.join(rows)}</table>"


def _job(job: "Job", summary: "JobSummary") -> str:
    name = html.escape(summary.alias or summary.label)
    head = f"<h2 id='{job.name}'>{job.name} <span class='quiet'>{job.entry.protocol} {name}</span></h2>"
    try:
        shown = _blocks(job.views())
    except (CryoloomError, OSError, ValueError) as error:
        shown = f"<p class='failed'>{html.escape(str(error))}</p>"
    try:
        details = _details(job)
    except (CryoloomError, OSError) as error:
        details = f"<p class='failed'>{html.escape(str(error))}</p>"
    return head + shown + details


def _details(job: "Job") -> str:
    params = "".join(
        f"<tr><td>{html.escape(name)}</td><td>{html.escape(str(value))}</td></tr>"
        for name, value in job.params.items()
    )
    note = job.folder / "note.txt"
    commands = html.escape(note.read_text(errors="replace")) if note.exists() else ""
    failed = "".join(
        f"<tr><td>{html.escape(name or item)}</td><td>{html.escape(why)}</td></tr>"
        for item, (name, why) in job.entry.status().history.failed.items()
    )
    lost = f"<h4>Failed items</h4><table>{failed}</table>" if failed else ""
    return (
        f"{lost}<details><summary>Parameters and commands</summary><table>{params}</table>"
        f"<pre style='white-space:pre-wrap'><code>{commands}</code></pre></details>"
    )


def _blocks(blocks: Sequence[Block]) -> str:
    return f"<div class='blocks'>{''.join(as_html(block) for block in blocks)}</div>"
